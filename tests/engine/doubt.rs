//! P3: missing evidence keeps.

use crate::world::{JOB, OLD_JOB, World, terminal, uuid};
use retention::guard::Guard;
use std::sync::Arc;
use storage::faults::{Failure, Fault, FaultInjecting};
use storage::memory::Node;
use storage::{Key, Operation};

fn orphan() -> String {
    format!("{JOB}/shared/{}", uuid(2))
}

/// An orphan that is ripe in the next run.
async fn ripe() -> World {
    let world = World::new();
    world.checkpoint(JOB, 9, &[&uuid(1)]);
    world.file(&orphan(), 100);
    world.set(vec![terminal(JOB)]);
    world.wait(48);
    world.enforce().await;
    world.wait(25);
    world
}

async fn assert_protected(world: &World, guard: Guard) {
    world.assert_protected(&orphan(), guard).await;
}

#[tokio::test]
async fn a_torn_metadata_of_any_job_protects_the_whole_base() {
    let world = ripe().await;
    let torn = testbed::snapshot::SnapshotFile::default().to_bytes();
    world.put(&format!("{OLD_JOB}/chk-3/_metadata"), torn[..40].to_vec());
    assert_protected(&world, Guard::UnreadableSnapshot).await;
}

#[tokio::test]
async fn a_newer_format_protects_the_whole_base() {
    let world = ripe().await;
    let newer = testbed::snapshot::SnapshotFile::default().with_version(7);
    world.put(&format!("{OLD_JOB}/chk-3/_metadata"), newer);
    assert_protected(&world, Guard::UnreadableSnapshot).await;
}

#[tokio::test]
async fn a_link_behind_which_snapshots_may_lie_protects() {
    let world = ripe().await;
    world
        .storage
        .insert(&Key::parse("ckp/elsewhere").unwrap(), Node::Symlink);
    assert_protected(&world, Guard::MissingEvidence).await;
}

#[tokio::test]
async fn a_base_of_another_job_that_cannot_be_reached_protects() {
    let world = ripe().await;
    let mut other = terminal(OLD_JOB);
    other.name.name = "other".to_owned();
    other.bases = vec![crate::world::at("/unmounted/ckp")];
    world.jobs.lock().unwrap().push(other);
    assert_protected(&world, Guard::MissingEvidence).await;
}

#[tokio::test]
async fn a_listing_that_breaks_neither_deletes_nor_ends_marks() {
    let world = ripe().await;
    let broken = FaultInjecting::new(world.storage.clone(), |call| {
        if call.operation == Operation::List && call.key.as_str().ends_with("/shared") {
            Fault::BreakListing {
                after: 1,
                failure: Failure::Unavailable,
            }
        } else {
            Fault::None
        }
    });
    let report = world
        .run_on(flink_retention::engine::Mode::Enforce, Arc::new(broken))
        .await;
    assert!(report.outcome.deleted.is_empty());
    assert_eq!(report.outcome.blocked[0].word(), "IncompleteListing");
    assert!(world.has(&orphan()));
    assert_eq!(
        world.enforce().await.outcome.deleted.len(),
        1,
        "the mark has survived"
    );
}

#[tokio::test]
async fn a_second_job_with_the_same_id_protects() {
    let world = ripe().await;
    let mut other = terminal(JOB);
    other.name.namespace = "elsewhere".to_owned();
    world.jobs.lock().unwrap().push(other);
    assert_protected(&world, Guard::UnknownOwner).await;
}

#[tokio::test]
async fn a_resource_that_appears_while_we_verify_saves_its_files() {
    let world = ripe().await;
    world.at_observation(4, |world| {
        let snapshot = testbed::snapshot::SnapshotFile {
            checkpoint_id: 1,
            shared: vec![(format!("file:/data/ckp/{}", orphan()), 100)],
            exclusive: Vec::new(),
        };
        let path = format!("new/{OLD_JOB}/chk-1/_metadata");
        world
            .storage
            .insert_file(&Key::parse(&path).unwrap(), snapshot.to_bytes());
        let mut other = terminal(OLD_JOB);
        other.name.name = "new".to_owned();
        other.bases = vec![crate::world::at("/data/new")];
        world.jobs.lock().unwrap().push(other);
    });
    let report = world.enforce().await;
    assert!(report.outcome.deleted.is_empty());
    assert!(world.has(&orphan()));
}

