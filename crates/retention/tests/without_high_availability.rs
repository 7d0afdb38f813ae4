//! A running job without high availability: the same rule, with the statistics of its JobManager in place of the map.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::SignedDuration;
use retention::evidence::{HighAvailability, JobManager, Radius, RestRestored, StateBackend};
use retention::guard::Guard;
use retention::layout::JobId;
use retention::mark::{CounterMark, Mark, MarkKind, Witness};
use retention::plan::Waiting;
use retention::reference::Found;
use retention::run::{JobStart, RestoredOnce, RunId};
use rstest::rstest;
use support::*;

fn file() -> String {
    shared(J1, F)
}

/// J1 runs alone; `chk-12` is complete and names `shared/1`; `shared/F` is old and named by nobody.
fn base_case() -> World {
    let mut world = World::empty().with_job(running_alone(J1, &[(12, NOW - 60)]));
    world.snapshot(&format!("{J1}/chk-12"), NOW - 60, &[&shared(J1, 1)]);
    world.list(&file(), 100);
    world
}

/// The job completes one more, now: by its statistics, on storage, and whole. The one before is dropped.
fn completes(world: &mut World, number: u64, names: &[&str]) {
    let at = world.now.duration_since(minute(0)).as_secs() / 60 - 1;
    world.snapshot(&format!("{J1}/chk-{number}"), at, names);
    let rest = rest(world.job());
    for known in &mut rest.checkpoints {
        known.discarded = true;
    }
    rest.checkpoints.push(complete(J1, number, at));
    rest.completed = rest.completed.map(|count| count + 1);
}

/// An answer as it was when this number was the newest.
fn goes_back_to(world: &mut World, number: u64) {
    let rest = rest(world.job());
    rest.checkpoints.retain(|known| known.id <= number);
    rest.checkpoints.last_mut().unwrap().discarded = false;
    rest.completed = Some(rest.checkpoints.len() as u64);
}

fn mark(world: &World) -> &Mark {
    &world.marks.by_path[file().as_str()]
}

/// Marked, passed over and settled.
fn ripe() -> World {
    let mut world = base_case();
    world.remember();
    world.later(120);
    completes(&mut world, 13, &[&shared(J1, 1)]);
    world.remember();
    world.later(1440);
    completes(&mut world, 14, &[&shared(J1, 1)]);
    world.remember();
    world.later(2);
    assert!(world.goes(&file()), "{:?}", world.entry(&file()));
    world
}

#[test]
fn the_whole_way_from_the_first_listing_to_the_deletion() {
    let mut world = base_case();
    assert_eq!(world.waits_for(&file()), Waiting::Mark);
    world.remember();
    assert_eq!(mark(&world).since, minute(NOW - 1), "step 1");
    assert_eq!(mark(&world).counter, None, "the answer may be old");

    world.later(1440);
    assert_eq!(world.waits_for(&file()), Waiting::Counter);
    completes(&mut world, 13, &[&shared(J1, 1)]);
    world.remember();
    let start = RunId::Start(JobStart {
        started: minute(1),
        restored: None,
    });
    let counter = CounterMark {
        run: start.clone(),
        counter: 14,
    };
    assert_eq!(mark(&world).counter, Some(counter), "step 2");
    assert_eq!(mark(&world).witness, None);

    world.later(60);
    assert_eq!(world.waits_for(&file()), Waiting::Witness { needed: 14 });
    completes(&mut world, 14, &[&shared(J1, 1)]);
    world.remember();
    let witness = mark(&world).witness.clone().unwrap();
    assert_eq!((witness.run, witness.checkpoint_id), (start, 14), "step 3");

    world.later(1);
    assert!(matches!(world.waits_for(&file()), Waiting::Settle { .. }));
    world.later(1);
    assert!(world.goes(&file()));
}

type Change = fn(&mut World);

