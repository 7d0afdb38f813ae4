//! When a `shared/<uuid>` of a running plain job may go: the steps of the rule and the holes that it closes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::SignedDuration;
use retention::evidence::{JobManager, JobName, Phase, Processes, RestRestored, StateBackend};
use retention::guard::Guard;
use retention::inventory::Listing;
use retention::plan::{Waiting, plan, summarise};
use retention::reference::Found;
use retention::run::RunId;
use rstest::rstest;
use support::*;

fn file() -> String {
    shared(J1, F)
}

#[test]
fn the_whole_way_from_the_first_listing_to_the_deletion() {
    let mut world = World::base_case();
    assert_eq!(world.waits_for(&file()), Waiting::Mark);
    world.remember();
    let mark = &world.marks.by_path[file().as_str()];
    assert_eq!(
        mark.since,
        minute(NOW - 1),
        "step 1: the end of the listing"
    );
    assert_eq!(mark.counter.as_ref().unwrap().counter, 13, "step 2");
    assert!(mark.witness.is_none());

    world.later(120);
    assert_eq!(world.waits_for(&file()), Waiting::Witness { needed: 13 });
    world.completes(13, &[&shared(J1, 1)]);
    world.remember();
    let witness = world.marks.by_path[file().as_str()]
        .witness
        .clone()
        .unwrap();
    assert_eq!(
        (witness.checkpoint_id, witness.seen),
        (13, world.now),
        "step 3"
    );

    world.later(1);
    assert!(
        matches!(world.waits_for(&file()), Waiting::Settle { .. }),
        "step 4"
    );
    world.later(1);
    assert!(world.goes(&file()));
}

#[test]
fn step_5_a_file_that_is_named_again_stays_and_loses_its_mark() {
    let mut world = World::ripe();
    world.completes(13, &[&file()]);
    assert!(!world.condemned(&file()));
    world.remember();
    assert!(!world.marks.by_path.contains_key(file().as_str()));
}

#[test]
fn step_5_an_entry_that_is_newer_than_the_references_names_it() {
    let mut world = World::ripe();
    let late = retention::evidence::HaReference {
        location: location("/elsewhere").join(&uuid(F)),
        required: retention::reference::Required::PRESENT,
    };
    map(world.job()).entries[0].checkpoint.references.push(late);
    assert!(!world.condemned(&file()));
}

#[test]
fn step_5_the_highest_entry_is_still_the_witness_or_newer() {
    let mut world = World::ripe();
    map(world.job()).entries[0].checkpoint_id = 11;
    assert_eq!(world.waits_for(&file()), Waiting::Witness { needed: 10 });
}

#[test]
fn step_3_a_recorded_witness_that_is_complete_no_more_gives_way_to_one_that_is() {
    let mut world = World::ripe();
    let mark = world.marks.by_path.get_mut(file().as_str()).unwrap();
    mark.witness.as_mut().unwrap().checkpoint_id = 99;
    assert_eq!(world.waits_for(&file()), Waiting::Witness { needed: 10 });
    world.remember();
    let witness = world.marks.by_path[file().as_str()].witness.as_ref();
    assert_eq!(witness.unwrap().checkpoint_id, 12);
}

#[test]
fn step_3_a_recorded_witness_below_the_recorded_counter_proves_nothing() {
    let mut world = World::ripe();
    let mark = world.marks.by_path.get_mut(file().as_str()).unwrap();
    mark.counter.as_mut().unwrap().counter = 13;
    assert_eq!(world.waits_for(&file()), Waiting::Witness { needed: 13 });
}

#[rstest]
#[case::younger_than_the_oldest_retained(NOW - 60, false)]
#[case::within_the_skew_of_both_clocks(NOW - 80, false)]
#[case::older(NOW - 82, true)]
fn step_6_older_than_the_oldest_retained_checkpoint(#[case] written: i64, #[case] goes: bool) {
    let mut world = World::ripe();
    world.policy.min_age = SignedDuration::ZERO;
    world.inventory.unreferenced[0].modified = Some(minute(written));
    world
        .marks
        .by_path
        .get_mut(file().as_str())
        .unwrap()
        .modified = minute(written);
    assert_eq!(world.goes(&file()), goes);
    assert_eq!(world.guard(&file()), (!goes).then_some(Guard::InFlight));
}

