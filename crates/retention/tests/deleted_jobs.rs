//! `deletedJobs`: LC 50 and 51, and P2 where it has its only exception.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::SignedDuration;
use retention::evidence::{Lineage, Phase, ResourceState};
use retention::guard::Guard;
use retention::keep::{KeepReason, Verdict};
use retention::mark::MarkKind;
use retention::owner::OwnerClass;
use retention::policy::{Floors, Policy};
use retention::reference::Found;
use rstest::rstest;
use support::*;

const DAY: i64 = 24 * 60;
/// The policy of these stories.
const EXPIRE_AFTER: SignedDuration = SignedDuration::from_hours(3 * 24);
const ORPHAN: u32 = 7;

/// J0 was a resource's id; the resource was seen to be deleted this many minutes ago. Its checkpoint and an orphan are
/// left, and both are marked.
fn deleted(minutes_ago: i64) -> World {
    let mut gone = after(terminal(J1), J0);
    gone.current = None;
    gone.phase = Phase::Gone;
    gone.lineage.entries[0].resource = ResourceState::Deleted {
        observed: Some(minute(NOW - minutes_ago)),
    };
    let mut world = World::empty().with_job(gone);
    world.policy.deleted_jobs = Some(EXPIRE_AFTER);
    world.snapshot(
        &format!("{J0}/chk-9"),
        100,
        &[&own(J0, 9, 1), &shared(J0, 2)],
    );
    world.list(&shared(J0, ORPHAN), 100);
    world.mark(&shared(J0, ORPHAN), 100, MarkKind::Orphan);
    world.mark(&metadata(J0, 9), 100, MarkKind::Expired);
    world.mark(&own(J0, 9, 1), 99, MarkKind::Expired);
    world
}

fn expired() -> World {
    deleted(4 * DAY)
}

fn class(world: &World) -> OwnerClass {
    let directory = retention::layout::place(&shared(J0, 1)).job.unwrap();
    world.with(|context| context.owners.get(BASE, &directory).unwrap().class)
}

fn all_stays(world: &World) {
    assert!(!world.expires(&format!("{J0}/chk-9")));
    assert!(!world.condemned(&shared(J0, ORPHAN)));
}

#[test]
fn lc50_p2_when_its_time_is_over_all_goes_its_last_snapshot_too() {
    let world = expired();
    assert_eq!(class(&world), OwnerClass::Terminal);
    assert_eq!(world.verdict(&format!("{J0}/chk-9")), Verdict::Expire);
    for file in [metadata(J0, 9), own(J0, 9, 1), shared(J0, ORPHAN)] {
        assert!(world.goes(&file), "{file}: {:?}", world.entry(&file));
    }
}

#[rstest]
#[case::just_now(0)]
#[case::a_day_ago(DAY)]
#[case::a_minute_too_early(3 * DAY - 1)]
#[case::in_the_future(-DAY)]
fn lc50_before_that_nothing_goes(#[case] minutes_ago: i64) {
    let world = deleted(minutes_ago);
    assert_eq!(world.guard(&shared(J0, ORPHAN)), Some(Guard::DeletedJob));
    all_stays(&world);
}

#[test]
fn lc50_without_the_rule_nothing_ever_goes() {
    let mut world = expired();
    world.policy.deleted_jobs = None;
    assert_eq!(world.guard(&shared(J0, ORPHAN)), Some(Guard::DeletedJob));
    let Verdict::Keep(reasons) = world.verdict(&format!("{J0}/chk-9")) else {
        panic!("it expires");
    };
    assert!(reasons.contains(&KeepReason::DeletedJob), "{reasons:?}");
    assert!(
        reasons.contains(&KeepReason::NewestRestorable),
        "{reasons:?}"
    );
}

type Doubt = fn(&mut World);

#[rstest]
#[case::not_known_since_when(|w: &mut World| w.job().lineage.entries[0].resource = ResourceState::Deleted { observed: None })]
#[case::in_between(|w: &mut World| w.job().phase = Phase::Unclear { why: "processes are left".into() })]
#[case::a_map_of_it(|w: &mut World| w.evidence.high_availability_ids.push(J0.parse().unwrap()))]
#[case::a_job_manager_knows_it(|w: &mut World| {
    let mut other = running(J2, &[]);
    rest(&mut other).job_id = J0.parse().unwrap();
    w.evidence.jobs.push(other);
})]
#[case::claimed_by_another(|w: &mut World| w.evidence.jobs.push(after(stopped(J2), J0)))]
#[case::another_entry_is_not_dated(|w: &mut World| {
    let mut again = w.job().lineage.entries[0].clone();
    again.resource = ResourceState::Deleted { observed: None };
    w.job().lineage.entries.push(again);
})]
#[case::it_came_back(|w: &mut World| {
    let mut again = w.job().lineage.entries[0].clone();
    again.resource = ResourceState::Exists;
    w.job().lineage.entries.push(again);
})]
#[case::seen_again_later(|w: &mut World| {
    let mut again = w.job().lineage.entries[0].clone();
    again.resource = ResourceState::Deleted { observed: Some(minute(NOW - DAY)) };
    w.job().lineage.entries.insert(0, again);
})]
#[case::a_gap(|w: &mut World| w.gap(Guard::MissingEvidence, retention::evidence::Radius::All))]
#[case::suspended(|w: &mut World| w.job().suspended_by = Some("the namespace".into()))]
fn any_doubt_keeps(#[case] doubt: Doubt) {
    let mut world = expired();
    doubt(&mut world);
    for file in [metadata(J0, 9), own(J0, 9, 1), shared(J0, ORPHAN)] {
        assert!(!world.condemned(&file), "{file}");
    }
}

