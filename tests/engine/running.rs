//! A running job under high availability: the rule of generation two, run by run.

use crate::world::{JOB, World, at, uuid};
use retention::evidence::{HighAvailability, JobManager};
use retention::guard::Guard;
use retention::plan::{Decision, Ripeness, Waiting};

fn orphan() -> String {
    format!("{JOB}/shared/{}", uuid(66))
}

/// A job at checkpoint 9 whose directory holds a leaked file.
fn world() -> World {
    let world = World::new();
    world.file(&orphan(), 100);
    world.wait(48);
    let nine = world.checkpoint(JOB, 9, &[&uuid(1)]);
    world.set(vec![world.running(&[(9, nine)], 10)]);
    world
}

/// The job makes checkpoint `id`, the only one that it retains, and has `id + 1` next.
fn completes(world: &World, id: u64, shared: &[&str]) {
    let snapshot = world.checkpoint(JOB, id, shared);
    world.set(vec![world.running(&[(id, snapshot)], id + 1)]);
}

async fn waits_for(world: &World) -> Ripeness {
    let report = world.enforce().await;
    let entry = report
        .plan
        .entries
        .iter()
        .find(|entry| *entry.path == *orphan());
    entry.map_or(Ripeness::NotApplicable, |entry| entry.ripeness.clone())
}

#[tokio::test]
async fn a_leaked_file_goes_after_grace_witness_and_settling() {
    let world = world();
    assert_eq!(waits_for(&world).await, Ripeness::Waiting(Waiting::Mark));
    world.wait(25);
    // Nothing was completed since: no witness, however long it takes.
    assert_eq!(
        waits_for(&world).await,
        Ripeness::Waiting(Waiting::Witness { needed: 10 })
    );
    completes(&world, 12, &[&uuid(1)]);
    assert_eq!(
        waits_for(&world).await,
        Ripeness::Waiting(Waiting::Witness { needed: 10 }),
        "seen now, noted for later"
    );
    assert!(matches!(
        waits_for(&world).await,
        Ripeness::Waiting(Waiting::Settle { .. })
    ));
    world.wait(1);
    let report = world.enforce().await;
    assert_eq!(report.outcome.deleted.len(), 1, "{:?}", report.outcome);
    assert!(!world.has(&orphan()));
    assert!(world.has(&format!("{JOB}/shared/{}", uuid(1))));
}

/// Marks the file and lets everything ripen.
async fn ripe() -> World {
    let world = world();
    world.enforce().await;
    world.wait(25);
    completes(&world, 12, &[&uuid(1)]);
    world.enforce().await;
    world.wait(1);
    world
}

#[tokio::test]
async fn h6_a_checkpoint_that_completes_while_we_verify_and_names_it_saves_it() {
    let world = ripe().await;
    world.at_observation(3, |world| completes(world, 13, &[&uuid(66)]));
    let report = world.enforce().await;
    assert!(report.outcome.deleted.is_empty());
    assert_eq!(report.outcome.spared.len(), 1);
    assert!(world.has(&orphan()));
}

#[tokio::test]
async fn a_checkpoint_known_only_to_high_availability_saves_it() {
    let world = ripe().await;
    world.at_observation(4, |world| {
        let snapshot = world.checkpoint(JOB, 13, &[&uuid(66)]);
        world
            .storage
            .remove(&storage::Key::parse(&format!("ckp/{JOB}/chk-13")).unwrap());
        world.set(vec![world.running(&[(13, snapshot)], 14)]);
    });
    assert!(world.enforce().await.outcome.deleted.is_empty());
    assert!(world.has(&orphan()));
}

#[tokio::test]
async fn a_map_with_a_new_uid_starts_the_counting_anew_but_not_the_grace() {
    let world = ripe().await;
    world.edit(|job| {
        if let HighAvailability::Map(map) = &mut job.high_availability {
            map.uid = "map-2".to_owned();
        }
    });
    assert_eq!(waits_for(&world).await, Ripeness::Waiting(Waiting::Counter));
    assert_eq!(
        waits_for(&world).await,
        Ripeness::Waiting(Waiting::Witness { needed: 13 })
    );
    assert!(world.has(&orphan()));
}

