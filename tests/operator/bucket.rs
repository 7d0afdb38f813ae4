//! Buckets, as whoever a Secret of the namespace says.

use std::sync::LazyLock;

use serde_json::{Value, json};
use testbed::corpus::entry;
use testbed::object_store::S3Server;

use crate::left::{JOB, Left};
use crate::support::bucket::Bucket;
use crate::support::cluster::{NAMESPACE, RELEASE_NAMESPACE, condition};
use crate::support::operator::Options;
use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::grace_is_over;

static SERVER: LazyLock<S3Server> = LazyLock::new(|| S3Server::start().unwrap());

const SECRET: &str = "s3-credentials";
/// Must not be found anywhere outside of the Secret.
const FIRST: &str = "first-secret-5d41402abc4b2a76";
const SECOND: &str = "second-secret-b9719d911017c592";

/// A bucket with what a finished job left in it, which belongs to the tenant `owner`.
fn owned_bucket(name: &str, owner: &str) -> Bucket {
    let bucket = Bucket::of(
        &SERVER,
        name,
        &entry("2.3.0", "rocksdb-incremental").unwrap(),
    );
    SERVER.make_user(owner, FIRST).unwrap();
    SERVER.give(name, owner).unwrap();
    bucket
}

fn set_secret(cluster: &Cluster, access_key: &str, secret_key: &str) {
    cluster.apply(&json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET, "namespace": NAMESPACE},
        "stringData": {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key},
    }));
}

fn cluster() -> Cluster {
    Cluster::start_with(json!({"storageSecrets": [{"namespace": NAMESPACE, "names": [SECRET]}]}))
}

/// The endpoint is granted, no base is: what the tenant reaches is for the store to say.
fn options() -> Options {
    Options {
        administrator: json!({
            "version": 1,
            "floors": {"minAge": "1s", "gracePeriod": "1s", "settle": "1s", "clockSkew": "5s"},
            "grants": [{"namespace": NAMESPACE, "endpoints": [SERVER.endpoint()]}],
        }),
        ..Options::default()
    }
}

fn storage() -> Value {
    json!({"secretRef": {"name": SECRET}, "s3": {"endpoint": SERVER.endpoint()}})
}

fn apply_policy(cluster: &Cluster, mode: &str) {
    cluster.apply_policy("payments", &json!({"mode": mode, "storage": storage()}));
}

pub(crate) fn bytes(run: &Value, decision: &str) -> u64 {
    run["status"]["decisions"][decision]["bytes"]
        .as_u64()
        .unwrap_or_else(|| panic!("{run}"))
}

pub(crate) fn assert_succeeded(run: &Value) {
    assert_eq!(run["status"]["phase"], "Succeeded", "{run}");
}

pub(crate) fn assert_blocked(run: &Value, by: &str, part: &str) {
    assert_eq!(run["status"]["phase"], "Blocked", "{run}");
    assert_eq!(run["status"]["blockedBy"], json!([by]), "{run}");
    let complete = condition(run, "Complete")["message"].as_str().unwrap();
    assert!(complete.contains(part), "{complete}");
}

/// Neither in what the API server shows to everybody nor in the log.
fn assert_nowhere(cluster: &Cluster, operator: &OperatorProcess) {
    let kinds =
        "retentionpolicies,retentionruns,checkpointinventories,events.events.k8s.io,configmaps";
    let shown = cluster
        .control_plane
        .kubectl(["get", kinds, "-A", "-o", "yaml"])
        .unwrap();
    for text in [shown, operator.log(), operator.metrics()] {
        for secret in [FIRST, SECOND] {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None);
        }
    }
}

