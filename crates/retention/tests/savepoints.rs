//! Whose a savepoint is, which of them stay, and when the rest may go (storage life cycle F8 and F9).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use retention::evidence::{
    Claim, JobEvidence, JobManager, Phase, Processes, Radius, ResourceState, RestCheckpoint,
    RestRestored, StateBackend,
};
use retention::guard::Guard;
use retention::keep::{KeepReason, KeepRules, Period, SavepointRules, Verdict};
use retention::mark::MarkKind;
use retention::owner::OwnerClass;
use retention::plan::Waiting;
use retention::reference::Found;
use rstest::rstest;
use support::*;

/// The ids of these stories differ in the six digits that savepoints show.
const A: &str = "aaaaaa000000000000000000000000a1";
const B: &str = "bbbbbb000000000000000000000000b1";
/// An id with the digits of A.
const A_TOO: &str = "aaaaaa111111111111111111111111a2";
const DAY: i64 = 24 * 60;

fn savepoint(id: &str, number: u32) -> String {
    format!("savepoint-{}-{number:012x}", &id[..6])
}

fn file_of(id: &str, number: u32) -> String {
    format!("{}/{}", savepoint(id, number), uuid(0x100 + number))
}

fn metadata_of(id: &str, number: u32) -> String {
    format!("{}/_metadata", savepoint(id, number))
}

impl World {
    /// A savepoint of a job, with a file of its own, both marked a day ago.
    fn savepoint(&mut self, id: &str, number: u32, at: i64) {
        let file = file_of(id, number);
        self.snapshot(&savepoint(id, number), at, &[&file])
            .checkpoint_id = number.into();
        self.mark(&metadata_of(id, number), at, MarkKind::Expired);
        self.mark(&file, at - 1, MarkKind::Expired);
    }

    fn goes_whole(&self, id: &str, number: u32) -> bool {
        self.expires(&savepoint(id, number))
            && self.goes(&metadata_of(id, number))
            && self.goes(&file_of(id, number))
    }

    fn stays_whole(&self, id: &str, number: u32) -> bool {
        !self.condemned(&metadata_of(id, number)) && !self.condemned(&file_of(id, number))
    }

    fn reasons(&self, directory: &str) -> Vec<KeepReason> {
        match self.verdict(directory) {
            Verdict::Keep(reasons) => reasons,
            Verdict::Expire => Vec::new(),
        }
    }
}

/// A runs; of its savepoints 1 to 5, one a day, the last an hour ago, the rules keep none. `chk-12` is the newest of all.
fn five() -> World {
    let mut world = World::empty().with_job(running(A, &[(12, NOW - 30)]));
    world.policy.savepoints = Some(SavepointRules::default());
    world.snapshot(&format!("{A}/chk-12"), NOW - 30, &[&shared(A, 1)]);
    for number in 1..=5 {
        world.savepoint(A, number, NOW - 120 - i64::from(5 - number) * DAY);
    }
    world
}

fn kept(world: &World) -> Vec<u32> {
    (1..=5)
        .filter(|&number| !world.expires(&savepoint(A, number)))
        .collect()
}

fn rules(change: impl FnOnce(&mut SavepointRules)) -> SavepointRules {
    let mut rules = SavepointRules::default();
    change(&mut rules);
    rules
}

#[rstest]
#[case::no_rules(None, &[1, 2, 3, 4, 5])]
#[case::empty_rules(Some(SavepointRules::default()), &[])]
#[case::keep_last(Some(rules(|r| r.keep.keep_last = Some(2))), &[4, 5])]
#[case::keep_within(Some(rules(|r| r.keep.keep_within = Some(SignedDuration::from_hours(27)))), &[4, 5])]
#[case::daily(Some(rules(|r| r.keep_daily = Some(3))), &[3, 4, 5])]
#[case::hourly(Some(rules(|r| r.keep_hourly = Some(2))), &[4, 5])]
#[case::monthly(Some(rules(|r| r.keep_monthly = Some(1))), &[5])]
#[case::none_of_none(Some(rules(|r| r.keep_daily = Some(0))), &[])]
#[case::the_union(Some(rules(|r| { r.keep_monthly = Some(1); r.keep.keep_within = Some(SignedDuration::from_hours(27)); })), &[4, 5])]
fn by_number_age_and_period(#[case] rules: Option<SavepointRules>, #[case] expected: &[u32]) {
    let mut world = five();
    world.policy.savepoints = rules;
    assert_eq!(kept(&world), expected);
}

