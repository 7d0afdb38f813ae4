//! P5: whatever call to the store is the last one before a crash, storage stays restorable and the next runs end in
//! the same state as undisturbed ones.

use crate::world::{JOB, World, terminal, uuid};
use flink_retention::engine::{Consent, Mode};
use retention::keep::KeepRules;
use retention::restorable::Restorable;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
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
    world.set(vec![terminal(JOB)]);
    world.wait(48);
    world.policy.checkpoints = Some(KeepRules {
        keep_last: Some(1),
        keep_within: None,
    });
    world.enforce().await;
    world.wait(25);
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

async fn finish(world: &World) -> Vec<String> {
    for _ in 0..4 {
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
        let (dying, calls) = dying(&world, crash);
        world.run_on(Mode::Enforce, Arc::new(dying)).await;
        let reached = calls.load(SeqCst) >= crash;

        let after = world.run(Mode::DryRun).await;
        let restorable = after
            .inventory
            .stored()
            .filter(|(snapshot, _)| Restorable::of(snapshot, &after.inventory).is_yes());
        assert_eq!(
            restorable.map(|(snapshot, _)| snapshot.checkpoint_id).max(),
            Some(9),
            "crash at call {crash}"
        );
        for (snapshot, _) in after.inventory.stored() {
            assert!(
                Restorable::of(snapshot, &after.inventory).is_yes(),
                "half a snapshot after a crash at call {crash}"
            );
        }
        assert_eq!(finish(&world).await, undisturbed, "crash at call {crash}");
        if !reached {
            assert!(crash > 20, "the run made only {crash} calls");
            return;
        }
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
