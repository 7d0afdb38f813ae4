//! Marks between runs, the verified batch, and what counts as restorable.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::SignedDuration;
use retention::batch::verify;
use retention::evidence::{HighAvailability, Phase, Radius};
use retention::guard::Guard;
use retention::inventory::ListedFile;
use retention::keep::{KeepReason, Verdict};
use retention::layout::place;
use retention::mark::MarkKind;
use retention::plan::{Plan, PlanEntry, Waiting};
use retention::reference::Found;
use retention::restorable::Restorable;
use rstest::rstest;
use support::*;

fn file() -> String {
    shared(J1, F)
}

fn ripe_entries(plan: &Plan) -> Vec<PlanEntry> {
    plan.entries
        .iter()
        .filter(|entry| entry.decision.deletes())
        .cloned()
        .collect()
}

#[test]
fn nothing_goes_without_a_mark_of_an_earlier_run() {
    let mut world = World::ripe_terminal();
    world.policy.min_age = SignedDuration::ZERO;
    world.policy.grace_period = SignedDuration::ZERO;
    world.marks.by_path.clear();
    assert_eq!(world.waits_for(&file()), Waiting::Mark);
    world.remember();
    world.later(1);
    assert!(world.goes(&file()));
}

type Change = fn(&mut ListedFile);

#[rstest]
#[case::of_another_size(|file: &mut ListedFile| file.size = 11)]
#[case::of_another_time(|file: &mut ListedFile| file.modified = Some(minute(101)))]
fn a_changed_file_starts_anew(#[case] change: Change) {
    let mut world = World::ripe_terminal();
    change(&mut world.inventory.unreferenced[0]);
    assert_eq!(world.waits_for(&file()), Waiting::Mark);
    world.remember();
    assert_eq!(world.marks.by_path[file().as_str()].since, minute(NOW - 1));
}

#[test]
fn a_mark_of_another_kind_does_not_count() {
    let mut world = World::ripe_terminal();
    world.mark(&file(), 100, MarkKind::Expired);
    assert_eq!(world.waits_for(&file()), Waiting::Mark);
}

#[test]
fn a_mark_is_kept_while_a_guard_speaks_and_ends_when_the_file_is_gone() {
    let mut world = World::ripe_terminal();
    let since = world.marks.by_path[file().as_str()].since;
    world.gap(Guard::MissingEvidence, Radius::All);
    world.remember();
    assert_eq!(world.marks.by_path[file().as_str()].since, since);
    world.inventory.unreferenced.clear();
    world.remember();
    assert!(world.marks.by_path.is_empty());
}

#[test]
fn a_guard_alone_sets_no_mark() {
    let mut world = World::ripe_terminal();
    world.marks.by_path.clear();
    world.gap(Guard::MissingEvidence, Radius::All);
    world.remember();
    assert!(world.marks.by_path.is_empty());
}

#[test]
fn young_files_wait_and_so_does_a_mark_of_the_future() {
    let mut world = World::ripe_terminal();
    world.policy.min_age = SignedDuration::from_hours(1000);
    assert!(matches!(world.waits_for(&file()), Waiting::Age { .. }));
    world.policy.min_age = SignedDuration::ZERO;
    world.policy.grace_period = SignedDuration::ZERO;
    world.marks.by_path.get_mut(file().as_str()).unwrap().since = minute(NOW + 1);
    assert!(matches!(world.waits_for(&file()), Waiting::Grace { .. }));
    world.policy.grace_period = SignedDuration::MAX;
    assert!(matches!(world.waits_for(&file()), Waiting::Grace { .. }));
}

#[test]
fn marks_are_the_same_after_being_written_and_read() {
    let world = World::ripe();
    let mark = &world.marks.by_path[file().as_str()];
    let text = serde_json::to_string(mark).unwrap();
    assert_eq!(
        &serde_json::from_str::<retention::mark::Mark>(&text).unwrap(),
        mark
    );
}

