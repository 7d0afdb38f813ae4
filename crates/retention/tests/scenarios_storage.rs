//! Scenarios of the storage life cycle (section 10) about stopped jobs, listings, names and times, by their numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::{SignedDuration, Timestamp};
use retention::evidence::{Phase, Radius};
use retention::guard::Guard;
use retention::inventory::Listing;
use retention::layout::place_checkpoint_directory;
use retention::mark::MarkKind;
use retention::plan::{Decision, OrphanKind, Waiting};
use retention::reference::Found;
use rstest::rstest;
use support::*;

fn chk(number: u64) -> String {
    format!("{J1}/chk-{number}")
}

#[rstest]
#[case::lc_09_torn("ends after 870 bytes")]
#[case::lc_10_forbidden("403")]
#[case::lc_11_newer("version 7 is not known")]
fn an_unreadable_metadata_keeps_its_base(#[case] why: &str) {
    let mut world = World::ripe_terminal();
    world.list(&metadata(J1, 9), 200);
    world.gap(Guard::UnreadableSnapshot, Radius::Below(location("/ckp")));
    world.evidence.gaps[0].why = why.to_owned();
    world.inventory.gaps = std::mem::take(&mut world.evidence.gaps);
    assert!(!world.condemned(&metadata(J1, 9)));
    assert_eq!(world.guard(&shared(J1, F)), Some(Guard::UnreadableSnapshot));
    assert!(world.entry(&shared(J1, F)).decision.reason().contains(why));
    assert!(!world.expires(&chk(12)));
}

#[test]
fn lc_11_under_any_name_of_the_store_and_in_any_case() {
    let mut world = World::ripe_terminal();
    world.gap(Guard::UnreadableSnapshot, Radius::Below(location("/CKP/")));
    assert_eq!(world.guard(&shared(J1, F)), Some(Guard::UnreadableSnapshot));
    let hdfs = location("hdfs://ns/f/x");
    assert!(hdfs.may_be_below(&location("hdfs://nn1:8020/f")));
    assert!(hdfs.relative_to(&location("hdfs://nn1:8020/f")).is_none());
}

#[test]
fn lc_12_a_snapshot_with_a_hole_pins_the_rest_and_the_one_before_is_the_newest() {
    let mut world = World::ripe_terminal();
    world.snapshot(&chk(13), 6000, &[&shared(J1, 13), &shared(J1, 14)]);
    world.lose(&shared(J1, 13), Found::Absent);
    world.list(&shared(J1, 14), 100);
    assert!(!world.expires(&chk(12)) && !world.expires(&chk(13)));
    assert!(!world.condemned(&shared(J1, 14)));
}

#[test]
fn lc_18_20_a_suspended_job_loses_what_nobody_names_and_keeps_its_checkpoint() {
    let mut world = World::ripe_suspended();
    world.list(&own(J1, 5, 0x51), 100);
    world.mark(&own(J1, 5, 0x51), 100, MarkKind::Orphan);
    assert!(world.goes(&shared(J1, F)) && world.goes(&own(J1, 5, 0x51)));
    assert!(!world.expires(&chk(12)) && !world.condemned(&shared(J1, 1)));
}

#[test]
fn an_empty_checkpoint_directory_of_a_job_that_is_over_goes() {
    let mut world = World::ripe_terminal();
    let directory = chk(5);
    let listed = world.list(&own(J1, 5, 0x51), 100);
    listed.path = directory.clone().into();
    listed.placement = place_checkpoint_directory(&directory).unwrap();
    world.mark(&directory, 100, MarkKind::Orphan);
    assert!(world.goes(&directory));
    let decision = world.entry(&directory).decision;
    assert_eq!(decision, Decision::Orphan(OrphanKind::EmptyCheckpoint));
}

#[test]
fn lc_14_of_a_suspended_job_neither_the_retained_nor_the_newest_checkpoint_goes() {
    let mut world = World::ripe_suspended();
    world.snapshot(&chk(13), 6000, &[&own(J1, 13, 0x13)]);
    world.snapshot(&chk(11), 4000, &[&own(J1, 11, 0x11)]);
    assert!(!world.expires(&chk(12)) && !world.expires(&chk(13)));
    assert!(world.expires(&chk(11)));
}

#[test]
fn c2_a_suspended_job_must_have_been_seen_without_processes_for_long_enough() {
    let mut world = World::ripe_suspended();
    let id = J1.parse().unwrap();
    world.baselines.stopped_since.insert(id, minute(NOW - 59));
    assert!(matches!(
        world.waits_for(&shared(J1, F)),
        Waiting::Quiet { until } if until == minute(NOW + 1)
    ));
    world.baselines.stopped_since.clear();
    assert!(matches!(
        world.waits_for(&shared(J1, F)),
        Waiting::Quiet { .. }
    ));
    // A short grace period is not enough, nor is one run without a break a proof for the next.
    world.policy.grace_period = SignedDuration::ZERO;
    world.baselines.stopped_since.insert(id, minute(NOW - 19));
    assert!(!world.goes(&shared(J1, F)));
    world.job().processes = retention::evidence::Processes::Present;
    world.remember();
    assert!(world.baselines.stopped_since.is_empty());
    world.job().processes = retention::evidence::Processes::Absent;
    world.remember();
    assert_eq!(world.baselines.stopped_since[&id], minute(NOW));
}

