//! A job whose volume the operator does not reach.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use testbed::process::Process;

use crate::support::operator::Options;
use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::{BASE, Volume, until};

pub(super) const JOB: &str = "000000000000000000000000000ced9e";
pub(super) const CLAIM: &str = "state";
pub(super) const AUDIENCE: &str = "workers.flink-retention.dev";
const RUN_UID: &str = "flink-retention.dev/run-uid";
/// Far more than anything takes, on the slowest machine.
const LIMIT: Duration = Duration::from_mins(5);

pub(super) struct Stage {
    pub(super) operator: OperatorProcess,
    pub(super) cluster: Cluster,
    pub(super) volume: Volume,
    pub(super) orphans: Vec<String>,
}

/// A worker as a process.
pub(super) struct WorkerProcess {
    process: Process,
    _directory: TempDir,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self::with(20, &["--worker-start-timeout=2m"])
    }

    pub(super) fn with(orphans: u64, arguments: &[&str]) -> Self {
        let cluster =
            Cluster::start_with(json!({"workers": {"enabled": true, "namespaces": ["flink"]}}));
        let volume = Volume::new();
        volume.checkpoint(JOB, 3);
        let orphans = volume.orphans(JOB, orphans);
        cluster.apply(&json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "flink", "namespace": "flink"},
        }));
        apply_claim(&cluster, CLAIM, "ReadWriteOnce");
        ledger().apply(&cluster);
        let operator = OperatorProcess::start(&cluster, options("first", arguments));
        cluster.wait(
            "ckinv/ledger.flinkdeployment",
            "jsonpath={.status.ownerClass}=terminal",
        );
        Self {
            operator,
            cluster,
            volume,
            orphans,
        }
    }

    /// A policy of the tenant, to whom the administrator has granted no directory.
    pub(super) fn apply_policy(&self, changes: &Value) {
        let mut all = json!({"storage": {"worker": {}}});
        let fields = all.as_object_mut().unwrap();
        fields.extend(changes.as_object().unwrap().clone());
        self.cluster.apply_policy("payments", &all);
    }

    /// Lets a run mark everything, and waits until the grace period is over.
    pub(super) fn mark(&self) {
        self.apply_policy(&json!({"mode": "Enforce"}));
        self.cluster.wait("frp/payments", "condition=Ready");
        self.cluster.create_run("marks", "payments", "Enforce");
        let (_, worker) = self.start_worker();
        let marks = self.cluster.wait("frr/marks", "condition=Complete");
        assert_eq!(
            marks["status"]["phase"],
            "Succeeded",
            "{marks}\n{}",
            worker.log()
        );
        self.wait_until_no_job();
        crate::volume::grace_is_over();
    }

    /// The Job that a run has made, and its worker.
    pub(super) fn start_worker(&self) -> (Value, WorkerProcess) {
        let job = self.wait_for_job();
        let pod = self.apply_pod_of(&job);
        let token = self.token("flink", AUDIENCE, Some(&pod));
        let worker = self.start_worker_with(&job, &token);
        (job, worker)
    }

    pub(super) fn jobs(&self) -> Vec<Value> {
        let text = self
            .cluster
            .control_plane
            .kubectl(["get", "jobs", "-n", "flink", "-o", "json"])
            .unwrap();
        let list: Value = serde_json::from_str(&text).unwrap();
        list["items"].as_array().unwrap().clone()
    }

    pub(super) fn wait_for_job(&self) -> Value {
        until("the Job of a worker", || self.jobs().pop())
    }

    pub(super) fn wait_until_no_job(&self) {
        until("the Job of a worker to go", || {
            self.jobs().is_empty().then_some(())
        });
    }

    /// What the Job controller does; its name and uid.
    pub(super) fn apply_pod_of(&self, job: &Value) -> (String, String) {
        let name = format!("{}-pod", job["metadata"]["name"].as_str().unwrap());
        let owner = json!({
            "apiVersion": "batch/v1", "kind": "Job", "controller": true,
            "name": job["metadata"]["name"], "uid": job["metadata"]["uid"],
        });
        let template = &job["spec"]["template"];
        self.apply_pod(
            "flink",
            &name,
            &json!([owner]),
            &template["metadata"]["labels"],
            &template["spec"],
        )
    }

    /// A pod; its name and uid.
    pub(super) fn apply_pod(
        &self,
        namespace: &str,
        name: &str,
        owners: &Value,
        labels: &Value,
        spec: &Value,
    ) -> (String, String) {
        self.cluster.apply(&json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "ownerReferences": owners, "labels": labels},
            "spec": spec,
        }));
        let uid = self
            .cluster
            .control_plane
            .kubectl([
                "get",
                "pod",
                name,
                "-n",
                namespace,
                "-o",
                "jsonpath={.metadata.uid}",
            ])
            .unwrap();
        (name.to_owned(), uid)
    }

    /// A token of the service account `flink`, as a kubelet gets it for a pod.
    pub(super) fn token(
        &self,
        namespace: &str,
        audience: &str,
        pod: Option<&(String, String)>,
    ) -> String {
        let mut arguments = vec![
            "create".to_owned(),
            "token".to_owned(),
            "flink".to_owned(),
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
        let token = self.cluster.control_plane.kubectl(arguments).unwrap();
        token.trim().to_owned()
    }

    /// What a kubelet does, with the volume of this test in the place of the claim.
    pub(super) fn start_worker_with(&self, job: &Value, token: &str) -> WorkerProcess {
        start_worker(job, token, self.volume.root())
    }
}