/// The newest of each of the last so many periods *that have one*, as restic and rustic count.
#[test]
fn a_period_without_a_savepoint_does_not_count() {
    let mut world = five();
    world.inventory.snapshots.retain(|snapshot| {
        [3, 4]
            .iter()
            .all(|&gone| !snapshot.location.path().ends_with(&savepoint(A, gone)))
    });
    // Two on one day.
    world.savepoint(A, 6, NOW - 180);
    world.policy.savepoints = Some(rules(|r| r.keep_daily = Some(2)));
    assert!(!world.expires(&savepoint(A, 5)), "today");
    assert!(world.expires(&savepoint(A, 6)), "not the newest of today");
    assert!(
        !world.expires(&savepoint(A, 2)),
        "the last day before that has one"
    );
    assert!(world.expires(&savepoint(A, 1)));
    assert_eq!(
        world.reasons(&savepoint(A, 2)),
        [KeepReason::KeepEach(Period::Day)]
    );
}

#[test]
fn days_begin_in_the_time_zone_of_the_policy() {
    // 2026-01-07 21:00 and 23:30 UTC: one day there, two in Tokyo.
    let mut world = five();
    world.savepoint(A, 8, 6 * DAY + 21 * 60 - 24 * 60);
    world.savepoint(A, 9, 6 * DAY + 14 * 60 - 24 * 60);
    let in_zone = |world: &mut World, zone| {
        world.policy.savepoints = Some(rules(|r| {
            r.keep_daily = Some(100);
            r.time_zone = zone;
        }));
        world.expires(&savepoint(A, 9))
    };
    assert!(in_zone(&mut world, TimeZone::UTC));
    assert!(!in_zone(&mut world, TimeZone::fixed(jiff::tz::offset(9))));
}

#[test]
fn f8_metadata_and_files_of_a_savepoint_beyond_the_rules_go() {
    let world = five();
    assert!(world.goes_whole(A, 1) && world.goes_whole(A, 5));
    assert!(!world.condemned(&metadata(A, 12)));
}

type Change = fn(&mut World);

