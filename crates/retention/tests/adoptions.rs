//! `adopt`: directories of nobody (C5), with every proof that can be had.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::SignedDuration;
use retention::evidence::Phase;
use retention::guard::Guard;
use retention::inventory::BaseId;
use retention::mark::MarkKind;
use retention::owner::OwnerClass;
use retention::policy::{Adoption, Floors, Policy};
use rstest::rstest;
use support::*;

const DAY: i64 = 24 * 60;
const ORPHAN: u32 = 7;

fn adoption(jobs: Option<&[&str]>) -> Adoption {
    Adoption {
        directory: location("/ckp"),
        jobs: jobs.map(|ids| ids.iter().map(|id| id.parse().unwrap()).collect()),
        idle_for: SignedDuration::from_hours(3 * 24),
        last_modified_before: None,
    }
}

/// Nobody knows J0. It was modified last five days ago, and its orphan is ripe.
fn unknown() -> World {
    let modified = NOW - 5 * DAY;
    let mut world = World::empty();
    world.snapshot(&format!("{J0}/chk-8"), modified - 9, &[&own(J0, 8, 1)]);
    world.snapshot(&format!("{J0}/chk-9"), modified, &[&own(J0, 9, 2)]);
    world.list(&shared(J0, ORPHAN), modified - 5);
    world.mark(&shared(J0, ORPHAN), modified - 5, MarkKind::Orphan);
    for facts in world.inventory.job_directories.values_mut() {
        facts.newest = Some(minute(modified));
    }
    world
}

fn adopted() -> World {
    let mut world = unknown();
    world.policy.adopt = vec![adoption(None)];
    world
}

#[test]
fn lc49_what_nobody_knows_stays_unless_it_is_adopted() {
    assert_eq!(
        unknown().guard(&shared(J0, ORPHAN)),
        Some(Guard::UnknownOwner)
    );
    for jobs in [None, Some([J0].as_slice()), Some(&[J2, J0])] {
        let mut world = unknown();
        world.policy.adopt = vec![adoption(jobs)];
        assert!(world.goes(&shared(J0, ORPHAN)));
        // As a job that is over: the rules hold, and P2.
        assert!(world.expires(&format!("{J0}/chk-8")));
        assert!(!world.expires(&format!("{J0}/chk-9")));
    }
}

type Doubt = fn(&mut World);

#[rstest]
#[case::another_id(|w: &mut World| w.policy.adopt[0].jobs = Some([J2.parse().unwrap()].into()))]
#[case::another_directory(|w: &mut World| w.policy.adopt[0].directory = location("/other"))]
#[case::the_directory_above(|w: &mut World| w.policy.adopt[0].directory = location("/"))]
#[case::the_directory_itself(|w: &mut World| w.policy.adopt[0].directory = in_base(J0))]
#[case::not_idle(|w: &mut World| w.policy.adopt[0].idle_for = SignedDuration::from_hours(6 * 24))]
#[case::modified_too_late(|w: &mut World| w.policy.adopt[0].last_modified_before = Some(minute(NOW - 5 * DAY)))]
#[case::not_listed(|w: &mut World| w.inventory.job_directories.clear())]
#[case::a_time_is_missing(|w: &mut World| for facts in w.inventory.job_directories.values_mut() { facts.has_untimed = true; })]
#[case::a_time_in_the_future(|w: &mut World| for facts in w.inventory.job_directories.values_mut() { facts.newest = Some(minute(NOW + 1)); })]
#[case::a_snapshot_since_the_listing(|w: &mut World| { w.snapshot(&format!("{J0}/chk-10"), NOW - 1, &[&own(J0, 10, 3)]); })]
#[case::a_map_of_it(|w: &mut World| w.evidence.high_availability_ids.push(J0.parse().unwrap()))]
#[case::a_job_manager_knows_it(|w: &mut World| {
    let mut other = running(J2, &[]);
    rest(&mut other).job_id = J0.parse().unwrap();
    w.evidence.jobs.push(other);
})]
#[case::a_resource_has_it(|w: &mut World| w.evidence.jobs.push({
    let mut job = terminal(J0);
    job.phase = Phase::Unclear { why: "UPGRADING".into() };
    job
}))]
#[case::a_resource_had_it(|w: &mut World| w.evidence.jobs.push({
    let mut job = after(terminal(J2), J0);
    job.current = None;
    job.phase = Phase::Gone;
    job
}))]
#[case::two_had_it(|w: &mut World| for job in [J1, J2] { w.evidence.jobs.push(after(terminal(job), J0)); })]
#[case::a_gap(|w: &mut World| w.gap(Guard::MissingEvidence, retention::evidence::Radius::All))]
fn any_doubt_keeps(#[case] doubt: Doubt) {
    let mut world = adopted();
    assert!(world.condemned(&shared(J0, ORPHAN)));
    doubt(&mut world);
    assert!(!world.condemned(&shared(J0, ORPHAN)));
}

