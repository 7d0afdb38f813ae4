//! Which snapshots stay, and why.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::SignedDuration;
use retention::keep::{KeepReason, KeepRules, Verdict};
use retention::owner::OwnerClass;
use retention::reference::Found;
use rstest::rstest;
use support::*;

fn chk(job: &str, number: u64) -> String {
    format!("{job}/chk-{number}")
}

/// J1 is over and left `chk-1` to `chk-5`, one a day, the last one an hour ago.
fn five() -> World {
    let mut world = World::empty().with_job(terminal(J1));
    for number in 1..=5_u32 {
        let at = NOW - 60 - i64::from(5 - number) * 1440;
        let id = u64::from(number);
        world.snapshot(
            &chk(J1, id),
            at,
            &[&own(J1, id, number), &shared(J1, number)],
        );
    }
    world
}

fn kept(world: &World) -> Vec<u64> {
    (1..=5)
        .filter(|&number| !world.expires(&chk(J1, number)))
        .collect()
}

fn rules(keep_last: Option<u32>, within_hours: Option<i64>) -> KeepRules {
    KeepRules {
        keep_last,
        keep_within: within_hours.map(SignedDuration::from_hours),
    }
}

#[rstest]
#[case::no_rules(None, &[1, 2, 3, 4, 5])]
#[case::empty_rules(Some(rules(None, None)), &[5])]
#[case::keep_last_0(Some(rules(Some(0), None)), &[5])]
#[case::keep_last_1(Some(rules(Some(1), None)), &[5])]
#[case::keep_last_3(Some(rules(Some(3), None)), &[3, 4, 5])]
#[case::keep_last_more_than_there_are(Some(rules(Some(9), None)), &[1, 2, 3, 4, 5])]
#[case::keep_within_two_days(Some(rules(None, Some(48))), &[4, 5])]
#[case::keep_within_its_exact_age(Some(rules(None, Some(25))), &[5])]
#[case::keep_within_nothing(Some(rules(None, Some(0))), &[5])]
#[case::keep_within_for_ever(Some(KeepRules { keep_last: None, keep_within: Some(SignedDuration::MAX) }), &[1, 2, 3, 4, 5])]
#[case::the_union(Some(rules(Some(3), Some(48))), &[3, 4, 5])]
fn by_number_and_age(#[case] rules: Option<KeepRules>, #[case] expected: &[u64]) {
    let mut world = five();
    world.policy.checkpoints = rules;
    assert_eq!(kept(&world), expected);
    // The same question at another time has the same answer.
    for shift in [-3 * 1440, 7 * 1440, 300 * 1440] {
        let mut shifted = world.clone();
        let by = SignedDuration::from_mins(shift);
        shifted.now += by;
        shifted
            .inventory
            .snapshots
            .iter_mut()
            .for_each(|snapshot| snapshot.completed += by);
        assert_eq!(kept(&shifted), expected, "shifted by {shift} minutes");
    }
}

type Change = fn(&mut World);

#[rstest]
#[case::pinned(|w: &mut World| w.policy.pinned.push(key(&chk(J1, 2))), KeepReason::Pinned)]
#[case::named(|w: &mut World| w.root(&chk(J1, 2)), KeepReason::NamedBy("FlinkDeployment flink/x".into()))]
#[case::missing_a_file(|w: &mut World| w.lose(&shared(J1, 2), Found::Absent), KeepReason::NotRestorable)]
#[case::not_verified(|w: &mut World| w.lose(&shared(J1, 2), Found::Unknown), KeepReason::NotRestorable)]
#[case::in_the_future(|w: &mut World| w.inventory.snapshots[1].completed = minute(NOW + 600), KeepReason::UnusableTime)]
#[case::time_zero(|w: &mut World| w.inventory.snapshots[1].completed = jiff::Timestamp::UNIX_EPOCH, KeepReason::UnusableTime)]
#[case::a_savepoint_in_a_checkpoint_directory(|w: &mut World| w.inventory.snapshots[1].kind = retention::inventory::SnapshotKind::Savepoint, KeepReason::ByHand)]
#[case::an_unknown_owner(|w: &mut World| w.evidence.jobs.clear(), KeepReason::Owner(OwnerClass::Unknown))]
#[case::in_the_store_of_another_job(|w: &mut World| {
    let mut other = running(J2, &[(9, NOW - 60)]);
    map(&mut other).entries[0].checkpoint.pointer = Some(in_base(&chk(J1, 2)));
    w.evidence.jobs.push(other);
}, KeepReason::ManagedByFlink)]
#[case::restored_by_another_job(|w: &mut World| {
    let mut other = running(J2, &[(9, NOW - 60)]);
    rest(&mut other).restored = Some(retention::evidence::RestRestored { id: 2, at: None, external_path: Some(in_base(&chk(J1, 2))), is_savepoint: false });
    w.evidence.jobs.push(other);
}, KeepReason::ManagedByFlink)]
fn for_a_reason(#[case] change: Change, #[case] reason: KeepReason) {
    let mut world = five();
    assert!(world.expires(&chk(J1, 2)));
    change(&mut world);
    let Verdict::Keep(reasons) = world.verdict(&chk(J1, 2)) else {
        panic!("it expires");
    };
    assert!(reasons.contains(&reason), "{reasons:?}");
    assert!(!world.condemned(&metadata(J1, 2)) && !world.condemned(&own(J1, 2, 2)));
    assert!(!world.expires(&chk(J1, 5)), "the newest stays in any case");
}

