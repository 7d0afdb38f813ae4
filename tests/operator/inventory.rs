//! Every Flink resource is recorded from the first start, without storage and without a policy.

use serde_json::json;

use crate::support::cluster::condition;
use crate::support::operator::Options;
use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::{BASE, Volume};

const FIRST: &str = "0000000000000000000000000000000a";
const SECOND: &str = "0000000000000000000000000000000b";
const THIRD: &str = "0000000000000000000000000000000c";
const INVENTORY: &str = "ckinv/orders.flinkdeployment";

/// An index beyond the end would be an error, not a reason to wait.
fn recorded_id(id: &str) -> String {
    format!("jsonpath={{.spec.lineage[?(@.jobId==\"{id}\")].jobId}}={id}")
}

#[test]
fn the_lineage_survives_upgrades_deletion_and_new_leaders() {
    let cluster = Cluster::start();
    let job = FlinkJob {
        state: "RUNNING".to_owned(),
        ..FlinkJob::finished("orders", FIRST, "s3://state/orders")
    };
    job.apply(&cluster);
    let mut operator = OperatorProcess::start(&cluster, Options::default());

    let recorded = cluster.wait(INVENTORY, &recorded_id(FIRST));
    assert_eq!(recorded["spec"]["jobRef"]["name"], "orders");
    assert_eq!(recorded["spec"]["lastLabels"], json!({"team": "payments"}));
    assert_eq!(recorded["spec"]["bases"], json!(["s3://state/orders"]));
    assert!(
        recorded["metadata"]["ownerReferences"].is_null()
            && recorded["metadata"]["labels"].is_null()
    );
    assert!(recorded["metadata"]["finalizers"].is_null());
    let said = cluster.wait(INVENTORY, "condition=Restorable=Unknown");
    assert_eq!(said["status"]["ownerClass"], "running");
    assert_eq!(condition(&said, "JobManagerReachable")["status"], "False");
    operator.wait_for_metric(
        r#"flink_retention_observations_total{result="success"}"#,
        |count| count >= 1.0,
    );

    // An upgrade.
    FlinkJob {
        job_id: SECOND.to_owned(),
        ..job.clone()
    }
    .apply(&cluster);
    cluster.wait(INVENTORY, &recorded_id(SECOND));

    // Deleted: the record stays, and says so.
    cluster.delete("flinkdep/orders");
    let gone = cluster.wait(INVENTORY, "condition=ResourcePresent=False");
    assert_eq!(gone["spec"]["lineage"].as_array().unwrap().len(), 2);

    // Made anew while nobody looked, and seen by another process.
    operator.kill();
    FlinkJob {
        job_id: THIRD.to_owned(),
        base: "s3://state/orders-2".to_owned(),
        ..job
    }
    .apply(&cluster);
    let _next = OperatorProcess::start(
        &cluster,
        Options {
            name: "operator-1".to_owned(),
            ..Options::default()
        },
    );
    let again = cluster.wait(INVENTORY, &recorded_id(THIRD));
    assert_eq!(
        again["spec"]["bases"],
        json!(["s3://state/orders", "s3://state/orders-2"])
    );
    let uids: Vec<_> = again["spec"]["lineage"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["uid"].clone())
        .collect();
    assert_eq!(uids[0], uids[1]);
    assert_ne!(uids[1], uids[2]);
    cluster.wait(INVENTORY, "condition=ResourcePresent");
}

#[test]
fn an_object_that_cannot_be_read_does_not_keep_others_from_being_seen() {
    let cluster = Cluster::start();
    cluster.apply(&json!({
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": "broken", "namespace": "flink"},
        "spec": {"job": {"initialSavepointPath": ["not", "text"]}},
    }));
    FlinkJob::finished("orders", FIRST, "s3://state/orders").apply(&cluster);
    let _operator = OperatorProcess::start(&cluster, Options::default());
    cluster.wait(INVENTORY, &recorded_id(FIRST));
}

#[test]
fn with_roles_in_some_namespaces_it_works_there_and_nowhere_else() {
    let cluster = Cluster::start_with(json!({"watchNamespaces": ["flink"]}));
    FlinkJob::finished("orders", FIRST, "s3://state/orders").apply(&cluster);
    let mut operator = OperatorProcess::start(&cluster, Options::default());
    cluster.wait(INVENTORY, "jsonpath={.status.ownerClass}=terminal");
    cluster.apply_policy("payments", &json!({}));
    cluster.wait("frp/payments", "condition=Ready=False");
    let run = cluster.run("by-hand", "payments", "DryRun");
    assert_eq!(
        run["status"]["blockedBy"],
        json!(["BaseNotGranted"]),
        "{run}"
    );
    operator.wait_for_metric(r#"flink_retention_runs_total{result="Blocked"}"#, |count| {
        count > 0.5
    });
    let log = operator.log();
    assert!(!log.contains("forbidden"), "{log}");
}

#[test]
fn whoever_sees_that_a_run_is_complete_sees_in_the_inventory_what_it_found() {
    let (cluster, volume) = (Cluster::start(), Volume::new());
    volume.checkpoint(FIRST, 3);
    FlinkJob::finished("orders", FIRST, BASE).apply(&cluster);
    let _operator = OperatorProcess::start(&cluster, volume.options("operator"));
    cluster.wait(INVENTORY, "jsonpath={.status.ownerClass}=terminal");
    cluster.apply_policy("payments", &json!({}));
    cluster.wait("frp/payments", "condition=Ready");
    for number in 4..7 {
        volume.checkpoint(FIRST, number);
        cluster.run(&format!("run-{number}"), "payments", "DryRun");
        // Without waiting for anything.
        let inventory = cluster.get(INVENTORY);
        let latest = &inventory["status"]["latestRestorable"];
        assert_eq!(latest["checkpointId"], number, "{inventory}");
        assert_eq!(condition(&inventory, "Restorable")["reason"], "Verified");
    }
}