/// No doubt: exactly as long as asked for, or of another directory.
#[rstest]
#[case::idle_for_exactly_so_long(|w: &mut World| w.policy.adopt[0].idle_for = SignedDuration::from_hours(5 * 24))]
#[case::modified_before(|w: &mut World| w.policy.adopt[0].last_modified_before = Some(minute(NOW - 5 * DAY + 1)))]
#[case::a_young_snapshot_of_another_job(|w: &mut World| { w.snapshot(&format!("{J2}/chk-1"), NOW - 1, &[&own(J2, 1, 3)]); })]
#[case::a_young_snapshot_in_another_base(|w: &mut World| {
    let snapshot = w.snapshot(&format!("{J0}/chk-10"), NOW - 1, &[]);
    snapshot.location = location(&format!("/other/{J0}/chk-10"));
    snapshot.place.as_mut().unwrap().base = BaseId(1);
})]
#[case::another_job_manager(|w: &mut World| w.evidence.jobs.push(running(J2, &[])))]
#[case::another_map(|w: &mut World| w.evidence.high_availability_ids.push(J2.parse().unwrap()))]
fn what_says_nothing_of_it_keeps_nothing(#[case] other: Doubt) {
    let mut world = adopted();
    other(&mut world);
    assert!(
        world.goes(&shared(J0, ORPHAN)),
        "{:?}",
        world.entry(&shared(J0, ORPHAN))
    );
}

#[test]
fn what_somebody_names_in_it_stays() {
    let mut world = adopted();
    world.root(&format!("{J0}/chk-8"));
    assert!(!world.expires(&format!("{J0}/chk-8")));
    let mut world = World::empty();
    world.snapshot(&format!("{J2}/chk-3"), NOW - 60, &[&shared(J0, ORPHAN)]);
    let mut adopted = adopted();
    world.policy = adopted.policy.clone();
    world.marks = std::mem::take(&mut adopted.marks);
    world.list(&shared(J0, ORPHAN), NOW - 6 * DAY);
    assert!(!world.condemned(&shared(J0, ORPHAN)));
}

#[test]
fn the_all_zero_id_and_no_id_are_never_adopted() {
    let zero = "0".repeat(32);
    for path in [shared(&zero, 77), format!("shared/{}", uuid(78))] {
        let mut world = adopted();
        world.list(&path, NOW - 6 * DAY);
        for facts in world.inventory.job_directories.values_mut() {
            facts.newest = Some(minute(NOW - 6 * DAY));
        }
        assert_eq!(world.guard(&path), Some(Guard::UnknownOwner), "{path}");
    }
}

#[test]
fn the_class_says_so() {
    let world = adopted();
    let directory = retention::layout::place(&shared(J0, 1)).job.unwrap();
    world.with(|context| {
        let owner = context.owners.get(BASE, &directory).unwrap();
        assert_eq!((owner.class, owner.adopted), (OwnerClass::Terminal, true));
        assert!(owner.why.contains("the policy adopts it"), "{}", owner.why);
    });
}

#[test]
fn no_policy_goes_below_the_floors() {
    let policy = Policy {
        adopt: vec![adoption(None)],
        checkpoints: Some(retention::keep::KeepRules {
            keep_last: Some(1),
            keep_within: None,
        }),
        ..Policy::default()
    };
    let floors = Floors {
        keep_within: Some(SignedDuration::from_hours(5)),
        ..Floors::default()
    };
    let raised = policy.with_floors(&floors);
    assert_eq!(
        raised.adopt[0].idle_for,
        SignedDuration::from_hours(30 * 24)
    );
    assert_eq!(
        raised.checkpoints.unwrap().keep_within,
        Some(SignedDuration::from_hours(5))
    );
}