#[test]
fn p2_the_newest_restorable_one_stays_if_the_newest_is_torn() {
    let mut world = five();
    world.lose(&shared(J1, 5), Found::Absent);
    assert_eq!(kept(&world), [4, 5]);
}

/// Whoever copies a directory to another store gives its files the time of the copy; `chk-10` comes before `chk-9` there.
#[test]
fn p2_the_last_one_by_number_stays_where_copying_has_mixed_up_the_times() {
    let mut world = five();
    for (minutes, snapshot) in (0..).zip(&mut world.inventory.snapshots) {
        snapshot.completed = minute(NOW - 5000 - minutes);
    }
    assert_eq!(kept(&world), [1, 5]);
    world.lose(&shared(J1, 5), Found::Absent);
    assert_eq!(kept(&world), [1, 4, 5]);
}

#[test]
fn what_cannot_be_restored_and_what_flink_manages_do_not_count() {
    let mut world = five();
    world.policy.checkpoints = Some(rules(Some(2), None));
    world.lose(&shared(J1, 5), Found::Absent);
    assert_eq!(kept(&world), [3, 4, 5]);
    let mut other = running(J2, &[(9, NOW - 60)]);
    map(&mut other).entries[0].checkpoint.pointer = Some(in_base(&chk(J1, 4)));
    world.evidence.jobs.push(other);
    assert_eq!(kept(&world), [2, 3, 4, 5]);
}

#[test]
fn of_two_that_are_equally_new_both_stay() {
    let mut world = five();
    world.inventory.snapshots[3].completed = world.inventory.snapshots[4].completed;
    assert_eq!(kept(&world), [4, 5]);
}

#[test]
fn of_those_of_one_second_the_highest_numbers_are_the_last() {
    let mut world = five();
    world.policy.checkpoints = Some(rules(Some(2), None));
    let moment = world.inventory.snapshots[4].completed;
    // Of an earlier moment, so that the newest of all is not one of those that tie.
    for snapshot in &mut world.inventory.snapshots[..4] {
        snapshot.completed = moment - jiff::SignedDuration::from_mins(1);
    }
    assert_eq!(kept(&world), [4, 5]);
}

#[test]
fn a_copy_is_not_one_more_snapshot() {
    let mut world = five();
    world.policy.checkpoints = Some(rules(Some(2), None));
    world.snapshot(&format!("copy/{J1}/chk-5"), NOW - 61, &[]);
    assert_eq!(kept(&world), [4, 5]);
}

/// J1 runs on after J0; J0 left two checkpoints.
fn after_j0() -> World {
    let mut world = World::empty().with_job(after(running(J1, &[(12, NOW - 60)]), J0));
    world.snapshot(&chk(J1, 12), NOW - 60, &[&shared(J1, 1)]);
    world.snapshot(&chk(J0, 6), 600, &[&own(J0, 6, 6)]);
    world.snapshot(&chk(J0, 7), 700, &[&own(J0, 7, 7)]);
    world
}

#[rstest]
#[case::successor_never_seen_restorable(None, None, true)]
#[case::since_an_hour(Some(NOW - 60), None, true)]
#[case::since_a_week(Some(NOW - 7 * 1440 + 1), None, true)]
#[case::since_more_than_a_week(Some(NOW - 7 * 1440), None, false)]
#[case::since_the_time_of_the_rule(Some(NOW - 60), Some(1), false)]
#[case::in_the_future(Some(NOW + 60), Some(0), true)]
fn p2_the_newest_of_a_former_id_stays_until_its_successor_has_taken_over(
    #[case] since: Option<i64>,
    #[case] within_hours: Option<i64>,
    #[case] stays: bool,
) {
    let mut world = after_j0();
    world.policy.checkpoints = Some(rules(None, within_hours));
    let successor = J1.parse().unwrap();
    world.baselines.restorable_since = since
        .map(|since| (successor, minute(since)))
        .into_iter()
        .collect();
    assert!(world.expires(&chk(J0, 6)));
    assert_eq!(!world.expires(&chk(J0, 7)), stays);
    assert!(!world.expires(&chk(J1, 12)));
}

#[test]
fn p2_while_the_successor_has_none_the_newest_of_the_resource_is_of_the_former_id() {
    let mut world = after_j0();
    world.inventory.snapshots.remove(0);
    let Verdict::Keep(reasons) = world.verdict(&chk(J0, 7)) else {
        panic!("it expires");
    };
    assert!(
        reasons.contains(&KeepReason::NewestRestorable),
        "{reasons:?}"
    );
    assert!(
        !reasons.contains(&KeepReason::AwaitsSuccessor),
        "{reasons:?}"
    );
}

#[test]
fn a_verdict_is_told_with_all_its_reasons() {
    let kept = Verdict::Keep(vec![KeepReason::Pinned, KeepReason::KeepLast]);
    assert_eq!(kept.to_string(), "pinned, keep-last");
    assert_eq!(Verdict::Expire.to_string(), "beyond-keep-rules");
}

#[test]
fn savepoints_belong_to_people() {
    let mut world = five();
    let name = format!("{J1}/savepoint-0000a1-0123456789ab");
    world.snapshot(&name, 100, &[]);
    assert!(!world.expires(&name));
}