/// F8: whatever of it is not sure keeps the savepoint whole.
#[rstest]
#[case::a_resource_names_it(|w: &mut World| w.root(&savepoint(A, 2)))]
#[case::pinned(|w: &mut World| w.policy.pinned.push(key(&savepoint(A, 2))))]
#[case::in_the_store_of_its_job(|w: &mut World| map(w.job()).entries[0].checkpoint.pointer = Some(in_base(&savepoint(A, 2))))]
#[case::lc_23_restored_from_it(|w: &mut World| rest(w.job()).restored = Some(RestRestored { id: 11, at: None, external_path: Some(in_base(&savepoint(A, 2))), is_savepoint: true }))]
#[case::lc_75_no_checkpoint_since_the_start(|w: &mut World| rest(w.job()).checkpoints.clear())]
#[case::no_checkpoint_since_it_was_restored(|w: &mut World| rest(w.job()).restored = Some(RestRestored { id: 12, at: None, external_path: None, is_savepoint: true }))]
#[case::its_job_manager_is_silent(|w: &mut World| w.job().job_manager = JobManager::Unreachable { why: "503".into() })]
#[case::its_job_is_in_between(|w: &mut World| w.job().phase = Phase::Unclear { why: "UPGRADING".into() })]
#[case::its_job_is_unknown(|w: &mut World| w.evidence.jobs.clear())]
#[case::lc_27_a_checkpoint_names_a_file_of_it(|w: &mut World| { w.snapshot(&format!("{A}/chk-13"), NOW - 20, &[&file_of(A, 2)]); })]
#[case::lc_13_a_checkpoint_names_a_file_of_that_name(|w: &mut World| { w.snapshot(&format!("{A}/chk-13"), NOW - 20, &[&own(A, 13, 0x102)]); })]
#[case::lc_46_a_copy_under_another_name(|w: &mut World| { w.snapshot("copies/savepoint-aaaaaa-00000000cccc", NOW - 20, &[&format!("copies/savepoint-aaaaaa-00000000cccc/{}", uuid(0x102))]); })]
#[case::a_listing_that_broke(|w: &mut World| w.inventory.bases[0].listing = retention::inventory::Listing::Incomplete { why: "page 2".into() })]
#[case::an_unreadable_snapshot(|w: &mut World| w.gap(Guard::UnreadableSnapshot, Radius::Below(location("/ckp"))))]
#[case::a_gap_of_its_job(|w: &mut World| w.gap(Guard::MissingEvidence, Radius::Job(A.parse().unwrap())))]
#[case::an_annotation(|w: &mut World| w.job().suspended_by = Some("annotated".into()))]
#[case::another_id_with_its_digits(|w: &mut World| w.evidence.jobs.push(stopped(A_TOO)))]
#[case::another_id_with_its_digits_in_a_map(|w: &mut World| w.evidence.high_availability_ids.push(A_TOO.parse().unwrap()))]
#[case::another_id_with_its_digits_on_storage(|w: &mut World| { w.list(&shared(A_TOO, 9), 100); })]
#[case::another_id_with_its_digits_in_a_root(|w: &mut World| w.root(&format!("{A_TOO}/chk-3")))]
#[case::another_id_with_its_digits_in_what_a_job_was_restored_from(|w: &mut World| {
    let mut other = running(B, &[(12, NOW - 60)]);
    rest(&mut other).restored = Some(RestRestored { id: 3, at: None, external_path: Some(in_base(&format!("{A_TOO}/chk-3"))), is_savepoint: false });
    w.evidence.jobs.push(other);
})]
#[case::another_id_with_its_digits_in_an_entry_of_a_map(|w: &mut World| {
    let mut other = running(B, &[(12, NOW - 60)]);
    map(&mut other).entries[0].checkpoint.job_id = A_TOO.parse().unwrap();
    w.evidence.jobs.push(other);
})]
#[case::another_id_with_its_digits_in_a_reference(|w: &mut World| { w.snapshot(&format!("{A}/chk-11"), 300, &[&format!("elsewhere/{}", shared(A_TOO, 9))]); })]
#[case::its_job_keeps_its_state_elsewhere(|w: &mut World| w.job().bases = vec![location("/other")])]
#[case::a_file_of_it_is_missing(|w: &mut World| w.lose(&file_of(A, 2), Found::Absent))]
#[case::a_file_of_it_cannot_be_looked_at(|w: &mut World| w.lose(&file_of(A, 2), Found::Unknown))]
#[case::lc_40_a_forst_job_may_read_it_in_place(|w: &mut World| {
    let mut other = running(B, &[(3, NOW - 60)]);
    other.name.name = "other".into();
    rest(&mut other).backend = StateBackend::Other("ForStStateBackend".into());
    w.evidence.jobs.push(other);
})]
#[case::its_own_job_may_read_it_in_place(|w: &mut World| rest(w.job()).backend = StateBackend::Other("ForStStateBackend".into()))]
#[case::a_job_without_a_checkpoint_of_its_own(|w: &mut World| {
    let mut other = stopped(B);
    other.phase = Phase::Running;
    w.evidence.jobs.push(other);
})]
fn f8_one_doubt_keeps_it(#[case] change: Change) {
    let mut world = five();
    assert!(world.goes_whole(A, 2));
    change(&mut world);
    assert!(
        world.stays_whole(A, 2),
        "{:?}",
        world.verdict(&savepoint(A, 2))
    );
}