#[test]
fn step_6_an_entry_that_is_being_removed_for_ever_holds_nothing_back() {
    let mut world = World::ripe();
    let mut stuck = map(world.job()).entries[0].clone();
    stuck.checkpoint_id = 3;
    stuck.marked_for_deletion = true;
    stuck.checkpoint.triggered = minute(1);
    map(world.job()).entries.insert(0, stuck);
    assert!(world.goes(&file()));
}

#[test]
fn step_7_the_grace_is_at_least_twice_the_checkpoint_timeout() {
    let mut world = World::ripe();
    world.policy.grace_period = SignedDuration::ZERO;
    rest(world.job()).timeout = Some(SignedDuration::from_hours(13));
    let until = minute(NOW - 1440 + 26 * 60);
    assert_eq!(world.waits_for(&file()), Waiting::Grace { until });
    let told = world.with(|context| summarise(context, &plan(context)));
    assert_eq!(told[0].grace_period, SignedDuration::from_hours(26));
    assert_eq!(told[0].earliest, Some(until), "told to people too");
    rest(world.job()).timeout = None;
    world.job().checkpoint_timeout = Some(SignedDuration::from_hours(13));
    assert_eq!(world.waits_for(&file()), Waiting::Grace { until });
}

#[test]
fn step_7_marks_survive_a_restart_under_the_same_uid() {
    let mut world = World::ripe();
    world.remember();
    assert!(world.goes(&file()));
    rest(world.job()).started = Some(minute(NOW - 1));
    assert!(world.goes(&file()));
}

#[test]
fn step_7_a_new_uid_voids_the_counter_but_not_the_time() {
    let mut world = World::ripe();
    map(world.job()).uid = "uid-2".to_owned();
    assert_eq!(world.waits_for(&file()), Waiting::Counter);
    let since = world.marks.by_path[file().as_str()].since;
    world.remember();
    let mark = &world.marks.by_path[file().as_str()];
    assert_eq!(mark.since, since);
    assert_eq!(
        mark.counter.as_ref().unwrap().run,
        RunId::MapUid("uid-2".to_owned())
    );
    assert_eq!(mark.counter.as_ref().unwrap().counter, 13);
    assert!(mark.witness.is_none());
}

#[rstest]
fn h1_with_several_checkpoints_at_a_time_no_grace_helps(
    #[values(Some(0), Some(2), Some(3), None)] at_a_time: Option<u64>,
) {
    let mut world = World::ripe();
    rest(world.job()).max_concurrent = at_a_time;
    world.later(1_000_000);
    assert_eq!(world.guard(&file()), Some(Guard::ConcurrentCheckpoints));
    world.marks.by_path.clear();
    world.remember();
    assert!(world.marks.by_path.is_empty(), "nor is it marked");
}

/// The entry was written, but the reply was lost (`PossibleInconsistentStateException`): Flink counts 13 as failed, and
/// an earlier one that is still pending may complete and name the file.
#[test]
fn h2_a_checkpoint_that_is_complete_only_for_storage_is_no_witness() {
    let mut world = World::base_case();
    world.remember();
    world.later(120);
    world.completes(13, &[&shared(J1, 1)]);
    let last = rest(world.job()).checkpoints.last_mut().unwrap();
    last.status = "FAILED".to_owned();
    world.remember();
    world.later(1_000_000);
    assert_eq!(world.waits_for(&file()), Waiting::Witness { needed: 13 });
}

/// What a pending checkpoint uploaded is younger than the oldest accepted one, whatever was made of later ones.
#[test]
fn h2_what_was_uploaded_since_the_oldest_accepted_checkpoint_stays() {
    let mut world = World::base_case();
    world.inventory.unreferenced[0].modified = Some(minute(NOW - 50));
    world.remember();
    assert!(world.marks.by_path.is_empty());
    world.completes(13, &[&shared(J1, 1)]);
    world.later(1_000_000);
    assert_eq!(world.guard(&file()), Some(Guard::InFlight));
}

