//! Each guard alone: without its cause the file goes, with it the guard of that name keeps the file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::Timestamp;
use retention::evidence::{
    HighAvailability, JobEvidence, JobManager, Phase, Processes, Radius, Root, StateBackend,
};
use retention::guard::Guard;
use retention::inventory::Listing;
use retention::mark::MarkKind;
use rstest::rstest;
use support::*;

type Cause = fn(&mut World);

#[rstest]
#[case::incomplete_listing(Guard::IncompleteListing, |w: &mut World| w.inventory.bases[0].listing = Listing::Incomplete { why: "page 2 failed".into() })]
#[case::not_listed(Guard::IncompleteListing, |w: &mut World| w.inventory.bases[0].listing = Listing::NotAsked)]
#[case::unreadable_snapshot(Guard::UnreadableSnapshot, |w: &mut World| w.gap(Guard::UnreadableSnapshot, Radius::Below(location("/ckp"))))]
#[case::missing_evidence(Guard::MissingEvidence, |w: &mut World| w.gap(Guard::MissingEvidence, Radius::All))]
#[case::missing_evidence_of_the_store(Guard::MissingEvidence, |w: &mut World| w.gap(Guard::MissingEvidence, Radius::Store(location("/x").store().clone())))]
#[case::missing_evidence_of_the_job(Guard::MissingEvidence, |w: &mut World| w.gap(Guard::MissingEvidence, Radius::Job(J1.parse().unwrap())))]
#[case::unreadable_high_availability_of_a_neighbour(Guard::MissingEvidence, |w: &mut World| {
    let mut other = stopped(J2);
    other.high_availability = HighAvailability::Unreadable { why: "a value cannot be decoded".into() };
    w.evidence.jobs.push(other);
})]
#[case::special_file(Guard::SpecialFile, |w: &mut World| w.inventory.unreferenced[0].regular = false)]
#[case::no_time(Guard::UnusableTime, |w: &mut World| w.inventory.unreferenced[0].modified = None)]
#[case::time_zero(Guard::UnusableTime, |w: &mut World| w.inventory.unreferenced[0].modified = Some(Timestamp::UNIX_EPOCH))]
#[case::time_in_the_future(Guard::UnusableTime, |w: &mut World| w.inventory.unreferenced[0].modified = Some(minute(NOW + 60)))]
#[case::unknown_owner(Guard::UnknownOwner, |w: &mut World| w.evidence.jobs.clear())]
#[case::suspend_annotation(Guard::Suspended, |w: &mut World| w.job().suspended_by = Some("annotated".into()))]
#[case::suspended_with_processes(Guard::UnknownOwner, |w: &mut World| w.job().phase = Phase::Suspended)]
#[case::a_running_forst_neighbour(Guard::LiveDescendant, |w: &mut World| {
    let mut other = running(J2, &[(3, NOW - 60)]);
    other.name.name = "other".into();
    rest(&mut other).backend = StateBackend::Other("ForStStateBackend".into());
    w.evidence.jobs.push(other);
})]
#[case::a_neighbour_without_a_checkpoint_of_its_own(Guard::LiveDescendant, |w: &mut World| {
    let mut other = stopped(J2);
    other.phase = Phase::Running;
    w.evidence.jobs.push(other);
})]
#[case::no_high_availability(Guard::NoHighAvailability, |w: &mut World| w.job().high_availability = HighAvailability::NotConfigured)]
#[case::no_map(Guard::NoHighAvailability, |w: &mut World| w.job().high_availability = HighAvailability::NoMap { read_at: minute(NOW) })]
#[case::zookeeper(Guard::NoHighAvailability, |w: &mut World| w.job().high_availability = HighAvailability::Unsupported { kind: "ZooKeeper".into() })]
#[case::what_high_availability_left_open(Guard::NoHighAvailability, |w: &mut World| w.gap(Guard::NoHighAvailability, Radius::Job(J1.parse().unwrap())))]
#[case::what_a_job_manager_left_open(Guard::JobManagerUnreachable, |w: &mut World| w.gap(Guard::JobManagerUnreachable, Radius::Below(location("/ckp"))))]
#[case::no_checkpointing(Guard::NotPlain, |w: &mut World| rest(w.job()).backend = StateBackend::NoCheckpoints)]
#[case::job_manager_silent(Guard::JobManagerUnreachable, |w: &mut World| w.job().job_manager = JobManager::Unreachable { why: "503".into() })]
#[case::job_manager_not_asked(Guard::JobManagerUnreachable, |w: &mut World| w.job().job_manager = JobManager::NotAsked)]
#[case::job_manager_of_another_job(Guard::JobManagerUnreachable, |w: &mut World| rest(w.job()).job_id = J2.parse().unwrap())]
#[case::job_manager_restarting(Guard::JobManagerUnreachable, |w: &mut World| rest(w.job()).state = "RESTARTING".into())]
#[case::backend_not_known(Guard::NotPlain, |w: &mut World| rest(w.job()).backend = StateBackend::Other("my.Backend".into()))]
#[case::changelog(Guard::NotPlain, |w: &mut World| rest(w.job()).changelog = Some(true))]
#[case::changelog_not_said(Guard::NotPlain, |w: &mut World| rest(w.job()).changelog = None)]
#[case::storage_not_a_file_system(Guard::NotPlain, |w: &mut World| rest(w.job()).file_system_storage = false)]
#[case::merged_files_in_a_snapshot(Guard::NotPlain, |w: &mut World| w.inventory.snapshots[0].contents.file_merging = true)]
#[case::changelog_in_an_entry(Guard::NotPlain, |w: &mut World| map(w.job()).entries[0].checkpoint.contents.changelog = true)]
#[case::merged_files_in_the_directory(Guard::NotPlain, |w: &mut World| w.inventory.job_directories.values_mut().for_each(|facts| facts.has_merged = true))]
#[case::two_checkpoints_at_a_time(Guard::ConcurrentCheckpoints, |w: &mut World| rest(w.job()).max_concurrent = Some(2))]
#[case::checkpoints_at_a_time_not_said(Guard::ConcurrentCheckpoints, |w: &mut World| rest(w.job()).max_concurrent = None)]
#[case::no_counter(Guard::Counter, |w: &mut World| map(w.job()).counter = None)]
#[case::counter_behind_an_entry(Guard::Counter, |w: &mut World| map(w.job()).counter = Some(12))]
#[case::counter_went_back(Guard::Counter, |w: &mut World| { w.baselines.counters.insert("uid-1".into(), 14); })]
#[case::no_checkpoint_of_its_own(Guard::InFlight, |w: &mut World| map(w.job()).entries.clear())]
#[case::a_checkpoint_in_progress_since_before(Guard::InFlight, |w: &mut World| rest(w.job()).checkpoints.push(in_progress(13, 90)))]
fn of_a_running_job(#[case] guard: Guard, #[case] cause: Cause) {
    let file = shared(J1, F);
    let mut world = World::ripe();
    assert!(world.goes(&file), "{:?}", world.entry(&file));
    cause(&mut world);
    assert_eq!(world.guard(&file), Some(guard), "{:?}", world.entry(&file));
}

