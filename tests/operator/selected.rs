//! A job that is taken from a policy while a run of it deletes: the run stops there.

use serde_json::json;

use crate::deleting::{Deleting, LEDGER};
use crate::support::cluster::condition;
use crate::support::{Cluster, FlinkJob};
use crate::volume::{BASE, deleted_files, until};

/// So many that, at the pace of these runs, none is done before it hears.
const ORPHANS: u64 = 10_000;
const STILL_SELECTED: &str = "the jobs of the run are still selected by its policy alone";

#[test]
fn a_run_stops_when_another_policy_or_a_label_takes_its_job_away() {
    let deleting = Deleting::prepare(ORPHANS).begin();
    let Deleting {
        cluster,
        volume,
        operator,
        orphans,
        ..
    } = &deleting;

    // What takes no job away is no reason to stop.
    let looks = || operator.log().matches(STILL_SELECTED).count();
    until("the first look", || (looks() > 0).then_some(()));
    let before = looks();
    cluster.apply_policy(
        "nobodys",
        &json!({"selector": {"matchLabels": {"team": "nobody"}}}),
    );
    until("another look", || (looks() > before).then_some(()));

    cluster.apply_policy("rival", &json!({}));
    let mut total = stopped(cluster, "cut");
    assert_eq!(volume.gone(orphans).len() as u64, total);

    cluster.delete("frp/rival");
    let selector = json!({"matchLabels": {"team": "payments"}});
    cluster.patch("frp/payments", &json!({"spec": {"selector": selector}}));
    let left = volume.left(orphans);
    cluster.create_run("again", "payments", "Enforce");
    volume.wait_until_one_is_gone(&left);
    let on_hold = FlinkJob {
        labels: json!({"team": "hold"}),
        ..FlinkJob::finished("ledger", LEDGER, BASE)
    };
    on_hold.apply(cluster);
    total += stopped(cluster, "again");
    let gone = volume.gone(orphans);
    assert_eq!(gone.len() as u64, total);
    assert!(gone.len() < orphans.len(), "not stopped in the middle");
    volume
        .tree()
        .assert_is(&deleting.before.clone().without(gone));
}

/// How many files it had deleted.
fn stopped(cluster: &Cluster, run: &str) -> u64 {
    let run = cluster.wait(&format!("frr/{run}"), "condition=Complete");
    assert_eq!(run["status"]["phase"], "Cancelled", "{run}");
    let message = condition(&run, "Complete")["message"].as_str().unwrap();
    let why = "which jobs this policy alone selects has changed: the next run follows it";
    assert!(message.starts_with(why), "{message}");
    deleted_files(&run)
}