/// What shows that a job would not start from its savepoint again: a checkpoint that it completed since it was restored.
#[rstest]
#[case::one_since(11, |_: &mut RestCheckpoint| {}, true)]
#[case::the_one_that_it_was_restored_from(12, |_: &mut RestCheckpoint| {}, false)]
#[case::one_from_before(13, |_: &mut RestCheckpoint| {}, false)]
#[case::one_in_progress(11, |known: &mut RestCheckpoint| "IN_PROGRESS".clone_into(&mut known.status), false)]
#[case::a_savepoint(11, |known: &mut RestCheckpoint| known.is_savepoint = true, false)]
fn lc_75_only_a_checkpoint_since_the_start_replaces_the_savepoint(
    #[case] restored: u64,
    #[case] change: fn(&mut RestCheckpoint),
    #[case] replaces: bool,
) {
    let mut world = five();
    let rest = rest(world.job());
    change(&mut rest.checkpoints[0]);
    rest.restored = Some(RestRestored {
        id: restored,
        at: None,
        external_path: None,
        is_savepoint: true,
    });
    let guard = (!replaces).then_some(Guard::Savepoint);
    assert_eq!(world.guard(&metadata_of(A, 2)), guard);
}

/// Checkpoint numbers say nothing about savepoints, so neither does their proof.
#[test]
fn without_high_availability_a_savepoint_needs_no_proof_of_the_run() {
    let mut world = five();
    *world.job() = running_alone(A, &[(12, NOW - 30)]);
    assert!(world.goes_whole(A, 2));
    rest(world.job()).cluster = Err("403".to_owned());
    assert!(world.goes_whole(A, 2), "{:?}", world.entry(&file_of(A, 2)));
    *world.job() = running(A, &[(12, NOW - 30)]);
    map(world.job()).counter = None;
    assert!(world.goes_whole(A, 2), "{:?}", world.entry(&file_of(A, 2)));
}

/// What a JobManager says it made needs no digits.
#[test]
fn a_recorded_path_settles_whose_it_is() {
    let mut world = five();
    world.evidence.jobs.push(stopped(A_TOO));
    let mut made = complete(A, 7, NOW - 120 - DAY);
    made.is_savepoint = true;
    // As it was, before Flink forgot that it kept it.
    made.discarded = true;
    made.external_path = Some(in_base(&savepoint(A, 4)));
    rest(world.job()).checkpoints.push(made);
    assert!(world.goes_whole(A, 4));
    assert!(world.stays_whole(A, 3));
}

#[test]
fn p2_the_newest_restorable_of_the_job_stays_when_it_is_a_savepoint() {
    let mut world = five();
    *world.job() = terminal(A);
    world.savepoint(A, 6, NOW - 10);
    assert_eq!(
        world.reasons(&savepoint(A, 6)),
        [KeepReason::NewestRestorable]
    );
    assert!(
        !world.expires(&format!("{A}/chk-12")),
        "nor does the newest checkpoint go for it"
    );
    // With a hole in it, it is none.
    world.lose(&file_of(A, 6), Found::Absent);
    assert!(
        world
            .reasons(&savepoint(A, 6))
            .contains(&KeepReason::NotRestorable)
    );
    world.lose(&shared(A, 1), Found::Absent);
    assert_eq!(
        world.reasons(&savepoint(A, 5)),
        [KeepReason::NewestRestorable]
    );
}