#[test]
fn what_a_resource_names_or_somebody_pins_stays() {
    for change in [
        |w: &mut World| w.root(&format!("{J0}/chk-9")),
        |w: &mut World| w.policy.pinned.push(key(&format!("{J0}/chk-9"))),
    ] {
        let mut world = expired();
        change(&mut world);
        assert!(!world.expires(&format!("{J0}/chk-9")));
        assert!(!world.condemned(&metadata(J0, 9)));
        assert!(world.goes(&shared(J0, ORPHAN)), "nobody names this one");
    }
}

/// LC 51: another resource of the same name. It may be about to start from what the first one left.
#[test]
fn lc51_made_anew_without_a_checkpoint_of_its_own_all_stays() {
    let mut world = expired();
    let lineage = std::mem::take(&mut world.job().lineage);
    *world.job() = running(J1, &[]);
    world.job().lineage = lineage.clone();
    assert_eq!(class(&world), OwnerClass::Unknown);
    all_stays(&world);

    // A checkpoint on storage that Flink does not have in its list.
    world.snapshot(&format!("{J1}/chk-12"), NOW - 60, &[&shared(J1, 11)]);
    all_stays(&world);

    // One of its own.
    *world.job() = running(J1, &[(12, NOW - 60)]);
    world.job().lineage = lineage;
    assert_eq!(world.verdict(&format!("{J0}/chk-9")), Verdict::Expire);
    assert!(world.goes(&shared(J0, ORPHAN)));
    assert!(!world.expires(&format!("{J1}/chk-12")), "the living one's");

    // Of which a file is missing.
    world.lose(&shared(J1, 11), Found::Absent);
    all_stays(&world);
}

/// Neither counts in the keep rules for the other.
#[test]
fn lc51_the_dead_one_takes_no_place_of_the_living_one() {
    let mut world = deleted(0);
    let lineage = std::mem::take(&mut world.job().lineage);
    *world.job() = terminal(J1);
    world.job().lineage = lineage;
    world.policy.checkpoints = Some(retention::keep::KeepRules {
        keep_last: Some(2),
        keep_within: None,
    });
    for (number, at) in [(1, 50), (2, 60), (3, 70)] {
        let file = own(J1, number, 0x10 + u32::try_from(number).unwrap());
        world.snapshot(&format!("{J1}/chk-{number}"), at, &[&file]);
    }
    let kept = (1..=3).filter(|number| !world.expires(&format!("{J1}/chk-{number}")));
    assert_eq!(kept.collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn a_snapshot_that_is_not_whole_goes_with_its_job() {
    let mut world = expired();
    world.lose(&shared(J0, 2), Found::Absent);
    assert_eq!(world.verdict(&format!("{J0}/chk-9")), Verdict::Expire);
    world.policy.deleted_jobs = None;
    all_stays(&world);
}

/// Its files are referenced by a job that claimed them.
#[test]
fn p1_what_another_job_names_stays() {
    let mut world = World::empty();
    world.snapshot(
        &format!("{J2}/chk-3"),
        NOW - 60,
        &[&shared(J0, ORPHAN), &own(J0, 9, 1)],
    );
    let mut expired = expired();
    expired.inventory.snapshots.clear();
    expired.inventory.unreferenced.clear();
    world.policy = expired.policy.clone();
    world.marks = expired.marks.clone();
    world = world.with_job(expired.job().clone()).with_job(terminal(J2));
    world.snapshot(&format!("{J0}/chk-9"), 100, &[&own(J0, 9, 1)]);
    world.list(&shared(J0, ORPHAN), 100);
    assert!(!world.condemned(&metadata(J0, 9)) && !world.condemned(&own(J0, 9, 1)));
    assert!(!world.condemned(&shared(J0, ORPHAN)));
}

#[test]
fn a_lineage_that_forgets_only_protects_more() {
    let mut world = expired();
    world.job().lineage = Lineage::default();
    assert_eq!(class(&world), OwnerClass::Unknown);
    all_stays(&world);
}

#[test]
fn no_policy_goes_below_the_floor() {
    let policy = |hours| {
        let asked = Policy {
            deleted_jobs: Some(SignedDuration::from_hours(hours)),
            ..Policy::default()
        };
        asked.with_floors(&Floors::default()).deleted_jobs
    };
    assert_eq!(policy(1), Some(SignedDuration::from_hours(7 * 24)));
    assert_eq!(policy(1000), Some(SignedDuration::from_hours(1000)));
    let never = Policy::default().with_floors(&Floors::default());
    assert_eq!(never.deleted_jobs, None);
}

/// Savepoints belong to people: only a policy that says something of them lets them go with their job.
#[test]
fn savepoints_go_with_their_job_where_the_policy_has_a_rule_for_them() {
    let mut world = expired();
    let id = format!("5d2ca4{}", "0".repeat(26));
    let mut again = world.job().lineage.entries[0].clone();
    again.job_id = id.parse().unwrap();
    world.job().lineage.entries.push(again);
    let savepoint = "savepoint-5d2ca4-0123456789ab";
    world.snapshot(savepoint, 100, &[&format!("{savepoint}/{}", uuid(50))]);
    assert!(!world.expires(savepoint));
    world.policy.savepoints = Some(retention::keep::SavepointRules {
        keep: retention::keep::KeepRules {
            keep_last: Some(3),
            keep_within: None,
        },
        ..retention::keep::SavepointRules::default()
    });
    assert!(world.expires(savepoint), "{:?}", world.verdict(savepoint));
    world.policy.deleted_jobs = None;
    assert!(!world.expires(savepoint));
}
