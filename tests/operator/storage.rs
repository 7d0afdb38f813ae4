//! From a dry run to deleted files, on a directory that real Flink left behind.

use serde_json::{Value, json};

use crate::left::{JOB, Left};
use crate::support::cluster::condition;
use crate::support::operator::Options;
use crate::support::{Cluster, FlinkJob, OperatorProcess, Tree};

/// Runs until the grace period of a second must be over: each takes a part of one.
const RUNS: usize = 100;

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
    Left::wait_until_seen(&cluster);
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
    Left::wait_until_seen(&cluster);
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

/// Marks everything, then lets a run begin to delete. Gives the tree before.
fn until_it_deletes(cluster: &Cluster, left: &Left) -> Tree {
    FlinkJob::finished("orders", JOB, &left.base()).apply(cluster);
    Left::wait_until_seen(cluster);
    cluster.apply_policy("payments", &json!({"mode": "Enforce"}));
    cluster.wait("frp/payments", "condition=Ready");
    let before = Tree::read(&left.path());
    let marked = cluster.run("marking", "payments", "Enforce");
    assert_eq!(bytes(&marked, "deleted"), 0, "{marked}");
    // The next run deletes, if the grace period of a second is over by then.
    crate::volume::grace_is_over();
    crate::volume::slow_down(cluster, "payments");
    cluster.create_run("deleting", "payments", "Enforce");
    cluster.wait("frr/deleting", "jsonpath={.status.phase}=Deleting");
    before
}

fn rest_after_the_next_one(cluster: &Cluster, left: &Left, before: Tree) {
    let interrupted = Tree::read(&left.path());
    crate::volume::speed_up(cluster, "payments");
    let _next = OperatorProcess::start(
        cluster,
        Options {
            name: "operator-1".to_owned(),
            ..left.options()
        },
    );
    let run = cluster.wait("frr/deleting", "condition=Complete");
    assert_eq!(run["status"]["phase"], "Succeeded", "{run}");
    let rest = before.without(left.unreferenced.iter().map(String::as_str));
    assert!(
        interrupted.0.len() > rest.0.len(),
        "it was over before it could be stopped"
    );
    Tree::read(&left.path()).assert_is(&rest);
    cluster.wait("ckinv/orders.flinkdeployment", "condition=Restorable");
}

#[test]
fn a_process_that_loses_its_lease_while_it_deletes_stops_at_once() {
    let (cluster, left) = (Cluster::start(), Left::new().with_many_orphans());
    let mut operator = OperatorProcess::start(&cluster, left.options());
    let before = until_it_deletes(&cluster, &left);
    let taken = r#"{"spec":{"holderIdentity":"somebody-else"}}"#;
    let lease = [
        "patch",
        "lease",
        "test-flink-retention-operator",
        "-n=operators",
        "--type=merge",
        "-p",
        taken,
    ];
    cluster.control_plane.kubectl(lease).unwrap();
    let (status, _) = operator.end();
    assert!(!status.success());
    // It writes nothing any more: the next one finds the run as it was.
    assert_eq!(cluster.get("frr/deleting")["status"]["phase"], "Deleting");
    rest_after_the_next_one(&cluster, &left, before);
}

#[test]
fn a_savepoint_directory_that_nobody_has_made_yet_stops_nothing() {
    let (cluster, left) = (Cluster::start(), Left::new());
    let job = FlinkJob::finished("orders", JOB, &left.base());
    job.apply(&cluster);
    let savepoints = format!("{}/none-yet", left.base().strip_suffix("/ckp").unwrap());
    let configuration = json!({"execution.checkpointing.dir": left.base(), "execution.checkpointing.savepoint-dir": savepoints});
    cluster.patch(
        "flinkdep/orders",
        &json!({"spec": {"flinkConfiguration": configuration}}),
    );
    cluster.patch_status("flinkdep/orders", &json!({"observedGeneration": 2}));
    let _operator = OperatorProcess::start(&cluster, left.options());
    Left::wait_until_seen(&cluster);
    cluster.apply_policy("payments", &json!({"mode": "Enforce"}));
    let ready = cluster.wait("frp/payments", "condition=Ready");
    assert_eq!(
        condition(&ready, "Ready")["message"],
        "1 job, 2 bases reachable"
    );
    let run = cluster.run("marks", "payments", "Enforce");
    assert_eq!(run["status"]["phase"], "Succeeded", "{run}");
    assert_eq!(bytes(&run, "orphan"), left.unreferenced_bytes);
    assert!(!left.path().join("none-yet").exists());
}