#[test]
fn a_successor_is_restorable_since_it_first_was_without_a_break() {
    let mut world = World::ripe();
    world.remember();
    let id = J1.parse().unwrap();
    assert_eq!(world.baselines.restorable_since[&id], minute(NOW));
    world.later(5);
    world.remember();
    assert_eq!(world.baselines.restorable_since[&id], minute(NOW));
    world.lose(&shared(J1, 1), Found::Absent);
    world.remember();
    assert!(!world.baselines.restorable_since.contains_key(&id));
}

#[test]
fn baselines_forget_ids_and_maps_that_nobody_has_any_more() {
    let mut world = World::ripe();
    let (current, gone) = (J1.parse().unwrap(), "f".repeat(32).parse().unwrap());
    world.remember();
    world.baselines.restorable_since.insert(gone, minute(0));
    world.baselines.counters.insert("uid-gone".into(), 99);
    world.remember();
    assert!(world.baselines.restorable_since.contains_key(&current));
    assert!(!world.baselines.restorable_since.contains_key(&gone));
    assert_eq!(world.baselines.counters, [("uid-1".into(), 13)].into());
}

#[test]
fn since_when_a_job_is_quiet_is_forgotten_with_its_id() {
    let mut world = World::ripe_suspended();
    let (id, since) = (J1.parse().unwrap(), minute(NOW - 2 * 1440));
    world.remember();
    assert_eq!(world.baselines.stopped_since, [(id, since)].into());
    world.job().current = Some(J2.parse().unwrap());
    world.remember();
    assert!(!world.baselines.stopped_since.contains_key(&id));
}

#[test]
fn a_counter_stays_while_a_mark_leans_on_it() {
    let mut world = World::ripe();
    world.remember();
    let name = file();
    assert!(world.marks.by_path[name.as_str()].counter.is_some());
    world.job().high_availability = HighAvailability::Unreadable {
        why: "the API server does not answer".into(),
    };
    world.remember();
    assert_eq!(world.baselines.counters["uid-1"], 13);
    world.inventory.unreferenced.clear();
    world.remember();
    assert!(world.baselines.counters.is_empty());
}

#[test]
fn a_batch_is_void_after_two_minutes_and_before_it_was_made() {
    let world = World::ripe_terminal();
    let plan = world.plan();
    let (batch, spared) = verify(&ripe_entries(&plan), &plan, minute(NOW));
    assert!(spared.is_empty());
    assert_eq!(batch.files(minute(NOW + 2)).unwrap().len(), 1);
    assert!(
        batch
            .files(minute(NOW + 2) + SignedDuration::from_secs(1))
            .is_err()
    );
    assert!(
        batch
            .files(minute(NOW) - SignedDuration::from_secs(1))
            .is_err()
    );
}

type Fresh = fn(&mut World);

#[rstest]
#[case::gone(|w: &mut World| w.inventory.unreferenced.clear(), "gone")]
#[case::referenced(|w: &mut World| { w.snapshot(&format!("{J2}/chk-1"), NOW, &[&file()]); }, "it is now keep")]
#[case::changed(|w: &mut World| w.inventory.unreferenced[0].size = 11, "has changed")]
#[case::touched(|w: &mut World| w.inventory.unreferenced[0].modified = Some(minute(101)), "has changed")]
#[case::protected(|w: &mut World| w.job().phase = Phase::Unclear { why: "UPGRADING".into() }, "unknown-owner")]
#[case::no_mark(|w: &mut World| w.marks.by_path.clear(), "not marked")]
fn fresh_evidence_spares(#[case] change: Fresh, #[case] why: &str) {
    let mut world = World::ripe_terminal();
    let chosen = ripe_entries(&world.plan());
    change(&mut world);
    let (batch, spared) = verify(&chosen, &world.plan(), minute(NOW));
    assert!(batch.is_empty());
    assert!(spared[0].why.contains(why), "{}", spared[0].why);
}

fn with_expired() -> World {
    let mut world = World::ripe_terminal();
    world.expired(3, 0x31, 3000);
    world
}