/// H3: what was in flight while the files were listed must not be counted as later.
#[rstest]
#[case::nothing_in_it_is_newer_than_the_listing(|w: &mut World| w.later(1440))]
#[case::newer_only_by_less_than_the_skew(|w: &mut World| {
    w.later(9);
    completes(w, 13, &[]);
})]
#[case::from_a_cache_of_a_day(|w: &mut World| {
    w.later(1440);
    completes(w, 13, &[]);
    let cluster = rest(w.job()).cluster.as_mut().unwrap();
    cluster.statistics_cache = SignedDuration::from_hours(13);
})]
#[case::read_too_soon_after_the_listing(|w: &mut World| {
    w.later(1440);
    completes(w, 13, &[]);
    rest(w.job()).read_at = minute(NOW - 1) + SignedDuration::from_secs(9);
})]
fn h3_an_answer_that_may_be_older_than_the_listing_counts_nothing(#[case] change: Change) {
    let mut world = base_case();
    world.remember();
    change(&mut world);
    world.remember();
    assert_eq!(mark(&world).counter, None);
}

#[test]
fn h3_what_is_in_progress_or_failed_was_handed_out_too() {
    let mut world = base_case();
    world.remember();
    world.later(1440);
    completes(&mut world, 13, &[]);
    let mut pending = in_progress(17, NOW + 1439);
    pending.is_savepoint = true;
    rest(world.job()).checkpoints.push(pending);
    world.remember();
    assert_eq!(mark(&world).counter.as_ref().unwrap().counter, 18);
}

#[test]
fn a_history_too_short_to_show_what_is_retained_proves_nothing() {
    let mut world = base_case();
    world.remember();
    world.later(1440);
    completes(&mut world, 13, &[]);
    // `web.checkpoints.history: 0`: of two completed ones `latest.completed` alone is told.
    rest(world.job()).checkpoints.remove(0);
    assert_eq!(world.guard(&file()), Some(Guard::InFlight));
}

#[rstest]
#[case::h4_not_of_this_run(|w: &mut World| { rest(w.job()).checkpoints.pop(); })]
#[case::h4_elsewhere(|w: &mut World| {
    let last = rest(w.job()).checkpoints.last_mut().unwrap();
    last.external_path = Some(location(&format!("/elsewhere/{J1}/chk-14")));
    // The one before is retained as well, so that nothing else objects.
    rest(w.job()).checkpoints[1].discarded = false;
})]
#[case::h4_written_by_an_earlier_run(|w: &mut World| {
    w.inventory.snapshots.last_mut().unwrap().completed = minute(NOW - 60);
})]
#[case::in_no_file(|w: &mut World| rest(w.job()).checkpoints.last_mut().unwrap().external_path = None)]
#[case::h2_failed_for_flink(|w: &mut World| rest(w.job()).checkpoints.last_mut().unwrap().status = "FAILED".into())]
#[case::a_savepoint(|w: &mut World| rest(w.job()).checkpoints.last_mut().unwrap().is_savepoint = true)]
#[case::triggered_before_the_listing_ended(|w: &mut World| rest(w.job()).checkpoints.last_mut().unwrap().triggered = minute(NOW))]
#[case::not_parsed(|w: &mut World| { w.inventory.snapshots.pop(); })]
#[case::of_another_number(|w: &mut World| w.inventory.snapshots.last_mut().unwrap().checkpoint_id = 500)]
#[case::not_whole(|w: &mut World| w.lose(&shared(J1, 2), Found::Absent))]
fn a_checkpoint_is_no_witness(#[case] change: Change) {
    let mut world = base_case();
    world.remember();
    world.later(120);
    completes(&mut world, 13, &[]);
    world.remember();
    world.later(1440);
    completes(&mut world, 14, &[&shared(J1, 2)]);
    let mut sound = world.clone();
    sound.remember();
    assert!(mark(&sound).witness.is_some());
    change(&mut world);
    world.remember();
    assert_eq!(mark(&world).witness, None);
}