#[test]
fn a_bucket_is_pruned_as_its_tenant_and_a_rotated_secret_counts_without_a_restart() {
    let cluster = cluster();
    let bucket = owned_bucket("tenant", "tenant");
    let before = bucket.files();
    FlinkJob::finished("orders", JOB, &bucket.base()).apply(&cluster);
    set_secret(&cluster, "tenant", FIRST);
    // The log of everything, in which nothing may be found.
    let arguments = vec!["--log=trace,hyper_util=info,h2=info,tower=info".to_owned()];
    let operator = OperatorProcess::start(
        &cluster,
        Options {
            arguments,
            ..options()
        },
    );
    Left::wait_until_seen(&cluster);
    apply_policy(&cluster, "DryRun");
    cluster.wait("frp/payments", "condition=Ready");

    // A dry run reports, and writes nothing at all.
    let dry = cluster.run("dry", "payments", "Enforce");
    assert_succeeded(&dry);
    assert_eq!(
        bytes(&dry, "orphan"),
        bucket.truth.unreferenced_bytes,
        "{dry}"
    );
    assert_eq!(bytes(&dry, "deleted"), 0);
    assert!(bucket.journal().is_empty());
    assert_eq!(bucket.files(), before);
    let inventory = cluster.wait("ckinv/orders.flinkdeployment", "condition=Restorable");
    assert_eq!(
        inventory["status"]["latestRestorable"]["path"],
        format!("{}/{JOB}/chk-6", bucket.base()),
        "{inventory}"
    );

    // Enforced: the first run only marks, in the bucket.
    cluster.patch("frp/payments", &json!({"spec": {"mode": "Enforce"}}));
    let marking = cluster.run("marking", "payments", "Enforce");
    assert_succeeded(&marking);
    assert_eq!(bytes(&marking, "deleted"), 0);
    assert!(!bucket.journal().is_empty());
    assert_eq!(bucket.files(), before);

    // The keys are changed in the store: the old ones are worth nothing, and nothing is deleted with them.
    SERVER.change_secret("tenant", SECOND).unwrap();
    grace_is_over();
    let refused = cluster.run("old-keys", "payments", "Enforce");
    assert_blocked(
        &refused,
        "CredentialsRefused",
        "does not accept the credentials",
    );
    assert_eq!(bucket.files(), before);

    // And in the Secret: the next run has them.
    set_secret(&cluster, "tenant", SECOND);
    let deleting = cluster.run("new-keys", "payments", "Enforce");
    assert_succeeded(&deleting);
    assert_eq!(
        bytes(&deleting, "deleted"),
        bucket.truth.unreferenced_bytes,
        "{deleting}"
    );
    assert_eq!(
        bucket.files(),
        bucket.files_of_role(&["metadata", "referenced"])
    );
    cluster.wait("ckinv/orders.flinkdeployment", "condition=Restorable");
    assert_nowhere(&cluster, &operator);
    let (status, log) = operator.terminate();
    assert!(status.success(), "{log}");
}

#[test]
fn another_tenants_bucket_is_out_of_reach() {
    let cluster = cluster();
    let (own, foreign) = (
        owned_bucket("attacker", "attacker"),
        owned_bucket("victim", "victim"),
    );
    let (own_before, foreign_before) = (own.files(), foreign.files());
    // His resource says that his job's state is in the bucket of somebody else.
    FlinkJob::finished("orders", JOB, &foreign.base()).apply(&cluster);
    set_secret(&cluster, "attacker", FIRST);
    let operator = OperatorProcess::start(&cluster, options());
    Left::wait_until_seen(&cluster);
    apply_policy(&cluster, "Enforce");
    cluster.wait("frp/payments", "condition=Ready");
    for name in ["first", "second"] {
        let run = cluster.run(name, "payments", "Enforce");
        assert_blocked(&run, "StorageForbidden", "permission denied");
        grace_is_over();
    }
    assert_eq!(foreign.files(), foreign_before);
    assert!(foreign.journal().is_empty());
    assert_eq!(own.files(), own_before);
    assert_nowhere(&cluster, &operator);
}

