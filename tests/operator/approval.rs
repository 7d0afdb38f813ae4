//! A person is asked, and what goes is what was approved and is still superfluous.

use serde_json::{Value, json};

use crate::deleting::LEDGER;
use crate::support::cluster::{NAMESPACE, condition};
use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::{BASE, Volume, deleted_files, grace_is_over, mark, slow_down, speed_up};

pub(crate) const AWAITING: &str = "jsonpath={.status.phase}=AwaitingApproval";
const NO_PLAN: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

fn complete(run: &Value) -> (&str, &str) {
    let complete = condition(run, "Complete");
    let text = |field: &str| complete[field].as_str().unwrap();
    (text("reason"), text("message"))
}

pub(crate) fn ends_with_reason(cluster: &Cluster, run: &str, phase: &str, reason: &str) -> Value {
    let run = cluster.wait(&format!("frr/{run}"), "condition=Complete");
    assert_eq!(run["status"]["phase"], phase, "{run}");
    assert_eq!(complete(&run).0, reason, "{run}");
    run
}

/// Does what the message of the run says, word for word.
pub(crate) fn approve(cluster: &Cluster, run: &Value) {
    let message = complete(run).1;
    let command = &message[message.find("kubectl ").unwrap() + "kubectl ".len()..];
    let words = command.split(' ').map(|word| word.trim_matches('\''));
    // `-n flink patch frr <name> --type merge -p <patch>`
    let words: Vec<&str> = words.take(9).collect();
    cluster.control_plane.kubectl(words).unwrap();
}

fn approve_digest(cluster: &Cluster, run: &str, digest: &str) {
    let approval = json!({"spec": {"approval": {"planDigest": digest}}});
    cluster.patch(&format!("frr/{run}"), &approval);
}

/// A run as the schedule makes it.
fn create_scheduled(cluster: &Cluster, name: &str, policy: &str) {
    let uid = cluster.get(&format!("frp/{policy}"))["metadata"]["uid"].clone();
    cluster.apply(&json!({
        "apiVersion": "flink-retention.dev/v1alpha1",
        "kind": "RetentionRun",
        "metadata": {"name": name, "namespace": NAMESPACE, "ownerReferences": [{
            "apiVersion": "flink-retention.dev/v1alpha1", "kind": "RetentionPolicy",
            "name": policy, "uid": uid, "controller": true,
        }]},
        "spec": {"policyRef": {"name": policy}, "mode": "Enforce"},
    }));
}

/// A finished job with marked and ripe orphans, under a policy that asks.
struct Asking {
    cluster: Cluster,
    volume: Volume,
    operator: OperatorProcess,
    orphans: Vec<String>,
}

impl Asking {
    fn begin(orphans: u64) -> Self {
        let (cluster, volume) = (Cluster::start(), Volume::new());
        volume.checkpoint(LEDGER, 3);
        let orphans = volume.orphans(LEDGER, orphans);
        FlinkJob::finished("ledger", LEDGER, BASE).apply(&cluster);
        let operator = OperatorProcess::start(&cluster, volume.options("first"));
        cluster.wait(
            "ckinv/ledger.flinkdeployment",
            "jsonpath={.status.ownerClass}=terminal",
        );
        mark(&cluster, "payments");
        cluster.patch("frp/payments", &json!({"spec": {"approval": "Manual"}}));
        Self {
            cluster,
            volume,
            operator,
            orphans,
        }
    }

    fn ask(&self, run: &str) -> Value {
        self.cluster.create_run(run, "payments", "Enforce");
        self.cluster.wait(&format!("frr/{run}"), AWAITING)
    }
}

#[test]
fn exactly_what_was_approved_goes_if_it_still_may() {
    let asking = Asking::begin(3);
    let Asking {
        cluster,
        volume,
        operator: _operator,
        orphans,
    } = &asking;
    let before = volume.tree();
    let asks = asking.ask("asks");
    before.assert_is(&volume.tree());
    let plan = &asks["status"]["plan"];
    let location = plan["location"].as_str().unwrap();
    let written = volume.path(location.strip_prefix(&format!("{BASE}/")).unwrap());
    assert!(written.join("000000.json").exists(), "{location}");
    assert!(asks["status"]["approvalDeadline"].is_string());
    assert!(asks["status"]["completionTime"].is_null());
    assert_eq!(asks["status"]["sample"].as_array().unwrap().len(), 3);
    let (reason, message) = complete(&asks);
    assert_eq!(reason, "AwaitingApproval");
    assert!(
        message.starts_with("3 files, 33 B can be deleted"),
        "{message}"
    );
    let waits = "jsonpath={.status.conditions[?(@.type==\"Enforcing\")].reason}=AwaitingApproval";
    cluster.wait("frp/payments", waits);

    // One more is marked and becomes ripe, and one is named by a new checkpoint.
    let late = format!("ckp/{LEDGER}/shared/000ced9e-0000-4000-8000-0000001fffff");
    volume.write(late.strip_prefix("ckp/").unwrap(), b"left behind");
    let same = asking.ask("asks-the-same");
    assert_eq!(same["status"]["plan"]["digest"], plan["digest"]);
    grace_is_over();
    volume.checkpoint_naming(LEDGER, 4, &orphans[0]);
    approve(cluster, &asks);
    let run = ends_with_reason(cluster, "asks", "Succeeded", "Succeeded");
    assert_eq!(deleted_files(&run), 2, "{run}");
    assert_eq!(volume.gone(orphans), orphans[1..]);
    assert!(volume.gone(std::slice::from_ref(&late)).is_empty());

    // A wrong digest can never become right.
    approve_digest(cluster, "asks-the-same", NO_PLAN);
    let run = ends_with_reason(cluster, "asks-the-same", "Blocked", "WrongDigest");
    let message = complete(&run).1;
    assert!(message.contains(NO_PLAN) && message.contains(plan["digest"].as_str().unwrap()));

    // A newer plan of the schedule supersedes one that nobody approved.
    let asks = asking.ask("asks-again");
    assert_ne!(asks["status"]["plan"]["digest"], plan["digest"]);
    create_scheduled(cluster, "newer", "payments");
    cluster.wait("frr/newer", AWAITING);
    let run = ends_with_reason(cluster, "asks-again", "Cancelled", "Superseded");
    assert!(complete(&run).1.contains("before newer made a newer plan"));

    cluster.patch("frr/newer", &json!({"spec": {"cancel": true}}));
    let run = ends_with_reason(cluster, "newer", "Cancelled", "Cancelled");
    assert!(complete(&run).1.contains("before it was approved"));
    assert!(volume.gone(std::slice::from_ref(&late)).is_empty());

    // Nobody need agree any more.
    cluster.patch("frp/payments", &json!({"spec": {"approval": "Automatic"}}));
    let run = cluster.run("automatic", "payments", "Enforce");
    assert_eq!(deleted_files(&run), 1, "{run}");
    assert_eq!(volume.gone(std::slice::from_ref(&late)).len(), 1);
}

