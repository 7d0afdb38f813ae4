//! A hundred policies on twenty buckets, one of which hangs: the others go on.

use std::fs::File;
use std::time::{Duration, SystemTime};

use futures::{StreamExt, stream};
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams,
};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use storage::Storage;
use testbed::object_store::{ACCESS_KEY, S3Server, SECRET_KEY};
use testbed::proxy::Weather;
use testbed::snapshot::SnapshotFile;

use crate::outage::{SECRET, options, set_secret};
use crate::support::bucket::Server;
use crate::support::cluster::{NAMESPACE, condition};
use crate::support::operator::Options;
use crate::support::{Cluster, OperatorProcess};
use crate::volume::{deleted_files, grace_is_over, until};

const BUCKETS: usize = 20;
const POLICIES: usize = 100;
const HUNG: usize = 7;
const HUNG_BUCKET: &str = " /bucket-07";
/// Of the test, not of the thing: a machine that does ten other things still gets there.
const LIMIT: &str = "--timeout=1200s";

fn bucket(policy: usize) -> usize {
    policy % BUCKETS
}

fn bucket_name(bucket: usize) -> String {
    format!("bucket-{bucket:02}")
}

fn job_id(policy: usize) -> String {
    // Many jobs may have had the one of zeros only.
    format!("{:032x}", policy + 1)
}

fn base(policy: usize) -> String {
    format!("s3://{}/team-{policy:02}", bucket_name(bucket(policy)))
}

fn uuid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// For each policy a job that is over, with a checkpoint and a file that nobody names.
async fn fill(server: &S3Server) {
    for number in 0..BUCKETS {
        server.make_bucket(&bucket_name(number)).unwrap();
    }
    for policy in 0..POLICIES {
        let name = bucket_name(bucket(policy));
        let team = format!("team-{policy:02}");
        let store = server.open(&name, &team.parse().unwrap());
        let job = job_id(policy);
        let snapshot = SnapshotFile {
            checkpoint_id: 1,
            shared: vec![(format!("{}/{job}/shared/{}", base(policy), uuid(1)), 6)],
            exclusive: Vec::new(),
        };
        for (path, bytes) in [
            (format!("{job}/shared/{}", uuid(1)), b"needed".to_vec()),
            (format!("{job}/shared/{}", uuid(2)), b"left behind".to_vec()),
            (format!("{job}/chk-1/_metadata"), snapshot.to_bytes()),
        ] {
            let key = path.parse().unwrap();
            store.replace(&key, bytes.into()).await.unwrap();
            let stored = server.directory(&name).join(&team).join(path);
            let stored = File::options().write(true).open(stored).unwrap();
            let old = SystemTime::now() - Duration::from_hours(1);
            stored.set_modified(old).unwrap();
        }
    }
}

async fn make_jobs(cluster: &Cluster) {
    let kubeconfig = Kubeconfig::read_from(cluster.control_plane.kubeconfig_for_admin()).unwrap();
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options);
    let client = Client::try_from(config.await.unwrap()).unwrap();
    let kind = GroupVersionKind::gvk("flink.apache.org", "v1beta1", "FlinkDeployment");
    let api: Api<DynamicObject> =
        Api::namespaced_with(client, NAMESPACE, &ApiResource::from_gvk(&kind));
    let made = stream::iter(0..POLICIES).map(|policy| make_job(&api, policy));
    made.buffer_unordered(8).collect::<Vec<()>>().await;
}

async fn make_job(api: &Api<DynamicObject>, policy: usize) {
    let name = format!("job-{policy:02}");
    let spec = json!({
        "flinkVersion": "v2_1",
        "flinkConfiguration": {"execution.checkpointing.dir": base(policy)},
        "job": {"state": "running", "upgradeMode": "last-state", "jarURI": "local:///job.jar"},
    });
    let object = json!({
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"team": format!("team-{policy:02}")}},
        "spec": spec,
    });
    let object = serde_json::from_value(object).unwrap();
    let created = api.create(&PostParams::default(), &object).await.unwrap();
    let deployed = json!({
        "spec": spec,
        "resource_metadata": {"apiVersion": "flink.apache.org/v1beta1", "firstDeployment": false},
    });
    let status = json!({"status": {
        "observedGeneration": created.metadata.generation,
        "lifecycleState": "STABLE",
        "jobManagerDeploymentStatus": "MISSING",
        "jobStatus": {"jobId": job_id(policy), "state": "FINISHED"},
        "reconciliationStatus": {"state": "DEPLOYED", "lastReconciledSpec": deployed.to_string()},
    }});
    let patch = Patch::Merge(&status);
    let written = api
        .patch_status(&name, &PatchParams::default(), &patch)
        .await;
    written.unwrap();
}

fn make_policies(cluster: &Cluster, endpoint: &str) {
    let policy = |policy: usize| {
        json!({
            "apiVersion": "flink-retention.dev/v1alpha1",
            "kind": "RetentionPolicy",
            "metadata": {"name": format!("team-{policy:02}"), "namespace": NAMESPACE},
            "spec": {
                "selector": {"matchLabels": {"team": format!("team-{policy:02}")}},
                "schedule": "0 0 29 2 *",
                "mode": "Enforce",
                "orphans": {"minAge": "1s", "gracePeriod": "1s"},
                "storage": {"secretRef": {"name": SECRET}, "s3": {"endpoint": endpoint}},
            },
        })
    };
    apply_all(cluster, (0..POLICIES).map(policy));
}