/// It was resumed and suspended again between two runs, each of which saw it suspended.
#[test]
fn c2_a_suspended_job_that_has_run_since_it_was_seen_has_to_be_quiet_again() {
    let of_map = |world: &mut World| {
        let entry = entry(J1, 13, NOW - 1);
        map(world.job()).entries.push(entry);
    };
    let of_storage = |world: &mut World| {
        world.snapshot(&chk(13), NOW - 1, &[&shared(J1, 1)]);
    };
    for resumed in [of_map as fn(&mut World), of_storage] {
        let mut world = World::ripe_suspended();
        assert!(world.goes(&shared(J1, F)));
        resumed(&mut world);
        assert!(!world.goes(&shared(J1, F)));
        world.later(61);
        assert!(world.goes(&shared(J1, F)));
    }
}

/// The same without a checkpoint in between: what it wrote was seen only after it was suspended again, and a process that
/// Kubernetes does not see any more may still name it.
#[test]
fn c2_a_file_of_a_suspended_job_must_have_been_seen_for_as_long_as_a_process_may_go_on() {
    let mut world = World::ripe_suspended();
    world.policy.grace_period = SignedDuration::ZERO;
    world.mark(&shared(J1, F), 100, MarkKind::Orphan).since = minute(NOW - 19);
    assert!(matches!(
        world.waits_for(&shared(J1, F)),
        Waiting::Quiet { until } if until == minute(NOW + 1)
    ));
    world.mark(&shared(J1, F), 100, MarkKind::Orphan).since = minute(NOW - 20);
    assert!(world.goes(&shared(J1, F)));
}

#[test]
fn lc_21_a_cancelled_job_keeps_its_checkpoint_and_loses_what_nobody_names() {
    let world = World::ripe_terminal();
    assert!(world.goes(&shared(J1, F)));
    assert!(!world.expires(&chk(12)));
    assert!(!world.condemned(&shared(J1, 1)));
}

#[test]
fn lc_35_buffers_of_a_sink_stay_while_a_snapshot_is_left() {
    let mut world = World::ripe_terminal();
    let path = format!("{J1}/taskowned/{}", uuid(35));
    world.list(&path, 100);
    world.mark(&path, 100, MarkKind::Orphan);
    assert_eq!(world.guard(&path), Some(Guard::OpaqueTaskOwned));
}

/// Nothing but a savepoint is left, in a store that cannot be read.
#[test]
fn lc_35_buffers_of_a_sink_stay_while_a_resource_names_a_snapshot() {
    let mut world = World::ripe_terminal();
    let path = format!("{J1}/taskowned/{}", uuid(35));
    world.list(&path, 100);
    world.mark(&path, 100, MarkKind::Orphan);
    world.inventory.snapshots.clear();
    world.evidence.roots.clear();
    assert_ne!(world.guard(&path), Some(Guard::OpaqueTaskOwned));
    world.root("elsewhere/savepoint-000000-0123456789ab");
    assert_eq!(world.guard(&path), Some(Guard::OpaqueTaskOwned));
}

#[test]
fn lc_49_a_job_of_nobody_stays_whole() {
    let mut world = World::ripe_terminal();
    world.list(&shared(J2, 49), 100);
    world.mark(&shared(J2, 49), 100, MarkKind::Orphan);
    world.snapshot(&format!("{J2}/chk-1"), 100, &[]);
    world.snapshot(&format!("{J2}/chk-2"), 200, &[]);
    assert_eq!(world.guard(&shared(J2, 49)), Some(Guard::UnknownOwner));
    assert!(!world.expires(&format!("{J2}/chk-1")));
}

#[test]
fn lc_50_the_directory_of_a_deleted_resource_stays() {
    let mut world = World::ripe_terminal();
    world.job().phase = Phase::Gone;
    assert_eq!(world.guard(&shared(J1, F)), Some(Guard::UnknownOwner));
    assert!(!world.expires(&chk(12)));
}

#[test]
fn lc_56_without_an_id_in_the_path_everything_stays() {
    let mut world = World::empty().with_job(stopped(J1));
    for path in [format!("shared/{}", uuid(1)), format!("chk-3/{}", uuid(2))] {
        world.list(&path, 100);
        world.mark(&path, 100, MarkKind::Orphan);
        assert_eq!(world.guard(&path), Some(Guard::UnknownOwner));
    }
}

