//! Buckets of Google Cloud Storage, as whoever a Secret of the namespace says. The server lets in everybody; whom it would
//! refuse is for `crates/storage/tests/gcs_faults.rs`.

use std::sync::LazyLock;

use serde_json::{Value, json};
use testbed::corpus::entry;
use testbed::object_store::{GcsServer, Keeps};

use crate::bucket::{assert_blocked, assert_succeeded, bytes};
use crate::left::{JOB, Left};
use crate::support::bucket::Bucket;
use crate::support::cluster::NAMESPACE;
use crate::support::operator::Options;
use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::grace_is_over;

static SERVER: LazyLock<GcsServer> = LazyLock::new(|| GcsServer::start(Keeps::OnDisk).unwrap());

const SECRET: &str = "gcs-credentials";
/// Must not be found anywhere outside of the Secret.
const TOKEN: &str = "ya29.token-5d41402abc4b2a76";

fn bucket(name: &str) -> Bucket {
    let left = entry("2.3.0", "rocksdb-incremental").unwrap();
    Bucket::of(&SERVER, name, &left)
}

fn cluster() -> Cluster {
    Cluster::start_with(json!({"storageSecrets": [{"namespace": NAMESPACE, "names": [SECRET]}]}))
}

fn set_secret(cluster: &Cluster, values: &Value) {
    cluster.apply(&json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET, "namespace": NAMESPACE},
        "stringData": values,
    }));
}

/// The endpoint is granted, no base is: what the tenant reaches is for the store to say.
fn options() -> Options {
    Options {
        administrator: json!({
            "version": 1,
            "floors": {"minAge": "1s", "gracePeriod": "1s", "settle": "1s", "clockSkew": "5s"},
            "grants": [{"namespace": NAMESPACE, "endpoints": [SERVER.endpoint()]}],
        }),
        // The log of everything, in which nothing may be found.
        arguments: vec!["--log=trace,hyper_util=info,h2=info,tower=info".to_owned()],
        ..Options::default()
    }
}

fn apply_policy(cluster: &Cluster, endpoint: &str) {
    let storage = json!({"secretRef": {"name": SECRET}, "gcs": {"endpoint": endpoint}});
    cluster.apply_policy("payments", &json!({"mode": "Enforce", "storage": storage}));
}

fn assert_nowhere(cluster: &Cluster, operator: &OperatorProcess) {
    let kinds =
        "retentionpolicies,retentionruns,checkpointinventories,events.events.k8s.io,configmaps";
    let shown = cluster
        .control_plane
        .kubectl(["get", kinds, "-A", "-o", "yaml"])
        .unwrap();
    for text in [shown, operator.log(), operator.metrics()] {
        let line = text.lines().find(|line| line.contains(TOKEN));
        assert_eq!(line, None);
    }
}

#[test]
fn a_bucket_is_pruned_with_the_token_of_its_tenant() {
    let cluster = cluster();
    let bucket = bucket("tenant");
    let before = bucket.files();
    FlinkJob::finished("orders", JOB, &bucket.base()).apply(&cluster);
    set_secret(&cluster, &json!({"GOOGLE_OAUTH_ACCESS_TOKEN": TOKEN}));
    let operator = OperatorProcess::start(&cluster, options());
    Left::wait_until_seen(&cluster);
    apply_policy(&cluster, &SERVER.endpoint());
    cluster.wait("frp/payments", "condition=Ready");

    let dry = cluster.run("dry", "payments", "DryRun");
    assert_succeeded(&dry);
    let garbage = bucket.truth.unreferenced_bytes;
    assert_eq!(bytes(&dry, "orphan"), garbage, "{dry}");
    assert!(bucket.journal().is_empty());

    let marking = cluster.run("marking", "payments", "Enforce");
    assert_succeeded(&marking);
    assert_eq!(bytes(&marking, "deleted"), 0);
    assert!(!bucket.journal().is_empty());
    assert_eq!(bucket.files(), before);

    grace_is_over();
    let deleting = cluster.run("deleting", "payments", "Enforce");
    assert_succeeded(&deleting);
    assert_eq!(bytes(&deleting, "deleted"), garbage, "{deleting}");
    let kept = bucket.files_of_role(&["metadata", "referenced"]);
    assert_eq!(bucket.files(), kept);
    cluster.wait("ckinv/orders.flinkdeployment", "condition=Restorable");
    assert_nowhere(&cluster, &operator);
    let (status, log) = operator.terminate();
    assert!(status.success(), "{log}");
}

/// No other identity, and no address that nobody granted: not even where the Secret would be good for it.
#[test]
fn without_what_is_needed_nothing_is_asked() {
    let cluster = cluster();
    let bucket = bucket("nobody");
    let before = bucket.files();
    FlinkJob::finished("orders", JOB, &bucket.base()).apply(&cluster);
    set_secret(
        &cluster,
        &json!({"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": TOKEN}),
    );
    let operator = OperatorProcess::start(&cluster, options());
    Left::wait_until_seen(&cluster);
    apply_policy(&cluster, &SERVER.endpoint());
    let run = cluster.run("keys-for-s3", "payments", "Enforce");
    assert_blocked(&run, "BaseUnreachable", "GOOGLE_SERVICE_ACCOUNT_KEY");

    // A user's credentials name an address that would be asked for a token.
    cluster.delete(&format!("secret/{SECRET}"));
    let user = json!({"type": "authorized_user", "refresh_token": TOKEN}).to_string();
    set_secret(&cluster, &json!({"GOOGLE_SERVICE_ACCOUNT_KEY": user}));
    let run = cluster.run("a-user", "payments", "Enforce");
    assert_blocked(&run, "SecretIncomplete", "authorized_user");

    cluster.delete(&format!("secret/{SECRET}"));
    set_secret(&cluster, &json!({"GOOGLE_OAUTH_ACCESS_TOKEN": TOKEN}));
    apply_policy(&cluster, "https://elsewhere.example");
    let run = cluster.run("elsewhere", "payments", "Enforce");
    assert_blocked(&run, "EndpointNotGranted", "is not granted");
    assert_eq!(bucket.files(), before);
    assert!(bucket.journal().is_empty());
    assert_nowhere(&cluster, &operator);
}
