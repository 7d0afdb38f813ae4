//! Deletions on their way at the same time.

use crate::world::{JOB, World, terminal, uuid};
use flink_retention::engine::Mode;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use storage::faults::{Call, Failure, Fault, FaultInjecting};
use storage::{Operation, Storage};
use tokio::time::Instant;

const ORPHANS: u64 = 96;
const SLOW: Duration = Duration::from_secs(1);

fn orphan(number: u64) -> String {
    format!("{JOB}/shared/{}", uuid(100 + number))
}

/// Not of something in the journal.
fn deletes(call: &Call) -> bool {
    call.operation == Operation::Delete && call.key.as_str().starts_with(&format!("ckp/{JOB}/"))
}

/// Orphans that are ripe in the next run.
async fn ripe() -> World {
    let world = World::new();
    world.checkpoint(JOB, 9, &[&uuid(1)]);
    for number in 0..ORPHANS {
        world.file(&orphan(number), 100);
    }
    world.set(vec![terminal(JOB)]);
    world.wait(48);
    world.enforce().await;
    world.wait(25);
    world
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_is_asked_for_many_at_the_same_time() {
    let world = ripe().await;
    let slow = FaultInjecting::new(world.storage.clone(), |call| {
        if deletes(call) {
            Fault::Delay(SLOW)
        } else {
            Fault::None
        }
    });
    let begun = Instant::now();
    let report = world.run_on(Mode::Enforce, Arc::new(slow)).await;
    assert_eq!(report.outcome.deleted.len() as u64, ORPHANS);
    assert!(begun.elapsed() <= 4 * SLOW, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_on_its_way_stays_when_one_fails() {
    let world = ripe().await;
    let failing = orphan(40);
    let storage = FaultInjecting::new(world.storage.clone(), move |call| {
        if !deletes(call) {
            Fault::None
        } else if call.key.as_str().ends_with(&failing) {
            Fault::Fail(Failure::PermissionDenied)
        } else {
            Fault::Delay(SLOW)
        }
    });
    let report = world.run_on(Mode::Enforce, Arc::new(storage)).await;
    let deleted = report.outcome.deleted.len() as u64;
    assert!((32..80).contains(&deleted), "{deleted}");
    assert_eq!(report.outcome.failed.len(), 1);
    // The report is in order, so that each outcome is that of its file.
    for number in 0..ORPHANS {
        let path = orphan(number);
        let told = report.outcome.deleted.iter();
        let told = told.filter(|file| file.path.ends_with(&path)).count();
        assert_eq!(told, usize::from(!world.has(&path)), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn p5_no_file_of_a_snapshot_is_on_its_way_before_its_metadata_is_gone() {
    let mut world = World::new();
    for number in 1..6 {
        world.checkpoint(JOB, number, &[&uuid(1)]);
        world.wait(1);
    }
    world.ripen_all_but_the_newest().await;
    let (copy, seen) = (world.storage.clone(), Arc::new(Mutex::new(0)));
    let counted = Arc::clone(&seen);
    let slow = FaultInjecting::new(world.storage.clone(), move |call| {
        if !deletes(call) {
            return Fault::None;
        }
        if call.key.as_str().ends_with("/_metadata") {
            return Fault::Delay(SLOW);
        }
        let metadata = call.key.parent().unwrap().join("_metadata").unwrap();
        assert!(!copy.contains(&metadata), "{metadata} is still there");
        *counted.lock().unwrap() += 1;
        Fault::None
    });
    let storage: Arc<dyn Storage> = Arc::new(slow);
    let report = world.run_on(Mode::Enforce, storage).await;
    assert_eq!(report.outcome.deleted.len(), 8, "{:?}", report.outcome);
    assert_eq!(*seen.lock().unwrap(), 4);
}
