//! A running job without high availability: the rule of generation two by the statistics of its JobManager, run by run.

use crate::world::{JOB, World, uuid};
use retention::evidence::{
    ClaimMode, ClusterConfiguration, HighAvailability, JobManager, RestCheckpoints, RestRestored,
};
use retention::guard::Guard;
use retention::plan::{Ripeness, Waiting};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn orphan() -> String {
    format!("{JOB}/shared/{}", uuid(66))
}

/// A job at checkpoint 9 whose directory holds a leaked file.
fn world() -> World {
    let world = World::new();
    world.file(&orphan(), 100);
    world.wait(48);
    let nine = world.checkpoint(JOB, 9, &[&uuid(1)]);
    let mut job = world.running(&[(9, nine)], 10);
    job.high_availability = HighAvailability::NotConfigured;
    world.set(vec![job]);
    edit_rest(&world, |rest| {
        rest.completed = Some(1);
        rest.cluster = Ok(ClusterConfiguration {
            high_availability: None,
            job_managers: 1,
            statistics_cache: jiff::SignedDuration::from_secs(3),
            claim_mode: ClaimMode::NoClaim,
        });
    });
    world
}

fn edit_rest(world: &World, edit: impl FnOnce(&mut RestCheckpoints)) {
    world.edit(|job| {
        if let JobManager::Answered(rest) = &mut job.job_manager {
            edit(rest);
        }
    });
}

/// The job makes checkpoint `id`, and drops the ones before.
fn completes(world: &World, id: u64, shared: &[&str]) {
    let snapshot = world.checkpoint(JOB, id, shared);
    let made = world.running(&[(id, snapshot)], id + 1);
    let JobManager::Answered(mut made) = made.job_manager else {
        panic!("no answer");
    };
    edit_rest(world, |rest| {
        for known in &mut rest.checkpoints {
            known.discarded = true;
        }
        rest.read_at = made.read_at;
        rest.told = made.told;
        rest.checkpoints.append(&mut made.checkpoints);
        rest.completed = Some(rest.checkpoints.len() as u64);
    });
}

async fn waits_for(world: &World) -> Ripeness {
    let report = world.enforce().await;
    let entries = &report.plan.entries;
    let entry = entries.iter().find(|entry| *entry.path == *orphan());
    entry.map_or(Ripeness::NotApplicable, |entry| entry.ripeness.clone())
}

#[tokio::test]
async fn a_leaked_file_goes_after_counter_witness_and_settling() {
    let world = world();
    assert_eq!(waits_for(&world).await, Ripeness::Waiting(Waiting::Mark));
    world.wait(25);
    assert_eq!(
        waits_for(&world).await,
        Ripeness::Waiting(Waiting::Counter),
        "the answer is of before the listing, however long nothing happens"
    );
    completes(&world, 10, &[&uuid(1)]);
    assert_eq!(waits_for(&world).await, Ripeness::Waiting(Waiting::Counter));
    let witness = Waiting::Witness { needed: 11 };
    assert_eq!(
        waits_for(&world).await,
        Ripeness::Waiting(witness),
        "10 may have been triggered before the answer was made"
    );
    completes(&world, 11, &[&uuid(1)]);
    waits_for(&world).await;
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

/// Marked, passed over by checkpoint 11, and settled.
async fn ripe() -> World {
    let world = world();
    world.enforce().await;
    world.wait(25);
    completes(&world, 10, &[&uuid(1)]);
    world.enforce().await;
    completes(&world, 11, &[&uuid(1)]);
    world.enforce().await;
    world.wait(1);
    world
}

#[tokio::test]
async fn another_start_of_the_job_starts_the_counting_anew_but_not_the_grace() {
    let world = ripe().await;
    world.wait(1);
    let started = time(&world);
    edit_rest(&world, |rest| rest.started = Some(started));
    assert_eq!(waits_for(&world).await, Ripeness::Waiting(Waiting::Counter));
    let witness = Waiting::Witness { needed: 12 };
    assert_eq!(waits_for(&world).await, Ripeness::Waiting(witness));
    assert!(world.has(&orphan()));
}

/// Whatever is lost while a batch is verified, at either of its two looks, saves the file.
#[tokio::test]
async fn what_changes_while_we_verify_saves_the_file() {
    type Change = fn(&World);
    let changes: [(&str, Change); 7] = [
        ("another start", |world| {
            let started = time(world);
            edit_rest(world, |rest| rest.started = Some(started));
        }),
        ("a failover of the tasks", |world| {
            let restored = RestRestored {
                id: 11,
                at: Some(time(world)),
                external_path: None,
                is_savepoint: false,
            };
            edit_rest(world, |rest| rest.restored = Some(restored));
        }),
        ("h5 numbers that went back", |world| {
            edit_rest(world, |rest| {
                rest.checkpoints.truncate(1);
                rest.checkpoints[0].discarded = false;
                rest.completed = Some(1);
            });
        }),
        ("h1 two at a time", |world| {
            edit_rest(world, |rest| rest.max_concurrent = Some(2));
        }),
        ("silence", |world| {
            world.edit(|job| {
                job.job_manager = JobManager::Unreachable {
                    why: "connection refused".to_owned(),
                };
            });
        }),
        ("a second JobManager", |world| {
            edit_rest(world, |rest| {
                rest.cluster.as_mut().unwrap().job_managers = 2;
            });
        }),
        ("h6 a checkpoint that names it", |world| {
            completes(world, 12, &[&uuid(66)]);
        }),
    ];
    for (what, change) in changes {
        let world = ripe().await;
        let asked = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&asked);
        world.at_observation(3, move |world| {
            counted.fetch_add(1, Ordering::Relaxed);
            change(world);
        });
        let report = world.enforce().await;
        assert_eq!(asked.load(Ordering::Relaxed), 1, "{what}: it was ripe");
        assert!(report.outcome.deleted.is_empty(), "{what}");
        assert!(world.has(&orphan()), "{what}");
    }
}

#[tokio::test]
async fn high_availability_that_only_the_job_manager_knows_of_protects() {
    let world = ripe().await;
    edit_rest(&world, |rest| {
        rest.cluster.as_mut().unwrap().high_availability = Some("ZooKeeper".to_owned());
    });
    world
        .assert_protected(&orphan(), Guard::NoHighAvailability)
        .await;
}

#[tokio::test]
async fn h4_a_checkpoint_directory_of_an_earlier_start_is_no_witness() {
    let world = world();
    // chk-11 is of a start before: whole, but older than the job that will make another 11.
    world.checkpoint(JOB, 11, &[&uuid(1)]);
    world.enforce().await;
    world.wait(25);
    completes(&world, 10, &[&uuid(1)]);
    world.enforce().await;
    edit_rest(&world, |rest| {
        let mut eleven = rest.checkpoints.last().unwrap().clone();
        eleven.id = 11;
        eleven.external_path = Some(crate::world::at(&format!("/data/ckp/{JOB}/chk-11")));
        rest.checkpoints.push(eleven);
        rest.completed = Some(3);
    });
    let witness = Waiting::Witness { needed: 11 };
    for _ in 0..3 {
        assert_eq!(waits_for(&world).await, Ripeness::Waiting(witness.clone()));
        world.wait(1);
    }
}

fn time(world: &World) -> jiff::Timestamp {
    flink_retention::engine::Clock::now(world)
}
