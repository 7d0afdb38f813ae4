//! C1 to C5: what a job directory is to us, and that every missing proof makes it unknown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use retention::evidence::{
    HighAvailability, JobManager, Phase, Processes, ResourceState, RestRestored,
};
use retention::owner::OwnerClass;
use retention::reference::Found;
use rstest::rstest;
use support::*;

fn class(world: &World, job: &str) -> OwnerClass {
    let directory = retention::layout::place(&shared(job, 1)).job.unwrap();
    world.with(|context| context.owners.get(BASE, &directory).unwrap().class)
}

type Change = fn(&mut World);

const DELETED: ResourceState = ResourceState::Deleted { observed: None };

fn unreadable() -> HighAvailability {
    HighAvailability::Unreadable {
        why: "403".to_owned(),
    }
}

#[test]
fn c1_running_and_c2_suspended_as_the_resource_says() {
    let mut world = World::base_case();
    assert_eq!(class(&world, J1), OwnerClass::Running);
    world.job().phase = Phase::Suspended;
    assert_eq!(class(&world, J1), OwnerClass::Unknown, "processes exist");
    *world.job() = suspended(J1, &[(12, NOW - 60)]);
    assert_eq!(class(&world, J1), OwnerClass::Suspended);
}

#[rstest]
#[case::processes(|w: &mut World| w.job().processes = Processes::Present)]
#[case::processes_not_known(|w: &mut World| w.job().processes = Processes::Unknown { why: "403".into() })]
#[case::lc_19_no_map(|w: &mut World| w.job().high_availability = HighAvailability::NoMap { read_at: minute(NOW) })]
#[case::lc_19_a_map_that_cannot_be_read(|w: &mut World| w.job().high_availability = unreadable())]
#[case::zookeeper(|w: &mut World| w.job().high_availability = HighAvailability::Unsupported { kind: "ZooKeeper".into() })]
#[case::its_job_manager_answers(|w: &mut World| w.job().job_manager = running(J1, &[]).job_manager)]
#[case::in_between(|w: &mut World| w.job().phase = Phase::Unclear { why: "UPGRADING".into() })]
fn c2_suspended_needs_every_proof(#[case] change: Change) {
    let mut world = World::ripe_suspended();
    assert_eq!(class(&world, J1), OwnerClass::Suspended);
    assert!(world.goes(&shared(J1, F)));
    change(&mut world);
    assert_eq!(class(&world, J1), OwnerClass::Unknown);
    assert!(!world.condemned(&shared(J1, F)));
}

#[rstest]
#[case::in_between(|w: &mut World| w.job().phase = Phase::Unclear { why: "UPGRADING".into() })]
#[case::gone(|w: &mut World| w.job().phase = Phase::Gone)]
#[case::claimed_twice(|w: &mut World| { let mut twin = terminal(J1); twin.name.name = "twin".into(); w.evidence.jobs.push(twin); })]
#[case::claimed_as_former_too(|w: &mut World| w.evidence.jobs.push(after(stopped(J2), J1)))]
#[case::elsewhere(|w: &mut World| w.job().bases = vec![location("/other")])]
#[case::no_base(|w: &mut World| w.job().bases.clear())]
#[case::a_neighbour_of_the_base(|w: &mut World| w.job().bases = vec![location("/ck")])]
#[case::nobody(|w: &mut World| w.evidence.jobs.clear())]
#[case::c3_processes(|w: &mut World| w.job().processes = Processes::Present)]
#[case::c3_processes_not_known(|w: &mut World| w.job().processes = Processes::Unknown { why: "403".into() })]
#[case::c3_a_map_in_sight(|w: &mut World| w.evidence.high_availability_ids.push(J1.parse().unwrap()))]
#[case::c3_a_map(|w: &mut World| w.job().high_availability = running(J1, &[]).high_availability)]
#[case::c3_a_map_that_cannot_be_read(|w: &mut World| w.job().high_availability = unreadable())]
#[case::c3_zookeeper(|w: &mut World| w.job().high_availability = HighAvailability::Unsupported { kind: "ZooKeeper".into() })]
#[case::c3_its_job_manager_answers(|w: &mut World| w.job().job_manager = running(J1, &[]).job_manager)]
fn c3_terminal_needs_every_proof(#[case] change: Change) {
    let mut world = World::ripe_terminal();
    assert_eq!(class(&world, J1), OwnerClass::Terminal);
    change(&mut world);
    assert_eq!(class(&world, J1), OwnerClass::Unknown);
    assert!(!world.condemned(&shared(J1, F)));
}

fn after_j0() -> World {
    let mut world = World::empty().with_job(after(running(J1, &[(12, NOW - 60)]), J0));
    world.snapshot(&format!("{J1}/chk-12"), NOW - 60, &[&shared(J1, 1)]);
    world.list(&shared(J0, 7), 100);
    world
}