/// With logical keys, a checkpoint that completes can name a file of a failed one in place of its own upload, while that
/// number is not below the oldest retained one.
#[test]
fn h7_a_file_of_a_failed_checkpoint_stays_until_an_older_one_is_retained_no_more() {
    let mut world = World::empty().with_job(running(J1, &[(8, NOW - 300), (12, NOW - 60)]));
    for (number, at) in [(8, NOW - 300), (12, NOW - 60)] {
        world.snapshot(&format!("{J1}/chk-{number}"), at, &[&shared(J1, 1)]);
    }
    // By checkpoint 9, which failed; 12 has passed it over.
    let written = NOW - 250;
    world.list(&file(), written);
    let mark = world.mark(&file(), written, retention::mark::MarkKind::Orphan);
    let ripe = World::ripe().marks.by_path[file().as_str()].clone();
    (mark.counter, mark.witness) = (ripe.counter, ripe.witness);
    assert_eq!(world.guard(&file()), Some(Guard::InFlight));
    map(world.job()).entries.remove(0);
    assert!(world.goes(&file()));
}

#[test]
fn h3_a_counter_that_was_read_before_the_listing_ended_is_not_recorded() {
    let mut world = World::base_case();
    map(world.job()).read_at = minute(NOW - 2);
    world.remember();
    assert!(world.marks.by_path[file().as_str()].counter.is_none());
    world.later(120);
    world.completes(13, &[]);
    assert_eq!(world.waits_for(&file()), Waiting::Counter);
}

#[test]
fn h3_a_checkpoint_that_was_triggered_before_the_counter_was_read_is_no_witness() {
    let mut world = World::base_case();
    world.remember();
    world.later(120);
    world.remember();
    assert!(world.marks.by_path[file().as_str()].witness.is_none());
    assert_eq!(world.waits_for(&file()), Waiting::Witness { needed: 13 });
}

type Change = fn(&mut World);

#[rstest]
#[case::h4_of_no_entry(|w: &mut World| map(w.job()).entries.retain(|entry| entry.checkpoint_id != 13))]
#[case::h4_of_an_entry_elsewhere(|w: &mut World| {
    let entry = &mut map(w.job()).entries[1];
    entry.checkpoint.pointer = Some(location(&format!("/elsewhere/{J1}/chk-13")));
})]
#[case::h4_of_one_number_in_two_bases(|w: &mut World| {
    w.job().bases.push(location("/before"));
    let entry = &mut map(w.job()).entries[1];
    entry.checkpoint.pointer = Some(location(&format!("/before/{J1}/chk-13")));
})]
#[case::of_another_store(|w: &mut World| w.inventory.snapshots[1].location = location(&format!("s3://bucket/ckp/{J1}/chk-13")))]
#[case::of_an_entry_of_another_job(|w: &mut World| map(w.job()).entries[1].checkpoint.job_id = J2.parse().unwrap())]
#[case::being_removed(|w: &mut World| map(w.job()).entries[1].marked_for_deletion = true)]
#[case::not_complete_by_rest(|w: &mut World| rest(w.job()).checkpoints[1].status = "FAILED".into())]
#[case::a_savepoint_by_rest(|w: &mut World| rest(w.job()).checkpoints[1].is_savepoint = true)]
#[case::not_parsed(|w: &mut World| { w.inventory.snapshots.pop(); })]
#[case::a_savepoint_by_its_content(|w: &mut World| w.inventory.snapshots[1].kind = retention::inventory::SnapshotKind::Savepoint)]
#[case::of_another_number(|w: &mut World| w.inventory.snapshots[1].checkpoint_id = 500)]
#[case::not_whole(|w: &mut World| w.lose(&shared(J1, 2), Found::Absent))]
#[case::not_known_to_be_whole(|w: &mut World| w.lose(&shared(J1, 2), Found::Unknown))]
fn a_checkpoint_is_no_witness(#[case] change: Change) {
    let mut world = World::base_case();
    world.remember();
    world.later(120);
    world.completes(13, &[&shared(J1, 2)]);
    let mut sound = world.clone();
    sound.remember();
    assert!(sound.marks.by_path[file().as_str()].witness.is_some());
    change(&mut world);
    world.remember();
    assert!(world.marks.by_path[file().as_str()].witness.is_none());
}

