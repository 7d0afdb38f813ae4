//! Jobs that replace their only checkpoint while it is looked for. They have their first files from another job, and nobody
//! but storage says so.

use crate::world::{OLD_JOB, World, at, orphan};
use flink_retention::engine::{Mode, Report};
use retention::guard::Guard;
use std::sync::{Arc, Mutex};
use storage::faults::{Fault, FaultInjecting};
use storage::memory::MemoryStorage;
use storage::{Key, Operation, Storage};
use testbed::snapshot::SnapshotFile;

/// A file that is garbage but for the checkpoint of a job that nobody knows, marked and ripe.
async fn claimed() -> World {
    let world = World::with_an_orphan();
    world.enforce().await;
    world.wait(25);
    put(&world, 1);
    world
}

fn directory(number: u64) -> String {
    format!("{OLD_JOB}/chk-{number}")
}

fn put(world: &World, number: u64) {
    let snapshot = SnapshotFile {
        checkpoint_id: number,
        shared: vec![(format!("file:/data/ckp/{}", orphan()), 100)],
        exclusive: Vec::new(),
    };
    let path = format!("{}/_metadata", directory(number));
    world.put(&path, snapshot.to_bytes());
}

/// The store, with a new checkpoint in place of the old one just before the old one is listed or read; as often as told
/// after each time that the whole base was listed.
fn busy(world: &World, at: Operation, times: u64) -> FaultInjecting<MemoryStorage> {
    let (copy, state) = (world.clone(), Mutex::new((1, 0)));
    FaultInjecting::new(world.storage.clone(), move |call| {
        let (number, left) = &mut *state.lock().unwrap();
        let current = Key::parse(&format!("ckp/{}", directory(*number))).unwrap();
        if call.operation == Operation::List && call.key.as_str() == "ckp" {
            *left = times;
        } else if call.operation == at && call.key.starts_with(&current) && *left > 0 {
            *left -= 1;
            // The new one is complete before the old one goes.
            put(&copy, *number + 1);
            copy.remove(&format!("{}/_metadata", directory(*number)));
            copy.remove(&directory(*number));
            *number += 1;
        }
        Fault::None
    })
}

async fn run(world: &World, storage: impl Storage + 'static) -> Report {
    let report = world.run_on(Mode::Enforce, Arc::new(storage)).await;
    assert!(world.has(&orphan()), "{:?}", report.outcome);
    report
}

#[tokio::test]
async fn p1_the_checkpoint_that_replaces_one_before_it_is_read_is_read() {
    let world = claimed().await;
    let report = run(&world, busy(&world, Operation::Read, 1)).await;
    let mut read = report.inventory.stored();
    assert!(read.any(|(snapshot, _)| snapshot.checkpoint_id == 2));
    assert!(report.inventory.gaps.is_empty());
    // Nothing else keeps it.
    world.remove(&format!("{OLD_JOB}/chk-2/_metadata"));
    world.remove(&format!("{OLD_JOB}/chk-3/_metadata"));
    world.remove(&format!("{OLD_JOB}/chk-4/_metadata"));
    world.enforce().await;
    world.wait(25);
    assert_eq!(world.enforce().await.outcome.deleted.len(), 1);
}

#[tokio::test]
async fn p1_the_checkpoint_that_replaces_one_before_it_is_listed_is_read() {
    let world = claimed().await;
    let report = run(&world, busy(&world, Operation::List, 1)).await;
    assert!(report.inventory.gaps.is_empty());
}

#[tokio::test]
async fn p3_checkpoints_that_are_replaced_again_and_again_protect() {
    for operation in [Operation::Read, Operation::List] {
        let world = claimed().await;
        let report = run(&world, busy(&world, operation, 100)).await;
        let gap = report.inventory.gaps.first().unwrap();
        assert_eq!(gap.guard, Guard::MissingEvidence);
        assert!(gap.why.contains("again and again"), "{gap:?}");
        assert!(gap.what.ends_with(OLD_JOB), "{gap:?}");
    }
}

#[tokio::test]
async fn p3_a_directory_that_cannot_be_looked_into_again_protects() {
    let world = claimed().await;
    let old = Key::parse(&format!("ckp/{OLD_JOB}")).unwrap();
    let inner = busy(&world, Operation::Read, 1);
    let listed = Mutex::new(0);
    let storage = FaultInjecting::new(inner, move |call| {
        let mut listed = listed.lock().unwrap();
        *listed += u64::from(call.operation == Operation::List && call.key == old);
        if call.operation == Operation::List && call.key == old && *listed == 2 {
            return Fault::Fail(storage::faults::Failure::Unavailable);
        }
        Fault::None
    });
    let report = run(&world, storage).await;
    assert!(!report.inventory.gaps.is_empty());
}

