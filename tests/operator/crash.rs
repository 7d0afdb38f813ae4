//! Operators that end in the middle of deleting: the next one finishes, and nothing that is needed is touched.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::deleting::{Deleting, LEDGER};
use crate::support::cluster::{RELEASE_NAMESPACE, condition};
use crate::support::{Cluster, FlinkJob, OperatorProcess, Tree};
use crate::volume::{BASE, REMOTE, Volume, deleted_files, mark, speed_up};

/// Several batches, so that there is a middle.
const ORPHANS: u64 = 5000;
/// A part of one.
const BATCH: u64 = 1500;
/// Outlasts a restart of the API server on any machine.
const LONG_LEASE: &str = "--lease-duration=5m";

/// Another operator carries the run on: all orphans go, and the rest is byte for byte there.
fn assert_next_one_finishes(cluster: &Cluster, volume: &Volume, before: Tree, orphans: &[String]) {
    speed_up(cluster, "payments");
    let next = OperatorProcess::start(cluster, volume.options("second"));
    let run = cluster.wait("frr/cut", "condition=Complete");
    assert_eq!(run["status"]["phase"], "Succeeded", "{run}\n{}", next.log());
    volume
        .tree()
        .assert_is(&before.without(orphans.iter().map(String::as_str)));
    assert!(
        volume
            .batches()
            .iter()
            .any(|batch| !batch["ended"].is_null()),
        "no batch was recorded with its end"
    );
}

fn unfinished(batches: &[Value]) -> usize {
    batches
        .iter()
        .filter(|batch| batch["ended"].is_null())
        .count()
}

fn assert_in_the_middle(volume: &Volume, before: &Tree, orphans: &[String]) {
    let gone = volume.gone(orphans);
    assert!(
        !gone.is_empty() && gone.len() < orphans.len(),
        "{} of {} were gone",
        gone.len(),
        orphans.len()
    );
    let written_down = written_down(&volume.batches());
    for path in &gone {
        assert!(
            written_down.contains(&format!("file:{REMOTE}/{path}")),
            "{path} is gone, and no record says so"
        );
    }
    volume.tree().assert_is(&before.clone().without(gone));
}