#[test]
fn h5_a_world_that_was_turned_back_with_the_same_uid_is_noticed() {
    let mut world = World::ripe();
    world.remember();
    assert_eq!(world.baselines.counters["uid-1"], 13);
    let (entries, counter) = (vec![entry(J1, 8, NOW - 90)], Some(9));
    map(world.job()).entries = entries;
    map(world.job()).counter = counter;
    assert_eq!(world.guard(&file()), Some(Guard::Counter));
    world.remember();
    assert_eq!(world.baselines.counters["uid-1"], 13, "never lowered");
}

#[test]
fn h6_only_references_of_the_same_plan_count() {
    let mut world = World::ripe();
    // A snapshot that was read after the listing put F among the unreferenced files.
    world.snapshot(&format!("{J2}/chk-4"), NOW - 5, &[&file()]);
    assert!(!world.condemned(&file()));
}

#[rstest]
#[case::unread(Some("chk-7"), false)]
#[case::nowhere(None, false)]
#[case::read(Some("chk-12"), true)]
fn h8_what_a_live_job_was_restored_from_must_be_read(
    #[case] from: Option<&str>,
    #[case] goes: bool,
) {
    let mut world = World::ripe();
    let mut other = running(J2, &[]);
    other.name.name = "other".to_owned();
    map(&mut other).counter = Some(8);
    rest(&mut other).restored = Some(RestRestored {
        id: 7,
        at: None,
        external_path: from.map(|name| in_base(&format!("{J1}/{name}"))),
        is_savepoint: false,
    });
    world.evidence.jobs.push(other);
    assert_eq!(world.goes(&file()), goes);
    let own = complete(J2, 8, NOW - 3);
    rest(world.evidence.jobs.last_mut().unwrap())
        .checkpoints
        .push(own);
    assert!(
        world.goes(&file()),
        "a checkpoint of its own replaces the one it was restored from"
    );
}

#[rstest]
#[case::it_does_not_tell(None, Some(Guard::InFlight))]
#[case::ahead(Some(11), Some(Guard::InFlight))]
#[case::behind(Some(-11), Some(Guard::InFlight))]
#[case::within_the_skew(Some(10), None)]
fn where_the_clock_of_the_job_manager_is_wrong_nothing_is_known_to_be_old(
    #[case] ahead: Option<i64>,
    #[case] guard: Option<Guard>,
) {
    let mut world = World::ripe();
    let rest = rest(world.job());
    rest.told = ahead.map(|minutes| rest.read_at + SignedDuration::from_mins(minutes));
    assert_eq!(world.guard(&file()), guard);
}

/// High-availability data were turned back, and another checkpoint got the number of the one that is gone: elsewhere, or in
/// the same place after the restore.
#[rstest]
#[case::in_another_base(location(&format!("/before/{J1}/chk-12")), Some(minute(NOW - 1)))]
#[case::later_in_the_same_place(in_base(&format!("{J1}/chk-12")), Some(minute(NOW - 600)))]
fn h8_another_checkpoint_of_the_same_number_is_not_what_was_restored(
    #[case] from: retention::location::Location,
    #[case] at: Option<jiff::Timestamp>,
) {
    let mut world = World::ripe();
    let mut other = running(J2, &[]);
    other.name.name = "other".to_owned();
    rest(&mut other).restored = Some(RestRestored {
        id: 12,
        at,
        external_path: Some(in_base(&format!("{J1}/chk-12"))),
        is_savepoint: false,
    });
    world.evidence.jobs.push(other);
    let restored = rest(world.evidence.jobs.last_mut().unwrap())
        .restored
        .as_mut()
        .unwrap();
    restored.at = Some(minute(NOW - 1));
    assert!(world.goes(&file()), "what it was restored from was read");
    let restored = rest(world.evidence.jobs.last_mut().unwrap())
        .restored
        .as_mut()
        .unwrap();
    restored.at = at;
    restored.external_path = Some(from);
    assert_eq!(world.guard(&file()), Some(Guard::LiveDescendant));
}

