//! A job that is over: what nobody names goes, after a mark and a grace period.

use crate::world::{JOB, World, terminal, uuid};
use flink_retention::engine::Mode;
use retention::keep::KeepRules;
use retention::plan::{Ripeness, Waiting};

/// chk-9 with one shared file, and one shared file that nobody names.
fn world() -> World {
    let world = World::new();
    world.checkpoint(JOB, 9, &[&uuid(1)]);
    world.file(&format!("{JOB}/shared/{}", uuid(2)), 100);
    world.set(vec![terminal(JOB)]);
    world.wait(48);
    world
}

fn orphan() -> String {
    format!("{JOB}/shared/{}", uuid(2))
}

#[tokio::test]
async fn a_dry_run_tells_and_writes_nothing() {
    let world = world();
    let before = world.storage.files();
    let report = world.run(Mode::DryRun).await;
    assert_eq!(
        report
            .summaries
            .iter()
            .map(|summary| summary.orphaned.bytes)
            .sum::<u64>(),
        100
    );
    assert_eq!(world.storage.files(), before);
}

#[tokio::test]
async fn p4_the_first_run_marks_and_a_later_one_deletes() {
    let world = world();
    let kept: Vec<String> = world
        .paths()
        .into_iter()
        .filter(|path| *path != orphan())
        .collect();
    let first = world.enforce().await;
    assert!(first.outcome.deleted.is_empty());
    assert!(world.journal_files() > 0);

    world.wait(23);
    let early = world.enforce().await;
    assert!(
        early.outcome.deleted.is_empty(),
        "the grace period is 24 hours"
    );
    assert!(matches!(
        early.plan.entries[0].ripeness,
        Ripeness::Waiting(Waiting::Grace { .. })
    ));

    world.wait(2);
    let late = world.enforce().await;
    assert_eq!(late.outcome.deleted.len(), 1, "{:?}", late.outcome);
    assert_eq!(world.paths(), kept);
}

#[tokio::test]
async fn a_mark_ends_when_the_file_is_named_again() {
    let world = world();
    world.enforce().await;
    world.wait(25);
    // Somebody restored a snapshot that names it.
    world.checkpoint(JOB, 10, &[&uuid(2)]);
    assert!(world.enforce().await.outcome.deleted.is_empty());
    world
        .storage
        .remove(&storage::Key::parse(&format!("ckp/{JOB}/chk-10")).unwrap());
    assert!(
        world.enforce().await.outcome.deleted.is_empty(),
        "it must wait anew"
    );
    assert!(world.has(&orphan()));
}

#[tokio::test]
async fn a_file_that_was_written_again_waits_anew() {
    let world = world();
    world.enforce().await;
    world.wait(25);
    world.file(&orphan(), 100);
    world.wait(25);
    assert!(world.enforce().await.outcome.deleted.is_empty());
}

#[tokio::test]
async fn files_of_a_checkpoint_without_metadata_go_with_their_directory() {
    let world = world();
    world.file(&format!("{JOB}/chk-4/{}", uuid(4)), 7);
    world.wait(48);
    world.enforce().await;
    world.wait(25);
    let report = world.enforce().await;
    assert_eq!(report.outcome.deleted.len(), 2);
    assert!(!world.has(&format!("{JOB}/chk-4/{}", uuid(4))));
    assert!(world.has(&format!("{JOB}/chk-9/_metadata")));
}

#[tokio::test]
async fn a_snapshot_that_no_rule_keeps_expires_whole_and_its_shared_files_follow_later() {
    let mut world = World::new();
    world.checkpoint(JOB, 8, &[&uuid(1), &uuid(8)]);
    world.wait(1);
    world.checkpoint(JOB, 9, &[&uuid(1)]);
    world.ripen_all_but_the_newest().await;
    let report = world.enforce().await;
    let deleted: Vec<&str> = report
        .outcome
        .deleted
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(deleted.len(), 2, "{:?}", report.outcome);
    assert!(deleted[0].ends_with("chk-8/_metadata"), "{deleted:?}");
    assert!(
        world.has(&format!("{JOB}/shared/{}", uuid(8))),
        "its shared files get marks of their own"
    );
    world.enforce().await;
    world.wait(25);
    assert_eq!(world.enforce().await.outcome.deleted.len(), 1);
    assert!(!world.has(&format!("{JOB}/shared/{}", uuid(8))));
    assert!(world.has(&format!("{JOB}/shared/{}", uuid(1))));
}

#[tokio::test]
async fn p2_the_newest_restorable_snapshot_stays_even_if_a_newer_one_is_torn_apart() {
    let mut world = World::new();
    world.checkpoint(JOB, 8, &[&uuid(1)]);
    world.wait(1);
    world.checkpoint(JOB, 9, &[&uuid(2)]);
    world
        .storage
        .remove(&storage::Key::parse(&format!("ckp/{JOB}/shared/{}", uuid(2))).unwrap());
    world.set(vec![terminal(JOB)]);
    world.wait(480);
    world.policy.checkpoints = Some(KeepRules {
        keep_last: Some(0),
        keep_within: None,
    });
    for _ in 0..3 {
        world.enforce().await;
        world.wait(25);
    }
    assert!(world.has(&format!("{JOB}/chk-8/_metadata")));
    assert!(world.has(&format!("{JOB}/shared/{}", uuid(1))));
}

#[tokio::test]
async fn the_limit_of_a_run_is_kept_and_the_next_run_goes_on() {
    let mut world = world();
    world.file(&format!("{JOB}/shared/{}", uuid(3)), 100);
    world.wait(48);
    world.policy.limits.max_bytes_per_run = Some(150);
    world.enforce().await;
    world.wait(25);
    assert_eq!(world.enforce().await.outcome.deleted_amount().bytes, 100);
    assert_eq!(world.enforce().await.outcome.deleted_amount().bytes, 100);
}