/// The files of these batches, by their locations.
fn written_down(batches: &[Value]) -> BTreeSet<String> {
    let files = batches
        .iter()
        .flat_map(|batch| batch["files"].as_array().unwrap());
    files
        .map(|file| file["path"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_kill_in_the_middle_of_deleting_leaves_nothing_half() {
    let Deleting {
        cluster,
        volume,
        operator,
        before,
        orphans,
    } = Deleting::prepare(ORPHANS).begin();
    operator.kill();
    assert_in_the_middle(&volume, &before, &orphans);
    // None where it was cut off between two.
    assert!(
        unfinished(&volume.batches()) <= 1,
        "a batch begins when the one before has ended"
    );
    assert_next_one_finishes(&cluster, &volume, before, &orphans);
}

#[test]
fn sigterm_in_the_middle_of_deleting_hands_the_run_over() {
    let Deleting {
        cluster,
        volume,
        operator,
        before,
        orphans,
    } = Deleting::prepare(ORPHANS).begin();
    let (status, log) = operator.terminate();
    assert!(
        status.success() && log.contains("gave the lease back"),
        "{log}"
    );
    assert_in_the_middle(&volume, &before, &orphans);
    assert_eq!(
        unfinished(&volume.batches()),
        0,
        "what was done is written down"
    );
    let run = cluster.get("frr/cut");
    assert_eq!(
        run["status"]["phase"], "Pending",
        "the next leader begins it anew: {run}"
    );
    assert_next_one_finishes(&cluster, &volume, before, &orphans);
}

/// One that ends the operator each time, such as for want of memory, must not take the runs of all others with it.
#[test]
fn a_run_in_which_the_operator_was_killed_twice_is_not_begun_again() {
    let Deleting {
        cluster,
        volume,
        operator,
        before,
        orphans,
    } = Deleting::prepare(ORPHANS).begin();
    operator.kill();
    let second = OperatorProcess::start(&cluster, volume.options("second"));
    cluster.wait("frr/cut", "jsonpath={.status.attempts}=2");
    second.kill();
    let then = volume.tree();

    let third = OperatorProcess::start(&cluster, volume.options("third"));
    let run = cluster.wait("frr/cut", "condition=Complete");
    assert_eq!(run["status"]["phase"], "Failed", "{run}\n{}", third.log());
    let complete = condition(&run, "Complete");
    assert_eq!(complete["reason"], "BrokenOff", "{run}");
    let message = complete["message"].as_str().unwrap();
    assert!(message.contains("ended 2 times"), "{message}");
    volume.tree().assert_is(&then);

    // Nothing is left half: another run does the rest.
    speed_up(&cluster, "payments");
    let run = cluster.run("another", "payments", "Enforce");
    assert_eq!(run["status"]["phase"], "Succeeded", "{run}");
    volume
        .tree()
        .assert_is(&before.without(orphans.iter().map(String::as_str)));
}

#[test]
fn a_leader_whose_lease_is_taken_away_ends_and_the_next_one_finishes() {
    let deleting = Deleting::prepare(ORPHANS);
    let mut standby = OperatorProcess::start(&deleting.cluster, deleting.volume.options("standby"));
    let Deleting {
        cluster,
        volume,
        mut operator,
        before,
        orphans,
    } = deleting.begin();
    // For so long that it lasts until the test ends it.
    let taken = json!({"holderIdentity": "somebody-else", "leaseDurationSeconds": 3600});
    patch_lease(&cluster, &taken);
    let (status, log) = operator.end();
    assert!(!status.success());
    assert!(log.contains("was taken by somebody-else"), "{log}");

    // Until the lease of the other one runs out nobody acts.
    let then = volume.tree();
    then.assert_is(&before.clone().without(volume.gone(&orphans)));
    assert!(standby.metrics().contains("flink_retention_leader 0"));
    assert!(!standby.metrics().contains("flink_retention_runs_total"));
    volume.tree().assert_is(&then);

    let epochs = volume.epochs().len();
    speed_up(&cluster, "payments");
    patch_lease(&cluster, &json!({"leaseDurationSeconds": 1}));
    standby.wait_until_leading();
    let run = cluster.wait("frr/cut", "condition=Complete");
    assert_eq!(
        run["status"]["phase"],
        "Succeeded",
        "{run}\n{}",
        standby.log()
    );
    volume
        .tree()
        .assert_is(&before.without(orphans.iter().map(String::as_str)));

    // The journal tells the two holders apart by the number of the lease.
    let terms: Vec<Value> = volume
        .epochs()
        .iter()
        .map(|epoch| epoch["term"].clone())
        .collect();
    let (old, new) = (&terms[epochs - 1], terms.last().unwrap());
    assert_eq!(old["lease"], new["lease"]);
    assert!(old["number"].as_i64() < new["number"].as_i64(), "{terms:?}");
}

fn patch_lease(cluster: &Cluster, spec: &Value) {
    let patch = json!({"spec": spec}).to_string();
    let lease = [
        "patch",
        "lease",
        "test-flink-retention-operator",
        "-n",
        RELEASE_NAMESPACE,
        "--type=merge",
        "-p",
        &patch,
    ];
    cluster.control_plane.kubectl(lease).unwrap();
}

#[test]
fn without_an_api_server_the_operator_ends_before_its_lease_does() {
    let Deleting {
        cluster,
        volume,
        mut operator,
        before,
        orphans,
    } = Deleting::prepare(ORPHANS).begin();
    cluster.control_plane.stop_api_server();
    let (status, log) = operator.end();
    assert!(!status.success());
    assert!(log.contains("could not be renewed for"), "{log}");
    assert_in_the_middle(&volume, &before, &orphans);
    cluster.control_plane.restart_api_server().unwrap();
    assert_next_one_finishes(&cluster, &volume, before, &orphans);
}

#[test]
fn a_run_that_ends_without_an_api_server_still_tells_what_it_has_deleted() {
    let prepared = Deleting::prepare_with(BATCH, vec![LONG_LEASE.to_owned()]);
    let Deleting {
        cluster,
        volume,
        mut operator,
        before,
        orphans,
    } = prepared.begin();
    cluster.control_plane.stop_api_server();
    operator.wait_for_log("could not write the end of the run");
    let gone = volume.gone(&orphans);
    assert!(!gone.is_empty());
    volume.tree().assert_is(&before.without(gone.clone()));
    cluster.control_plane.restart_api_server().unwrap();
    let run = cluster.wait("frr/cut", "condition=Complete");
    let told = deleted_files(&run);
    assert_eq!(told, gone.len() as u64, "{run}\n{}", operator.log());
}

#[test]
fn a_restart_of_the_api_server_is_survived_within_the_lease() {
    let (cluster, volume) = (Cluster::start(), Volume::new());
    volume.checkpoint(LEDGER, 3);
    let orphans = volume.orphans(LEDGER, 3);
    FlinkJob::finished("ledger", LEDGER, BASE).apply(&cluster);
    let before = volume.tree();
    let mut options = volume.options("only");
    options.arguments.push(LONG_LEASE.to_owned());
    let mut operator = OperatorProcess::start(&cluster, options);
    cluster.wait(
        "ckinv/ledger.flinkdeployment",
        "jsonpath={.status.ownerClass}=terminal",
    );
    mark(&cluster, "payments");

    cluster.control_plane.restart_api_server().unwrap();
    // What is new afterwards is seen, and what was marked before goes.
    FlinkJob::finished("orders", "0000000000000000000000000000000b", BASE).apply(&cluster);
    cluster.wait(
        "ckinv/orders.flinkdeployment",
        "jsonpath={.status.ownerClass}=terminal",
    );
    let run = cluster.run("afterwards", "payments", "Enforce");
    assert_eq!(run["status"]["phase"], "Succeeded", "{run}");
    volume
        .tree()
        .assert_is(&before.without(orphans.iter().map(String::as_str)));
    operator.wait_for_metric("flink_retention_leader", |leader| leader > 0.5);
}