/// Before it has an execution graph, a job's JobManager answers with nothing at all, whatever it is about to restore.
#[rstest]
#[case::initializing("INITIALIZING", StateBackend::Other("Unknown".into()), false)]
#[case::waiting_for_slots("CREATED", StateBackend::Other("Unknown".into()), false)]
#[case::without_settings("CREATED", StateBackend::NoCheckpoints, false)]
#[case::answers_of_two_moments("RUNNING", StateBackend::Other("Unknown".into()), false)]
#[case::running("RUNNING", StateBackend::RocksDb, true)]
#[case::running_without_checkpointing("RUNNING", StateBackend::NoCheckpoints, true)]
#[case::restarting("RESTARTING", StateBackend::RocksDb, true)]
#[case::restarting_without_checkpointing("RESTARTING", StateBackend::NoCheckpoints, true)]
#[case::over("FAILED", StateBackend::Other("Unknown".into()), true)]
fn h8_a_job_that_is_just_starting_may_be_restored_from_anything(
    #[case] state: &str,
    #[case] backend: StateBackend,
    #[case] goes: bool,
) {
    let mut world = World::ripe_terminal();
    world.expired(8, 0x8, 4000);
    let mut other = running_alone(J2, &[]);
    other.name.name = "other".to_owned();
    other.bases = vec![location("/elsewhere")];
    state.clone_into(&mut rest(&mut other).state);
    rest(&mut other).backend = backend;
    world.evidence.jobs.push(other);
    let exclusive = own(J1, 8, 0x8);
    for path in [metadata(J1, 8), exclusive] {
        assert_eq!(world.goes(&path), goes, "{path}");
    }
}

/// Nobody says what a job was started from that somebody submitted by hand.
#[rstest]
#[case::by_hand(JobName::WITHOUT_RESOURCE, false)]
#[case::by_its_resource("FlinkDeployment", true)]
fn h8_a_silent_job_without_resource_may_be_restored_from_any_store(
    #[case] kind: &str,
    #[case] goes: bool,
) {
    let mut world = World::ripe_terminal();
    world.expired(8, 0x8, 4000);
    let mut other = running_alone(J2, &[]);
    kind.clone_into(&mut other.name.kind);
    other.bases = vec![location("s3://elsewhere/ckp")];
    other.job_manager = JobManager::Unreachable {
        why: "it is starting".to_owned(),
    };
    world.evidence.jobs.push(other);
    assert_eq!(world.goes(&metadata(J1, 8)), goes);
    assert_eq!(world.goes(&own(J1, 8, 0x8)), goes);
    assert!(
        world.goes(&shared(J1, F)),
        "nothing can be started from that"
    );
}

#[rstest]
#[case::no_process(Processes::Absent, true)]
#[case::not_known(Processes::Unknown { why: "forbidden".into() }, false)]
#[case::some(Processes::Present, false)]
fn h8_a_job_that_never_started_reads_nothing(#[case] processes: Processes, #[case] goes: bool) {
    let mut world = World::ripe();
    let mut other = running(J2, &[]);
    other.name.name = "other".to_owned();
    other.phase = Phase::Unclear {
        why: "its image cannot be pulled".to_owned(),
    };
    other.processes = processes;
    other.job_manager = JobManager::Unreachable {
        why: "connection refused".to_owned(),
    };
    world.evidence.jobs.push(other);
    assert_eq!(world.goes(&file()), goes);
}

#[test]
fn h9_two_resources_that_have_one_job_id_are_refused() {
    let mut world = World::ripe();
    let mut twin = running(J1, &[(12, NOW - 60)]);
    twin.name.namespace = "other".to_owned();
    world.evidence.jobs.push(twin);
    assert_eq!(world.guard(&file()), Some(Guard::UnknownOwner));
}

#[test]
fn a_failed_listing_neither_sets_nor_ends_marks() {
    let mut world = World::ripe();
    world.inventory.bases[0].listing = Listing::Incomplete {
        why: "page 2 failed".to_owned(),
    };
    assert!(world.next().is_none());
}
