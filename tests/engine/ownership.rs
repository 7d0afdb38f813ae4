//! One actor for a base, and everybody can see which.

use crate::world::{JOB, World, terminal, uuid};
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
        .insert_file(&format, br#"{"formatVersion":3}"#.to_vec());
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
