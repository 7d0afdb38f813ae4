//! P5: whatever call to the store is the last one before a crash, storage stays restorable and the next runs end in
//! the same state as undisturbed ones.

use crate::world::{JOB, World, terminal, uuid};
use flink_retention::engine::{Blocked, Consent, Mode};
use jiff::SignedDuration;
use retention::keep::{KeepRules, SavepointRules};
use retention::restorable::Restorable;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use storage::Operation;
use storage::faults::{Failure, Fault, FaultInjecting};
use storage::memory::MemoryStorage;

/// A snapshot that expires, leftovers and orphans, ripe in the next run.
async fn ripe() -> World {
    let mut world = World::new();
    world.checkpoint(JOB, 8, &[&uuid(1), &uuid(8)]);
    world.wait(1);
    world.checkpoint(JOB, 9, &[&uuid(1)]);
    world.file(&format!("{JOB}/shared/{}", uuid(2)), 100);
    world.file(&format!("{JOB}/chk-4/{}", uuid(4)), 7);
    world.ripen_all_but_the_newest().await;
    world
}

/// From that call on, nothing works any more: odd ones still take effect.
fn dying(world: &World, crash: u64) -> (FaultInjecting<MemoryStorage>, Arc<AtomicU64>) {
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let dying = FaultInjecting::new(world.storage.clone(), move |_| {
        let call = counted.fetch_add(1, SeqCst) + 1;
        match call.cmp(&crash) {
            std::cmp::Ordering::Less => Fault::None,
            std::cmp::Ordering::Equal if crash % 2 == 1 => {
                Fault::FailAfterwards(Failure::Unavailable)
            }
            std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => {
                Fault::Fail(Failure::Unavailable)
            }
        }
    });
    (dying, calls)
}

/// From that write on the disk is full; what is read and deleted is in no trouble. (A mount of a size of our own needs
/// rights that tests may not have.)
fn full(world: &World, write: u64) -> (FaultInjecting<MemoryStorage>, Arc<AtomicU64>) {
    let writes = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&writes);
    let full = FaultInjecting::new(world.storage.clone(), move |call| {
        if call.operation == Operation::Write && counted.fetch_add(1, SeqCst) + 1 >= write {
            Fault::Fail(Failure::NoSpace)
        } else {
            Fault::None
        }
    });
    (full, writes)
}

/// Of four savepoints the rules keep one, a fifth has no `_metadata`, `chk-7` is torn, `chk-6` is hollow, `chk-3` is empty.
async fn ripe_with_savepoints_and_damage() -> World {
    let mut world = World::new();
    world.checkpoint(SAVED, 6, &[&uuid(61), &uuid(62)]);
    world.remove(&format!("{SAVED}/shared/{}", uuid(62)));
    let torn = world.checkpoint(SAVED, 7, &[&uuid(71)]).to_bytes();
    let half = torn.get(..torn.len() - 5).unwrap().to_vec();
    world.put(&format!("{SAVED}/chk-7/_metadata"), half);
    for number in 1..=4 {
        world.savepoint(SAVED, number);
        world.wait(1);
    }
    world.file(&format!("savepoint-5a7ed0-000000000009/{}", uuid(3009)), 7);
    let empty = storage::Key::parse(&format!("ckp/{SAVED}/chk-3")).unwrap();
    world
        .storage
        .insert(&empty, storage::memory::Node::Directory);
    world.checkpoint(SAVED, 9, &[&uuid(61)]);
    world.set(vec![terminal(SAVED)]);
    world.policy.checkpoints = Some(KeepRules::default());
    world.policy.unrestorable = Some(SignedDuration::from_hours(1));
    world.policy.savepoints = Some(SavepointRules {
        keep_daily: Some(1),
        ..SavepointRules::default()
    });
    world.wait(48);
    world.enforce().await;
    world.wait(25);
    world
}

const SAVED: &str = "5a7ed0000000000000000000000000aa";

async fn finish(world: &World) -> Vec<String> {
    for _ in 0..6 {
        world.enforce().await;
        world.wait(25);
    }
    world.paths()
}

#[tokio::test]
async fn p5_a_crash_at_any_call_of_the_store_is_made_good_by_the_next_runs() {
    let undisturbed = finish(&ripe().await).await;
    assert_eq!(undisturbed.len(), 3, "{undisturbed:?}");
    for crash in 1.. {
        let world = ripe().await;
        if !crashes_at(crash, &world, &[9], &undisturbed).await {
            assert!(crash > 20, "the run made only {crash} calls");
            return;
        }
    }
}

