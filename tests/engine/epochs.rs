//! An epoch is one claim to a base, by all that its document says; whoever has lost it, for whatever reason, stops.

use crate::world::{JOB, World, at, orphan};
use flink_retention::engine::journal::{Epoch, Journal, JournalError, OwnerId, Proposal};
use flink_retention::engine::{Clock, Mode};
use retention::mark::{Baselines, Marks};
use std::sync::Arc;
use storage::Key;

fn journal(world: &World) -> Journal {
    let base = Key::parse("ckp").unwrap();
    Journal::of(Arc::new(world.storage.clone()), &base, &at("/data/ckp")).unwrap()
}

fn owner(name: &str) -> OwnerId {
    OwnerId(name.to_owned())
}

async fn take(world: &World) -> Epoch {
    let journal = journal(world);
    journal.take(&owner("us"), None, world.now()).await.unwrap()
}

async fn latest(world: &World) -> Epoch {
    journal(world).latest_epoch().await.unwrap().unwrap()
}

fn epoch_key(number: u64) -> Key {
    Key::parse(&format!("ckp/.flink-retention/owner/{number:020}.json")).unwrap()
}

/// Somebody deletes the documents of these epochs.
fn lose(world: &World, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        world.storage.remove(&epoch_key(number));
    }
}

fn superseded<T: std::fmt::Debug>(result: Result<T, JournalError>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.category(), "superseded", "{error}");
    error.to_string()
}

#[tokio::test]
async fn whoever_takes_over_what_was_seen_long_ago_is_told() {
    let world = World::with_an_orphan();
    let seen = take(&world).await;
    // So many that the documents next to the one that was seen are forgotten.
    for _ in 0..40 {
        take(&world).await;
    }
    let before = world.storage.files();
    let journal = journal(&world);
    let taken = journal
        .take_over(&seen, &owner("them"), world.now())
        .await
        .unwrap_err();
    assert_eq!(taken.category(), "taken_meanwhile");
    let forgotten = journal.forget(&seen, |_| true, world.now()).await;
    assert_eq!(forgotten.unwrap_err().category(), "taken_meanwhile");
    assert_eq!(world.storage.files(), before);
}

#[tokio::test]
async fn whoever_has_lost_the_base_asks_nobody_to_approve() {
    let world = World::with_an_orphan();
    let ours = take(&world).await;
    take(&world).await;
    let before = world.storage.files();
    let proposal = Proposal::default();
    let asked = journal(&world).propose(&ours, &proposal, world.now()).await;
    superseded(asked);
    assert_eq!(world.storage.files(), before);
}

#[tokio::test]
async fn a_slow_run_reads_nothing_of_a_later_one() {
    let world = World::with_an_orphan();
    let ours = take(&world).await;
    let later = take(&world).await;
    let counters = [("map".to_owned(), 7)].into();
    let baselines = Baselines {
        counters,
        ..Baselines::default()
    };
    let marks = Marks::default();
    let journal = journal(&world);
    journal.write(&later, &marks, &baselines).await.unwrap();
    assert_eq!(journal.read(&later).await.unwrap().1, baselines);
    assert_eq!(journal.read(&ours).await.unwrap().1, Baselines::default());
}

#[tokio::test]
async fn an_epoch_under_the_name_of_another_stops_everybody() {
    let world = World::with_an_orphan();
    world.enforce().await;
    world.wait(25);
    let first = world.storage.files();
    let (_, first) = first.iter().find(|(key, _)| *key == epoch_key(1)).unwrap();
    world.storage.insert_file(&epoch_key(7), first.to_vec());
    let before = world.storage.files();
    let report = world.enforce().await;
    let said = report.outcome.blocked[0].to_string();
    assert!(
        said.contains("does not hold the epoch of its name"),
        "{said}"
    );
    assert_eq!(
        world.storage.files(),
        before,
        "nothing is deleted or written"
    );
}

#[tokio::test]
async fn a_run_whose_own_epoch_is_deleted_stops_before_its_next_batch() {
    let world = World::with_an_orphan();
    world.enforce().await;
    world.wait(25);
    world.at_observation(3, |world| lose(world, [2]));
    let report = world.enforce().await;
    assert!(report.outcome.deleted.is_empty());
    assert_eq!(report.outcome.blocked[0].word(), "JournalUnusable");
    assert!(world.has(&orphan()));
}

