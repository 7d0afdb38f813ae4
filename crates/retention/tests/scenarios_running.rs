//! Scenarios of the storage life cycle (section 10) with a running job, by their numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::SignedDuration;
use retention::evidence::{HighAvailability, JobManager, Radius, StateBackend};
use retention::guard::Guard;
use retention::inventory::Source;
use retention::mark::{CounterMark, MarkKind, Witness};
use retention::plan::Waiting;
use retention::run::RunId;
use support::*;

fn chk(number: u64) -> String {
    format!("{J1}/chk-{number}")
}

/// The marks that a day of earlier runs would have left for a shared file.
fn passed_over(world: &mut World, path: &str, at: i64) {
    let mark = world.mark(path, at, MarkKind::Orphan);
    mark.counter = Some(CounterMark {
        run: RunId::MapUid("uid-1".to_owned()),
        counter: 10,
    });
    mark.witness = Some(Witness {
        run: RunId::MapUid("uid-1".to_owned()),
        checkpoint_id: 12,
        triggered: None,
        seen: minute(NOW - 30),
    });
}

#[test]
fn lc_01_forty_unreferenced_files_go_after_a_later_checkpoint() {
    let mut world = World::base_case();
    for number in 100..140 {
        world.list(&shared(J1, number), 100);
    }
    world.remember();
    world.later(24 * 60);
    world.completes(13, &[&shared(J1, 1)]);
    world.remember();
    world.later(2);
    for number in 100..140 {
        assert!(world.goes(&shared(J1, number)));
    }
    assert!(
        !world
            .plan()
            .entries
            .iter()
            .any(|entry| *entry.path == *shared(J1, 1))
    );
    assert!(!world.expires(&chk(12)));
}

#[test]
fn lc_02_without_a_later_checkpoint_nothing_goes_however_long() {
    let mut world = World::base_case();
    world.remember();
    for _ in 0..30 {
        world.later(24 * 60);
        world.remember();
        assert_eq!(
            world.waits_for(&shared(J1, F)),
            Waiting::Witness { needed: 13 }
        );
    }
}

#[test]
fn lc_03_files_younger_than_the_latest_checkpoint_stay() {
    let mut world = World::base_case();
    world.policy.min_age = SignedDuration::ZERO;
    world.list(&shared(J1, 50), NOW - 50);
    passed_over(&mut world, &shared(J1, 50), NOW - 50);
    assert_eq!(world.guard(&shared(J1, 50)), Some(Guard::InFlight));
}

#[test]
fn lc_04_a_checkpoint_that_is_pending_for_long_keeps_its_uploads() {
    let mut world = World::ripe();
    rest(world.job()).timeout = Some(SignedDuration::from_hours(2));
    rest(world.job())
        .checkpoints
        .push(in_progress(13, NOW - 90));
    world.list(&shared(J1, 50), NOW - 85);
    world.list(&own(J1, 13, 51), NOW - 85);
    passed_over(&mut world, &shared(J1, 50), NOW - 85);
    passed_over(&mut world, &own(J1, 13, 51), NOW - 85);
    assert_eq!(world.guard(&shared(J1, 50)), Some(Guard::InFlight));
    assert_eq!(world.guard(&own(J1, 13, 51)), Some(Guard::InFlight));
    assert!(world.goes(&shared(J1, F)));
}

#[test]
fn lc_05_what_comes_into_an_empty_chk_directory_stays() {
    let mut world = World::base_case();
    world.list(&own(J1, 13, 51), 100);
    passed_over(&mut world, &own(J1, 13, 51), 100);
    assert_eq!(
        world.guard(&own(J1, 13, 51)),
        Some(Guard::InFlight),
        "13 is above the latest"
    );
}

#[test]
fn lc_06_leftovers_of_an_older_checkpoint_of_this_run_go() {
    let mut world = World::base_case();
    world.list(&own(J1, 7, 51), 100);
    world.mark(&own(J1, 7, 51), 100, MarkKind::Orphan);
    assert!(world.goes(&own(J1, 7, 51)));
    rest(world.job()).checkpoints.push(in_progress(7, NOW));
    assert_eq!(world.guard(&own(J1, 7, 51)), Some(Guard::InFlight));
}

#[test]
fn lc_07_numbers_of_an_earlier_run_with_the_same_id_prove_nothing() {
    let mut world = World::empty().with_job(running(J1, &[(3, NOW - 60)]));
    world.snapshot(&chk(3), NOW - 60, &[]);
    world.snapshot(&chk(500), 200, &[&shared(J1, 5)]);
    world.list(&own(J1, 4, 51), 100);
    world.mark(&own(J1, 4, 51), 100, MarkKind::Orphan);
    assert_eq!(world.guard(&own(J1, 4, 51)), Some(Guard::InFlight));
    assert!(!world.expires(&chk(3)));
    assert_eq!(world.guard(&metadata(J1, 500)), Some(Guard::InFlight));
}

#[test]
fn lc_14_15_an_entry_names_files_although_its_metadata_is_gone() {
    let mut world = World::ripe();
    let mut blob = world.snapshot(&chk(9), 300, &[&shared(J1, 9)]).clone();
    world.inventory.snapshots.pop();
    blob.source = Source::HighAvailability;
    blob.place = None;
    world.inventory.snapshots.push(blob);
    let rest_of_it = own(J1, 9, 91);
    world.list(&shared(J1, 9), 100);
    world.list(&rest_of_it, 100);
    assert!(!world.condemned(&shared(J1, 9)));
    assert!(world.goes(&shared(J1, F)));
}

