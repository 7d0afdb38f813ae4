//! A former job id: its directory goes once its successor stands on its own.

use crate::world::{JOB, OLD_JOB, World, lineage, uuid};
use retention::guard::Guard;
use retention::keep::KeepRules;
use retention::plan::Decision;

/// The resource ran as `OLD_JOB` and runs as `JOB` now.
fn world() -> World {
    let mut world = World::new();
    world.policy.checkpoints = Some(KeepRules {
        keep_last: Some(0),
        keep_within: None,
    });
    world.checkpoint(OLD_JOB, 5, &[&uuid(5)]);
    world.file(&format!("{OLD_JOB}/shared/{}", uuid(6)), 100);
    world.wait(48);
    world
}

fn upgraded(world: &World) {
    let six = world.checkpoint(JOB, 6, &[&uuid(1)]);
    let mut job = world.running(&[(6, six)], 7);
    job.lineage = lineage(OLD_JOB);
    world.set(vec![job]);
}

#[tokio::test]
async fn orphans_go_and_the_last_snapshot_stays_until_the_successor_has_lasted() {
    let world = world();
    upgraded(&world);
    world.enforce().await;
    world.wait(25);
    let report = world.enforce().await;
    assert_eq!(report.outcome.deleted.len(), 1, "{:?}", report.outcome);
    assert!(!world.has(&format!("{OLD_JOB}/shared/{}", uuid(6))));
    assert!(
        world.has(&format!("{OLD_JOB}/chk-5/_metadata")),
        "P2: the successor is younger than seven days"
    );

    world.wait(24 * 7);
    world.enforce().await;
    world.wait(25);
    world.enforce().await;
    assert!(!world.has(&format!("{OLD_JOB}/chk-5/_metadata")));
    assert!(world.has(&format!("{JOB}/chk-6/_metadata")));
}

#[tokio::test]
async fn without_a_checkpoint_of_the_successor_nothing_goes() {
    let world = world();
    let mut job = world.running(&[], 6);
    job.lineage = lineage(OLD_JOB);
    world.set(vec![job]);
    let report = world.enforce().await;
    let entry = report
        .plan
        .entries
        .iter()
        .find(|entry| entry.path.contains("shared"))
        .unwrap();
    let Decision::Protected(protection) = &entry.decision else {
        panic!("{entry:?}");
    };
    assert_eq!(protection.guard, Guard::UnknownOwner);
}

#[tokio::test]
async fn what_the_successor_claims_of_it_stays() {
    let world = world();
    upgraded(&world);
    // Restored in CLAIM mode: the new job's checkpoint names the old job's file.
    let claim = testbed::snapshot::SnapshotFile {
        checkpoint_id: 7,
        shared: vec![(format!("file:/data/ckp/{OLD_JOB}/shared/{}", uuid(6)), 100)],
        exclusive: Vec::new(),
    };
    world.put(&format!("{JOB}/chk-7/_metadata"), claim.to_bytes());
    world.enforce().await;
    world.wait(25);
    world.enforce().await;
    assert!(world.has(&format!("{OLD_JOB}/shared/{}", uuid(6))));
}

/// Flink deletes claimed snapshots at any time. The one that stays in place of others, and the one that would then, are
/// looked at again before those others go.
#[tokio::test]
async fn p2_what_takes_the_place_of_a_snapshot_that_went_meanwhile_is_looked_at_too() {
    let mut world = World::new();
    world.policy.checkpoints = Some(KeepRules {
        keep_last: Some(0),
        keep_within: None,
    });
    for number in [3, 4, 5] {
        world.checkpoint(OLD_JOB, number, &[&uuid(number)]);
        world.wait(1);
    }
    world.wait(48);
    upgraded(&world);
    world.enforce().await;
    world.wait(25);
    world.at_observation(3, |world| {
        for number in [4, 5] {
            let path = format!("ckp/{OLD_JOB}/shared/{}", uuid(number));
            world.storage.remove(&storage::Key::parse(&path).unwrap());
        }
    });
    world.enforce().await;
    assert!(
        world.has(&format!("{OLD_JOB}/chk-3/_metadata")),
        "it is the only one left that its job could start from"
    );
}
