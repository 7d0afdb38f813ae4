//! P5: whatever call to the store is the last one before a crash, storage stays restorable and the next runs end in
//! the same state as undisturbed ones.

use crate::world::{JOB, World, terminal, uuid};
use flink_retention::engine::Mode;
use retention::keep::KeepRules;
use retention::restorable::Restorable;
use std::sync::Arc;
use storage::faults::{Failure, Fault, FaultInjecting};

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
        let calls = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let counted = Arc::clone(&calls);
        // From that call on, nothing works any more: odd ones still take effect.
        let dying = FaultInjecting::new(world.storage.clone(), move |_| {
            let call = counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
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
        world.run_on(Mode::Enforce, Arc::new(dying)).await;
        let reached = calls.load(std::sync::atomic::Ordering::SeqCst) >= crash;

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
