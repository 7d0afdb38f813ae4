//! E7: where the clocks of the store and of this process are too far apart, no age can be told.

use crate::world::{World, orphan};
use flink_retention::engine::Blocked;
use jiff::SignedDuration;
use rstest::rstest;

fn marks(world: &World) -> usize {
    let files = world.storage.files().into_iter();
    files
        .filter(|(key, _)| key.as_str().contains("/marks/"))
        .count()
}

#[rstest]
#[case::ahead(61)]
#[case::behind(-61)]
#[tokio::test]
async fn e7_nothing_is_marked_by_clocks_that_are_too_far_apart(#[case] seconds: i64) {
    let world = World::with_an_orphan();
    world.store_ahead(seconds);
    let report = world.enforce().await;
    let expected = Blocked::ClockSkew {
        base: "file:/data/ckp".to_owned(),
        ahead: SignedDuration::from_secs(seconds),
        allowed: SignedDuration::from_mins(1),
    };
    assert_eq!(report.outcome.blocked, [expected]);
    assert_eq!(marks(&world), 0);
    // Right again: the first run that could tell the time marks, and the grace period begins there.
    world.wait(25);
    world.store_ahead(0);
    let report = world.enforce().await;
    assert!(report.outcome.blocked.is_empty() && report.outcome.deleted.is_empty());
    world.wait(25);
    assert_eq!(world.enforce().await.outcome.deleted.len(), 1);
}

#[rstest]
#[case(60)]
#[case(-60)]
#[tokio::test]
async fn e7_within_the_margin_it_is_measured_and_told(#[case] seconds: i64) {
    let world = World::with_an_orphan();
    world.store_ahead(seconds);
    let report = world.enforce().await;
    assert!(report.outcome.blocked.is_empty());
    let measured = report.outcome.store_ahead.get("file:/data/ckp").copied();
    assert_eq!(measured, Some(SignedDuration::from_secs(seconds)));
    world.wait(25);
    assert_eq!(world.enforce().await.outcome.deleted.len(), 1);
}

#[tokio::test]
async fn e7_a_clock_that_jumps_while_we_verify_stops_the_run_before_it_deletes() {
    let world = World::with_an_orphan();
    world.enforce().await;
    world.wait(25);
    world.at_observation(4, |world| world.store_ahead(3600));
    let report = world.enforce().await;
    assert_eq!(report.outcome.blocked[0].word(), "ClockSkew");
    let told = report.outcome.blocked[0].to_string();
    assert!(
        told.contains("1h ahead of ours") && told.contains("1m apart"),
        "{told}"
    );
    assert!(world.has(&orphan()));
}