#[test]
fn a_clock_may_be_ahead_by_the_skew_and_no_more() {
    let file = shared(J1, F);
    let mut world = World::ripe();
    let ahead = world.now + world.policy.margins.clock_skew;
    world.inventory.unreferenced[0].modified = Some(ahead);
    assert_ne!(world.guard(&file), Some(Guard::UnusableTime));
    let lie = ahead + jiff::SignedDuration::from_nanos(1);
    world.inventory.unreferenced[0].modified = Some(lie);
    assert_eq!(world.guard(&file), Some(Guard::UnusableTime));
}

/// A `ForSt` job reads what it was restored from in place, whatever backend has written it.
#[rstest]
#[case::shared(shared(J1, 7))]
#[case::merged(format!("{J1}/shared/job_{J1}_op_x_0_2/{}", uuid(7)))]
#[case::merged_exclusive(format!("{J1}/taskowned/job_{J1}_tm_x/{}", uuid(7)))]
#[case::forst(format!("{J1}/shared/op_x_attempt_0/db/{}", uuid(7)))]
#[case::changelog(format!("{J1}/dstl/{}", uuid(7)))]
fn a_running_forst_neighbour_may_read_it_in_place(#[case] file: String) {
    let mut world = World::ripe_terminal();
    world.list(&file, 100);
    world.mark(&file, 100, MarkKind::Orphan);
    assert!(world.goes(&file), "{:?}", world.entry(&file));
    let mut other = running(J2, &[(3, NOW - 60)]);
    other.name.name = "other".into();
    rest(&mut other).backend = StateBackend::Other("ForStStateBackend".into());
    world.evidence.jobs.push(other);
    assert_eq!(world.guard(&file), Some(Guard::LiveDescendant));
}