/// The same, but what Flink has removed just before the old one is listed is its `_metadata` alone: the directory goes last.
fn half_removed(world: &World) -> FaultInjecting<MemoryStorage> {
    let (copy, state) = (world.clone(), Mutex::new((1, false)));
    FaultInjecting::new(world.storage.clone(), move |call| {
        let (number, armed) = &mut *state.lock().unwrap();
        let current = Key::parse(&format!("ckp/{}", directory(*number))).unwrap();
        if call.operation == Operation::List && call.key.as_str() == "ckp" {
            *armed = true;
        } else if call.operation == Operation::List && call.key == current && *armed {
            *armed = false;
            put(&copy, *number + 1);
            copy.remove(&format!("{}/_metadata", directory(*number)));
            *number += 1;
        }
        Fault::None
    })
}

#[tokio::test]
async fn p1_a_checkpoint_that_is_half_removed_when_it_is_listed_has_a_successor() {
    let world = claimed().await;
    let report = run(&world, half_removed(&world)).await;
    assert!(report.inventory.gaps.is_empty());
}

/// The number of a former run in the same directory may be higher.
#[tokio::test]
async fn p1_a_half_removed_checkpoint_has_a_successor_whatever_a_former_run_has_left() {
    let world = claimed().await;
    let old = SnapshotFile {
        checkpoint_id: 100,
        ..SnapshotFile::default()
    };
    world.put(&format!("{}/_metadata", directory(100)), old.to_bytes());
    run(&world, half_removed(&world)).await;
}

#[tokio::test]
async fn a_checkpoint_in_the_making_is_no_objection() {
    let world = World::with_an_orphan();
    world.enforce().await;
    world.wait(25);
    let old = SnapshotFile {
        checkpoint_id: 1,
        ..SnapshotFile::default()
    };
    world.put(&format!("{}/_metadata", directory(1)), old.to_bytes());
    world.file(&format!("{}/being-written", directory(2)), 10);
    let report = world.enforce().await;
    assert_eq!(report.outcome.deleted.len(), 1, "{:?}", report.outcome);
    assert!(report.inventory.gaps.is_empty());
}

#[tokio::test]
async fn what_is_beside_a_base_that_is_a_snapshot_is_not_looked_into() {
    let world = World::with_an_orphan();
    let job = format!("other/{OLD_JOB}");
    world.edit(|known| known.bases.push(at(&format!("/data/{job}/chk-1"))));
    let key = |path: &str| Key::parse(&format!("{job}/{path}")).unwrap();
    let metadata = key("chk-1/_metadata");
    let snapshot = SnapshotFile::default();
    world.storage.insert_file(&metadata, snapshot.to_bytes());
    world.storage.insert_file(&key("shared/x"), vec![0; 10]);
    let (copy, listed) = (world.storage.clone(), Arc::new(Mutex::new(Vec::new())));
    let lists = Arc::clone(&listed);
    let storage = FaultInjecting::new(world.storage.clone(), move |call| {
        if call.operation == Operation::List {
            lists.lock().unwrap().push(call.key.clone());
        } else if call.operation == Operation::Read && call.key == metadata {
            copy.remove(&metadata);
        }
        Fault::None
    });
    let report = run(&world, storage).await;
    assert_eq!(report.inventory.gaps.len(), 1);
    let listed = listed.lock().unwrap();
    assert!(listed.contains(&key("chk-1")));
    assert!(!listed.contains(&Key::parse(&job).unwrap()), "{listed:?}");
}

/// A checkpoint without `_metadata` right in the base, where some job has had no directory of its own, says nothing of the
/// other jobs, one of which is always busy.
#[tokio::test]
async fn a_checkpoint_without_metadata_beside_job_directories_blocks_nobody() {
    let world = World::with_an_orphan();
    world.enforce().await;
    world.wait(25);
    world.file("chk-5/left-behind", 10);
    let (copy, number) = (world.clone(), Mutex::new(1));
    let storage = FaultInjecting::new(world.storage.clone(), move |call| {
        let number = &mut *number.lock().unwrap();
        if call.operation == Operation::List && call.key.as_str() == "ckp" {
            *number += 1;
            copy.file(&format!("{}/being-written", directory(*number)), 10);
        }
        Fault::None
    });
    let report = world.run_on(Mode::Enforce, Arc::new(storage)).await;
    assert!(
        report.inventory.gaps.is_empty(),
        "{:?}",
        report.inventory.gaps
    );
    assert!(!world.has(&orphan()), "{:?}", report.outcome);
}
