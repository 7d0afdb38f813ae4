//! The real API server, and tokens of everybody who might try.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use testbed::control_plane::ControlPlane;
use wire::Refused;

use super::{AUDIENCE, admit};
use crate::operator::workers::awaited::{Awaited, AwaitedJob};

struct Stage {
    control_plane: ControlPlane,
    client: Client,
    awaited: Awaited,
}

impl Stage {
    async fn new() -> Self {
        let control_plane = ControlPlane::start().unwrap();
        for namespace in ["flink", "other"] {
            control_plane
                .kubectl(["create", "namespace", namespace])
                .unwrap();
            control_plane
                .kubectl(["create", "serviceaccount", "jobs", "-n", namespace])
                .unwrap();
        }
        let kubeconfig = Kubeconfig::read_from(control_plane.kubeconfig_for_admin()).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .unwrap();
        Self {
            control_plane,
            client: Client::try_from(config).unwrap(),
            awaited: Awaited::default(),
        }
    }

    fn apply(&self, object: &Value) -> String {
        self.control_plane.apply(&object.to_string()).unwrap();
        let (kind, name) = (&object["kind"], &object["metadata"]["name"]);
        let (kind, name) = (kind.as_str().unwrap(), name.as_str().unwrap());
        let namespace = object["metadata"]["namespace"].as_str().unwrap();
        self.control_plane
            .kubectl([
                "get",
                kind,
                name,
                "-n",
                namespace,
                "-o",
                "jsonpath={.metadata.uid}",
            ])
            .unwrap()
    }

    /// A Job without a controller that would act on it.
    fn job(&self, namespace: &str, name: &str) -> AwaitedJob {
        let template = json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}]}});
        let uid = self.apply(&json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"template": template},
        }));
        AwaitedJob {
            namespace: namespace.to_owned(),
            uid,
        }
    }

    /// A pod of this owner; its uid.
    fn pod(&self, namespace: &str, name: &str, job: Option<(&str, &AwaitedJob)>) -> String {
        let owners: Vec<Value> = job
            .iter()
            .map(|(name, job)| json!({"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job.uid, "controller": true}))
            .collect();
        self.apply(&json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "ownerReferences": owners},
            "spec": {"serviceAccountName": "jobs", "containers": [{"name": "a", "image": "a"}]},
        }))
    }

    fn token(&self, namespace: &str, audience: &str, pod: Option<(&str, &str)>) -> String {
        let mut arguments = vec![
            "create".to_owned(),
            "token".to_owned(),
            "jobs".to_owned(),
            format!("--namespace={namespace}"),
            format!("--audience={audience}"),
        ];
        if let Some((name, uid)) = pod {
            arguments.extend([
                "--bound-object-kind=Pod".to_owned(),
                format!("--bound-object-name={name}"),
                format!("--bound-object-uid={uid}"),
            ]);
        }
        self.control_plane
            .kubectl(arguments)
            .unwrap()
            .trim()
            .to_owned()
    }

    async fn admitted(&self, token: &str) -> Result<AwaitedJob, Refused> {
        admit(&self.client, &self.awaited, token.to_owned()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_pod_of_the_awaited_job_is_let_in() {
    let stage = Stage::new().await;
    let job = stage.job("flink", "run");
    let ours = stage.pod("flink", "run-x", Some(("run", &job)));
    let token = stage.token("flink", AUDIENCE, Some(("run-x", &ours)));

    // Nobody waits yet.
    assert_eq!(stage.admitted(&token).await, Err(Refused::NotAwaited));
    let waiting = stage.awaited.wait_for(job.clone());
    assert_eq!(stage.admitted(&token).await, Ok(job.clone()));

    // Of the same pod, but for somebody else: the API server, or another operator.
    for audience in ["https://kubernetes.default.svc", "workers.example.com"] {
        let token = stage.token("flink", audience, Some(("run-x", &ours)));
        assert_eq!(
            stage.admitted(&token).await,
            Err(Refused::Unauthenticated),
            "{audience}"
        );
    }
    // Of the service account, but of no pod.
    let unbound = stage.token("flink", AUDIENCE, None);
    assert_eq!(
        stage.admitted(&unbound).await,
        Err(Refused::Unauthenticated)
    );
    // Of the same service account in another pod, and in the pod of another Job.
    let other_job = stage.job("flink", "other-run");
    for (name, owner) in [
        ("plain", None),
        ("other-run-x", Some(("other-run", &other_job))),
    ] {
        let uid = stage.pod("flink", name, owner);
        let token = stage.token("flink", AUDIENCE, Some((name, &uid)));
        assert_eq!(
            stage.admitted(&token).await,
            Err(Refused::NotAwaited),
            "{name}"
        );
    }
    // Of another namespace, whose pod claims the Job as its owner.
    let uid = stage.pod("other", "run-x", Some(("run", &job)));
    let foreign = stage.token("other", AUDIENCE, Some(("run-x", &uid)));
    assert_eq!(stage.admitted(&foreign).await, Err(Refused::NotAwaited));
    let elsewhere = stage.job("other", "run");
    let also_waiting = stage.awaited.wait_for(elsewhere);
    assert_eq!(stage.admitted(&foreign).await, Err(Refused::NotAwaited));
    drop(also_waiting);
    // Made up.
    for made_up in ["", "x", "a.b.c", &token[..token.len() - 4]] {
        assert_eq!(
            stage.admitted(made_up).await,
            Err(Refused::Unauthenticated),
            "{made_up}"
        );
    }

    // The pod is gone, and another has its name.
    stage
        .control_plane
        .kubectl([
            "delete",
            "pod",
            "run-x",
            "-n",
            "flink",
            "--force",
            "--grace-period=0",
        ])
        .unwrap();
    // The API server may remember for a moment that the token was good; the pod is looked for afresh.
    let is_refused = |admitted| {
        matches!(
            admitted,
            Err(Refused::Unauthenticated | Refused::NotAwaited)
        )
    };
    assert!(is_refused(stage.admitted(&token).await));
    let again = stage.pod("flink", "run-x", Some(("run", &job)));
    assert!(is_refused(stage.admitted(&token).await));
    let token = stage.token("flink", AUDIENCE, Some(("run-x", &again)));
    assert_eq!(stage.admitted(&token).await, Ok(job));
    // Nobody waits any more.
    drop(waiting);
    assert_eq!(stage.admitted(&token).await, Err(Refused::NotAwaited));

    // The API server cannot be asked: nobody is let in meanwhile.
    let _waiting = stage.awaited.wait_for(stage.job("flink", "last"));
    stage.control_plane.stop_api_server();
    assert_eq!(stage.admitted(&token).await, Err(Refused::Later));
}
