//! What must not shrink between two runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use retention::breaker::{Extent, Shrink, check};
use retention::evidence::Radius;
use retention::guard::Guard;
use support::*;

/// A former job and the current one, ten bytes for each file of the newest snapshot.
fn world() -> World {
    let mut world = World::ripe_terminal();
    world.inventory.snapshots.clear();
    world.policy.limits.max_referenced_shrink_percent = Some(20);
    world.snapshot(
        &format!("{J1}/chk-8"),
        80,
        &[&shared(J1, 1), &shared(J1, 2)],
    );
    world.snapshot(&format!("{J1}/chk-9"), 90, &[&shared(J1, 2)]);
    world.snapshot(
        "savepoint-0000a1-000000000001",
        70,
        &["savepoint-0000a1-000000000001/a"],
    );
    world.remember();
    world
}

fn shrink(world: &World) -> Option<Shrink> {
    world.with(|context| check(context, BASE))
}

fn extent(roots: u64, referenced_bytes: u64) -> Extent {
    Extent {
        roots,
        referenced_bytes,
    }
}

#[test]
fn the_newest_snapshot_of_each_directory_and_every_savepoint_count() {
    assert_eq!(world().baselines.extent, Some(extent(2, 20)));
    assert_eq!(shrink(&world()), None);
}

#[test]
fn what_flink_subsumes_is_no_shrink() {
    let mut world = world();
    world.inventory.snapshots.remove(0);
    assert_eq!(shrink(&world), None);
}

#[test]
fn a_snapshot_that_vanishes_is_one() {
    let mut world = world();
    world.inventory.snapshots.pop();
    let found = shrink(&world).unwrap();
    assert_eq!((found.before, found.now), (extent(2, 20), extent(1, 10)));
    world.remember();
    assert_eq!(
        world.baselines.extent,
        Some(extent(2, 20)),
        "it stays what it was"
    );
    world.policy.limits.max_referenced_shrink_percent = Some(50);
    assert_eq!(shrink(&world), None, "exactly half is not more than half");
    world.policy.limits.max_referenced_shrink_percent = None;
    assert_eq!(shrink(&world), None);
}

#[test]
fn files_that_vanish_are_one_though_the_snapshot_is_there() {
    let mut world = world();
    world.lose(&shared(J1, 2), retention::reference::Found::Absent);
    assert_eq!(shrink(&world).unwrap().now, extent(2, 10));
}

#[test]
fn nobody_compares_before_the_first_run_or_with_a_base_that_is_not_known() {
    let mut world = world();
    world.inventory.snapshots.clear();
    assert!(shrink(&world).is_some());
    world.gap(Guard::UnreadableSnapshot, Radius::Below(location("/ckp")));
    assert_eq!(shrink(&world), None);
    world.remember();
    assert_eq!(
        world.baselines.extent,
        Some(extent(2, 20)),
        "nor does that change it"
    );
    world.evidence.gaps.clear();
    world.baselines.extent = None;
    assert_eq!(shrink(&world), None);
}

/// A request that nobody serves, or a directory that cannot be read and refers to nothing here, must not silence it: they
/// do not keep what the base has lost its evidence for.
#[test]
fn what_keeps_less_than_the_base_does_not_silence_the_breaker() {
    let mut world = world();
    world.inventory.snapshots.pop();
    world.gap(Guard::PendingSavepoint, Radius::All);
    assert!(shrink(&world).is_some());
    let elsewhere = Radius::NamedFrom(location("/other"));
    world.gap(Guard::MissingEvidence, elsewhere);
    assert_eq!(shrink(&world), None);
    let namespace = world.job().name.namespace.clone();
    world.policy.exclusive.push(retention::policy::Exclusive {
        location: location("/ckp"),
        namespace,
    });
    assert!(shrink(&world).is_some());
}

#[test]
fn a_base_that_is_empty_stops_at_any_limit_but_100() {
    let mut world = world();
    world.inventory.snapshots.clear();
    world.policy.limits.max_referenced_shrink_percent = Some(99);
    assert!(shrink(&world).is_some());
    world.policy.limits.max_referenced_shrink_percent = Some(100);
    assert_eq!(shrink(&world), None);
}