/// With a directory of its own, or with file merging, it copies into checkpoints, and these name nothing of it.
#[rstest]
#[case::forst(Some(StateBackend::Other("forst".into())), false)]
#[case::not_known(None, false)]
#[case::rocksdb(Some(StateBackend::RocksDb), true)]
#[case::hashmap(Some(StateBackend::HashMap), true)]
fn of_a_silent_neighbour_the_configuration_tells(
    #[case] configured: Option<StateBackend>,
    #[case] goes: bool,
) {
    let file = shared(J1, F);
    let mut world = World::ripe_terminal();
    world.snapshot(&format!("{J2}/chk-3"), NOW - 60, &[&shared(J2, 1)]);
    let mut other = running(J2, &[(3, NOW - 60)]);
    other.name.name = "other".into();
    other.job_manager = JobManager::Unreachable { why: "503".into() };
    other.state_backend = configured;
    world.evidence.jobs.push(other);
    let expected = (!goes).then_some(Guard::LiveDescendant);
    assert_eq!(world.guard(&file), expected, "{:?}", world.entry(&file));
}

#[test]
fn of_a_silent_neighbour_high_availability_tells_too() {
    let file = shared(J1, F);
    let mut world = World::ripe_terminal();
    world.snapshot(&format!("{J2}/chk-3"), NOW - 60, &[&shared(J2, 1)]);
    let mut other = running(J2, &[(3, NOW - 60)]);
    other.name.name = "other".into();
    other.job_manager = JobManager::Unreachable { why: "503".into() };
    other.state_backend = Some(StateBackend::RocksDb);
    map(&mut other).entries[0].checkpoint.contents.forst = true;
    world.evidence.jobs.push(other);
    assert_eq!(world.guard(&file), Some(Guard::LiveDescendant));
}

/// A base of which only the references were read says nothing of its directories but by its snapshots.
#[test]
fn an_unknown_forst_job_of_a_base_that_is_not_listed_may_read_it_in_place() {
    let file = shared(J1, F);
    let database = format!("{J2}/shared/op_x_attempt_0/db/{}", uuid(7));
    let mut world = World::ripe_terminal();
    world.snapshot(&format!("{J2}/chk-3"), NOW - 60, &[&database]);
    assert!(world.goes(&file), "{:?}", world.entry(&file));
    world.inventory.snapshots.last_mut().unwrap().contents.forst = true;
    let mut listed = world.inventory.job_directories.values();
    assert!(listed.all(|facts| !facts.has_forst));
    assert_eq!(world.guard(&file), Some(Guard::LiveDescendant));
}

/// Neither may read files of another job in place.
#[rstest]
#[case::gone(|other: &mut JobEvidence| other.phase = Phase::Gone)]
#[case::without_checkpointing(|other: &mut JobEvidence| rest(other).backend = StateBackend::NoCheckpoints)]
fn a_neighbour_that_restores_nothing_is_no_objection(#[case] harmless: fn(&mut JobEvidence)) {
    let file = shared(J1, F);
    let mut other = running(J2, &[(3, NOW - 60)]);
    other.name.name = "other".into();
    rest(&mut other).backend = StateBackend::Other("ForStStateBackend".into());
    harmless(&mut other);
    let mut world = World::ripe();
    world.evidence.jobs.push(other);
    assert!(world.goes(&file), "{:?}", world.entry(&file));
}

