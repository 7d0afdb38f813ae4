//! The operator asks for exactly what the chart lets it do: a right that it lacks is a refused request here, and one that it
//! does not need is never used.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::cluster::{NAMESPACE, RELEASE_NAMESPACE};
use crate::support::helm::Manifests;
use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::{BASE, Volume, mark};

const SERVICE_ACCOUNT: &str = "test-flink-retention-operator";
const LEDGER: &str = "000000000000000000000000000ced9e";
const ORDERS: &str = "0000000000000000000000000000000d";
/// Far more than a scheduled run may be away.
const LIMIT: Duration = Duration::from_mins(4);
const POLL: Duration = Duration::from_millis(200);

/// `verb resource.group`
type Right = String;

fn right(verb: &str, resource: &str, group: &str) -> Right {
    format!("{verb} {resource}.{group}")
}

/// Of the roles that are bound.
fn granted(manifests: &Manifests) -> BTreeSet<Right> {
    let texts = |value: &Value| serde_json::from_value::<Vec<String>>(value.clone()).unwrap();
    let bound: BTreeSet<String> = manifests
        .all("ClusterRoleBinding")
        .chain(manifests.all("RoleBinding"))
        .map(|binding| binding["roleRef"]["name"].to_string())
        .collect();
    let roles = manifests.all("ClusterRole").chain(manifests.all("Role"));
    let mut granted = BTreeSet::new();
    for role in roles.filter(|role| bound.contains(&role["metadata"]["name"].to_string())) {
        for rule in role["rules"].as_array().unwrap() {
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    let verbs = texts(&rule["verbs"]);
                    granted.extend(verbs.iter().map(|verb| right(verb, &resource, &group)));
                }
            }
        }
    }
    granted
}

/// What it has asked for. Panics if it was ever refused.
fn used(cluster: &Cluster) -> BTreeSet<Right> {
    let requests = cluster
        .control_plane
        .requests_of(RELEASE_NAMESPACE, SERVICE_ACCOUNT)
        .unwrap();
    let requests = requests
        .iter()
        .inspect(|request| assert_ne!(request.code, 403, "it may not: {request:?}"));
    requests
        .map(|request| right(&request.verb, &request.resource, &request.group))
        .collect()
}

fn wait_until_used(cluster: &Cluster, wanted: &BTreeSet<Right>) {
    let begun = Instant::now();
    loop {
        let used = used(cluster);
        let missing: Vec<&Right> = wanted.difference(&used).collect();
        if missing.is_empty() {
            return;
        }
        assert!(
            begun.elapsed() < LIMIT,
            "granted and never used: {missing:#?}"
        );
        std::thread::sleep(POLL);
    }
}

/// All that it does, once.
fn tour(cluster: &Cluster, volume: &Volume) {
    for (name, id) in [("ledger", LEDGER), ("orders", ORDERS)] {
        volume.checkpoint(id, 3);
        volume.orphans(id, 2);
        FlinkJob::finished(name, id, BASE).apply(cluster);
        cluster.wait(
            &format!("ckinv/{name}.flinkdeployment"),
            "jsonpath={.status.ownerClass}=terminal",
        );
    }
    // Marks, deletes, is deleted itself when its time is over.
    mark(cluster, "payments");
    cluster.run("deletes", "payments", "Enforce");
    cluster.apply(&json!({
        "apiVersion": "flink-retention.dev/v1alpha1",
        "kind": "RetentionRun",
        "metadata": {"name": "short-lived", "namespace": NAMESPACE},
        "spec": {"policyRef": {"name": "payments"}, "ttlSecondsAfterFinished": 0},
    }));
    // A job that may run, with high availability, whose JobManager does not answer.
    FlinkJob {
        state: "RUNNING".to_owned(),
        ..FlinkJob::finished("orders", ORDERS, BASE)
    }
    .apply(cluster);
    cluster.wait(
        "ckinv/orders.flinkdeployment",
        "condition=JobManagerReachable=False",
    );
    // One that is gone.
    cluster.delete("flinkdep/ledger");
    cluster.wait(
        "ckinv/ledger.flinkdeployment",
        "condition=ResourcePresent=False",
    );
    // Its schedule makes runs; it has credentials of its own; and it is not ready, is, and is not again: the same event twice.
    let nobody = json!({"matchLabels": {"team": "none"}});
    let often = json!({"selector": nobody, "schedule": "* * * * *"});
    cluster.apply_policy("often", &often);
    let storage = json!({"secretRef": {"name": "s3-credentials"}});
    let tenant =
        |roots: &Value| json!({"selector": nobody, "storage": storage, "additionalRoots": roots});
    for (roots, ready) in [
        (json!(["file:/elsewhere"]), "False"),
        (json!([]), "True"),
        (json!(["file:/elsewhere"]), "False"),
    ] {
        cluster.apply_policy("tenant", &tenant(&roots));
        cluster.wait("frp/tenant", &format!("condition=Ready={ready}"));
    }
}

#[test]
fn the_operator_needs_each_of_its_rights_and_no_other() {
    let secrets =
        json!({"storageSecrets": [{"namespace": NAMESPACE, "names": ["s3-credentials"]}]});
    let (cluster, volume) = (Cluster::start_with(secrets), Volume::new());
    cluster.apply(&json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s3-credentials", "namespace": NAMESPACE},
        "stringData": {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
    }));
    let mut operator = OperatorProcess::start(&cluster, volume.options("operator"));
    operator.wait_until_leading();
    tour(&cluster, &volume);

    // To apply what does not exist yet asks for two rights by one request.
    let applied = right("create", "checkpointinventories", "flink-retention.dev");
    let mut wanted = granted(&cluster.render(&json!({})));
    assert!(wanted.remove(&applied), "{wanted:#?}");
    wait_until_used(&cluster, &wanted);
    let more: Vec<Right> = used(&cluster).difference(&wanted).cloned().collect();
    assert_eq!(
        more, [""; 0],
        "what everybody may do is no matter of the chart"
    );
    drop(operator);

    let inventory = json!({
        "apiVersion": "flink-retention.dev/v1alpha1",
        "kind": "CheckpointInventory",
        "metadata": {"name": "new.flinkdeployment", "namespace": NAMESPACE},
        "spec": {"jobRef": {"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "name": "new"}},
    });
    let file = cluster.control_plane.root().join("inventory.yaml");
    std::fs::write(&file, inventory.to_string()).unwrap();
    let apply = || {
        let arguments = [
            "apply",
            "--server-side",
            "--dry-run=server",
            "-f",
            file.to_str().unwrap(),
        ];
        cluster
            .control_plane
            .kubectl_as(RELEASE_NAMESPACE, SERVICE_ACCOUNT, arguments)
    };
    apply().unwrap();
    let manifests = cluster.render(&json!({}));
    let mut roles = manifests.all("ClusterRole");
    let mut role = roles
        .find(|role| role.to_string().contains("checkpointinventories/status"))
        .unwrap()
        .clone();
    for rule in role["rules"].as_array_mut().unwrap() {
        if rule["resources"] == json!(["checkpointinventories"]) {
            rule["verbs"] = json!(["list", "watch", "patch"]);
        }
    }
    cluster.apply(&role);
    let refused = apply().unwrap_err().to_string();
    assert!(refused.contains("cannot create"), "{refused}");
}
