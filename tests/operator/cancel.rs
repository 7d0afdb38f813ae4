//! A run that is told to stop in the middle of deleting stops there, and says why; a later one carries on.

use serde_json::json;

use crate::deleting::Deleting;
use crate::support::cluster::condition;
use crate::volume::{deleted_files, speed_up};

/// So many that, at the pace of these runs, none is done before it hears.
const ORPHANS: u64 = 10_000;

#[test]
fn a_run_stops_when_it_is_cancelled_or_its_policy_changes() {
    let deleting = Deleting::prepare(ORPHANS).begin();
    let Deleting {
        cluster,
        volume,
        operator,
        before,
        orphans,
    } = &deleting;
    let mut total = 0;
    let mut stopped = |name: &str, why: &str| {
        let run = cluster.wait(&format!("frr/{name}"), "condition=Complete");
        assert_eq!(run["status"]["phase"], "Cancelled", "{run}");
        let message = condition(&run, "Complete")["message"].as_str().unwrap();
        assert!(message.contains(why), "{message}");
        // What the status counts is what is gone: nothing else goes after its end.
        total += deleted_files(&run);
        let gone = volume.gone(orphans);
        assert_eq!(gone.len() as u64, total, "{message}");
        assert!(
            gone.len() < orphans.len(),
            "{name} was not stopped in the middle"
        );
        volume.tree().assert_is(&before.clone().without(gone));
    };

    // One that waits behind it need not wait to be cancelled.
    cluster.create_run("behind", "payments", "Enforce");
    let behind = cluster.wait("frr/behind", "jsonpath={.status.phase}=Pending");
    assert_eq!(condition(&behind, "Complete")["reason"], "Waiting");
    cluster.patch("frr/behind", &json!({"spec": {"cancel": true}}));
    let behind = cluster.wait("frr/behind", "condition=Complete");
    assert_eq!(behind["status"]["phase"], "Cancelled", "{behind}");
    cluster.wait("frr/cut", "jsonpath={.status.phase}=Deleting");

    cluster.patch("frp/payments", &json!({"spec": {"mode": "DryRun"}}));
    stopped("cut", "the policy has changed");
    let run = cluster.run("dry", "payments", "Enforce");
    assert_eq!(deleted_files(&run), 0, "{run}");

    cluster.patch("frp/payments", &json!({"spec": {"mode": "Enforce"}}));
    let left = volume.left(orphans);
    cluster.create_run("cancelled", "payments", "Enforce");
    volume.wait_until_one_is_gone(&left);
    cluster.patch("frr/cancelled", &json!({"spec": {"cancel": true}}));
    stopped("cancelled", "cancelled");

    speed_up(cluster, "payments");
    let left = volume.left(orphans);
    cluster.create_run("last", "payments", "Enforce");
    volume.wait_until_one_is_gone(&left);
    let run = cluster.wait("frr/last", "condition=Complete");
    assert_eq!(
        run["status"]["phase"],
        "Succeeded",
        "{run}\n{}",
        operator.log()
    );
    volume
        .tree()
        .assert_is(&before.clone().without(orphans.iter().map(String::as_str)));
}