#[rstest]
#[case::processes_exist(Guard::UnknownOwner, |w: &mut World| w.job().processes = Processes::Present)]
#[case::the_map_still_exists(Guard::UnknownOwner, |w: &mut World| w.evidence.high_availability_ids.push(J1.parse().unwrap()))]
#[case::an_unknown_forst_database(Guard::LiveDescendant, |w: &mut World| {
    let path = format!("{J2}/shared/op_x_attempt_0/db/{}", uuid(7));
    w.list(&path, 100);
    w.inventory.job_directories.values_mut().for_each(|facts| facts.has_forst = true);
})]
fn of_a_terminal_job(#[case] guard: Guard, #[case] cause: Cause) {
    let file = shared(J1, F);
    let mut world = World::ripe_terminal();
    assert!(world.goes(&file), "{:?}", world.entry(&file));
    cause(&mut world);
    assert_eq!(world.guard(&file), Some(guard), "{:?}", world.entry(&file));
}

#[rstest]
#[case::unknown_name(Guard::UnknownName, format!("{J1}/shared/notes.txt"))]
#[case::a_file_of_a_savepoint_of_nobody(Guard::UnknownOwner, format!("{J1}/savepoint-0000a1-0123456789ab/{}", uuid(7)))]
#[case::a_stray_file_beside_metadata(Guard::KeptSnapshotDirectory, own(J1, 12, 7))]
#[case::task_owned_while_a_snapshot_is_left(Guard::OpaqueTaskOwned, format!("{J1}/taskowned/{}", uuid(7)))]
fn of_a_kind_of_file(#[case] guard: Guard, #[case] path: String) {
    let mut world = World::ripe_terminal();
    world.list(&path, 100);
    world.mark(&path, 100, MarkKind::Orphan);
    assert_eq!(world.guard(&path), Some(guard));
}

#[test]
fn task_owned_files_of_a_dead_job_go_when_no_snapshot_is_left() {
    let path = format!("{J1}/taskowned/{}", uuid(7));
    let mut world = World::empty().with_job(terminal(J1));
    world.list(&path, 100);
    world.mark(&path, 100, MarkKind::Orphan);
    assert!(world.goes(&path));
}

#[test]
fn a_directory_that_a_resource_names_stays_without_its_metadata() {
    let leftover = own(J1, 5, 7);
    let mut world = World::ripe_terminal();
    world.list(&leftover, 100);
    world.mark(&leftover, 100, MarkKind::Orphan);
    assert!(world.goes(&leftover));
    world.root(&format!("{J1}/chk-5"));
    assert_eq!(world.guard(&leftover), Some(Guard::NamedDirectory));
}

#[rstest]
#[case(format!("{J1}/shared/job_{J1}_op_x_0_2/{}", uuid(7)))]
#[case(format!("{J1}/taskowned/job_{J1}_tm_x/{}", uuid(7)))]
#[case(format!("{J1}/shared/op_x_attempt_0/db/{}", uuid(7)))]
#[case(format!("{J1}/taskowned/{}", uuid(7)))]
#[case(format!("{J1}/dstl/{}", uuid(7)))]
fn live_backend_keeps_what_only_a_stopped_process_settles(#[case] path: String) {
    let mut world = World::base_case();
    world.inventory.snapshots.clear();
    world.list(&path, 100);
    world.mark(&path, 100, MarkKind::Orphan);
    assert_eq!(world.guard(&path), Some(Guard::LiveBackend));
    *world.job() = terminal(J1);
    assert!(world.goes(&path));
}

/// An entry that cannot be read may name files of what its job was restored from, which may lie in another store.
#[test]
fn unreadable_high_availability_protects_what_its_job_was_restored_from() {
    let mut world = World::ripe_terminal();
    let mut other = running(J2, &[(3, NOW - 60)]);
    other.name.name = "other".to_owned();
    other.bases = vec![location("s3://elsewhere/ckp")];
    other.high_availability = HighAvailability::Unreadable {
        why: "forbidden".to_owned(),
    };
    let name = other.name.to_string();
    world.evidence.jobs.push(other);
    assert!(world.goes(&shared(J1, F)));
    world.evidence.roots.push(Root {
        snapshot: key(&format!("{J1}/chk-9")),
        location: Some(in_base(&format!("{J1}/chk-9"))),
        named_by: name,
    });
    assert_eq!(world.guard(&shared(J1, F)), Some(Guard::MissingEvidence));
}
