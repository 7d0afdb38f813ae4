//! A pin that names nothing keeps nothing: that is told.

use serde_json::{Value, json};

use crate::deleting::LEDGER;
use crate::support::cluster::{NAMESPACE, condition};
use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::{BASE, Volume};

#[test]
fn a_pin_that_names_nothing_and_a_directory_that_is_not_there_are_told() {
    let (cluster, volume) = (Cluster::start(), Volume::new());
    volume.checkpoint(LEDGER, 3);
    FlinkJob::finished("ledger", LEDGER, BASE).apply(&cluster);
    let mut operator = OperatorProcess::start(&cluster, volume.options("operator"));
    cluster.wait(
        "ckinv/ledger.flinkdeployment",
        "jsonpath={.status.ownerClass}=terminal",
    );
    let (right, wrong) = (
        format!("{BASE}/{LEDGER}/chk-3"),
        format!("{BASE}/savepoint-0ced9e-0123456789ab"),
    );
    let pinned = |pins: &[&String]| json!({"savepoints": {"keepLast": 1, "pinned": pins}});
    cluster.apply_policy("payments", &pinned(&[&right, &wrong]));
    cluster.wait("frp/payments", "condition=Ready");
    let told = cluster.run("looks", "payments", "DryRun");
    let message = |object: &Value| {
        let condition = condition(object, "PinNotFound");
        condition["message"].as_str().unwrap().to_owned()
    };
    assert!(
        message(&told).contains(&wrong) && !message(&told).contains(&right),
        "{told}"
    );
    let policy = cluster.wait("frp/payments", "condition=PinNotFound");
    assert!(message(&policy).contains(&wrong), "{policy}");
    let success = "flink_retention_last_success_timestamp_seconds";
    let looked = operator.wait_for_metric(success, |at| at > 0.0);

    cluster.apply_policy("payments", &pinned(&[&right]));
    cluster.run("looks-again", "payments", "DryRun");
    cluster.wait("frp/payments", "condition=PinNotFound=False");

    // The directory was never made, or its volume is not mounted; and the run goes when its time is over, though its
    // policy is gone.
    std::fs::rename(volume.path(""), volume.path("../elsewhere")).unwrap();
    let before = operator.value(success);
    assert!(before >= looked);
    let run = cluster.run("finds-nothing", "payments", "DryRun");
    assert_eq!(run["status"]["phase"], "Succeeded");
    let complete = condition(&run, "Complete")["message"].as_str().unwrap();
    let why =
        format!("{BASE} does not exist: Flink has not made it yet, or the volume is not mounted");
    assert!(complete.contains(&why), "{complete}");
    assert!((operator.value(success) - before).abs() < f64::EPSILON);

    cluster.apply(&json!({
        "apiVersion": "flink-retention.dev/v1alpha1",
        "kind": "RetentionRun",
        "metadata": {"name": "short-lived", "namespace": NAMESPACE},
        "spec": {"policyRef": {"name": "nowhere"}, "ttlSecondsAfterFinished": 2},
    }));
    let gone = [
        "wait",
        "frr/short-lived",
        "-n",
        NAMESPACE,
        "--for=delete",
        "--timeout=300s",
    ];
    cluster.control_plane.kubectl(gone).unwrap();
}
