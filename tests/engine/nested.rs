//! A directory and one in it, each pruned under its own name by somebody who does not know of the other.

use crate::world::{JOB, OLD_JOB, World, at, orphan, terminal, uuid};
use flink_retention::engine::Report;
use retention::guard::Guard;
use retention::keep::KeepRules;
use storage::Key;

fn blocked(report: &Report) -> Vec<String> {
    let blocked = report.outcome.blocked.iter();
    blocked.map(ToString::to_string).collect()
}

fn assert_blocked(report: &Report, why: &str) {
    let blocked = blocked(report);
    assert_eq!(blocked.len(), 1, "{blocked:?}");
    assert!(blocked[0].contains(why), "{blocked:?}");
    assert!(report.outcome.deleted.is_empty());
}

#[tokio::test]
async fn whoever_prunes_a_directory_sees_that_one_in_it_is_pruned() {
    let mut world = World::with_an_orphan();
    world.enforce().await;
    world.wait(25);
    world.bases = vec![at("/data")];
    world.edit(|job| job.bases = vec![at("/data")]);
    for _ in 0..2 {
        let report = world.enforce().await;
        assert_blocked(&report, "file:/data/ckp in it is pruned under its own name");
        world.wait(25);
    }
    assert!(world.has(&orphan()));
}

#[tokio::test]
async fn whoever_prunes_a_directory_sees_that_one_around_it_is_pruned() {
    let mut world = World::with_an_orphan();
    world.bases = vec![at("/data")];
    world.enforce().await;
    world.wait(25);
    world.bases = vec![at("/data/ckp")];
    for _ in 0..2 {
        let report = world.enforce().await;
        assert_blocked(
            &report,
            "it is part of file:/data, which is pruned as a whole",
        );
        world.wait(25);
    }
    world
        .assert_protected(&orphan(), Guard::IncompleteListing)
        .await;
    // Whoever knows of both leaves the inner one out.
    world.edit(|job| job.bases = vec![at("/data"), at("/data/ckp")]);
    world.enforce().await;
    world.wait(25);
    assert_eq!(world.enforce().await.outcome.deleted.len(), 1, "{JOB}");
}

#[tokio::test]
async fn a_directory_of_another_job_that_is_pruned_apart_is_left_out() {
    let mut world = World::with_an_orphan();
    world.enforce().await;
    world.wait(25);
    let other = format!("{OLD_JOB}/shared/{}", uuid(50));
    let key = Key::parse(&other).unwrap();
    world.storage.insert_file(&key, vec![0; 10]);
    let mut outer = terminal(OLD_JOB);
    outer.name.name = "outer".to_owned();
    outer.bases = vec![at("/data")];
    world.jobs.lock().unwrap().push(outer);
    world.bases = vec![at("/data")];
    for _ in 0..3 {
        let report = world.enforce().await;
        let blocked = blocked(&report);
        assert!(blocked.is_empty(), "{blocked:?}");
        world.wait(48);
    }
    assert!(
        world.has(&orphan()),
        "the inner one is somebody else's to prune"
    );
    assert!(!world.storage.contains(&key));
}

#[tokio::test]
async fn a_name_alone_is_no_journal() {
    let world = World::with_an_orphan();
    world.file("backup/.flink-retention/format.json", 10);
    world.enforce().await;
    world.wait(25);
    assert_eq!(world.enforce().await.outcome.deleted.len(), 1);
}

/// Whoever prunes the inner directory knows better which of its snapshots may go.
#[tokio::test]
async fn p1_a_snapshot_in_a_directory_that_is_pruned_apart_does_not_expire_from_outside() {
    let mut world = World::with_an_orphan();
    world.checkpoint(JOB, 10, &[&uuid(1)]);
    world.enforce().await;
    world.wait(25);
    world.edit(|job| job.bases = vec![at("/data"), at("/data/ckp")]);
    world.bases = vec![at("/data")];
    world.policy.checkpoints = Some(KeepRules {
        keep_last: Some(1),
        keep_within: None,
    });
    for _ in 0..3 {
        let report = world.enforce().await;
        let blocked = blocked(&report);
        assert!(blocked.is_empty(), "{blocked:?}");
        world.wait(48);
    }
    assert!(world.has(&format!("{JOB}/chk-9/_metadata")));
    // Where it is pruned under its own name it goes.
    world.bases = vec![at("/data/ckp")];
    for _ in 0..2 {
        world.enforce().await;
        world.wait(25);
    }
    assert!(!world.has(&format!("{JOB}/chk-9/_metadata")));
}

#[tokio::test]
async fn whoever_knows_of_a_directory_that_another_prunes_does_not_shut_him_out() {
    let mut world = World::with_an_orphan();
    world.owner = "them".to_owned();
    world.enforce().await;
    world.wait(25);
    world.edit(|job| job.bases = vec![at("/data"), at("/data/ckp")]);
    let mut us = world.clone();
    us.owner = "us".to_owned();
    us.bases = vec![at("/data")];
    assert_blocked(
        &us.enforce().await,
        "file:/data/ckp in it is pruned under its own name",
    );
    world.edit(|job| job.bases = vec![at("/data/ckp")]);
    let report = world.enforce().await;
    assert_eq!(report.outcome.deleted.len(), 1, "{:?}", report.outcome);
}