#[test]
fn lc_62_a_link_or_device_stays() {
    let mut world = World::ripe_terminal();
    world.inventory.unreferenced[0].regular = false;
    assert_eq!(world.guard(&shared(J1, F)), Some(Guard::SpecialFile));
}

#[test]
fn lc_63_a_truncated_listing_is_no_listing() {
    let mut world = World::ripe_terminal();
    world.expired(3, 0x31, 3000);
    world.inventory.bases[0].listing = Listing::Incomplete {
        why: "page 2 of 5 failed".to_owned(),
    };
    assert!(
        !world
            .plan()
            .entries
            .iter()
            .any(|entry| entry.decision.deletes())
    );
    assert!(world.next().is_none());
}

#[rstest]
#[case::zero(Timestamp::UNIX_EPOCH, true)]
#[case::before_1970("1960-01-01T00:00:00Z".parse().unwrap(), true)]
#[case::two_hours_ahead(minute(NOW + 120), true)]
#[case::ahead_within_the_skew(minute(NOW + 9), false)]
fn lc_65_times_that_cannot_be_true_keep(#[case] time: Timestamp, #[case] unusable: bool) {
    let mut world = World::ripe_terminal();
    world.inventory.unreferenced[0].modified = Some(time);
    world
        .marks
        .by_path
        .get_mut(shared(J1, F).as_str())
        .unwrap()
        .modified = time;
    assert_eq!(
        world.guard(&shared(J1, F)) == Some(Guard::UnusableTime),
        unusable
    );
    assert!(!world.goes(&shared(J1, F)));
}

#[test]
fn lc_66_an_old_time_on_a_new_arrival_is_no_reason() {
    let mut world = World::ripe_terminal();
    world.list(&shared(J1, 66), 1);
    assert_eq!(world.waits_for(&shared(J1, 66)), Waiting::Mark);
    world.remember();
    world.later(30);
    assert!(matches!(
        world.waits_for(&shared(J1, 66)),
        Waiting::Grace { .. }
    ));
}

#[rstest]
#[case(format!("{J1}/notes.txt"))]
#[case(format!("{J1}/shared/notes.txt"))]
#[case(format!("{J1}/chk-5.bak/{}", uuid(0x68)))]
#[case(format!("{J1}/CHK-7/{}", uuid(0x68)))]
#[case(format!("{J1}/chk-07/{}", uuid(0x68)))]
#[case(format!("{J1}/shared/{}", uuid(0xabc).to_uppercase()))]
#[case(format!("{J1}/chk-5/deeper/{}", uuid(0x68)))]
fn lc_68_names_that_flink_does_not_write_stay(#[case] path: String) {
    let mut world = World::ripe_terminal();
    world.list(&path, 100);
    world.mark(&path, 100, MarkKind::Orphan);
    assert_eq!(world.guard(&path), Some(Guard::UnknownName));
}

#[test]
fn lc_70_a_half_written_metadata_goes_alone_and_beside_a_whole_one() {
    let path = |number: u64| format!("{J1}/chk-{number}/._metadata.inprogress.{}", uuid(70));
    let mut world = World::ripe_terminal();
    let mut live = World::base_case();
    live.snapshot(&chk(9), 300, &[]);
    for world in [&mut world, &mut live] {
        for number in [13, 12, 11, 9] {
            world.list(&path(number), 100);
            world.mark(&path(number), 100, MarkKind::Orphan);
        }
    }
    for (number, while_running) in [(13, false), (12, false), (11, true), (9, true)] {
        assert!(world.goes(&path(number)), "{number}");
        assert_eq!(live.goes(&path(number)), while_running, "{number}");
    }
}

#[test]
fn lc_73_after_a_crash_in_the_middle_the_rest_is_ordinary_garbage() {
    let mut world = World::ripe_terminal();
    world.expired(3, 0x31, 3000);
    // Its `_metadata` is gone, the file is left, with the mark that it had.
    let mut after = World::ripe_terminal();
    after.marks = world.marks.clone();
    after.list(&own(J1, 3, 0x31), 2999);
    assert_eq!(after.waits_for(&own(J1, 3, 0x31)), Waiting::Mark);
    after.remember();
    after.later(60);
    assert!(after.goes(&own(J1, 3, 0x31)));
}

#[test]
fn times_of_the_policy_at_their_ends_are_no_accident() {
    let mut world = World::ripe_terminal();
    world.policy.min_age = SignedDuration::MAX;
    world.policy.grace_period = SignedDuration::MAX;
    world.policy.margins.clock_skew = SignedDuration::MAX;
    assert!(!world.goes(&shared(J1, F)));
    let mut world = World::ripe();
    world.policy.margins.clock_skew = SignedDuration::MAX;
    rest(world.job()).timeout = Some(SignedDuration::MAX);
    assert!(!world.goes(&shared(J1, F)));
}
