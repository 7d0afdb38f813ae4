//! What no worker is made for, and the words that say why.

use serde_json::{Value, json};

use super::stage::{CLAIM, Stage, apply_claim, ledger, options, template};
use crate::support::cluster::condition;
use crate::support::{FlinkJob, OperatorProcess};

/// The reason of `Ready`, once the policy is judged anew.
fn reason_is(stage: &Stage, reason: &str, part: &str) {
    let path = format!("jsonpath={{.status.conditions[?(@.type==\"Ready\")].reason}}={reason}");
    let policy = stage.cluster.wait("frp/payments", &path);
    let message = condition(&policy, "Ready")["message"].as_str().unwrap();
    assert!(message.contains(part), "{message}");
}

/// Nobody is there who would let it go.
fn delete_claim(stage: &Stage) {
    stage
        .cluster
        .patch("pvc/state", &json!({"metadata": {"finalizers": null}}));
    stage.cluster.delete("pvc/state");
}

/// Changes the policy, so that it is judged now.
fn judge(stage: &Stage, number: u32) {
    stage.cluster.patch(
        "frp/payments",
        &json!({"spec": {"orphans": {"minAge": format!("{number}s")}}}),
    );
}

fn run_is_refused(stage: &Stage, name: &str, reason: &str) {
    let run = stage.cluster.run(name, "payments", "Enforce");
    assert_eq!(run["status"]["phase"], "Blocked", "{run}");
    assert_eq!(run["status"]["blockedBy"], json!([reason]), "{run}");
}

#[test]
fn no_worker_is_made_for_what_it_must_not_mount() {
    let stage = Stage::new();
    let before = stage.volume.tree();

    // Another pod that has this claim would not start.
    delete_claim(&stage);
    stage.apply_policy(&json!({"mode": "Enforce"}));
    reason_is(&stage, "ClaimNotFound", CLAIM);
    apply_claim(&stage.cluster, CLAIM, "ReadWriteOncePod");
    judge(&stage, 2);
    reason_is(&stage, "VolumeExclusive", "ReadWriteOncePod");
    run_is_refused(&stage, "exclusive", "VolumeExclusive");

    // One path, two volumes.
    delete_claim(&stage);
    apply_claim(&stage.cluster, CLAIM, "ReadWriteOnce");
    apply_claim(&stage.cluster, "other", "ReadWriteOnce");
    let other = FlinkJob {
        pod_template: Some(template("other")),
        ..FlinkJob::finished(
            "other",
            "0000000000000000000000000000beef",
            "file:/data/other",
        )
    };
    other.apply(&stage.cluster);
    judge(&stage, 3);
    reason_is(&stage, "VolumesDiffer", "/data");
    run_is_refused(&stage, "differ", "VolumesDiffer");
    stage.cluster.delete("flinkdep/other");

    // Volumes that are no claims: gone with their pod, or the node's.
    for (number, volume) in [json!({"emptyDir": {}}), json!({"hostPath": {"path": "/"}})]
        .into_iter()
        .enumerate()
    {
        let mut no_claim = template(CLAIM);
        let mut named = volume;
        named["name"] = json!("state");
        no_claim["spec"]["volumes"] = json!([named]);
        let job = FlinkJob {
            pod_template: Some(no_claim),
            ..ledger()
        };
        job.apply(&stage.cluster);
        judge(&stage, 4 + u32::try_from(number).unwrap());
        reason_is(&stage, "BaseUnreachable", "not on a claim");
        run_is_refused(&stage, &format!("no-claim-{number}"), "BaseUnreachable");
    }
    assert_eq!(stage.jobs(), Vec::<Value>::new());
    stage.volume.tree().assert_is(&before);
}

#[test]
fn an_operator_that_lets_no_workers_in_says_so() {
    let stage = Stage::new();
    let Stage {
        operator, cluster, ..
    } = stage;
    operator.terminate();
    // An older installation: neither the rights nor the arguments.
    let without = crate::support::Cluster::start();
    ledger().apply(&without);
    drop(cluster);
    let _operator = OperatorProcess::start(&without, options("without", &[]));
    without.wait(
        "ckinv/ledger.flinkdeployment",
        "jsonpath={.status.ownerClass}=terminal",
    );
    without.apply_policy(
        "payments",
        &json!({"storage": {"worker": {}}, "mode": "Enforce"}),
    );
    let policy = without.wait("frp/payments", "condition=Ready=False");
    assert_eq!(
        condition(&policy, "Ready")["reason"],
        "WorkersNotServed",
        "{policy}"
    );
    let run = without.run("refused", "payments", "Enforce");
    assert_eq!(run["status"]["phase"], "Blocked", "{run}");
}
