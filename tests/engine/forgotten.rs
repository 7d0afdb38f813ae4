//! P1 across bases: a base that nobody knows any more still keeps what its snapshots name elsewhere.

use crate::world::{JOB, OLD_JOB, World, at, terminal, uuid};
use flink_retention::engine::Mode;
use flink_retention::engine::journal::Journal;
use retention::evidence::Root;
use retention::guard::Guard;
use retention::reference::DirectoryKey;
use std::sync::Arc;
use storage::Key;
use storage::Operation;
use storage::faults::{Failure, Fault, FaultInjecting};
use storage::memory::Node;
use testbed::snapshot::SnapshotFile;

const METADATA: &str = "other/00000000000000000000000000000def/chk-3/_metadata";

fn leaked() -> String {
    format!("{JOB}/shared/{}", uuid(2))
}

fn key(path: &str) -> Key {
    Key::parse(path).unwrap()
}

/// A base `/data/other` of another job, whose checkpoint names a file of a finished job of `/data/ckp`.
fn world() -> World {
    let world = World::new();
    world.checkpoint(JOB, 9, &[&uuid(1)]);
    world.file(&leaked(), 100);
    world
        .storage
        .insert_file(&key(METADATA), names_the_leaked());
    let mut other = terminal(OLD_JOB);
    "clicks".clone_into(&mut other.name.name);
    other.bases = vec![at("/data/other")];
    world.set(vec![terminal(JOB), other]);
    world.wait(48);
    world
}

fn names_the_leaked() -> Vec<u8> {
    SnapshotFile {
        checkpoint_id: 3,
        shared: vec![(format!("file:/data/ckp/{}", leaked()), 100)],
        exclusive: Vec::new(),
    }
    .to_bytes()
}

/// The same after the resource of the other job and all records of it are gone.
async fn forgotten() -> World {
    let world = world();
    world.enforce().await;
    world.set(vec![terminal(JOB)]);
    world.wait(25);
    world
}

/// The volume of the other base is not mounted any more: what is left is the directory in which it was.
fn unmount(world: &World) {
    world.storage.remove(&key("other"));
    world.storage.insert(&key("other"), Node::Directory);
}

async fn referrers(world: &World) -> usize {
    let storage = Arc::new(world.storage.clone());
    let journal = Journal::of(storage, &key("ckp"), &at("/data/ckp")).unwrap();
    journal.referrers().await.unwrap().len()
}

/// Runs often and long enough for anything that may go.
async fn assert_kept(world: &World) {
    for _ in 0..3 {
        let report = world.enforce().await;
        assert!(report.outcome.deleted.is_empty(), "{:?}", report.outcome);
        world.wait(25);
    }
    assert!(world.has(&leaked()));
}

async fn assert_goes(world: &World) {
    world.enforce().await;
    world.wait(25);
    world.enforce().await;
    assert!(!world.has(&leaked()));
}

#[tokio::test]
async fn p1_a_base_that_nobody_knows_any_more_is_read_all_the_same() {
    let world = forgotten().await;
    assert_kept(&world).await;
    let report = world.run(Mode::DryRun).await;
    let read = |path: &str| {
        report
            .inventory
            .bases
            .iter()
            .any(|base| base.location == at(path))
    };
    assert!(read("/data/other"));
    assert!(
        report
            .plan
            .entries
            .iter()
            .all(|entry| *entry.path != *leaked()),
        "it is named"
    );
    // Once its snapshot is gone it needs nothing any more.
    world.storage.remove(&key(METADATA));
    world
        .storage
        .insert_file(&key(&METADATA.replace("_metadata", "x")), Vec::new());
    assert_goes(&world).await;
    assert_eq!(
        referrers(&world).await,
        1,
        "it may be restored from a backup"
    );
    world.wait(7 * 24);
    world.enforce().await;
    assert_eq!(referrers(&world).await, 0);
}

#[tokio::test]
async fn p1_a_forgotten_base_that_cannot_be_read_protects() {
    let world = forgotten().await;
    let refusing = || {
        FaultInjecting::new(world.storage.clone(), |call| {
            match (call.operation, call.key.as_str()) {
                (Operation::List, "other") => Fault::Fail(Failure::PermissionDenied),
                _ => Fault::None,
            }
        })
    };
    for _ in 0..3 {
        let report = world.run_on(Mode::Enforce, Arc::new(refusing())).await;
        assert!(report.outcome.deleted.is_empty(), "{:?}", report.outcome);
        world.wait(25);
    }
    assert!(world.has(&leaked()));
    assert_eq!(referrers(&world).await, 1);
}