#[test]
fn approvals_outlive_operators_that_are_killed() {
    let asking = Asking::begin(5000);
    slow_down(&asking.cluster, "payments");
    let asks = asking.ask("asks");
    let Asking {
        cluster,
        volume,
        operator,
        orphans,
    } = asking;
    operator.kill();
    let before = volume.tree();
    // Given while nobody works.
    approve(&cluster, &asks);
    let operator = OperatorProcess::start(&cluster, volume.options("second"));
    volume.wait_until_one_is_gone(&orphans);
    operator.kill();
    let gone = volume.gone(&orphans).len();
    assert!(
        gone < orphans.len(),
        "it was over before it could be killed"
    );
    // That it deletes is told beside the deleting, and may not have been told yet.
    let cut_off = cluster.get("frr/asks");
    let phase = cut_off["status"]["phase"].as_str().unwrap();
    assert!(["Scanning", "Deleting"].contains(&phase), "{cut_off}");
    assert_eq!(condition(&cut_off, "Complete")["status"], "False");
    assert!(cut_off["status"]["completionTime"].is_null(), "{cut_off}");

    speed_up(&cluster, "payments");
    let operator = OperatorProcess::start(&cluster, volume.options("third"));
    let run = ends_with_reason(&cluster, "asks", "Succeeded", "Succeeded");
    assert_eq!(
        run["status"]["plan"]["digest"],
        asks["status"]["plan"]["digest"],
        "{}",
        operator.log()
    );
    volume
        .tree()
        .assert_is(&before.without(orphans.iter().map(String::as_str)));
}

#[test]
fn a_directory_that_has_shrunk_stops_runs_until_a_person_agrees() {
    let (cluster, volume) = (Cluster::start(), Volume::new());
    let other = "0000000000000000000000000000000b";
    volume.checkpoint(LEDGER, 3);
    volume.checkpoint(other, 7);
    let orphans = volume.orphans(LEDGER, 2);
    FlinkJob::finished("ledger", LEDGER, BASE).apply(&cluster);
    FlinkJob::finished("orders", other, BASE).apply(&cluster);
    let _operator = OperatorProcess::start(&cluster, volume.options("first"));
    for job in ["ledger", "orders"] {
        cluster.wait(
            &format!("ckinv/{job}.flinkdeployment"),
            "jsonpath={.status.ownerClass}=terminal",
        );
    }
    cluster.apply_policy(
        "payments",
        &json!({"mode": "Enforce", "limits": {"maxReferencedShrinkPercent": 20}}),
    );
    cluster.wait("frp/payments", "condition=Ready");
    let marks = cluster.run("marks", "payments", "Enforce");
    assert_eq!(marks["status"]["phase"], "Succeeded", "{marks}");
    grace_is_over();

    // A rule of the bucket, say, has removed the only checkpoint of the other job.
    std::fs::remove_file(volume.path(&format!("{other}/chk-7/_metadata"))).unwrap();
    let before = volume.tree();
    let shrunk = cluster.run("shrunk", "payments", "Enforce");
    assert_eq!(shrunk["status"]["phase"], "Blocked", "{shrunk}");
    let message = complete(&shrunk).1;
    for part in [
        "file:/data/ckp has shrunk: snapshots reference 38 B now and 76 B at the last completed run, in 1 and 2 places",
        "the limit is 20 %",
        "which also lets 2 files, 22 B go",
    ] {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
    let first = shrunk["status"]["blockedBy"][0].as_str().unwrap();
    assert!(first.starts_with("ReferencedShrank: "), "{first}");
    let again = cluster.run("shrunk-again", "payments", "Enforce");
    assert_eq!(again["status"]["phase"], "Blocked", "{again}");
    volume.tree().assert_is(&before);

    approve(&cluster, &shrunk);
    let accepted = cluster.wait("frr/shrunk", "jsonpath={.status.phase}=Succeeded");
    assert_eq!(deleted_files(&accepted), 2, "{accepted}");
    volume
        .tree()
        .assert_is(&before.without(orphans.iter().map(String::as_str)));
    let next = cluster.run("next", "payments", "Enforce");
    assert_eq!(next["status"]["phase"], "Succeeded", "{next}");
}