#[test]
fn a_plan_says_since_when_a_file_is_marked_whatever_becomes_of_it() {
    let mut world = with_expired();
    let marked = Some(minute(NOW - 1440));
    for path in [file(), metadata(J1, 3), own(J1, 3, 0x31)] {
        assert_eq!(world.entry(&path).since, marked, "{path}");
    }
    world.gap(Guard::MissingEvidence, Radius::All);
    assert_eq!(world.entry(&file()).since, marked);
    world.marks.by_path.clear();
    assert_eq!(world.entry(&file()).since, None);
}

#[test]
fn metadata_goes_before_the_files_of_its_snapshot() {
    let world = with_expired();
    let plan = world.plan();
    let (batch, spared) = verify(&ripe_entries(&plan), &plan, minute(NOW));
    assert!(spared.is_empty());
    let files = batch.files(minute(NOW)).unwrap();
    let at = |path: &str| files.iter().position(|file| *file.path == *path).unwrap();
    assert!(at(&metadata(J1, 3)) < at(&own(J1, 3, 0x31)));
    let exclusive = &files[at(&own(J1, 3, 0x31))];
    assert_eq!(exclusive.after.as_deref(), Some(metadata(J1, 3).as_str()));
}

#[test]
fn a_snapshot_goes_whole_or_not_at_all() {
    let mut world = with_expired();
    world.marks.by_path.remove(metadata(J1, 3).as_str());
    let plan = world.plan();
    let (batch, spared) = verify(&ripe_entries(&plan), &plan, minute(NOW));
    let files = batch.files(minute(NOW)).unwrap();
    assert!(
        files
            .iter()
            .all(|file| place(&file.path).snapshot.is_none())
    );
    assert_eq!(spared.len(), 2, "{spared:?}");
}

#[test]
fn a_guard_on_the_metadata_speaks_for_its_files() {
    let mut world = with_expired();
    let snapshot = world.inventory.snapshots.last_mut().unwrap();
    snapshot.place.as_mut().unwrap().modified = None;
    assert_eq!(world.guard(&own(J1, 3, 0x31)), Some(Guard::UnusableTime));
}

#[test]
fn an_exclusive_file_that_another_expiring_snapshot_names_stays_for_now() {
    let mut world = with_expired();
    assert!(world.goes(&own(J1, 3, 0x31)));
    world.snapshot(&format!("{J1}/chk-4"), 3500, &[&own(J1, 3, 0x31)]);
    assert!(world.expires(&format!("{J1}/chk-4")));
    assert!(!world.condemned(&own(J1, 3, 0x31)));
    // LC 30: nothing in the directory goes before the snapshot that names files of it.
    match world.verdict(&format!("{J1}/chk-3")) {
        Verdict::Keep(reasons) => assert!(reasons.contains(&KeepReason::FilesInUse)),
        Verdict::Expire => panic!("it expires"),
    }
    assert!(world.condemned(&metadata(J1, 4)));
}

#[test]
fn an_exclusive_file_whose_name_another_snapshot_has_elsewhere_stays() {
    let mut world = with_expired();
    world.snapshot(
        "savepoint-0000a1-0123456789ab",
        3500,
        &[&format!("savepoint-0000a1-0123456789ab/{}", uuid(0x31))],
    );
    assert!(!world.condemned(&own(J1, 3, 0x31)));
}

#[rstest]
#[case::whole(Found::Present { size: 10, modified: None }, "yes")]
#[case::longer(Found::Present { size: 11, modified: None }, "yes")]
#[case::short(Found::Present { size: 9, modified: None }, "no")]
#[case::missing(Found::Absent, "no")]
#[case::not_looked_at(Found::Unknown, "unverified")]
fn restorable_is_every_file_long_enough(#[case] found: Found, #[case] expected: &str) {
    let mut world = World::base_case();
    world.lose(&shared(J1, 1), found);
    let restorable = Restorable::of(&world.inventory.snapshots[0], &world.inventory);
    let word = match restorable {
        Restorable::Yes { .. } => "yes",
        Restorable::No { .. } => "no",
        Restorable::Unverified { .. } => "unverified",
    };
    assert_eq!(word, expected);
}