/// Every precondition is asked for again when the file is to go.
#[rstest]
#[case::another_start(|w: &mut World| rest(w.job()).started = Some(minute(NOW - 1)), Waiting::Counter)]
#[case::restored_again(|w: &mut World| rest(w.job()).restored = Some(RestRestored {
    id: 14,
    at: Some(minute(NOW)),
    external_path: Some(in_base(&format!("{J1}/chk-14"))),
    is_savepoint: false,
}), Waiting::Counter)]
#[case::h5_numbers_that_went_back(|w: &mut World| goes_back_to(w, 12), Waiting::Counter)]
#[case::the_witness_is_not_known_any_more(|w: &mut World| goes_back_to(w, 13), Waiting::Witness { needed: 14 })]
#[case::a_witness_below_the_counter(|w: &mut World| {
    w.marks.by_path.get_mut(file().as_str()).unwrap().witness.as_mut().unwrap().checkpoint_id = 13;
}, Waiting::Witness { needed: 14 })]
#[case::a_witness_of_another_run(|w: &mut World| {
    let mark = w.marks.by_path.get_mut(file().as_str()).unwrap();
    mark.witness.as_mut().unwrap().run = RunId::MapUid("uid-1".into());
}, Waiting::Witness { needed: 14 })]
#[case::a_witness_without_a_time(|w: &mut World| {
    let mark = w.marks.by_path.get_mut(file().as_str()).unwrap();
    mark.witness.as_mut().unwrap().triggered = None;
}, Waiting::Witness { needed: 14 })]
#[case::clocks_that_may_be_further_apart(|w: &mut World| w.policy.margins.clock_skew = SignedDuration::from_hours(26), Waiting::Witness { needed: 14 })]
fn a_file_waits_again(#[case] change: Change, #[case] waits: Waiting) {
    let mut world = ripe();
    // Far too old to be in flight, whatever the case does to the oldest checkpoint.
    world.policy.margins.settle = SignedDuration::ZERO;
    change(&mut world);
    assert_eq!(world.waits_for(&file()), waits);
}

#[rstest]
#[case::another_start(|w: &mut World| rest(w.job()).started = Some(minute(NOW - 1)))]
#[case::h5_numbers_that_went_back(|w: &mut World| goes_back_to(w, 12))]
#[case::h5_numbers_that_went_back_while_another_guard_objects(|w: &mut World| {
    goes_back_to(w, 12);
    rest(w.job()).max_concurrent = None;
})]
fn what_voids_the_counter_leaves_the_time_of_the_mark(#[case] change: Change) {
    let mut world = ripe();
    let before = mark(&world).clone();
    change(&mut world);
    world.remember();
    assert_eq!(mark(&world).since, before.since);
    assert_ne!(mark(&world).counter, before.counter);
    assert_eq!(mark(&world).witness, None);
    assert!(!world.goes(&file()));
}

#[test]
fn h5_after_numbers_went_back_the_same_answer_counts_nothing() {
    let mut world = ripe();
    let back = |world: &mut World| {
        let mark = world.marks.by_path.get_mut(file().as_str()).unwrap();
        mark.counter.as_mut().unwrap().counter = 99;
    };
    back(&mut world);
    world.remember();
    assert_eq!(mark(&world).counter, None);
    world.remember();
    assert_eq!(mark(&world).counter.as_ref().unwrap().counter, 15);
}

/// A counter of one kind never passes for one of the other, whatever its number is.
#[test]
fn a_job_that_loses_or_gets_high_availability_starts_counting_anew() {
    let mut gains = ripe();
    let available = running(J1, &[(12, NOW - 60), (13, NOW - 1), (14, NOW)]);
    gains.job().high_availability = available.high_availability;
    gains.policy.margins.clock_skew = SignedDuration::ZERO;
    assert_eq!(gains.waits_for(&file()), Waiting::Counter);

    let mut loses = World::ripe();
    let alone = running_alone(J1, &[(12, NOW - 60)]);
    loses.job().high_availability = alone.high_availability;
    loses.job().job_manager = alone.job_manager;
    assert_eq!(loses.waits_for(&file()), Waiting::Counter);
}