#[tokio::test]
async fn p1_a_forgotten_base_that_looks_not_mounted_protects() {
    let world = forgotten().await;
    unmount(&world);
    world
        .assert_protected(&leaked(), Guard::MissingEvidence)
        .await;
    assert_kept(&world).await;
    assert_eq!(referrers(&world).await, 1);
    // It was mounted again.
    world
        .storage
        .insert_file(&key(METADATA), names_the_leaked());
    assert_kept(&world).await;
}

/// A journal of ours is all that is in it: the next run must not take it for the volume.
#[tokio::test]
async fn p1_a_journal_makes_no_volume_of_a_directory_in_which_none_is_mounted() {
    let mut world = world();
    world.bases.push(at("/data/other"));
    world.enforce().await;
    assert_eq!(referrers(&world).await, 1);
    unmount(&world);
    for _ in 0..3 {
        let report = world.enforce().await;
        assert!(report.outcome.deleted.is_empty(), "{:?}", report.outcome);
        world.wait(25);
    }
    assert!(world.has(&leaked()));
    assert!(
        world.storage.contains(&key("other/.flink-retention")),
        "else this test shows nothing"
    );
}

/// The marks are old, the other base was named in them by nobody yet: it vanishes while a batch is verified.
#[tokio::test]
async fn p1_a_base_that_is_forgotten_while_a_batch_is_verified_is_read_again() {
    let world = world();
    world.storage.remove(&key(METADATA));
    world.enforce().await;
    world.wait(25);
    world.at_observation(3, |world| {
        world.set(vec![terminal(JOB)]);
        world
            .storage
            .insert_file(&key(METADATA), names_the_leaked());
    });
    let report = world.enforce().await;
    assert!(report.outcome.deleted.is_empty(), "{:?}", report.outcome);
    assert!(world.has(&leaked()));
}

#[tokio::test]
async fn a_new_owner_remembers_it_too() {
    let mut world = forgotten().await;
    let storage = Arc::new(world.storage.clone());
    let journal = Journal::of(storage, &key("ckp"), &at("/data/ckp")).unwrap();
    let seen = journal.latest_epoch().await.unwrap().unwrap();
    "them".clone_into(&mut world.owner);
    let them = flink_retention::engine::journal::OwnerId("them".to_owned());
    let now = flink_retention::engine::Clock::now(&world);
    journal.take_over(&seen, &them, now).await.unwrap();
    unmount(&world);
    assert_kept(&world).await;
}

#[tokio::test]
async fn a_person_can_say_that_it_is_gone_for_good() {
    let world = forgotten().await;
    world.storage.remove(&key("other"));
    assert_kept(&world).await;
    let storage = Arc::new(world.storage.clone());
    let journal = Journal::of(storage, &key("ckp"), &at("/data/ckp")).unwrap();
    let seen = journal.latest_epoch().await.unwrap().unwrap();
    let now = flink_retention::engine::Clock::now(&world);
    journal
        .forget(&seen, |at| at.name() == "elsewhere", now)
        .await
        .unwrap();
    assert_kept(&world).await;
    let seen = journal.latest_epoch().await.unwrap().unwrap();
    journal
        .forget(&seen, |at| at.name() == "other", now)
        .await
        .unwrap();
    assert!(
        journal.forget(&seen, |_| false, now).await.is_err(),
        "somebody acted in between"
    );
    assert_goes(&world).await;
}

/// In CLAIM mode a job goes on naming shared files of what it was restored from when that is long gone, and its own
/// checkpoints may be in a store of which nothing can be read.
#[tokio::test]
async fn p1_a_job_whose_own_store_is_out_of_reach_keeps_what_it_was_restored_from() {
    let world = World::with_an_orphan();
    let mut other = terminal(OLD_JOB);
    "clicks".clone_into(&mut other.name.name);
    other.bases = vec![at("s3://elsewhere/ckp")];
    let claimed = at(&format!("/data/ckp/{JOB}/chk-7"));
    world.roots.lock().unwrap().push(Root {
        snapshot: DirectoryKey::of(claimed.path()),
        location: Some(claimed),
        named_by: other.name.to_string(),
    });
    world.set(vec![terminal(JOB), other]);
    assert_kept(&world).await;
    // It is gone, so nothing of it will be restored.
    world.set(vec![terminal(JOB)]);
    assert_goes(&world).await;
}