#[test]
fn p2_the_last_savepoint_of_a_former_id_waits_for_its_successor() {
    let mut world = five();
    let mut now = after(running(B, &[(3, NOW - 20)]), A);
    "live".clone_into(&mut now.name.name);
    *world.job() = now;
    world.snapshot(&format!("{B}/chk-3"), NOW - 20, &[&shared(B, 0x33)]);
    world.inventory.snapshots[0].completed = minute(NOW - 100);
    world.savepoint(A, 6, NOW - 70);
    assert_eq!(
        world.reasons(&savepoint(A, 6)),
        [KeepReason::AwaitsSuccessor]
    );
    assert!(world.goes_whole(A, 5));
    let successor = B.parse().unwrap();
    world
        .baselines
        .restorable_since
        .insert(successor, minute(NOW - 8 * DAY));
    assert!(world.goes_whole(A, 6));
    // A successor that has got nowhere lets none of them go.
    map(world.job()).entries.clear();
    assert!(world.stays_whole(A, 5) && world.stays_whole(A, 1));
}

#[test]
fn lc_22_a_job_that_was_stopped_with_a_savepoint_has_taken_over() {
    let mut world = World::empty().with_job(after(terminal(B), A));
    world.policy.savepoints = Some(SavepointRules::default());
    for (id, number, at) in [(A, 1, 3000), (A, 2, 4000), (B, 3, 5000)] {
        world.savepoint(id, number, at);
    }
    assert!(
        world.goes_whole(A, 1),
        "{:?}",
        world.verdict(&savepoint(A, 1))
    );
    assert!(world.stays_whole(A, 2) && world.stays_whole(B, 3));
    assert_eq!(world.job().claims(A.parse().unwrap()), Some(Claim::Former));
}

/// Both rules must let them go.
#[test]
fn lc_50_the_savepoints_of_a_deleted_job_go_by_both_rules() {
    let mut world = five();
    let mut gone = after(terminal(B), A);
    gone.current = None;
    gone.phase = Phase::Gone;
    gone.lineage.entries[0].resource = ResourceState::Deleted {
        observed: Some(minute(NOW - 4 * DAY)),
    };
    *world.job() = gone;
    assert!(world.stays_whole(A, 1), "no rule for deleted jobs");
    world.policy.deleted_jobs = Some(SignedDuration::from_hours(5 * 24));
    assert!(world.stays_whole(A, 1), "its time is not over");
    world.policy.deleted_jobs = Some(SignedDuration::from_hours(3 * 24));
    assert!(world.goes_whole(A, 1));
    world.policy.savepoints = None;
    assert!(world.stays_whole(A, 1));
}

/// Whoever restores them from a backup gives them the time of the copy; the first one may come last.
#[test]
fn p2_the_last_one_by_number_stays_where_copying_has_mixed_up_the_times() {
    let mut world = World::empty().with_job(stopped(A));
    world.policy.savepoints = Some(SavepointRules {
        keep: KeepRules {
            keep_last: Some(1),
            keep_within: None,
        },
        ..SavepointRules::default()
    });
    for (number, at) in [(1, 500), (2, 450), (3, 400)] {
        world.savepoint(A, number, at);
    }
    assert!(world.stays_whole(A, 1), "the newest by time");
    assert!(world.goes_whole(A, 2));
    assert!(world.stays_whole(A, 3), "the last by number");
    world.snapshot(&format!("{A}/chk-4"), 350, &[]);
    assert!(world.goes_whole(A, 3), "a later checkpoint has its number");
}

#[rstest]
#[case::in_no_known_name("savepoints/mine")]
#[case::in_the_directory_of_a_checkpoint("aaaaaa000000000000000000000000a1/chk-3")]
fn what_a_person_put_somewhere_stays(#[case] directory: &str) {
    let mut world = five();
    let snapshot = if directory.contains("chk-") {
        world.snapshot(directory, 200, &[])
    } else {
        let copied = world.snapshot(&savepoint(A, 7), 200, &[]);
        copied.location = in_base(directory);
        let place = copied.place.as_mut().unwrap();
        place.placement.snapshot = None;
        place.metadata_path = format!("{directory}/_metadata").into();
        copied
    };
    snapshot.kind = retention::inventory::SnapshotKind::Savepoint;
    assert!(world.reasons(directory).contains(&KeepReason::ByHand));
}

