//! What the administrator has not allowed is not looked at, and the policy says what he would have to write.

use serde_json::{Value, json};

use crate::support::cluster::condition;
use crate::support::operator::Options;
use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::{BASE, Volume, deleted_files, mark};

const LEDGER: &str = "000000000000000000000000000ced9e";
const FAR: &str = "000000000000000000000000000000fa";
const ELSEWHERE: &str = "file:/elsewhere/ckp";

fn enforcing(cluster: &Cluster, policy: &str, reason: &str) -> Value {
    let of_type = r#"{.status.conditions[?(@.type=="Enforcing")].reason}"#;
    cluster.wait(
        &format!("frp/{policy}"),
        &format!("jsonpath={of_type}={reason}"),
    )
}

#[test]
fn the_administrators_file_can_stop_everything_and_broken_it_allows_nothing_new() {
    let (cluster, volume) = (Cluster::start(), Volume::new());
    volume.checkpoint(LEDGER, 3);
    let orphans = volume.orphans(LEDGER, 2);
    let before = volume.tree();
    FlinkJob::finished("ledger", LEDGER, BASE).apply(&cluster);
    let good = volume.options("operator").administrator;
    let valid = "flink_retention_administrator_file_valid";

    // Broken from the start: nothing is granted.
    let mut operator = OperatorProcess::start(
        &cluster,
        Options {
            administrator: json!({"version": 9, "grants": good["grants"]}),
            ..volume.options("operator")
        },
    );
    operator.wait_for_metric(valid, |valid| valid < 0.5);
    cluster.wait(
        "ckinv/ledger.flinkdeployment",
        "jsonpath={.status.ownerClass}=terminal",
    );
    cluster.apply_policy("payments", &json!({"mode": "Enforce"}));
    let policy = cluster.wait("frp/payments", "condition=Ready=False");
    assert_eq!(condition(&policy, "Ready")["reason"], "BaseNotGranted");
    let run = cluster.run("nothing-granted", "payments", "Enforce");
    assert_eq!(run["status"]["phase"], "Blocked", "{run}");
    assert_eq!(run["status"]["blockedBy"], json!(["BaseNotGranted"]));
    assert!(operator.log().contains("has version 9"));

    // Repaired, then paused, then broken: nobody knows what it would say.
    operator.set_administrator(&good);
    operator.wait_for_metric(valid, |valid| valid > 0.5);
    cluster.wait("frp/payments", "condition=Ready");
    mark(&cluster, "payments");
    let mut paused = good.clone();
    paused["paused"] = json!(true);
    let broken = json!({"version": "one"});
    for (case, file, reason, why) in [
        (
            "paused",
            paused,
            "PausedByAdministrator",
            "the administrator has paused all deleting",
        ),
        ("good-again", good.clone(), "", ""),
        (
            "broken",
            broken,
            "AdministratorFileUnusable",
            "the administrator's file cannot be used",
        ),
    ] {
        operator.set_administrator(&file);
        if reason.is_empty() {
            operator.wait_for_metric(valid, |valid| valid > 0.5);
            continue;
        }
        let run = cluster.run(case, "payments", "Enforce");
        assert_eq!(run["status"]["phase"], "Succeeded", "{run}");
        assert_eq!(deleted_files(&run), 0, "{run}");
        let message = condition(&run, "Complete")["message"].as_str().unwrap();
        assert!(message.contains(why), "{message}");
        volume.tree().assert_is(&before);
        let policy = enforcing(&cluster, "payments", reason);
        assert_eq!(condition(&policy, "Enforcing")["status"], "False");
    }
    operator.wait_for_metric(valid, |valid| valid < 0.5);

    // Grants that are taken back count at once.
    operator.set_administrator(&json!({"version": 1}));
    let run = cluster.run("taken-back", "payments", "Enforce");
    assert_eq!(
        run["status"]["blockedBy"],
        json!(["BaseNotGranted"]),
        "{run}"
    );
    volume.tree().assert_is(&before);

    operator.set_administrator(&good);
    let run = cluster.run("allowed", "payments", "Enforce");
    assert_eq!(deleted_files(&run), 2, "{run}");
    volume
        .tree()
        .assert_is(&before.without(orphans.iter().map(String::as_str)));
}

#[test]
fn a_base_out_of_reach_blocks_its_own_policy_and_says_how_to_reach_it() {
    let (cluster, volume) = (Cluster::start(), Volume::new());
    volume.checkpoint(LEDGER, 3);
    volume.orphans(LEDGER, 2);
    let before = volume.tree();
    FlinkJob::finished("ledger", LEDGER, BASE).apply(&cluster);
    let far = FlinkJob {
        labels: json!({"team": "far"}),
        ..FlinkJob::finished("far", FAR, ELSEWHERE)
    };
    far.apply(&cluster);
    let mut options = volume.options("operator");
    options.administrator["grants"][0]["bases"] =
        json!([{"location": BASE}, {"location": ELSEWHERE}]);
    let _operator = OperatorProcess::start(&cluster, options);
    for job in ["ledger", "far"] {
        cluster.wait(
            &format!("ckinv/{job}.flinkdeployment"),
            "jsonpath={.status.ownerClass}=terminal",
        );
    }
    cluster.apply_policy(
        "far",
        &json!({"mode": "Enforce", "selector": {"matchLabels": {"team": "far"}}}),
    );
    let policy = cluster.wait("frp/far", "condition=Ready=False");
    assert_eq!(condition(&policy, "Ready")["reason"], "BaseUnreachable");
    let message = condition(&policy, "Ready")["message"].as_str().unwrap();
    assert!(
        message.contains(&format!("--mount flink/{ELSEWHERE}=<path here>")),
        "{message}"
    );
    let run = cluster.run("far", "far", "Enforce");
    assert_eq!(run["status"]["phase"], "Blocked", "{run}");
    assert_eq!(
        run["status"]["blockedBy"],
        json!(["BaseUnreachable"]),
        "{run}"
    );

    // Nobody has ever read what is there. It may name files of this base: not even those go.
    cluster.apply_policy(
        "payments",
        &json!({"mode": "Enforce", "selector": {"matchLabels": {"team": "payments"}}}),
    );
    let run = cluster.run("near", "payments", "Enforce");
    assert_eq!(run["status"]["phase"], "Succeeded", "{run}");
    let guard = &run["status"]["protectedBy"][0];
    assert_eq!(
        (&guard["guard"], &guard["files"]),
        (&json!("missing-evidence"), &json!(2))
    );
    let message = guard["message"].as_str().unwrap();
    assert!(
        message.contains(&format!("{ELSEWHERE}: it cannot be reached from here")),
        "{message}"
    );
    volume.tree().assert_is(&before);
}
