//! Shapes and moments that once led the engine astray.

use crate::world::{JOB, OLD_JOB, World, at, lineage, terminal, uuid};
use flink_retention::engine::Mode;
use jiff::SignedDuration;
use retention::evidence::{
    HaCheckpoint, HaEntry, HaMap, HaReference, HighAvailability, JobManager, Phase,
};
use retention::guard::Guard;
use retention::inventory::Contents;
use retention::keep::KeepRules;
use retention::reference::Required;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use storage::faults::{Fault, FaultInjecting};
use storage::memory::Node;
use storage::{Key, Operation};
use testbed::snapshot::SnapshotFile;

fn orphan() -> String {
    format!("{JOB}/shared/{}", uuid(2))
}

fn key(path: &str) -> Key {
    Key::parse(path).unwrap()
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

/// chk-8 expires whole, chk-9 stays.
async fn expiring() -> World {
    let mut world = World::new();
    world.checkpoint(JOB, 8, &[&uuid(1)]);
    world.wait(1);
    world.checkpoint(JOB, 9, &[&uuid(1)]);
    world.ripen_all_but_the_newest().await;
    world
}

/// A snapshot that names the orphan.
fn names_the_orphan() -> Vec<u8> {
    SnapshotFile {
        checkpoint_id: 3,
        shared: vec![(format!("file:/data/ckp/{}", orphan()), 100)],
        exclusive: Vec::new(),
    }
    .to_bytes()
}

async fn assert_protected(world: &World, guard: Guard) {
    world.assert_protected(&orphan(), guard).await;
}

#[tokio::test]
async fn p1_snapshots_below_a_directory_that_happens_to_be_named_shared_are_read() {
    let world = ripe().await;
    let path = format!("shared/team/{OLD_JOB}/chk-3/_metadata");
    world.put(&path, names_the_orphan());
    let report = world.enforce().await;
    assert!(report.outcome.deleted.is_empty(), "{:?}", report.outcome);
    assert!(world.has(&orphan()));
}

#[tokio::test]
async fn a_snapshot_among_data_files_protects() {
    let world = ripe().await;
    let path = format!("{JOB}/shared/copy/{OLD_JOB}/chk-3/_metadata");
    world.put(&path, names_the_orphan());
    assert_protected(&world, Guard::UnreadableSnapshot).await;
}

#[tokio::test]
async fn p3_an_unreadable_snapshot_protects_what_its_job_was_before_elsewhere() {
    let world = World::new();
    let former = format!("{OLD_JOB}/shared/{}", uuid(6));
    world.checkpoint(OLD_JOB, 5, &[&uuid(5)]);
    world.file(&former, 100);
    let snapshot = SnapshotFile {
        checkpoint_id: 6,
        ..SnapshotFile::default()
    };
    let chk = |id: u64| key(&format!("new/{JOB}/chk-{id}/_metadata"));
    world.storage.insert_file(&chk(6), snapshot.to_bytes());
    let mut job = terminal(JOB);
    job.lineage = lineage(OLD_JOB);
    job.bases.push(at("/data/new"));
    world.set(vec![job]);
    world.wait(48);
    world.enforce().await;
    world.wait(25);
    // Restored from the former job in CLAIM mode, so it may name the former job's files.
    let torn = snapshot.to_bytes()[..40].to_vec();
    world.storage.insert_file(&chk(7), torn);
    let report = world.enforce().await;
    assert!(report.outcome.deleted.is_empty(), "{:?}", report.outcome);
    assert!(world.has(&former));

    world.storage.remove(&chk(7));
    assert_eq!(world.enforce().await.outcome.deleted.len(), 1);
}

#[tokio::test]
async fn a_volume_that_is_not_mounted_is_no_empty_base() {
    let world = ripe().await;
    let mut other = world.running(
        &[(
            3,
            SnapshotFile {
                checkpoint_id: 3,
                ..SnapshotFile::default()
            },
        )],
        4,
    );
    other.name.name = "other".to_owned();
    other.current = Some(OLD_JOB.parse().unwrap());
    other.bases = vec![at("/data/other")];
    if let HighAvailability::Map(map) = &mut other.high_availability {
        let entry = map.entries.first_mut().unwrap();
        entry.checkpoint.pointer = Some(at(&format!("/data/other/{OLD_JOB}/chk-3")));
    }
    world.storage.insert(&key("other"), Node::Directory);
    world.jobs.lock().unwrap().push(other);
    assert_protected(&world, Guard::MissingEvidence).await;
}

/// Somebody else's snapshots do not make a base the one that a running job sees: two volumes may have one mount path.
#[tokio::test]
async fn a_base_that_shows_only_others_is_not_the_one_of_a_running_job() {
    let world = ripe().await;
    let mut other = world.running(&[(3, SnapshotFile::default())], 4);
    other.name.name = "other".to_owned();
    other.current = Some(OLD_JOB.parse().unwrap());
    other.high_availability = HighAvailability::NotConfigured;
    if let JobManager::Answered(rest) = &mut other.job_manager {
        rest.job_id = OLD_JOB.parse().unwrap();
        rest.checkpoints[0].external_path = Some(at(&format!("/data/ckp/{OLD_JOB}/chk-3")));
    }
    world.jobs.lock().unwrap().push(other);
    assert_protected(&world, Guard::MissingEvidence).await;
    // It has been replaced by another one since its JobManager answered.
    world.checkpoint(OLD_JOB, 4, &[&uuid(7)]);
    let report = world.enforce().await;
    assert_eq!(report.outcome.deleted.len(), 1, "{:?}", report.plan.entries);
}

/// Flink reads what links lead to, so a checkpoint is not known to have lost a file that has been moved behind one.
#[tokio::test]
async fn a_checkpoint_whose_file_is_a_link_is_not_hollow() {
    let mut world = World::new();
    world.policy.unrestorable = Some(SignedDuration::from_hours(24));
    world.policy.checkpoints = Some(KeepRules {
        keep_last: Some(1),
        keep_within: None,
    });
    world.checkpoint(JOB, 8, &[&uuid(1)]);
    world.storage.insert(
        &key(&format!("ckp/{JOB}/shared/{}", uuid(1))),
        Node::Symlink,
    );
    world.wait(1);
    world.checkpoint(JOB, 9, &[&uuid(2)]);
    world.set(vec![terminal(JOB)]);
    for _ in 0..3 {
        world.wait(48);
        let report = world.enforce().await;
        assert!(report.outcome.deleted.is_empty(), "{:?}", report.outcome);
    }
    // A directory is no file to anybody.
    world.storage.insert(
        &key(&format!("ckp/{JOB}/shared/{}", uuid(1))),
        Node::Directory,
    );
    world.enforce().await;
    world.wait(48);
    let report = world.enforce().await;
    assert!(!report.outcome.deleted.is_empty(), "{:?}", report.plan);
}

/// The store, with a directory that goes away each time it is about to be listed, and comes back `again` times.
fn moving(world: &World, again: u64) -> Arc<dyn storage::Storage> {
    let archive = key("ckp/archive");
    world.storage.insert(&archive, Node::Directory);
    let (storage, times) = (world.storage.clone(), AtomicU64::new(0));
    Arc::new(FaultInjecting::new(world.storage.clone(), move |call| {
        if call.operation == Operation::List && call.key == archive {
            storage.remove(&archive);
        } else if call.operation == Operation::List
            && call.key.as_str() == "ckp"
            && times.fetch_add(1, Ordering::SeqCst) <= again
        {
            storage.insert(&archive, Node::Directory);
        }
        Fault::None
    }))
}

#[tokio::test]
async fn a_directory_that_goes_away_while_it_is_listed_is_looked_for_again() {
    let world = ripe().await;
    let report = world.run_on(Mode::Enforce, moving(&world, 0)).await;
    assert_eq!(report.outcome.deleted.len(), 1, "{:?}", report.outcome);
}

#[tokio::test]
async fn directories_that_never_stay_protect() {
    let world = ripe().await;
    let report = world.run_on(Mode::Enforce, moving(&world, 100)).await;
    assert!(report.outcome.deleted.is_empty(), "{:?}", report.outcome);
    let gap = report.inventory.gaps.first().unwrap();
    assert_eq!(gap.guard, Guard::MissingEvidence);
    assert!(gap.what.ends_with("archive"), "{gap:?}");
    world.storage.remove(&key("ckp/archive"));
    assert_eq!(world.enforce().await.outcome.deleted.len(), 1);
}

#[tokio::test]
async fn a_checkpoint_that_completes_while_files_are_listed_is_read() {
    let world = ripe().await;
    let (copy, lists) = (world.clone(), AtomicU64::new(0));
    let busy = FaultInjecting::new(world.storage.clone(), move |call| {
        let of_base = call.operation == Operation::List && call.key.as_str() == "ckp";
        // The first listing looks for snapshots, the second for files.
        if of_base && lists.fetch_add(1, Ordering::SeqCst) == 1 {
            copy.checkpoint(JOB, 10, &[&uuid(1), &uuid(2)]);
        }
        Fault::None
    });
    let report = world.run_on(Mode::DryRun, Arc::new(busy)).await;
    let ids: Vec<u64> = report
        .inventory
        .stored()
        .map(|(snapshot, _)| snapshot.checkpoint_id)
        .collect();
    assert_eq!(ids, [9, 10]);
    assert!(
        report
            .plan
            .entries
            .iter()
            .all(|entry| !entry.decision.deletes() && !entry.path.contains("_metadata")),
        "{:?}",
        report.plan.entries
    );
}

#[tokio::test]
async fn p1_high_availability_data_without_a_pointer_keeps_its_files() {
    let world = expiring().await;
    let mut other = terminal(OLD_JOB);
    other.name.name = "other".to_owned();
    other.phase = Phase::Running;
    other.high_availability = HighAvailability::Map(Box::new(HaMap {
        uid: "map-2".to_owned(),
        read_at: jiff::Timestamp::UNIX_EPOCH,
        counter: Some(4),
        entries: vec![HaEntry {
            checkpoint_id: 3,
            marked_for_deletion: false,
            checkpoint: HaCheckpoint {
                job_id: OLD_JOB.parse().unwrap(),
                pointer: None,
                triggered: jiff::Timestamp::UNIX_EPOCH,
                completed: jiff::Timestamp::UNIX_EPOCH,
                references: vec![HaReference {
                    location: at(&format!("/data/ckp/{JOB}/chk-8/{}", uuid(1008))),
                    required: Required::PRESENT,
                }],
                contents: Contents::default(),
                inline_bytes: 0,
            },
        }],
    }));
    world.jobs.lock().unwrap().push(other);
    for _ in 0..3 {
        world.enforce().await;
        world.wait(25);
    }
    assert!(world.has(&format!("{JOB}/chk-8/{}", uuid(1008))));
}

#[tokio::test]
async fn a_base_within_a_base_is_judged_once() {
    let mut world = expiring().await;
    world.bases = vec![at("/data"), at("/data/ckp")];
    let report = world.enforce().await;
    let mut paths: Vec<_> = report
        .outcome
        .deleted
        .iter()
        .map(|file| &file.path)
        .collect();
    paths.sort();
    paths.dedup();
    assert_eq!(
        paths.len(),
        2,
        "_metadata and its data: {:?}",
        report.outcome
    );
    assert_eq!(report.outcome.deleted.len(), 2);
    assert_eq!(report.inventory.stored().count(), 2);
}

#[tokio::test]
async fn a_base_around_our_base_does_not_double_its_snapshots() {
    let world = expiring().await;
    let mut other = terminal(OLD_JOB);
    other.name.name = "other".to_owned();
    other.bases = vec![at("/data")];
    world.jobs.lock().unwrap().push(other);
    let report = world.enforce().await;
    assert_eq!(report.inventory.stored().count(), 2);
    assert_eq!(report.outcome.deleted.len(), 2, "{:?}", report.outcome);
}

#[tokio::test]
async fn a_file_that_is_larger_than_the_limit_goes_alone() {
    let mut world = ripe().await;
    world.policy.limits.max_bytes_per_run = Some(50);
    assert_eq!(world.enforce().await.outcome.deleted.len(), 1);
}

#[tokio::test]
async fn a_limit_of_nothing_deletes_nothing() {
    let mut world = ripe().await;
    world.policy.limits.max_bytes_per_run = Some(0);
    let report = world.enforce().await;
    assert!(report.outcome.deleted.is_empty());
    assert_eq!(report.outcome.blocked[0].word(), "LimitReached");
}

#[tokio::test]
async fn a_snapshot_that_is_larger_than_the_limit_goes_in_steps() {
    let mut world = expiring().await;
    world.policy.limits.max_bytes_per_run = Some(1);
    let first = world.enforce().await;
    assert_eq!(first.outcome.deleted.len(), 1, "{:?}", first.outcome);
    assert_eq!(first.outcome.blocked[0].word(), "LimitReached");
    assert!(!world.has(&format!("{JOB}/chk-8/_metadata")));
    for _ in 0..2 {
        world.wait(25);
        world.enforce().await;
    }
    assert!(!world.has(&format!("{JOB}/chk-8/{}", uuid(1008))));
    assert!(world.has(&format!("{JOB}/chk-9/_metadata")));
}

#[tokio::test]
async fn the_limit_in_one_base_does_not_keep_others_from_being_marked() {
    let mut world = ripe().await;
    world.policy.limits.max_bytes_per_run = Some(1);
    world.file(&format!("{JOB}/shared/{}", uuid(3)), 100);
    let other = key(&format!("two/{OLD_JOB}/shared/{}", uuid(4)));
    world.storage.insert_file(&other, vec![0; 9]);
    let mut job = terminal(OLD_JOB);
    job.name.name = "other".to_owned();
    job.bases = vec![at("/data/two")];
    world.jobs.lock().unwrap().push(job);
    world.bases.push(at("/data/two"));
    world.enforce().await;
    world.wait(25);
    let report = world.enforce().await;
    assert_eq!(report.outcome.blocked[0].word(), "LimitReached");
    assert_eq!(report.marks[1].by_path.len(), 1);
}

#[tokio::test]
async fn a_verification_that_takes_too_long_is_told() {
    let world = ripe().await;
    world.at_observation(4, |world| world.wait(1));
    let report = world.enforce().await;
    assert!(report.outcome.deleted.is_empty());
    assert_eq!(report.outcome.spared.len(), 1);
    assert!(report.outcome.spared[0].why.contains("too long"));
    let [blocked] = report.outcome.blocked.as_slice() else {
        panic!("{:?}", report.outcome.blocked);
    };
    assert_eq!(blocked.word(), "VerificationTooSlow");
    let text = blocked.to_string();
    assert!(text.contains("took 1h"), "{text}");
    assert!(text.contains("holds for 2m"), "{text}");
}

#[tokio::test]
async fn a_batch_does_not_look_for_every_referenced_file_again() {
    let world = World::new();
    let names: Vec<String> = (100..400).map(uuid).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.checkpoint(JOB, 9, &names);
    world.file(&orphan(), 100);
    world.set(vec![terminal(JOB)]);
    world.wait(48);
    world.enforce().await;
    world.wait(25);
    let counting = Arc::new(FaultInjecting::new(world.storage.clone(), |_| Fault::None));
    let report = world
        .run_on(Mode::Enforce, Arc::clone(&counting) as _)
        .await;
    assert_eq!(report.outcome.deleted.len(), 1);
    let looks = counting.calls(Operation::Stat);
    assert!(looks < 100, "{looks} look-ups");
}

#[tokio::test]
async fn p2_a_newest_snapshot_that_loses_a_file_while_we_verify_saves_the_older_one() {
    let world = expiring().await;
    world.at_observation(4, |world| {
        world
            .storage
            .remove(&key(&format!("ckp/{JOB}/chk-9/{}", uuid(1009))));
    });
    let report = world.enforce().await;
    assert!(report.outcome.deleted.is_empty(), "{:?}", report.outcome);
    assert!(world.has(&format!("{JOB}/chk-8/_metadata")));
}

#[tokio::test]
async fn marks_that_another_run_changed_before_we_owned_the_base_are_read_again() {
    let world = ripe().await;
    let storage = world.storage.clone();
    let racing = FaultInjecting::new(world.storage.clone(), move |call| {
        // Another process owns the base now, and has ended the mark.
        let epoch = format!("ckp/.flink-retention/owner/{:020}.json", 2);
        if call.operation == Operation::Write && call.key.as_str() == epoch {
            let other = r#"{"number":2,"owner":"us","taken":"2026-01-05T00:00:00Z"}"#;
            storage.insert_file(&call.key, other.as_bytes().to_vec());
            storage.remove(&key(&format!(
                "ckp/.flink-retention/marks/{:020}/{JOB}.json",
                1
            )));
        }
        Fault::None
    });
    let report = world.run_on(Mode::Enforce, Arc::new(racing)).await;
    assert!(report.outcome.deleted.is_empty(), "{:?}", report.outcome);
    assert!(world.has(&orphan()));
}

#[tokio::test]
async fn records_of_old_runs_are_forgotten() {
    let world = ripe().await;
    for run in 0..200 {
        let path = format!("ckp/.flink-retention/runs/2025-{run:04}/000000.json");
        world.storage.insert_file(&key(&path), b"{}".to_vec());
    }
    assert_eq!(world.enforce().await.outcome.deleted.len(), 1);
    let runs: Vec<String> = world
        .storage
        .files()
        .into_iter()
        .map(|(key, _)| key.to_string())
        .filter(|path| path.contains("/runs/"))
        .collect();
    assert_eq!(runs.len(), 120, "the newest, this one among them");
    assert!(!runs.iter().any(|path| path.contains("2025-0000")));
    assert!(runs.iter().any(|path| path.contains("2025-0199")));
}

#[tokio::test]
async fn nothing_is_written_into_the_directory_of_a_job() {
    let world = World::new();
    let path = format!("chk-3/{}", uuid(1));
    world.file(&path, 1);
    world.wait(48);
    let before = world.storage.files();
    let report = world.enforce().await;
    assert_eq!(world.storage.files(), before);
    assert_eq!(report.outcome.blocked[0].word(), "JournalUnusable");
    assert!(
        report.outcome.blocked[0]
            .to_string()
            .contains("create-subdir")
    );
}

#[tokio::test]
async fn a_base_that_does_not_exist_is_not_made() {
    let mut world = ripe().await;
    world.bases = vec![at("/data/mistyped")];
    let before = world.storage.files();
    let report = world.enforce().await;
    assert_eq!(report.outcome.blocked[0].word(), "IncompleteListing");
    assert_eq!(world.storage.files(), before);
}

#[tokio::test]
async fn a_listing_stops_when_the_run_is_told_to() {
    let world = ripe().await;
    let (cancel, storage) = (world.cancel.clone(), world.storage.clone());
    let stopping = FaultInjecting::new(world.storage.clone(), move |call| {
        if call.operation == Operation::List && call.key.as_str().ends_with("/shared") {
            cancel.cancel();
            return Fault::Delay(Duration::from_mins(1));
        }
        Fault::None
    });
    let before = storage.files();
    let report = world.run_on(Mode::Enforce, Arc::new(stopping)).await;
    assert!(report.outcome.deleted.is_empty());
    let words: Vec<_> = report
        .outcome
        .blocked
        .iter()
        .map(flink_retention::engine::Blocked::word)
        .collect();
    assert_eq!(words, ["IncompleteListing", "Cancelled"]);
    assert_eq!(storage.files(), before);
}

#[tokio::test]
async fn p1_a_base_of_another_job_below_a_directory_of_data_files_is_read() {
    let world = ripe().await;
    let tenant = "0123456789abcdef0123456789abcdef";
    let path = format!("{tenant}/shared/flink/{OLD_JOB}/chk-3/_metadata");
    world.put(&path, names_the_orphan());
    let mut other = terminal(OLD_JOB);
    other.name.name = "other".to_owned();
    other.bases = vec![at(&format!("/data/ckp/{tenant}/shared/flink"))];
    world.jobs.lock().unwrap().push(other);
    let report = world.enforce().await;
    assert!(report.outcome.deleted.is_empty());
    let named = report
        .plan
        .entries
        .iter()
        .all(|entry| *entry.path != *orphan());
    assert!(named, "{:?}", report.plan.entries);
}

#[tokio::test]
async fn a_journal_behind_a_link_is_not_used() {
    let world = World::new();
    world.checkpoint(JOB, 9, &[&uuid(1)]);
    world.file(&orphan(), 100);
    world.set(vec![terminal(JOB)]);
    world.wait(48);
    world
        .storage
        .insert(&key("ckp/.flink-retention"), Node::Symlink);
    let before = world.storage.files();
    let report = world.enforce().await;
    assert_eq!(report.outcome.blocked[0].word(), "JournalUnusable");
    assert!(
        report.outcome.blocked[0]
            .to_string()
            .contains("symbolic link")
    );
    assert_eq!(world.storage.files(), before);
}

/// The same files under two names: whatever the second name may do, nothing is lost, and somebody is told.
#[tokio::test]
async fn one_directory_under_two_names_is_told() {
    let mut world = ripe().await;
    world.alias = Some(at("/alias"));
    world.bases.push(at("/alias/ckp"));
    let report = world.enforce().await;
    assert!(report.outcome.deleted.is_empty(), "{:?}", report.outcome);
    let why = report.outcome.blocked[0].to_string();
    assert!(why.contains("two names"), "{why}");
    world.bases.pop();
    assert_eq!(
        world.enforce().await.outcome.deleted.len(),
        1,
        "the mark has survived"
    );
}

/// The job of another namespace sees the same volume by another name.
#[tokio::test]
async fn a_snapshot_under_two_names_goes_in_two_steps() {
    let mut world = expiring().await;
    world.alias = Some(at("/alias"));
    let mut other = terminal(OLD_JOB);
    other.name.name = "other".to_owned();
    other.bases = vec![at("/alias/ckp")];
    world.jobs.lock().unwrap().push(other);
    for _ in 0..3 {
        world.enforce().await;
        world.wait(25);
    }
    assert!(!world.has(&format!("{JOB}/chk-8/_metadata")));
    assert!(!world.has(&format!("{JOB}/chk-8/{}", uuid(1008))));
    assert_eq!(world.paths().len(), 3, "{:?}", world.paths());
}

/// A snapshot is given up because a file of it is missing: whether it still is, is looked at again.
#[tokio::test]
async fn p4_a_missing_file_that_is_brought_back_while_we_verify_saves_its_snapshot() {
    let hollow = async || {
        let mut world = World::new();
        world.checkpoint(JOB, 8, &[&uuid(1), &uuid(2)]);
        world.remove(&format!("{JOB}/shared/{}", uuid(2)));
        world.wait(1);
        world.checkpoint(JOB, 9, &[&uuid(1)]);
        world.set(vec![terminal(JOB)]);
        world.policy.checkpoints = Some(KeepRules {
            keep_last: Some(5),
            keep_within: None,
        });
        world.policy.unrestorable = Some(SignedDuration::from_hours(24));
        world.wait(48);
        world.enforce().await;
        world.wait(25);
        world
    };
    let metadata = format!("{JOB}/chk-8/_metadata");
    let world = hollow().await;
    world.enforce().await;
    assert!(!world.has(&metadata), "else this test shows nothing");

    let world = hollow().await;
    world.at_observation(3, |world| {
        world.file(&format!("{JOB}/shared/{}", uuid(2)), 10);
    });
    let report = world.enforce().await;
    assert!(report.outcome.deleted.is_empty(), "{:?}", report.outcome);
    assert!(world.has(&metadata));
}

/// A volume that is not mounted looks like an empty directory, and everything in it like missing.
#[tokio::test]
async fn p4_a_file_of_a_volume_that_is_not_mounted_is_not_missing() {
    let named = format!("{OLD_JOB}/shared/{}", uuid(7));
    let directory = Key::parse(&format!("other/{OLD_JOB}/shared")).unwrap();
    let lives = async |mounted: bool| {
        let mut world = World::new();
        let snapshot = SnapshotFile {
            checkpoint_id: 8,
            shared: vec![(format!("file:/data/other/{named}"), 10)],
            exclusive: Vec::new(),
        };
        let metadata = format!("{JOB}/chk-8/_metadata");
        let key = Key::parse(&format!("ckp/{metadata}")).unwrap();
        world.storage.insert_file(&key, snapshot.to_bytes());
        world
            .storage
            .insert(&Key::parse("other").unwrap(), Node::Directory);
        if mounted {
            world.storage.insert(&directory, Node::Directory);
        }
        world.wait(1);
        world.checkpoint(JOB, 9, &[&uuid(1)]);
        world.set(vec![terminal(JOB)]);
        world.policy.checkpoints = Some(KeepRules {
            keep_last: Some(5),
            keep_within: None,
        });
        world.policy.unrestorable = Some(SignedDuration::from_hours(24));
        for _ in 0..4 {
            world.wait(25);
            world.enforce().await;
        }
        world.has(&metadata)
    };
    assert!(!lives(true).await, "else this test shows nothing");
    assert!(lives(false).await);
}