#[tokio::test]
async fn names_that_flink_does_not_write_stay() {
    let world = ripe().await;
    world.file(&format!("{JOB}/shared/notes.txt"), 3);
    world.file("readme.md", 3);
    world.wait(48);
    world.enforce().await;
    world.wait(48);
    world.enforce().await;
    assert!(world.has(&format!("{JOB}/shared/notes.txt")));
    assert!(world.has("readme.md"));
}

/// A resource will start from a checkpoint that somebody copied away: the copy names the files of the original.
#[tokio::test]
async fn a_checkpoint_that_a_resource_names_outside_every_base_is_read() {
    let world = ripe().await;
    let copy = testbed::snapshot::SnapshotFile {
        checkpoint_id: 3,
        shared: vec![(format!("file:/data/ckp/{}", orphan()), 100)],
        exclusive: Vec::new(),
    };
    let path = Key::parse("backup/mine/_metadata").unwrap();
    world.storage.insert_file(&path, copy.to_bytes());
    name(&world, "/data/backup/mine");
    assert!(world.enforce().await.outcome.deleted.is_empty());
    assert!(world.has(&orphan()));
}

#[tokio::test]
async fn a_checkpoint_that_a_resource_names_out_of_reach_protects_and_a_savepoint_does_not() {
    let world = ripe().await;
    name(&world, "/unmounted/chk-7");
    assert_protected(&world, Guard::MissingEvidence).await;
    world.roots.lock().unwrap().clear();
    name(&world, "/unmounted/savepoint-000000-0123456789ab");
    assert_eq!(world.enforce().await.outcome.deleted.len(), 1);
}

fn name(world: &World, directory: &str) {
    world.roots.lock().unwrap().push(retention::evidence::Root {
        snapshot: retention::reference::DirectoryKey::of(directory),
        location: Some(crate::world::at(directory)),
        named_by: "FlinkDeployment flink/orders".to_owned(),
    });
}

/// A file with an old time, as a backup brings it back.
fn restore(world: &World, path: &str) {
    world.wait(-24 * 30);
    world.file(path, 100);
    world.wait(24 * 30);
}

#[tokio::test]
async fn lc66_a_restored_backup_is_as_old_as_we_have_known_it() {
    let world = ripe().await;
    let restored = format!("{JOB}/shared/{}", uuid(3));
    restore(&world, &restored);
    for _ in 0..2 {
        world.enforce().await;
        assert!(
            world.has(&restored),
            "it was listed for less than the grace period"
        );
        world.wait(23);
    }
    world.wait(2);
    world.enforce().await;
    assert!(!world.has(&restored));
}

/// Whoever brings back what we deleted wants it, and has a grace period to say so.
#[tokio::test]
async fn lc66_a_backup_of_what_we_deleted_begins_anew() {
    let world = World::new();
    world.checkpoint(JOB, 9, &[&uuid(1)]);
    restore(&world, &orphan());
    world.set(vec![terminal(JOB)]);
    let modified = |world: &World| {
        let key = Key::parse(&format!("ckp/{}", orphan())).unwrap();
        futures::executor::block_on(storage::Storage::stat(&world.storage, &key))
            .unwrap()
            .map(|entry| entry.version.modified)
    };
    let before = modified(&world);
    world.enforce().await;
    world.wait(25);
    assert_eq!(world.enforce().await.outcome.deleted.len(), 1);
    // With the time that it had, to the second.
    world.wait(-24 * 30 - 25);
    world.file(&orphan(), 100);
    world.wait(24 * 30 + 25);
    assert_eq!(modified(&world), before);
    world.wait(1);
    assert!(world.enforce().await.outcome.deleted.is_empty());
    assert!(world.has(&orphan()));
    world.wait(25);
    assert_eq!(world.enforce().await.outcome.deleted.len(), 1);
}
