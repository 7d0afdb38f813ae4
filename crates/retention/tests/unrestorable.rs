//! Torn and hollow snapshots: kept, unless the policy says otherwise and their job has gone on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::SignedDuration;
use retention::evidence::Radius;
use retention::guard::Guard;
use retention::mark::MarkKind;
use retention::plan::{Decision, ExpireReason};
use retention::reference::Found;
use rstest::rstest;
use support::*;

const DAY: i64 = 24 * 60;

fn chk(number: u64) -> String {
    format!("{J1}/chk-{number}")
}

/// J1 is over. `chk-9` was written two days ago, `chk-12` after it; both are marked. Unrestorable ones go after a day.
fn world() -> World {
    let mut world = World::empty().with_job(terminal(J1));
    world.policy.unrestorable = Some(SignedDuration::from_hours(24));
    world.snapshot(&chk(12), NOW - DAY, &[&shared(J1, 1)]);
    world
}

/// A `_metadata` that ends early, as a scan tells of it.
fn tear(world: &mut World, number: u64) {
    let path = metadata(J1, number);
    let size = world.list(&path, NOW - 2 * DAY).size;
    let mark = world.mark(&path, NOW - 2 * DAY, MarkKind::Expired);
    mark.size = size;
    world.inventory.torn.insert(in_base(&path));
    world.gap(Guard::UnreadableSnapshot, Radius::Below(location("/ckp")));
    let mut gap = world.evidence.gaps.pop().unwrap();
    gap.what = in_base(&path).to_string();
    world.inventory.gaps.push(gap);
}

fn torn() -> World {
    let mut world = world();
    tear(&mut world, 9);
    world.list(&shared(J1, F), 100);
    world.mark(&shared(J1, F), 100, MarkKind::Orphan);
    world
}

/// `chk-9` misses `shared/9`, and shares `shared/1` with `chk-12`.
fn hollow() -> World {
    let mut world = world();
    let names = [shared(J1, 1), shared(J1, 9), own(J1, 9, 0x99)];
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.snapshot(&chk(9), NOW - 2 * DAY, &names);
    world.lose(&shared(J1, 9), Found::Absent);
    for path in [metadata(J1, 9), own(J1, 9, 0x99)] {
        let at = NOW - 2 * DAY - i64::from(!path.ends_with("_metadata"));
        world.mark(&path, at, MarkKind::Expired);
    }
    world
}

#[test]
fn lc_09_a_torn_metadata_goes_alone_and_protects_the_rest_until_it_is_gone() {
    let mut world = torn();
    assert!(world.goes(&metadata(J1, 9)));
    let decision = world.entry(&metadata(J1, 9)).decision;
    assert_eq!(decision, Decision::Expire(ExpireReason::Torn));
    assert_eq!(world.guard(&shared(J1, F)), Some(Guard::UnreadableSnapshot));
    // Gone, as the next run sees it.
    world.inventory.torn.clear();
    world.inventory.gaps.clear();
    world.inventory.unreferenced.remove(0);
    assert!(world.goes(&shared(J1, F)));
}

#[test]
fn lc_12_a_hollow_snapshot_goes_and_what_it_shares_stays() {
    let world = hollow();
    assert!(world.goes(&metadata(J1, 9)) && world.goes(&own(J1, 9, 0x99)));
    let decision = world.entry(&metadata(J1, 9)).decision;
    assert_eq!(decision, Decision::Expire(ExpireReason::Hollow));
    assert!(!world.condemned(&shared(J1, 1)));
    assert!(!world.expires(&chk(12)));
}

#[test]
fn several_torn_ones_do_not_keep_each_other_for_ever() {
    let mut world = torn();
    tear(&mut world, 8);
    assert!(world.goes(&metadata(J1, 9)) && world.goes(&metadata(J1, 8)));
}

type Change = fn(&mut World);

#[rstest]
#[case::no_rule(|w: &mut World| w.policy.unrestorable = None)]
#[case::not_old_enough(|w: &mut World| w.policy.unrestorable = Some(SignedDuration::from_hours(49)))]
#[case::nothing_newer_of_its_job(|w: &mut World| w.inventory.snapshots.retain(|s| s.checkpoint_id == 9))]
#[case::the_newer_one_is_hollow(|w: &mut World| w.lose(&shared(J1, 1), Found::Absent))]
#[case::the_newer_one_was_not_verified(|w: &mut World| w.lose(&shared(J1, 1), Found::Unknown))]
#[case::the_newer_one_is_older(|w: &mut World| w.inventory.snapshots[0].completed = minute(NOW - 3 * DAY))]
#[case::the_newer_one_is_as_old(|w: &mut World| w.inventory.snapshots[0].completed = minute(NOW - 2 * DAY))]
#[case::the_same_number_is_of_another_run(|w: &mut World| w.inventory.snapshots[0].checkpoint_id = 9)]
#[case::a_smaller_number_is_of_another_run(|w: &mut World| w.inventory.snapshots[0].checkpoint_id = 7)]
#[case::the_newer_one_is_of_another_job(|w: &mut World| w.inventory.snapshots[0].place.as_mut().unwrap().placement = retention::layout::place(&metadata(J2, 12)))]
#[case::a_resource_names_it(|w: &mut World| w.root(&chk(9)))]
#[case::pinned(|w: &mut World| w.policy.pinned.push(key(&chk(9))))]
#[case::flink_recovers_from_it_without_reading_it(|w: &mut World| {
    let mut other = running(J2, &[(9, NOW - 60)]);
    map(&mut other).entries[0].checkpoint.pointer = Some(in_base(&chk(9)));
    w.evidence.jobs.push(other);
})]
#[case::its_job_is_unknown(|w: &mut World| w.evidence.jobs.clear())]
#[case::something_else_could_not_be_asked(|w: &mut World| w.gap(Guard::MissingEvidence, Radius::All))]
#[case::another_snapshot_cannot_be_read(|w: &mut World| w.gap(Guard::UnreadableSnapshot, Radius::Below(location("/ckp"))))]
fn one_doubt_keeps_both(#[case] change: Change) {
    for mut world in [torn(), hollow()] {
        assert!(world.goes(&metadata(J1, 9)));
        change(&mut world);
        assert!(
            !world.condemned(&metadata(J1, 9)),
            "{:?}",
            world.entry_of(&metadata(J1, 9))
        );
    }
}

impl World {
    fn entry_of(&self, path: &str) -> Option<retention::plan::PlanEntry> {
        self.plan()
            .entries
            .into_iter()
            .find(|entry| *entry.path == *path)
    }
}

/// LC 11: of an unknown version, or damaged in another way.
#[test]
fn lc_11_what_cannot_be_read_for_another_reason_stays() {
    let mut world = torn();
    world.inventory.torn.clear();
    assert!(!world.condemned(&metadata(J1, 9)));
    assert_eq!(world.guard(&shared(J1, F)), Some(Guard::UnreadableSnapshot));
}

#[test]
fn a_running_job_lets_go_what_is_older_than_its_latest() {
    for mut world in [torn(), hollow()] {
        world.evidence.jobs = vec![running(J1, &[(12, NOW - DAY)])];
        assert!(
            world.goes(&metadata(J1, 9)),
            "{:?}",
            world.entry(&metadata(J1, 9))
        );
        map(world.job()).entries[0].checkpoint_id = 8;
        assert!(!world.goes(&metadata(J1, 9)));
    }
}

#[test]
fn a_hollow_snapshot_is_no_case_of_the_keep_rules() {
    let mut world = hollow();
    world.policy.checkpoints = None;
    assert!(world.expires(&chk(9)) && !world.expires(&chk(12)));
}
