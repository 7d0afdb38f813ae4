//! What cannot be read elsewhere may name files of the whole store, unless the administrator said that nobody refers into
//! a directory but the jobs that use it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use retention::evidence::{Gap, JobEvidence, Radius, RestRestored};
use retention::guard::Guard;
use retention::location::Location;
use retention::policy::Exclusive;
use rstest::rstest;
use support::*;

/// The ripe orphan of a finished job, and a base `/other` that cannot be read.
fn world() -> World {
    let mut world = World::ripe_terminal();
    world.evidence.gaps.push(Gap {
        guard: Guard::MissingEvidence,
        what: "/other".to_owned(),
        why: "not mounted".to_owned(),
        radius: vec![
            Radius::Below(location("/other")),
            Radius::NamedFrom(location("/other")),
        ],
    });
    world
}

/// Of a session cluster nobody knows what its jobs were started from, in whatever store.
#[rstest]
#[case::elsewhere(vec![location("s3://elsewhere/ckp")], true)]
#[case::partly_in_it(vec![location("s3://elsewhere/ckp"), location("/ckp/x")], false)]
#[case::nobody_knows_where(Vec::new(), false)]
fn a_silent_session_cluster_blocks_only_what_is_not_exclusive(
    #[case] bases: Vec<Location>,
    #[case] goes: bool,
) {
    let mut world = World::ripe_terminal();
    let namespace = "other".to_owned();
    let radius = Radius::StartedIn { namespace, bases };
    world.gap(Guard::JobManagerUnreachable, radius);
    let file = shared(J1, F);
    assert_eq!(world.guard(&file), Some(Guard::JobManagerUnreachable));
    assert_eq!(exclusive(world, location("/ckp")).goes(&file), goes);
}

fn exclusive(mut world: World, at: Location) -> World {
    let namespace = world.job().name.namespace.clone();
    world.policy.exclusive.push(Exclusive {
        location: at,
        namespace,
    });
    world
}

fn another(change: impl FnOnce(&mut JobEvidence)) -> JobEvidence {
    let mut other = running(J2, &[(3, NOW - 60)]);
    other.bases = vec![location("/other")];
    other.high_availability = retention::evidence::HighAvailability::NotConfigured;
    rest(&mut other).checkpoints.clear();
    change(&mut other);
    other
}

#[test]
fn other_directories_that_cannot_be_read_block_only_what_is_not_exclusive() {
    assert_eq!(world().guard(&shared(J1, F)), Some(Guard::MissingEvidence));
    for at in ["/ckp", "/ckp/"] {
        assert!(exclusive(world(), location(at)).goes(&shared(J1, F)));
    }
    let inside = location("/ckp").join(J1);
    assert!(exclusive(world(), inside).goes(&shared(J1, F)));
    for elsewhere in ["/other", "/ck", "/ckp2", "/ckp/x"] {
        let world = exclusive(world(), location(elsewhere));
        assert_eq!(world.guard(&shared(J1, F)), Some(Guard::MissingEvidence));
    }
}

type Contradiction = fn(&mut World);

#[rstest]
#[case::a_job_of_it_has_the_other_directory_too(|w: &mut World| w.job().bases.push(location("/other/x")))]
#[case::a_job_of_the_other_was_restored_from_it(|w: &mut World| w.evidence.jobs.push(another(|job| {
    rest(job).restored = Some(RestRestored { id: 1, external_path: Some(in_base("x/chk-1")), is_savepoint: false, at: None });
})))]
#[case::a_job_of_the_other_is_to_start_from_it(|w: &mut World| {
    let other = another(|_| ());
    w.evidence.roots.push(retention::evidence::Root {
        snapshot: key("x/chk-1"), location: Some(in_base("x/chk-1")), named_by: format!("spec of {}", other.name),
    });
    w.evidence.jobs.push(other);
})]
#[case::a_job_of_another_namespace_uses_it(|w: &mut World| w.evidence.jobs.push(another(|job| {
    job.name.namespace = "elsewhere".to_owned();
    job.bases = vec![in_base("theirs")];
})))]
fn what_is_seen_counts_more_than_what_is_said(#[case] contradiction: Contradiction) {
    let mut world = exclusive(world(), location("/ckp"));
    assert!(world.goes(&shared(J1, F)));
    contradiction(&mut world);
    assert!(!world.condemned(&shared(J1, F)));
}

#[test]
fn a_job_of_the_other_directory_alone_contradicts_nothing() {
    let mut world = exclusive(world(), location("/ckp"));
    world.evidence.jobs.push(another(|_| ()));
    assert!(
        world.goes(&shared(J1, F)),
        "{:?}",
        world.entry(&shared(J1, F))
    );
}

/// The word is about other directories: what is in this one, or cannot be said at all, protects as ever.
#[rstest]
#[case::in_it(Radius::Below(location("/ckp")))]
#[case::of_the_whole_store(Radius::Store(location("/ckp").store().clone()))]
#[case::of_a_namespace(Radius::SeenFrom { namespace: "x".to_owned() })]
#[case::anything(Radius::All)]
#[case::a_part_of_it(Radius::NamedFrom(in_base("inner")))]
#[case::around_it(Radius::NamedFrom(location("/")))]
fn nothing_else_is_let_go(#[case] radius: Radius) {
    let mut world = exclusive(world(), location("/ckp"));
    world.gap(Guard::MissingEvidence, radius);
    assert!(!world.condemned(&shared(J1, F)));
}