/// What one resource says of a foreign bucket costs the tenant's other jobs nothing, and the other tenant nothing either.
#[test]
fn a_foreign_bucket_among_his_own_is_left_alone_and_named() {
    let cluster = cluster();
    let (own, foreign) = (
        owned_bucket("own", "insider"),
        owned_bucket("others", "others"),
    );
    let foreign_before = foreign.files();
    FlinkJob::finished("orders", JOB, &own.base()).apply(&cluster);
    FlinkJob::finished("spy", "000000000000000000000000000005f1", &foreign.base()).apply(&cluster);
    set_secret(&cluster, "insider", FIRST);
    let _operator = OperatorProcess::start(&cluster, options());
    Left::wait_until_seen(&cluster);
    cluster.wait(
        "ckinv/spy.flinkdeployment",
        "jsonpath={.status.ownerClass}=terminal",
    );
    apply_policy(&cluster, "Enforce");
    cluster.wait("frp/payments", "condition=Ready");
    for name in ["first", "second"] {
        let run = cluster.run(name, "payments", "Enforce");
        let complete = condition(&run, "Complete")["message"].as_str().unwrap();
        assert!(complete.contains(&foreign.base()), "{run}");
        grace_is_over();
    }
    assert_eq!(own.files(), own.files_of_role(&["metadata", "referenced"]));
    assert_eq!(foreign.files(), foreign_before);
    assert!(foreign.journal().is_empty());
}

#[test]
fn without_credentials_nothing_is_done_and_the_policy_says_what_is_needed() {
    let cluster = Cluster::start();
    let bucket = owned_bucket("nobody", "nobody");
    let before = bucket.files();
    FlinkJob::finished("orders", JOB, &bucket.base()).apply(&cluster);
    let operator = OperatorProcess::start(&cluster, options());
    Left::wait_until_seen(&cluster);

    // The chart allows no Secret by itself; whoever owns the namespace is told how to allow one.
    set_secret(&cluster, "nobody", FIRST);
    apply_policy(&cluster, "Enforce");
    let says = |reason: &str| {
        let of_ready = r#"{.status.conditions[?(@.type=="Ready")].reason}"#;
        let policy = cluster.wait("frp/payments", &format!("jsonpath={of_ready}={reason}"));
        condition(&policy, "Ready")["message"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let message = says("SecretForbidden");
    let run = cluster.run("forbidden", "payments", "Enforce");
    assert_blocked(&run, "SecretForbidden", "kubectl create role");
    // What it says is enough.
    let commands: Vec<&str> = message
        .split('`')
        .filter(|part| part.starts_with("kubectl "))
        .collect();
    assert_eq!(commands.len(), 2, "{message}");
    for command in commands {
        cluster
            .control_plane
            .kubectl(command.split(' ').skip(1))
            .unwrap();
    }
    assert!(
        message.contains(&format!("--serviceaccount={RELEASE_NAMESPACE}:")),
        "{message}"
    );
    let run = cluster.run("allowed", "payments", "DryRun");
    assert_succeeded(&run);

    // A Secret without its keys, and none at all.
    cluster.patch(
        &format!("secret/{SECRET}"),
        &json!({"data": {"AWS_SECRET_ACCESS_KEY": null}}),
    );
    let run = cluster.run("incomplete", "payments", "Enforce");
    assert_blocked(&run, "SecretIncomplete", "AWS_SECRET_ACCESS_KEY");
    cluster.delete(&format!("secret/{SECRET}"));
    let run = cluster.run("missing", "payments", "Enforce");
    assert_blocked(&run, "SecretNotFound", "There is no Secret");

    // The operator's own identity is none for a bucket, and an endpoint that nobody granted is not asked.
    cluster.apply_policy(
        "payments",
        &json!({"mode": "Enforce", "storage": {"operatorIdentity": {}}}),
    );
    says("BaseNotGranted");
    let run = cluster.run("operator", "payments", "Enforce");
    assert_blocked(&run, "BaseNotGranted", "not granted");
    let elsewhere =
        json!({"secretRef": {"name": SECRET}, "s3": {"endpoint": "https://elsewhere.example"}});
    set_secret(&cluster, "nobody", FIRST);
    cluster.delete("frp/payments");
    cluster.apply_policy(
        "payments",
        &json!({"mode": "Enforce", "storage": elsewhere}),
    );
    let run = cluster.run("elsewhere", "payments", "Enforce");
    assert_blocked(&run, "EndpointNotGranted", "is not granted");
    assert_eq!(bucket.files(), before);
    assert!(bucket.journal().is_empty());
    assert_nowhere(&cluster, &operator);
}
