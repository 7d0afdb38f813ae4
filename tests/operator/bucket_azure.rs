//! Containers of Azure Storage, as whoever a Secret of the namespace says.

use std::sync::LazyLock;

use serde_json::{Value, json};
use testbed::corpus::entry;
use testbed::object_store::{AzureServer, Keeps};

use crate::bucket::{assert_blocked, assert_succeeded, bytes};
use crate::left::{JOB, Left};
use crate::support::bucket::Bucket;
use crate::support::cluster::NAMESPACE;
use crate::support::operator::Options;
use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::grace_is_over;

static SERVER: LazyLock<AzureServer> =
    LazyLock::new(|| AzureServer::start(Keeps::InMemory).unwrap());

const SECRET: &str = "azure-credentials";
/// Of nobody.
const OTHER_KEY: &str = "NWQ0MTQwMmFiYzRiMmE3Ng==";

/// As who may everything.
fn credentials() -> Value {
    json!({
        "AZURE_STORAGE_ACCOUNT_NAME": AzureServer::ACCOUNT,
        "AZURE_STORAGE_ACCOUNT_KEY": SERVER.key(),
    })
}

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
    let storage = json!({"secretRef": {"name": SECRET}, "azure": {"endpoint": endpoint}});
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
        let is_shown = |line: &&str| {
            // Must not be found anywhere outside of the Secret.
            line.contains(SERVER.key()) || line.contains(OTHER_KEY) || line.contains("printed-sig")
        };
        assert_eq!(text.lines().find(is_shown), None);
    }
}

#[test]
fn a_container_is_pruned_with_the_key_of_its_tenant() {
    let cluster = cluster();
    let bucket = bucket("tenant");
    let before = bucket.files();
    FlinkJob::finished("orders", JOB, &bucket.base()).apply(&cluster);
    let mut others = credentials();
    others["AZURE_STORAGE_ACCOUNT_KEY"] = json!(OTHER_KEY);
    set_secret(&cluster, &others);
    let operator = OperatorProcess::start(&cluster, options());
    Left::wait_until_seen(&cluster);
    apply_policy(&cluster, &SERVER.endpoint());
    cluster.wait("frp/payments", "condition=Ready");
    let refused = cluster.run("with-another-key", "payments", "Enforce");
    assert_blocked(
        &refused,
        "CredentialsRefused",
        "does not accept the credentials",
    );

    // A new value counts from the next run on.
    set_secret(&cluster, &credentials());

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
        &json!({"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": OTHER_KEY}),
    );
    let operator = OperatorProcess::start(&cluster, options());
    Left::wait_until_seen(&cluster);
    apply_policy(&cluster, &SERVER.endpoint());
    let run = cluster.run("keys-for-s3", "payments", "Enforce");
    assert_blocked(&run, "BaseUnreachable", "AZURE_STORAGE_ACCOUNT_NAME");

    // What he knows of his own account is told no other one, whatever a job says.
    let mut others = credentials();
    others["AZURE_STORAGE_ACCOUNT_NAME"] = json!("another1");
    cluster.delete(&format!("secret/{SECRET}"));
    set_secret(&cluster, &others);
    let run = cluster.run("another-account", "payments", "Enforce");
    assert_blocked(&run, "BaseUnreachable", "of that very account");

    // A signature becomes a part of each question, so it must be nothing else.
    cluster.delete(&format!("secret/{SECRET}"));
    let signature = json!({
        "AZURE_STORAGE_ACCOUNT_NAME": AzureServer::ACCOUNT,
        "AZURE_STORAGE_SAS_TOKEN": "prefix=other&sig=printed-sig",
    });
    set_secret(&cluster, &signature);
    let run = cluster.run("a-question", "payments", "Enforce");
    assert_blocked(&run, "SecretIncomplete", "no shared access signature");

    cluster.delete(&format!("secret/{SECRET}"));
    set_secret(&cluster, &credentials());
    apply_policy(&cluster, "https://elsewhere.example");
    let run = cluster.run("elsewhere", "payments", "Enforce");
    assert_blocked(&run, "EndpointNotGranted", "is not granted");
    assert_eq!(bucket.files(), before);
    assert!(bucket.journal().is_empty());
    assert_nowhere(&cluster, &operator);
}