#[tokio::test]
async fn p5_a_disk_that_is_full_at_any_write_of_the_journal_ends_the_run_and_is_told() {
    let undisturbed = finish(&ripe().await).await;
    for write in 1.. {
        let world = ripe().await;
        let (full, writes) = full(&world, write);
        let report = world.run_on(Mode::Enforce, Arc::new(full)).await;
        if writes.load(SeqCst) < write {
            assert!(write > 4, "the run made only {} writes", write - 1);
            return;
        }
        let told = report.outcome.blocked.iter().any(|blocked| {
            matches!(blocked, Blocked::JournalUnusable { .. })
                && blocked.to_string().contains("No space left on device")
        });
        assert!(told, "write {write}: {:?}", report.outcome.blocked);
        let records = world.records();
        for deleted in &report.outcome.deleted {
            let recorded = records.iter().any(|record| record.contains(&deleted.path));
            assert!(recorded, "write {write}: no record of {}", deleted.path);
        }
        let after = world.run(Mode::DryRun).await;
        let whole = after.inventory.stored().any(|(snapshot, _)| {
            snapshot.checkpoint_id == 9 && Restorable::of(snapshot, &after.inventory).is_yes()
        });
        assert!(whole, "write {write}");
        assert_eq!(finish(&world).await, undisturbed, "write {write}");
    }
}

/// Asks, then carries out what was approved, and dies at that call of one of the two; the next run does it again.
async fn approved_with_a_crash(while_asking: bool, crash: u64) -> (Vec<String>, bool) {
    let mut world = ripe().await;
    // Marked by now, and ripe only after the question.
    world.consent = Consent::Asked;
    let late = format!("{JOB}/shared/{}", uuid(3));
    world.file(&late, 100);
    let (asking, asked) = dying(&world, if while_asking { crash } else { u64::MAX });
    let before = world.paths();
    world.run_on(Mode::Enforce, Arc::new(asking)).await;
    let asked_again = world.enforce().await.outcome.asked.unwrap();
    assert_eq!(world.paths(), before);
    world.wait(49);
    world.consent = Consent::Approved(asked_again.digest);
    let (working, worked) = dying(&world, if while_asking { u64::MAX } else { crash });
    world.run_on(Mode::Enforce, Arc::new(working)).await;
    // What is left of a snapshot without its `_metadata` waits for its own grace period.
    finish(&world).await;
    assert!(
        world.has(&late),
        "nobody approved it: crash at call {crash}"
    );
    let calls = if while_asking { asked } else { worked };
    (world.paths(), calls.load(SeqCst) >= crash)
}

#[tokio::test]
async fn p5_so_is_one_before_and_after_a_person_has_agreed() {
    let (undisturbed, _) = approved_with_a_crash(true, u64::MAX).await;
    for while_asking in [true, false] {
        for crash in 1.. {
            let (after, reached) = approved_with_a_crash(while_asking, crash).await;
            assert_eq!(after, undisturbed, "{while_asking}: crash at call {crash}");
            if !reached {
                assert!(crash > 10, "the run made only {crash} calls");
                break;
            }
        }
    }
}

#[tokio::test]
async fn p5_a_crash_while_savepoints_and_damaged_snapshots_go_leaves_no_half_snapshot() {
    let undisturbed = finish(&ripe_with_savepoints_and_damage().await).await;
    // `_metadata` and one file each of chk-9 and the newest savepoint, and what chk-9 shares.
    assert_eq!(undisturbed.len(), 5, "{undisturbed:?}");
    for crash in 1.. {
        let world = ripe_with_savepoints_and_damage().await;
        if !crashes_at(crash, &world, &[9, 4], &undisturbed).await {
            assert!(crash > 40, "the run made only {crash} calls");
            return;
        }
    }
}

/// Lets a run die at a call of the store. False if it ended before.
async fn crashes_at(crash: u64, world: &World, restorable: &[u64], undisturbed: &[String]) -> bool {
    let (dying, calls) = dying(world, crash);
    world.run_on(Mode::Enforce, Arc::new(dying)).await;
    let reached = calls.load(SeqCst) >= crash;

    let before = damaged(world);
    let after = world.run(Mode::DryRun).await;
    for wanted in restorable {
        let whole = after.inventory.stored().any(|(snapshot, _)| {
            snapshot.checkpoint_id == *wanted && Restorable::of(snapshot, &after.inventory).is_yes()
        });
        assert!(whole, "{wanted} is gone after a crash at call {crash}");
    }
    for (snapshot, place) in after.inventory.stored() {
        assert!(
            Restorable::of(snapshot, &after.inventory).is_yes()
                || before.contains(&place.metadata_path.to_string()),
            "half a snapshot after a crash at call {crash}: {}",
            place.metadata_path
        );
    }
    assert_eq!(finish(world).await, undisturbed, "crash at call {crash}");
    reached
}

/// What was no whole snapshot before anything was deleted.
fn damaged(world: &World) -> Vec<String> {
    let hollow = format!("{SAVED}/chk-6/_metadata");
    world.has(&hollow).then_some(hollow).into_iter().collect()
}