#[test]
fn lc_16_a_value_that_cannot_be_decoded_keeps_the_whole_base() {
    let mut world = World::ripe();
    world.list(&shared(J2, 9), 100);
    world.evidence.jobs.push(stopped(J2));
    world.job().high_availability = HighAvailability::Unreadable {
        why: "checkpointID-0000000000000000012".to_owned(),
    };
    assert!(!world.condemned(&shared(J1, F)));
    assert!(!world.condemned(&shared(J2, 9)));
}

#[test]
fn lc_26_files_of_a_former_job_that_the_claiming_one_names_stay() {
    let mut world = World::empty().with_job(after(running(J1, &[(12, NOW - 60)]), J0));
    world.snapshot(&chk(12), NOW - 60, &[&shared(J0, 1), &shared(J0, 2)]);
    for number in [1, 2, 3] {
        world.list(&shared(J0, number), 100);
        world.mark(&shared(J0, number), 100, MarkKind::Orphan);
    }
    assert!(!world.condemned(&shared(J0, 1)) && !world.condemned(&shared(J0, 2)));
    assert!(world.goes(&shared(J0, 3)));
}

#[test]
fn lc_25_a_former_directory_goes_by_policy_once_nothing_names_it() {
    let mut world = World::empty().with_job(after(running(J1, &[(12, NOW - 60)]), J0));
    world.snapshot(&chk(12), NOW - 60, &[&shared(J1, 1)]);
    let old = format!("{J0}/chk-9");
    world.snapshot(&old, 500, &[&own(J0, 9, 91), &shared(J0, 1)]);
    for (path, at) in [(metadata(J0, 9), 500), (own(J0, 9, 91), 499)] {
        world.mark(&path, at, MarkKind::Expired);
    }
    assert!(
        !world.condemned(&metadata(J0, 9)),
        "J1 has not been restorable for long enough"
    );
    world
        .baselines
        .restorable_since
        .insert(J1.parse().unwrap(), minute(-100));
    world.policy.checkpoints = Some(retention::keep::KeepRules {
        keep_last: None,
        keep_within: Some(SignedDuration::from_hours(24)),
    });
    assert!(world.goes(&metadata(J0, 9)) && world.goes(&own(J0, 9, 91)));
    assert!(
        !world.condemned(&shared(J0, 1)),
        "shared files become orphans in a later run"
    );
    world.root(&old);
    assert!(!world.condemned(&metadata(J0, 9)));
}

#[test]
fn lc_31_34_36_39_files_of_special_backends_stay_while_the_job_runs() {
    let mut world = World::base_case();
    for path in [
        format!("{J1}/dstl/{}", uuid(31)),
        format!("{J1}/taskowned/{}", uuid(34)),
        format!("{J1}/shared/job_{J1}_op_x_0_2/{}", uuid(36)),
        format!("{J1}/shared/op_x_attempt_0/db/{}", uuid(39)),
    ] {
        world.list(&path, 100);
        passed_over(&mut world, &path, 100);
        assert!(!world.condemned(&path), "{path}");
    }
}

#[test]
fn lc_40_nothing_shared_goes_while_a_forst_job_may_read_it_in_place() {
    let mut world = World::ripe_terminal();
    let mut forst = running(J2, &[(3, NOW - 60)]);
    rest(&mut forst).backend = StateBackend::Other("ForStStateBackend".to_owned());
    world.evidence.jobs.push(forst);
    assert_eq!(world.guard(&shared(J1, F)), Some(Guard::LiveDescendant));
}

#[test]
fn lc_71_without_high_availability_a_restart_repeats_numbers() {
    let mut world = World::ripe();
    world.job().high_availability = HighAvailability::NotConfigured;
    world.snapshot(&chk(5), 200, &[]);
    world.list(&own(J1, 3, 51), 100);
    world.mark(&own(J1, 3, 51), 100, MarkKind::Orphan);
    assert!(!world.condemned(&own(J1, 3, 51)));
    assert!(!world.expires(&chk(5)));
}

#[test]
fn lc_76_what_each_restart_leaked_goes_and_what_is_retained_stays() {
    let mut world = World::base_case();
    let leaked: Vec<String> = (200..230).map(|number| shared(J1, number)).collect();
    for path in &leaked {
        world.list(path, 100);
    }
    for restart in 0..30 {
        world.remember();
        rest(world.job()).started = Some(minute(NOW + restart));
        world.later(60);
        world.completes(13 + u64::try_from(restart).unwrap(), &[&shared(J1, 1)]);
    }
    assert!(leaked.iter().all(|path| world.goes(path)));
    assert!(!world.condemned(&shared(J1, 1)));
}

#[test]
fn lc_78_without_answers_nothing_goes() {
    let mut world = World::ripe();
    world.job().job_manager = JobManager::Unreachable {
        why: "503".to_owned(),
    };
    assert!(!world.condemned(&shared(J1, F)));
    let mut world = World::ripe_terminal();
    world.gap(
        Guard::MissingEvidence,
        Radius::SeenFrom {
            namespace: "flink".to_owned(),
        },
    );
    assert!(!world.condemned(&shared(J1, F)));
}
