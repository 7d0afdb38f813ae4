//! What cannot be understood protects, and status says why.

use serde_json::{Value, json};

use crate::left::{JOB, Left};
use crate::support::cluster::condition;
use crate::support::{Cluster, FlinkJob, OperatorProcess, Tree};

const RESTORABLE: &str =
    r#"flink_retention_job_restorable{kind="FlinkDeployment",name="orders",namespace="flink"}"#;

fn guard<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let guards = object["status"]["protectedBy"].as_array()?;
    guards.iter().find(|guard| guard["guard"] == name)
}

#[test]
fn a_torn_snapshot_protects_all_that_it_may_have_named() {
    let (cluster, left) = (Cluster::start(), Left::new());
    let torn = left.path().join(format!("ckp/{JOB}/chk-5/_metadata"));
    let whole = std::fs::read(&torn).unwrap();
    std::fs::write(&torn, &whole[..whole.len() / 2]).unwrap();
    let before = Tree::read(&left.path());
    FlinkJob::finished("orders", JOB, &left.base()).apply(&cluster);
    let mut operator = OperatorProcess::start(&cluster, left.options());
    Left::wait_until_seen(&cluster);
    cluster.apply_policy("payments", &json!({"mode": "Enforce"}));
    cluster.wait("frp/payments", "condition=Ready");
    for number in 0..4 {
        let run = cluster.run(&format!("run-{number}"), "payments", "Enforce");
        assert_eq!(run["status"]["decisions"]["orphan"]["bytes"], 0, "{run}");
        // Beside them what the torn one alone had named.
        let protected = run["status"]["decisions"]["protected"]["bytes"]
            .as_u64()
            .unwrap();
        assert!(protected > left.unreferenced_bytes, "{run}");
        let guard = guard(&run, "unreadable-snapshot").expect("the run names its guard");
        assert!(
            guard["message"].as_str().unwrap().contains("chk-5"),
            "{guard}"
        );
    }
    Tree::read(&left.path()).assert_is(&before);
    // The half that is left was written last, so it is the newest: an older one is no reason to say yes.
    let inventory = cluster.wait("ckinv/orders.flinkdeployment", "condition=Restorable=False");
    let restorable = condition(&inventory, "Restorable");
    assert_eq!(restorable["reason"], "NewestUnreadable", "{restorable}");
    let why = restorable["message"].as_str().unwrap();
    assert!(why.contains("chk-5 is unreadable: "), "{why}");
    let status = &inventory["status"];
    assert_eq!(status["snapshots"]["notRestorable"], 1, "{status}");
    let latest = status["latestRestorable"]["path"].as_str().unwrap();
    assert!(latest.ends_with("chk-6") && why.contains(latest), "{why}");
    operator.wait_for_metric(RESTORABLE, |value| value < 0.5);
    assert!(
        guard(&inventory, "unreadable-snapshot").is_some(),
        "{inventory}"
    );
    operator.wait_for_metric(
        r#"flink_retention_guard_hits_total{guard="unreadable-snapshot"}"#,
        |hits| hits > 0.5,
    );
}

#[test]
fn a_missing_file_of_the_newest_snapshot_is_told() {
    let (cluster, left) = (Cluster::start(), Left::new());
    let shared = left.path().join(format!("ckp/{JOB}/chk-6"));
    let data = std::fs::read_dir(&shared)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let lost = data
        .into_iter()
        .find(|path| path.file_name().is_some_and(|name| name != "_metadata"))
        .unwrap();
    std::fs::remove_file(&lost).unwrap();
    FlinkJob::finished("orders", JOB, &left.base()).apply(&cluster);
    let mut operator = OperatorProcess::start(&cluster, left.options());
    Left::wait_until_seen(&cluster);
    cluster.apply_policy("payments", &json!({}));
    cluster.wait("frp/payments", "condition=Ready");
    cluster.run("look", "payments", "DryRun");
    let inventory = cluster.wait("ckinv/orders.flinkdeployment", "condition=Restorable=False");
    let latest = &inventory["status"]["latestRestorable"]["path"];
    assert_eq!(
        latest,
        &json!(format!("{}/{JOB}/chk-5", left.base())),
        "{inventory}"
    );
    operator.wait_for_metric(RESTORABLE, |value| value < 0.5);
    let missing = r#"flink_retention_job_missing_files{kind="FlinkDeployment",name="orders",namespace="flink"}"#;
    operator.wait_for_metric(missing, |value| value > 0.5);
    let policy = cluster.wait("frp/payments", "jsonpath={.status.jobs.notRestorable}=1");
    assert_eq!(policy["status"]["jobs"]["selected"], 1);
}