pub(super) fn start_worker(job: &Value, token: &str, volume: &Path) -> WorkerProcess {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    fs::write(&file, token).unwrap();
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    let mut command = Command::new(env!("CARGO_BIN_EXE_flink-retention"));
    for argument in container["args"].as_array().unwrap() {
        let argument = argument.as_str().unwrap();
        command.arg(
            argument
                .replace("=/volumes/data", &format!("={}", volume.display()))
                .replace("=/token/token", &format!("={}", file.display())),
        );
    }
    for variable in container["env"].as_array().unwrap() {
        command.env(
            variable["name"].as_str().unwrap(),
            variable["value"].as_str().unwrap(),
        );
    }
    command.env("RUST_LOG", "info");
    let log = directory.path().join("log");
    WorkerProcess {
        process: Process::spawn("worker", &mut command, &log).unwrap(),
        _directory: directory,
    }
}

impl WorkerProcess {
    pub(super) fn ended(&mut self) -> ExitStatus {
        let status = self.process.wait(LIMIT).unwrap();
        status.unwrap_or_else(|| panic!("the worker does not end:\n{}", self.log()))
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.process.log()).unwrap_or_default()
    }
}

pub(super) fn run_uid(job: &Value) -> &Value {
    &job["spec"]["template"]["metadata"]["labels"][RUN_UID]
}

/// An operator that mounts nothing, and a tenant to whom nothing is granted but that workers may delete.
pub(super) fn options(name: &str, arguments: &[&str]) -> Options {
    let mut options = Options {
        name: name.to_owned(),
        administrator: json!({
            "version": 1,
            "floors": {"minAge": "1s", "gracePeriod": "1s", "deletedJobs": "1s", "unrestorable": "1s", "settle": "1s", "clockSkew": "1s"},
            "grants": [{"namespace": "flink", "workersMayDelete": true}],
        }),
        ..Options::default()
    };
    let arguments = arguments.iter().map(|&argument| argument.to_owned());
    options.arguments.extend(arguments);
    options
}

pub(super) fn apply_claim(cluster: &Cluster, name: &str, access: &str) {
    cluster.apply(&json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "flink"},
        "spec": {"accessModes": [access], "resources": {"requests": {"storage": "1Gi"}}},
    }));
}

/// A job that is over, and that mounted the claim.
pub(super) fn ledger() -> FlinkJob {
    FlinkJob {
        pod_template: Some(template(CLAIM)),
        ..FlinkJob::finished("ledger", JOB, BASE)
    }
}

pub(super) fn template(claim: &str) -> Value {
    json!({"spec": {
        "securityContext": {"fsGroup": 777},
        "serviceAccountName": "flink",
        "containers": [{
            "name": "flink-main-container",
            "image": "flink",
            "volumeMounts": [{"name": "state", "mountPath": "/data"}],
        }],
        "volumes": [{"name": "state", "persistentVolumeClaim": {"claimName": claim}}],
    }})
}