#[test]
fn in_the_directory_of_another_job_it_is_nobodys() {
    let mut world = five();
    world.evidence.jobs.push(stopped(B));
    let inside = format!("{B}/{}", savepoint(A, 9));
    world.snapshot(&inside, 200, &[]);
    assert_eq!(
        world.reasons(&inside),
        [
            KeepReason::Owner(OwnerClass::Unknown),
            KeepReason::NewestRestorable
        ]
    );
    let own = format!("{A}/{}", savepoint(A, 9));
    world.snapshot(&own, 200, &[]);
    assert!(world.expires(&own));
}

#[test]
fn the_digits_of_the_all_zero_id_are_nobodys() {
    let mut world = World::empty().with_job(stopped(J1));
    world.policy.savepoints = Some(SavepointRules::default());
    world.savepoint(J1, 1, 100);
    world.savepoint(J1, 2, 200);
    assert!(world.stays_whole(J1, 1));
}

/// Ids of session jobs that are computed from a hash code begin with its sign: half of all of them with these digits.
#[test]
fn the_digits_of_computed_ids_are_nobodys() {
    let mut world = World::empty().with_job(stopped("ffffffff9abcdef00000000000000003"));
    world.policy.savepoints = Some(SavepointRules::default());
    let other = "ffffffff123456780000000000000001";
    world.savepoint(other, 1, 100);
    world.savepoint(other, 2, 200);
    assert!(world.stays_whole(other, 1));
}

#[test]
fn what_a_resource_names_takes_no_place_in_the_rules() {
    let mut world = five();
    world.policy.savepoints = Some(rules(|r| r.keep.keep_last = Some(2)));
    world.root(&savepoint(A, 5));
    world.root(&savepoint(A, 1));
    assert_eq!(kept(&world), [1, 3, 4, 5]);
}

/// A savepoint directory of A without `_metadata`, three days old, marked a day ago.
fn leftover() -> (World, String) {
    let mut world = five();
    let file = file_of(A, 0x77);
    world.list(&file, NOW - 3 * DAY);
    world.mark(&file, NOW - 3 * DAY, MarkKind::Orphan);
    (world, file)
}

#[test]
fn f9_lc_48_a_leftover_goes_after_a_day() {
    let (mut world, file) = leftover();
    assert!(world.goes(&file));
    // One younger file makes all of it young.
    world.list(
        &format!("{}/{}", savepoint(A, 0x77), uuid(0x999)),
        NOW - DAY + 1,
    );
    assert!(matches!(world.waits_for(&file), Waiting::Age { until } if until == minute(NOW + 1)));
}

/// A job that uses the same place.
fn neighbour(change: impl FnOnce(&mut JobEvidence)) -> JobEvidence {
    let mut other = running(B, &[(3, NOW - 60)]);
    "other".clone_into(&mut other.name.name);
    change(&mut other);
    other
}