fn apply_all(cluster: &Cluster, objects: impl Iterator<Item = Value>) {
    let documents: Vec<String> = objects.map(|object| object.to_string()).collect();
    cluster
        .control_plane
        .apply(&documents.join("\n---\n"))
        .unwrap();
}

/// One run of each of these policies, all at once; waits for all of them.
fn run(
    cluster: &Cluster,
    round: &str,
    policies: impl Iterator<Item = usize> + Clone,
) -> Vec<Value> {
    let name = |policy: usize| format!("{round}-{policy:02}");
    let object = |policy: usize| {
        json!({
            "apiVersion": "flink-retention.dev/v1alpha1",
            "kind": "RetentionRun",
            "metadata": {"name": name(policy), "namespace": NAMESPACE},
            "spec": {"policyRef": {"name": format!("team-{policy:02}")}, "mode": "Enforce"},
        })
    };
    apply_all(cluster, policies.clone().map(object));
    let runs: Vec<String> = policies
        .map(|policy| format!("frr/{}", name(policy)))
        .collect();
    let mut wait = vec!["wait", "-n", NAMESPACE, "--for=condition=Complete", LIMIT];
    wait.extend(runs.iter().map(String::as_str));
    cluster.control_plane.kubectl(wait).unwrap();
    let mut get = vec!["get", "-n", NAMESPACE, "-o", "json"];
    get.extend(runs.iter().map(String::as_str));
    let text = cluster.control_plane.kubectl(get).unwrap();
    let got: Value = serde_json::from_str(&text).unwrap();
    // One by its name comes without a list.
    got["items"].as_array().cloned().unwrap_or(vec![got])
}

fn assert_succeeded(run: &Value) {
    assert_eq!(run["status"]["phase"], "Succeeded", "{run}");
}

#[test]
fn of_a_hundred_policies_those_of_a_bucket_that_hangs_say_so_and_the_others_go_on() {
    let server = S3Server::start().unwrap();
    let proxy = server.proxy().unwrap();
    let cluster = Cluster::start_with(
        json!({"runsAtOnce": 4, "storageSecrets": [{"namespace": NAMESPACE, "names": [SECRET]}]}),
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        fill(&server).await;
        make_jobs(&cluster).await;
    });
    let credentials = json!({"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY});
    set_secret(&cluster, &credentials);
    let mut operator = Options {
        // Nobody answers there, and at once: how fast this machine finds a hundred unknown hosts is not the question.
        rest_url: Some("http://127.0.0.1:1".to_owned()),
        ..options(&proxy.endpoint(), &["--storage-timeout=10s"])
    };
    // Each run asks for a look at all jobs, and that is enough of them.
    let is_of_looks = |argument: &String| argument.starts_with("--observe-interval");
    operator.arguments.retain(|argument| !is_of_looks(argument));
    let operator = OperatorProcess::start(&cluster, operator);
    until("every job to be seen at its end", || {
        let classes = [
            "get",
            "ckinv",
            "-n",
            NAMESPACE,
            "-o",
            "jsonpath={.items[*].status.ownerClass}",
        ];
        let classes = cluster.control_plane.kubectl(classes).unwrap();
        let over = classes.split(' ').filter(|class| *class == "terminal");
        (over.count() == POLICIES).then_some(())
    });
    make_policies(&cluster, &proxy.endpoint());

    proxy.set(Weather::Silent {
        requests: HUNG_BUCKET,
    });
    // Of the bucket that hangs all policies, and of each other bucket one.
    let policies = (0..POLICIES).filter(|&policy| bucket(policy) == HUNG || policy < BUCKETS);
    let runs = run(&cluster, "hung", policies.clone());
    for (policy, run) in policies.zip(&runs) {
        assert_eq!(run["metadata"]["name"], format!("hung-{policy:02}"));
        if bucket(policy) == HUNG {
            assert_eq!(run["status"]["phase"], "Failed", "{run}");
            let message = condition(run, "Complete")["message"].as_str().unwrap();
            assert!(message.contains("has not answered"), "{message}");
            assert!(message.contains(&base(policy)), "{message}");
        } else {
            assert_succeeded(run);
        }
    }
    // They marked, and now they delete: some show it.
    grace_is_over();
    for run in run(&cluster, "deleting", 0..4) {
        assert_succeeded(&run);
        assert_eq!(deleted_files(&run), 1, "{run}\n{}", operator.log());
    }
    // The bucket is back, and so are its policies, without a restart, a minute later.
    proxy.set(Weather::Fair);
    let mut round = 0;
    until("the bucket to be asked again, and the file to go", || {
        round += 1;
        let runs = run(&cluster, &format!("back-{round}"), HUNG..=HUNG);
        let deleted: u64 = runs.iter().map(deleted_files).sum();
        (deleted == 1).then_some(())
    });
}