#[tokio::test]
async fn the_same_number_given_out_again_is_another_epoch() {
    let world = World::with_an_orphan();
    let ours = take(&world).await;
    lose(&world, [ours.number]);
    world.wait(1);
    let theirs = take(&world).await;
    assert_eq!(theirs.number, ours.number);
    let journal = journal(&world);
    superseded(journal.check(&ours).await);
    let (marks, baselines) = (Marks::default(), Baselines::default());
    superseded(journal.write(&ours, &marks, &baselines).await);
    journal.check(&theirs).await.unwrap();
}

/// Of the first epochs only, and of all of them.
#[tokio::test]
async fn marks_of_an_epoch_that_somebody_has_deleted_never_count_again() {
    for left in 0..3 {
        let mut world = World::with_an_orphan();
        world.policy.limits.max_bytes_per_run = Some(0);
        for _ in 0..4 {
            world.enforce().await;
        }
        world.wait(25);
        // The marks of epoch 4 are there, and ripe.
        lose(&world, left + 1..=4);
        world.policy.limits.max_bytes_per_run = None;
        for _ in 0..6 {
            let report = world.enforce().await;
            assert!(report.outcome.blocked.is_empty(), "{:?}", report.outcome);
            assert!(report.outcome.deleted.is_empty(), "{left} epochs left");
        }
        assert!(latest(&world).await.number > 4);
        world.wait(25);
        assert_eq!(world.enforce().await.outcome.deleted.len(), 1);
    }
}

#[tokio::test]
async fn what_protects_outlives_the_epochs_that_somebody_deletes() {
    let world = World::with_an_orphan();
    let ours = take(&world).await;
    let counters = [("map".to_owned(), 7)].into();
    let baselines = Baselines {
        counters,
        ..Baselines::default()
    };
    let journal = journal(&world);
    let marks = Marks::default();
    journal.write(&ours, &marks, &baselines).await.unwrap();
    lose(&world, [ours.number]);
    let next = take(&world).await;
    assert_eq!((next.number, next.tenure), (2, 2));
    assert_eq!(journal.read(&next).await.unwrap().1, baselines);
}

#[tokio::test]
async fn a_number_under_which_anything_was_written_is_never_given_out_again() {
    let world = World::with_an_orphan();
    let seen = take(&world).await;
    // A run was cut off in the middle of its marks, and its epoch is deleted.
    let marks = format!("ckp/.flink-retention/marks/{:020}/{JOB}.json", 7);
    let marks = Key::parse(&marks).unwrap();
    world.storage.insert_file(&marks, b"{}".to_vec());
    let taken = take(&world).await;
    assert_eq!((taken.number, taken.tenure), (8, 8));
    lose(&world, [8]);
    let journal = journal(&world);
    journal.forget(&seen, |_| false, world.now()).await.unwrap();
    let forgot = latest(&world).await;
    assert_eq!((forgot.number, forgot.tenure), (8, 8));
    lose(&world, [8]);
    let taken = journal.take_over(&seen, &owner("them"), world.now()).await;
    let taken = taken.unwrap();
    assert_eq!((taken.number, taken.tenure), (9, 9));
}

#[tokio::test]
async fn whoever_forgets_a_directory_stops_the_run_that_is_under_way() {
    let world = World::with_an_orphan();
    world.enforce().await;
    world.wait(25);
    world.at_observation(3, |world| {
        let journal = journal(world);
        let forget = async {
            let seen = journal.latest_epoch().await.unwrap().unwrap();
            let forgotten = journal.forget(&seen, |_| false, world.now()).await;
            forgotten.unwrap()
        };
        futures::executor::block_on(forget);
    });
    let report = world.enforce().await;
    assert!(report.outcome.deleted.is_empty(), "{:?}", report.outcome);
    let said = report.outcome.blocked[0].to_string();
    assert!(
        said.contains("not at epoch 2 of this run any more"),
        "{said}"
    );
    assert_eq!(world.run(Mode::Enforce).await.outcome.deleted.len(), 1);
}
