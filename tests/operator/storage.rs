//! From a dry run to deleted files, on a directory that real Flink left behind.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use testbed::corpus::{self, Times, Tree as Capture};

use crate::support::cluster::condition;
use crate::support::operator::Options;
use crate::support::{Cluster, FlinkJob, OperatorProcess, Tree};

const JOB: &str = "e33771b473a0b5535570e12532237ddb";
/// Runs until the grace period of a second must be over: each takes a part of one.
const RUNS: usize = 100;

/// A finished job's directory, as Flink 2.3.0 left it.
struct Left {
    directory: TempDir,
    root: String,
    unreferenced: Vec<String>,
    unreferenced_bytes: u64,
}

impl Left {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let entry = corpus::entry("2.3.0", "rocksdb-incremental").unwrap();
        let times = Times::OlderBy(Duration::from_secs(3600));
        let truth = entry
            .materialize(Capture::Left, directory.path(), times)
            .unwrap();
        let unreferenced = truth
            .tree_files
            .iter()
            .filter(|file| file.role == "unreferenced");
        Self {
            unreferenced: unreferenced.map(|file| file.path.clone()).collect(),
            unreferenced_bytes: truth.unreferenced_bytes,
            root: truth.root,
            directory,
        }
    }

    fn base(&self) -> String {
        format!("file:{}/ckp", self.root)
    }

    fn path(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    fn options(&self) -> Options {
        Options::with_volume(&self.root, self.directory.path())
    }
}

fn bytes(run: &Value, decision: &str) -> u64 {
    run["status"]["decisions"][decision]["bytes"]
        .as_u64()
        .unwrap()
}

#[test]
fn a_dry_run_deletes_nothing_and_enforce_deletes_what_no_snapshot_names() {
    let (cluster, left) = (Cluster::start(), Left::new());
    FlinkJob::finished("orders", JOB, &left.base()).apply(&cluster);
    let before = Tree::read(&left.path());
    let mut operator = OperatorProcess::start(&cluster, left.options());
    cluster.wait(
        "ckinv/orders.flinkdeployment",
        "jsonpath={.status.ownerClass}=terminal",
    );
    cluster.apply_policy("payments", &json!({}));
    cluster.wait("frp/payments", "condition=Ready");

    // A dry run reports, and writes nothing at all.
    let dry = cluster.run("dry", "payments", "Enforce");
    assert_eq!(dry["status"]["phase"], "Succeeded", "{dry}");
    assert_eq!(dry["status"]["trigger"], "Manual");
    assert_eq!(bytes(&dry, "orphan"), left.unreferenced_bytes, "{dry}");
    assert_eq!(bytes(&dry, "deleted"), 0);
    let complete = condition(&dry, "Complete")["message"].as_str().unwrap();
    assert!(
        complete.contains("the mode of the policy is DryRun"),
        "{complete}"
    );
    assert!(!left.path().join("ckp/.flink-retention").exists());
    Tree::read(&left.path()).assert_is(&before);
    let inventory = cluster.wait("ckinv/orders.flinkdeployment", "condition=Restorable");
    let latest = &inventory["status"]["latestRestorable"];
    assert_eq!(
        latest["path"],
        format!("{}/{JOB}/chk-6", left.base()),
        "{inventory}"
    );
    assert_eq!(
        inventory["status"]["storage"]["orphaned"]["bytes"],
        left.unreferenced_bytes
    );
    let policy = cluster.wait("frp/payments", "jsonpath={.status.lastRun.name}=dry");
    assert_eq!(
        policy["status"]["lastRun"]["wouldDeleteBytes"], left.unreferenced_bytes,
        "{policy}"
    );
    assert_eq!(condition(&policy, "Enforcing")["reason"], "DryRun");

    // Enforced: the first run only marks.
    cluster.patch("frp/payments", &json!({"spec": {"mode": "Enforce"}}));
    let marking = cluster.run("enforce-0", "payments", "Enforce");
    assert_eq!(marking["status"]["phase"], "Succeeded", "{marking}");
    assert_eq!(bytes(&marking, "deleted"), 0);
    assert!(left.path().join("ckp/.flink-retention").is_dir());
    Tree::read(&left.path()).assert_is(&before);

    // After the grace period they go, and nothing else.
    let deleted: u64 = (1..RUNS)
        .map(|number| {
            bytes(
                &cluster.run(&format!("enforce-{number}"), "payments", "Enforce"),
                "deleted",
            )
        })
        .find(|&deleted| deleted > 0)
        .expect("nothing was deleted in many runs");
    assert_eq!(deleted, left.unreferenced_bytes);
    Tree::read(&left.path())
        .assert_is(&before.without(left.unreferenced.iter().map(String::as_str)));
    operator.wait_for_metric(
        r#"flink_retention_deleted_bytes_total{namespace="flink",policy="payments"}"#,
        |value| value.to_string() == left.unreferenced_bytes.to_string(),
    );
    let restorable =
        r#"flink_retention_job_restorable{kind="FlinkDeployment",name="orders",namespace="flink"}"#;
    operator.wait_for_metric(restorable, |value| value > 0.5);
    let orphaned = r#"flink_retention_job_storage_bytes{class="orphaned",kind="FlinkDeployment",name="orders",namespace="flink"}"#;
    operator.wait_for_metric(orphaned, |value| value < 0.5);
    let (status, log) = operator.terminate();
    assert!(status.success(), "{log}");
}

#[test]
fn without_a_grant_nothing_is_looked_at_and_the_policy_says_what_is_needed() {
    let (cluster, left) = (Cluster::start(), Left::new());
    FlinkJob::finished("orders", JOB, &left.base()).apply(&cluster);
    let before = Tree::read(&left.path());
    let operator = OperatorProcess::start(
        &cluster,
        Options {
            administrator: json!({"version": 1}),
            ..left.options()
        },
    );
    cluster.wait(
        "ckinv/orders.flinkdeployment",
        "jsonpath={.status.ownerClass}=terminal",
    );
    cluster.apply_policy("payments", &json!({"mode": "Enforce"}));
    let policy = cluster.wait("frp/payments", "condition=Ready=False");
    assert_eq!(
        condition(&policy, "Ready")["reason"],
        "BaseNotGranted",
        "{policy}"
    );
    let needed = format!(
        "grants: [{{namespace: flink, bases: [{{location: {}}}]}}]",
        left.base()
    );
    assert!(
        condition(&policy, "Ready")["message"]
            .as_str()
            .unwrap()
            .contains(&needed),
        "{policy}"
    );
    let run = cluster.run("refused", "payments", "Enforce");
    assert_eq!(run["status"]["phase"], "Blocked", "{run}");
    assert_eq!(run["status"]["blockedBy"], json!(["BaseNotGranted"]));

    // The administrator grants it; nobody restarts anything.
    operator.set_administrator(&left.options().administrator);
    let run = cluster.run("granted", "payments", "DryRun");
    assert_eq!(run["status"]["phase"], "Succeeded", "{run}");
    assert_eq!(bytes(&run, "orphan"), left.unreferenced_bytes);
    Tree::read(&left.path()).assert_is(&before);
}