#[rstest]
#[case::a_savepoint_in_progress(Guard::PendingSavepoint, |w: &mut World| {
    let mut saving = in_progress(13, NOW - 10);
    saving.is_savepoint = true;
    rest(w.job()).checkpoints.push(saving);
})]
#[case::a_savepoint_of_a_neighbour(Guard::PendingSavepoint, |w: &mut World| {
    let mut saving = in_progress(13, NOW - 10);
    saving.is_savepoint = true;
    w.evidence.jobs.push(neighbour(|job| rest(job).checkpoints.push(saving)));
})]
#[case::a_trigger_of_a_neighbour(Guard::PendingSavepoint, |w: &mut World| w.evidence.jobs.push(neighbour(|job| {
    job.phase = Phase::Unclear { why: "a savepoint was asked for".into() };
    job.processes = Processes::Absent;
})))]
#[case::a_silent_neighbour(Guard::PendingSavepoint, |w: &mut World| w.evidence.jobs.push(neighbour(|job| job.job_manager = JobManager::Unreachable { why: "503".into() })))]
#[case::what_somebody_asked_for(Guard::PendingSavepoint, |w: &mut World| w.gap(Guard::PendingSavepoint, Radius::Below(location("/ckp"))))]
#[case::a_metadata_that_cannot_be_read(Guard::KeptSnapshotDirectory, |w: &mut World| { w.list(&metadata_of(A, 0x77), 100); })]
#[case::lc_27_a_neighbour_file_is_claimed(Guard::KeptSnapshotDirectory, |w: &mut World| {
    let claimed = format!("{}/{}", savepoint(A, 0x77), uuid(0x555));
    w.snapshot(&format!("{A}/chk-13"), NOW - 20, &[&claimed]);
})]
#[case::a_resource_names_it(Guard::NamedDirectory, |w: &mut World| w.root(&savepoint(A, 0x77)))]
#[case::nobody_made_it(Guard::UnknownOwner, |w: &mut World| w.evidence.jobs.push(stopped(A_TOO)))]
fn f9_one_doubt_keeps_it(#[case] guard: Guard, #[case] change: Change) {
    let (mut world, file) = leftover();
    change(&mut world);
    assert_eq!(world.guard(&file), Some(guard), "{:?}", world.entry(&file));
}

#[test]
fn a_gap_about_pending_savepoints_keeps_nothing_else() {
    let mut world = World::ripe();
    world.gap(Guard::PendingSavepoint, Radius::All);
    assert!(world.goes(&shared(J1, F)));
    let mut world = five();
    world.gap(Guard::PendingSavepoint, Radius::All);
    assert!(world.goes_whole(A, 2), "it is complete");
    let leftover = own(J1, 5, 7);
    let mut world = World::ripe_terminal();
    world.list(&leftover, 100);
    world.mark(&leftover, 100, MarkKind::Orphan);
    world.gap(Guard::PendingSavepoint, Radius::All);
    assert!(world.goes(&leftover), "it is of a checkpoint");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// A larger number never lets another savepoint go, and neither does more evidence.
    #[test]
    fn rules_are_monotone(
        times in prop::collection::vec(1..NOW, 1..12),
        counts in prop::array::uniform6(prop::option::of(0..6_u32)),
        more in prop::array::uniform6(0..4_u32),
        rooted in prop::collection::vec(0..12_u32, 0..3),
    ) {
        let world = |counts: [Option<u32>; 6]| {
            let mut world = World::empty().with_job(stopped(A));
            let [last, within, hourly, daily, weekly, monthly] = counts;
            world.policy.savepoints = Some(SavepointRules {
                keep: KeepRules {
                    keep_last: last,
                    keep_within: within.map(|days| SignedDuration::from_hours(24 * i64::from(days))),
                },
                keep_hourly: hourly,
                keep_daily: daily,
                keep_weekly: weekly,
                keep_monthly: monthly,
                time_zone: TimeZone::UTC,
            });
            for (number, at) in (0..).zip(&times) {
                world.savepoint(A, number, *at);
            }
            world
        };
        let kept = |world: &World| -> Vec<bool> {
            let numbers = (0..).zip(&times).map(|(number, _)| number);
            numbers.map(|number| !world.expires(&savepoint(A, number))).collect()
        };
        let less = world(counts);
        let mut larger = counts;
        for (count, more) in larger.iter_mut().zip(more) {
            *count = match (*count, more) {
                (Some(count), more) => Some(count + more),
                (None, 0) => None,
                (None, more) => Some(more),
            };
        }
        let all = kept(&world(larger));
        prop_assert!(kept(&less).iter().zip(&all).all(|(less, more)| !less || *more));
        prop_assert!(kept(&less).contains(&true), "P2");
        let mut named = less.clone();
        for number in rooted {
            named.root(&savepoint(A, number));
        }
        prop_assert!(kept(&less).iter().zip(&kept(&named)).all(|(less, more)| !less || *more));
    }
}