#[rstest]
#[case::silent(Guard::JobManagerUnreachable, |w: &mut World| w.job().job_manager = JobManager::Unreachable { why: "503".into() })]
#[case::of_another_job(Guard::JobManagerUnreachable, |w: &mut World| rest(w.job()).job_id = J2.parse::<JobId>().unwrap())]
#[case::restarting(Guard::JobManagerUnreachable, |w: &mut World| rest(w.job()).state = "RESTARTING".into())]
#[case::its_configuration_not_told(Guard::NoHighAvailability, |w: &mut World| rest(w.job()).cluster = Err("404".into()))]
#[case::high_availability_that_nobody_sees(Guard::NoHighAvailability, |w: &mut World| rest(w.job()).cluster = Ok(cluster(Some("ZooKeeper"))))]
#[case::two_rest_servers(Guard::NoHighAvailability, |w: &mut World| rest(w.job()).cluster.as_mut().unwrap().job_managers = 2)]
#[case::no_start(Guard::NoHighAvailability, |w: &mut World| rest(w.job()).started = None)]
#[case::zookeeper(Guard::NoHighAvailability, |w: &mut World| w.job().high_availability = HighAvailability::Unsupported { kind: "ZooKeeper".into() })]
#[case::no_map_yet(Guard::NoHighAvailability, |w: &mut World| w.job().high_availability = HighAvailability::NoMap { read_at: minute(NOW) })]
#[case::left_open(Guard::NoHighAvailability, |w: &mut World| w.gap(Guard::NoHighAvailability, Radius::Job(J1.parse().unwrap())))]
#[case::backend_not_known(Guard::NotPlain, |w: &mut World| rest(w.job()).backend = StateBackend::Other("my.Backend".into()))]
#[case::changelog(Guard::NotPlain, |w: &mut World| rest(w.job()).changelog = Some(true))]
#[case::up_to_flink_1_14(Guard::NotPlain, |w: &mut World| rest(w.job()).changelog = None)]
#[case::storage_not_a_file_system(Guard::NotPlain, |w: &mut World| rest(w.job()).file_system_storage = false)]
#[case::merged_files(Guard::NotPlain, |w: &mut World| w.inventory.snapshots[0].contents.file_merging = true)]
#[case::h1_two_at_a_time(Guard::ConcurrentCheckpoints, |w: &mut World| rest(w.job()).max_concurrent = Some(2))]
#[case::h1_any_number_at_a_time(Guard::ConcurrentCheckpoints, |w: &mut World| rest(w.job()).max_concurrent = None)]
#[case::no_checkpoint_of_its_own(Guard::InFlight, |w: &mut World| rest(w.job()).checkpoints.clear())]
#[case::all_of_them_dropped(Guard::InFlight, |w: &mut World| rest(w.job()).checkpoints.iter_mut().for_each(|known| known.discarded = true))]
#[case::in_progress_since_before(Guard::InFlight, |w: &mut World| rest(w.job()).checkpoints.push(in_progress(15, 90)))]
#[case::h9_two_writers(Guard::UnknownOwner, |w: &mut World| {
    let mut twin = running_alone(J1, &[(12, NOW - 60)]);
    twin.name.namespace = "other".into();
    w.evidence.jobs.push(twin);
})]
#[case::h8_a_neighbour_that_restored_from_what_is_gone(Guard::LiveDescendant, |w: &mut World| {
    let mut other = running_alone(J2, &[]);
    other.name.name = "other".into();
    rest(&mut other).restored = Some(RestRestored {
        id: 7,
        at: None,
        external_path: Some(in_base(&format!("{J1}/chk-7"))),
        is_savepoint: false,
    });
    w.evidence.jobs.push(other);
})]
fn the_proof_is_asked_for_when_it_is_marked_and_when_it_goes(
    #[case] guard: Guard,
    #[case] cause: Change,
) {
    let mut marking = base_case();
    cause(&mut marking);
    marking.remember();
    assert!(marking.marks.by_path.is_empty(), "nothing is marked");

    let mut going = ripe();
    cause(&mut going);
    assert_eq!(
        going.guard(&file()),
        Some(guard),
        "{:?}",
        going.entry(&file())
    );
}