#[rstest]
#[case::a_map_of_the_former_id(|w: &mut World| w.evidence.high_availability_ids.push(J0.parse().unwrap()))]
#[case::no_job_now(|w: &mut World| w.job().current = None)]
#[case::in_between(|w: &mut World| w.job().phase = Phase::Unclear { why: "UPGRADING".into() })]
#[case::gone(|w: &mut World| w.job().phase = Phase::Gone)]
#[case::of_a_resource_that_was_deleted(|w: &mut World| w.job().lineage.entries[0].resource = DELETED)]
#[case::no_checkpoint_of_the_successor(|w: &mut World| w.inventory.snapshots.clear())]
#[case::not_in_its_map(|w: &mut World| map(w.job()).entries.clear())]
#[case::its_entry_is_what_it_was_restored_from(|w: &mut World| map(w.job()).entries[0].checkpoint.pointer = Some(in_base(&format!("{J0}/chk-12"))))]
#[case::its_checkpoint_is_torn(|w: &mut World| w.lose(&shared(J1, 1), Found::Absent))]
#[case::its_map_cannot_be_read(|w: &mut World| w.job().high_availability = unreadable())]
#[case::its_job_manager_is_silent_and_there_is_no_map(|w: &mut World| {
    w.job().high_availability = HighAvailability::NotConfigured;
    w.job().job_manager = JobManager::Unreachable { why: "503".into() };
})]
#[case::its_job_manager_does_not_know_the_checkpoint(|w: &mut World| {
    w.job().high_availability = HighAvailability::NotConfigured;
    rest(w.job()).checkpoints.clear();
})]
#[case::suspended_without_a_map(|w: &mut World| {
    w.job().phase = Phase::Suspended;
    w.job().high_availability = HighAvailability::NoMap { read_at: minute(NOW) };
})]
fn c4_former_needs_every_proof(#[case] change: Change) {
    let mut world = after_j0();
    assert_eq!(class(&world, J0), OwnerClass::Former);
    change(&mut world);
    assert_eq!(class(&world, J0), OwnerClass::Unknown);
    assert!(!world.condemned(&shared(J0, 7)));
}

/// An id that is only seen in a path was perhaps another resource's: nobody has proven that its successor runs here.
#[rstest]
#[case::what_it_was_restored_from(|w: &mut World| {
    let external_path = Some(in_base(&format!("{J0}/chk-5")));
    rest(w.job()).restored = Some(RestRestored { id: 5, at: None, external_path, is_savepoint: false });
})]
#[case::a_restore_source_or_a_history(|w: &mut World| w.root(&format!("{J0}/chk-5")))]
#[case::a_pointer_of_its_map(|w: &mut World| {
    let mut entry = map(w.job()).entries[0].clone();
    entry.checkpoint.pointer = Some(in_base(&format!("{J0}/chk-5")));
    map(w.job()).entries.insert(0, entry);
})]
#[case::the_job_of_an_entry_of_its_map(|w: &mut World| {
    let mut entry = map(w.job()).entries[0].clone();
    entry.checkpoint.job_id = J0.parse().unwrap();
    map(w.job()).entries.insert(0, entry);
})]
fn c4_an_id_in_a_path_is_no_former_id(#[case] seen: Change) {
    let mut world = after_j0();
    world.job().lineage.entries.clear();
    seen(&mut world);
    assert_eq!(class(&world, J0), OwnerClass::Unknown);
    assert!(!world.condemned(&shared(J0, 7)));
}

#[rstest]
#[case::suspended_with_its_checkpoint_in_the_map(|w: &mut World| w.job().phase = Phase::Suspended)]
#[case::without_a_map_but_by_rest(|w: &mut World| w.job().high_availability = HighAvailability::NotConfigured)]
#[case::also_of_a_resource_that_was_deleted(|w: &mut World| {
    let mut earlier = w.job().lineage.entries[0].clone();
    earlier.resource = DELETED;
    w.job().lineage.entries.insert(0, earlier);
})]
fn c4_other_proofs(#[case] change: Change) {
    let mut world = after_j0();
    change(&mut world);
    assert_eq!(class(&world, J0), OwnerClass::Former);
}

#[test]
fn a_class_has_one_word_in_text_and_in_json() {
    use OwnerClass::{Former, Running, Suspended, Terminal, Unknown};
    for class in [Running, Suspended, Terminal, Former, Unknown] {
        let json = serde_json::to_value(class).unwrap();
        assert_eq!(json, class.as_str());
    }
}

#[test]
fn c5_without_an_id_in_the_path_nobody_is_proven() {
    let mut world = World::ripe_terminal();
    let path = format!("shared/{}", uuid(9));
    world.list(&path, 100);
    assert_eq!(
        world.guard(&path),
        Some(retention::guard::Guard::UnknownOwner)
    );
}

#[test]
fn the_all_zero_id_is_nobody_unless_somebody_says_that_it_is_stopped() {
    let zero = "0".repeat(32);
    let mut world = World::empty().with_job(terminal(&zero));
    world.list(&shared(&zero, 1), 100);
    assert_eq!(class(&world, &zero), OwnerClass::Unknown);
    *world.job() = stopped(&zero);
    assert_eq!(class(&world, &zero), OwnerClass::Terminal);
}

/// As after a restore of the API server from an older backup.
#[test]
fn a_lineage_that_forgets_only_protects_more() {
    let mut world = after_j0();
    assert_eq!(class(&world, J0), OwnerClass::Former);
    world.job().lineage.entries.clear();
    assert_eq!(class(&world, J0), OwnerClass::Unknown);
    assert!(!world.condemned(&shared(J0, 7)));
    // It may also tell of an older job as the present one, which is then asked for in vain.
    let mut world = after_j0();
    let job = world.job();
    job.lineage.entries.clear();
    job.current = Some(J0.parse().unwrap());
    job.job_manager = JobManager::Unreachable {
        why: "no such job".into(),
    };
    assert!(!world.condemned(&shared(J0, 7)));
    assert_eq!(class(&world, J1), OwnerClass::Unknown);
}
