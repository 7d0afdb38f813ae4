//! Operators of two clusters that see one volume: one acts, the other says so and stops.

use serde_json::json;

use crate::deleting::{Deleting, LEDGER};
use crate::support::cluster::condition;
use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::{BASE, deleted_files};

#[test]
fn one_acts_and_the_other_says_so_and_stops() {
    let deleting = Deleting::prepare(3000);
    let theirs = Cluster::start();
    FlinkJob::finished("ledger", LEDGER, BASE).apply(&theirs);
    let _operator = OperatorProcess::start(&theirs, deleting.volume.options("theirs"));
    theirs.wait(
        "ckinv/ledger.flinkdeployment",
        "jsonpath={.status.ownerClass}=terminal",
    );
    theirs.apply_policy("payments", &json!({"mode": "Enforce"}));
    theirs.wait("frp/payments", "condition=Ready");
    let journal = deleting.volume.epochs();

    let deleting = deleting.begin();
    let refused = theirs.run("refused", "payments", "Enforce");
    assert_eq!(refused["status"]["phase"], "Blocked", "{refused}");
    let message = condition(&refused, "Complete")["message"].as_str().unwrap();
    assert!(message.contains("is owned by"), "{message}");
    let first = refused["status"]["blockedBy"][0].as_str().unwrap();
    assert!(first.starts_with("BaseOwnedByAnother: "), "{first}");
    assert_eq!(deleted_files(&refused), 0);

    let run = deleting.cluster.wait("frr/cut", "condition=Complete");
    assert_eq!(run["status"]["phase"], "Succeeded", "{run}");
    let Deleting {
        volume,
        before,
        orphans,
        ..
    } = deleting;
    volume
        .tree()
        .assert_is(&before.without(orphans.iter().map(String::as_str)));
    let epochs = volume.epochs();
    assert_eq!(epochs.len(), journal.len() + 1, "{epochs:?}");
    assert!(
        epochs
            .iter()
            .all(|epoch| epoch["owner"] == journal[0]["owner"])
    );
    // Not the cluster alone: another release in it has another lease, and knows other namespaces.
    let owner = epochs[0]["owner"].as_str().unwrap();
    assert_eq!(owner.split('/').count(), 3, "{owner}");
}
