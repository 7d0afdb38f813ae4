//! One actor for a base, and everybody can see which.

use crate::world::{JOB, World, terminal, uuid};
use flink_retention::engine::journal::LeaseTerm;
use storage::Key;

fn world() -> World {
    let world = World::new();
    world.checkpoint(JOB, 9, &[&uuid(1)]);
    world.file(&format!("{JOB}/shared/{}", uuid(2)), 100);
    world.set(vec![terminal(JOB)]);
    world.wait(48);
    world
}

#[tokio::test]
async fn another_owner_is_told_and_does_nothing() {
    let ours = world();
    ours.enforce().await;
    ours.wait(25);
    let mut theirs = ours.clone();
    theirs.owner = "them".to_owned();
    let report = theirs.enforce().await;
    assert_eq!(report.outcome.blocked[0].word(), "BaseOwnedByAnother");
    assert!(report.outcome.blocked[0].to_string().contains("us"));
    assert!(report.outcome.deleted.is_empty());
    assert_eq!(ours.enforce().await.outcome.deleted.len(), 1);
}

#[tokio::test]
async fn a_later_epoch_stops_a_run_before_its_next_batch() {
    let world = world();
    world.enforce().await;
    world.wait(25);
    // A second process of ours takes the base while this one verifies.
    world.at_observation(3, |world| {
        let epoch = r#"{"number":99,"owner":"us","taken":"2026-01-05T00:00:00Z"}"#;
        let path = format!("ckp/.flink-retention/owner/{:020}.json", 99);
        world
            .storage
            .insert_file(&Key::parse(&path).unwrap(), epoch.as_bytes().to_vec());
    });
    let report = world.enforce().await;
    assert!(report.outcome.deleted.is_empty());
    assert_eq!(report.outcome.blocked[0].word(), "JournalUnusable");
}

#[tokio::test]
async fn a_journal_of_a_newer_format_is_left_alone() {
    let world = world();
    world.enforce().await;
    world.wait(25);
    let format = Key::parse("ckp/.flink-retention/format.json").unwrap();
    world
        .storage
        .insert_file(&format, br#"{"formatVersion":4}"#.to_vec());
    let before = world.storage.files();
    let report = world.enforce().await;
    assert_eq!(report.outcome.blocked[0].word(), "JournalUnusable");
    assert_eq!(world.storage.files(), before);
}

#[tokio::test]
async fn a_journal_of_the_format_before_is_read_and_raised() {
    let world = world();
    world.enforce().await;
    world.wait(25);
    let format = Key::parse("ckp/.flink-retention/format.json").unwrap();
    let old = br#"{"formatVersion":1}"#.to_vec();
    world.storage.insert_file(&format, old.clone());
    let mut theirs = world.clone();
    theirs.owner = "them".to_owned();
    theirs.enforce().await;
    let files = || world.storage.files().into_iter();
    let now = || files().find(|(key, _)| *key == format).unwrap().1;
    let before = now();
    assert_eq!(
        world.enforce().await.outcome.deleted.len(),
        1,
        "its marks count"
    );
    assert_ne!(
        format!("{:?}", now()),
        format!("{before:?}"),
        "raised by its owner only"
    );
}

#[tokio::test]
async fn a_damaged_mark_deletes_nothing_and_says_so() {
    let world = world();
    world.enforce().await;
    world.wait(25);
    let marks = Key::parse(&format!("ckp/.flink-retention/marks/{:020}/{JOB}.json", 1)).unwrap();
    world.storage.insert_file(&marks, b"{".to_vec());
    let before = world.storage.files();
    let report = world.enforce().await;
    assert_eq!(report.outcome.blocked[0].word(), "JournalUnusable");
    assert_eq!(
        world.storage.files(),
        before,
        "nothing is deleted, and nothing written over it"
    );
}

#[tokio::test]
async fn a_run_that_is_told_to_stop_deletes_nothing_more() {
    let world = world();
    world.enforce().await;
    world.wait(25);
    world.at_observation(4, |world| world.cancel.cancel());
    let report = world.enforce().await;
    assert!(report.outcome.deleted.is_empty());
    assert_eq!(report.outcome.blocked[0].word(), "Cancelled");
}

fn term(lease: &str, number: i32) -> LeaseTerm {
    LeaseTerm {
        lease: lease.to_owned(),
        number,
    }
}

#[tokio::test]
async fn a_holder_that_slept_through_the_loss_of_its_lease_never_acts_again() {
    let mut slept = world();
    slept.term = Some(term("lease", 4));
    slept.enforce().await;
    slept.wait(25);
    let mut next = slept.clone();
    next.term = Some(term("lease", 5));
    next.policy.limits.max_bytes_per_run = Some(0);
    next.enforce().await;
    let before = slept.storage.files();
    let report = slept.enforce().await;
    assert!(report.outcome.deleted.is_empty());
    let told = report.outcome.blocked[0].to_string();
    assert!(told.contains("fencing number 5, ours is 4"), "{told}");
    assert_eq!(slept.storage.files(), before, "nor does it write anything");

    // A lease that was deleted and made anew counts from the beginning.
    next.policy.limits.max_bytes_per_run = None;
    next.term = Some(term("another lease", 0));
    assert_eq!(next.enforce().await.outcome.deleted.len(), 1);
    let epochs = next.storage.files().into_iter().filter_map(|(key, bytes)| {
        let is_epoch = key.as_str().contains("/owner/");
        is_epoch.then(|| serde_json::from_slice::<serde_json::Value>(&bytes).unwrap())
    });
    let terms: Vec<_> = epochs.map(|epoch| epoch["term"].clone()).collect();
    let written = |lease: &str, number: i32| serde_json::json!({"lease": lease, "number": number});
    assert_eq!(
        terms,
        [
            written("lease", 4),
            written("lease", 5),
            written("another lease", 0)
        ]
    );
}