#[tokio::test]
async fn h5_a_counter_that_went_back_protects() {
    let world = ripe().await;
    world.edit(|job| {
        if let HighAvailability::Map(map) = &mut job.high_availability {
            map.counter = Some(12);
            map.entries.clear();
        }
    });
    assert_protected(&world, Guard::Counter).await;
}

#[tokio::test]
async fn h1_concurrent_checkpoints_protect() {
    let world = ripe().await;
    edit_rest(&world, |rest| rest.max_concurrent = Some(2));
    assert_protected(&world, Guard::ConcurrentCheckpoints).await;
}

#[tokio::test]
async fn a_job_that_is_not_plain_is_protected() {
    let world = ripe().await;
    edit_rest(&world, |rest| rest.changelog = Some(true));
    assert_protected(&world, Guard::NotPlain).await;
}

#[tokio::test]
async fn an_unreachable_job_manager_protects() {
    let world = ripe().await;
    world.edit(|job| {
        job.job_manager = JobManager::Unreachable {
            why: "connection refused".to_owned(),
        };
    });
    assert_protected(&world, Guard::JobManagerUnreachable).await;
}

#[tokio::test]
async fn a_job_manager_that_goes_away_while_we_verify_protects() {
    let world = ripe().await;
    world.at_observation(4, |world| {
        world.edit(|job| {
            job.job_manager = JobManager::Unreachable {
                why: "connection refused".to_owned(),
            };
        });
    });
    assert!(world.enforce().await.outcome.deleted.is_empty());
    assert!(world.has(&orphan()));
}

#[tokio::test]
async fn unreadable_high_availability_data_protects() {
    let world = ripe().await;
    world.edit(|job| {
        job.high_availability = HighAvailability::Unreadable {
            why: "forbidden".to_owned(),
        };
    });
    assert_protected(&world, Guard::MissingEvidence).await;
}

#[tokio::test]
async fn files_of_a_checkpoint_in_flight_are_protected() {
    let world = ripe().await;
    world.file(&format!("{JOB}/shared/{}", uuid(77)), 1);
    world.file(&format!("{JOB}/chk-13/{}", uuid(78)), 1);
    let report = world.enforce().await;
    for entry in report
        .plan
        .entries
        .iter()
        .filter(|entry| *entry.path != *orphan())
    {
        let Decision::Protected(protection) = &entry.decision else {
            panic!("{entry:?}");
        };
        assert_eq!(protection.guard, Guard::InFlight, "{entry:?}");
    }
}

#[tokio::test]
async fn the_directory_of_another_base_does_not_hide_a_reference() {
    let world = ripe().await;
    // Another job keeps its state elsewhere, and its snapshot names our file.
    let snapshot = testbed::snapshot::SnapshotFile {
        checkpoint_id: 3,
        shared: vec![(format!("file:/data/ckp/{}", orphan()), 100)],
        exclusive: Vec::new(),
    };
    let path =
        storage::Key::parse(&format!("other/{}/chk-3/_metadata", crate::world::OLD_JOB)).unwrap();
    world.storage.insert_file(&path, snapshot.to_bytes());
    let mut other = crate::world::terminal(crate::world::OLD_JOB);
    other.name.name = "other".to_owned();
    other.bases = vec![at("/data/other")];
    world.jobs.lock().unwrap().push(other);
    assert!(world.enforce().await.outcome.deleted.is_empty());
    assert!(world.has(&orphan()));
}

fn edit_rest(world: &World, edit: impl FnOnce(&mut retention::evidence::RestCheckpoints)) {
    world.edit(|job| {
        if let JobManager::Answered(rest) = &mut job.job_manager {
            edit(rest);
        }
    });
}

async fn assert_protected(world: &World, guard: Guard) {
    world.assert_protected(&orphan(), guard).await;
}