/// Nothing in the history says what was dropped before it.
#[test]
fn the_oldest_retained_checkpoint_must_be_shown() {
    let mut world = ripe();
    let shown = rest(world.job());
    for known in &mut shown.checkpoints {
        known.discarded = false;
    }
    assert!(world.goes(&file()), "three of three are shown");
    rest(world.job()).completed = Some(4);
    assert_eq!(world.guard(&file()), Some(Guard::InFlight));
    rest(world.job()).completed = None;
    assert_eq!(world.guard(&file()), Some(Guard::InFlight));
    rest(world.job()).checkpoints[0].discarded = true;
    assert!(world.goes(&file()), "one before it was dropped");
}

#[rstest]
#[case::as_old_as_the_oldest_retained(NOW - 61, Some(Guard::InFlight))]
#[case::within_the_skew_of_both_clocks(NOW - 80, Some(Guard::InFlight))]
#[case::older(NOW - 82, None)]
fn h7_a_file_that_a_failed_checkpoint_since_the_oldest_retained_wrote_stays(
    #[case] written: i64,
    #[case] guard: Option<Guard>,
) {
    let mut world = ripe();
    for known in &mut rest(world.job()).checkpoints {
        known.discarded = false;
    }
    world.inventory.unreferenced[0].modified = Some(minute(written));
    world
        .marks
        .by_path
        .get_mut(file().as_str())
        .unwrap()
        .modified = minute(written);
    assert_eq!(world.guard(&file()), guard);
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
    let mut world = ripe();
    let rest = rest(world.job());
    rest.told = ahead.map(|minutes| rest.read_at + SignedDuration::from_mins(minutes));
    assert_eq!(world.guard(&file()), guard);
}

#[test]
fn what_an_aborted_checkpoint_left_goes_too() {
    let leftover = own(J1, 5, 7);
    let mut world = ripe();
    world.list(&leftover, 100);
    world.mark(&leftover, 100, MarkKind::Orphan);
    assert!(world.goes(&leftover));
    let newest = own(J1, 14, 8);
    world.inventory.snapshots.clear();
    world.list(&newest, 100);
    world.mark(&newest, 100, MarkKind::Orphan);
    assert_eq!(world.guard(&newest), Some(Guard::InFlight));
}

#[test]
fn a_mark_is_written_as_before_and_tells_its_kind_of_counter() {
    let started = minute(1);
    let mark = |run: RunId| Mark {
        kind: MarkKind::Orphan,
        size: 1,
        modified: started,
        since: started,
        counter: Some(CounterMark {
            run: run.clone(),
            counter: 7,
        }),
        witness: Some(Witness {
            run,
            checkpoint_id: 8,
            triggered: Some(started),
            seen: started,
        }),
    };
    let start = RunId::Start(JobStart {
        started,
        restored: Some(RestoredOnce {
            id: 3,
            at: Some(started),
        }),
    });
    for run in [RunId::MapUid("uid-1".to_owned()), start] {
        let mark = mark(run);
        let text = serde_json::to_string(&mark).unwrap();
        assert_eq!(serde_json::from_str::<Mark>(&text).unwrap(), mark, "{text}");
    }
    let before = r#"{"kind":"orphan","size":1,"modified":"2026-01-01T00:01:00Z","since":"2026-01-01T00:01:00Z",
        "counter":{"mapUid":"uid-1","counter":7},
        "witness":{"mapUid":"uid-1","checkpointId":8,"seen":"2026-01-01T00:01:00Z"}}"#;
    let read: Mark = serde_json::from_str(before).unwrap();
    assert_eq!(read.counter.unwrap().run, RunId::MapUid("uid-1".to_owned()));
    assert_eq!(read.witness.unwrap().triggered, None);
}
