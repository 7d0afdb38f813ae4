#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{CompleteWalk, Descend, Walk};
use crate::faults::{Failure, Fault, FaultInjecting};
use crate::memory::{MemoryStorage, Node};
use crate::port::{Key, Operation, Storage, StorageError};

fn key(path: &str) -> Key {
    path.parse().unwrap()
}

fn store_with(paths: &[&str]) -> MemoryStorage {
    let store = MemoryStorage::new(Arc::new(|| Timestamp::UNIX_EPOCH));
    for path in paths {
        store.insert_file(&key(path), "x");
    }
    store
}

fn jobs() -> MemoryStorage {
    store_with(&[
        "j1/chk-1/_metadata",
        "j1/chk-1/a",
        "j1/shared/s",
        "j2/chk-9/_metadata",
        "j2/taskowned/t",
        "note",
    ])
}

async fn walk(
    store: &dyn Storage,
    start: &str,
) -> (Result<CompleteWalk, StorageError>, BTreeSet<String>) {
    let mut seen = BTreeSet::new();
    let complete = Walk::new(store, key(start))
        .run(|entry| {
            assert!(
                seen.insert(entry.key.to_string()),
                "{} came twice",
                entry.key
            );
            Descend::Yes
        })
        .await;
    (complete, seen)
}

#[tokio::test]
async fn everything_comes_once_whatever_the_concurrency() {
    for at_once in [0, 1, 2, 100] {
        let store = jobs();
        let mut seen = Vec::new();
        let complete = Walk::new(&store, Key::root())
            .directories_at_once(at_once)
            .run(|entry| {
                seen.push(entry.key.to_string());
                Descend::Yes
            });
        let complete = complete.await.unwrap();
        assert_eq!(
            (
                complete.directories,
                complete.entries,
                complete.vanished.len()
            ),
            (7, 12, 0)
        );
        assert_eq!(seen.len(), 12);
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 12);
    }
}

#[tokio::test]
async fn only_what_the_visitor_wants_is_entered() {
    let store = FaultInjecting::new(jobs(), |_| Fault::None);
    let complete = Walk::new(&store, Key::root()).run(|entry| {
        if entry.key.file_name() == Some("j1") {
            Descend::Yes
        } else {
            Descend::No
        }
    });
    assert_eq!(complete.await.unwrap().entries, 5);
    assert_eq!(store.calls(Operation::List), 2);
}

#[tokio::test]
async fn any_directory_that_cannot_be_listed_fails_the_walk() {
    for directory in [
        "",
        "j1",
        "j1/chk-1",
        "j1/shared",
        "j2",
        "j2/chk-9",
        "j2/taskowned",
    ] {
        for failure in [Failure::PermissionDenied, Failure::Unavailable] {
            for fault in [
                Fault::Fail(failure),
                Fault::FailAfterwards(failure),
                Fault::BreakListing { after: 1, failure },
            ] {
                let forbidden = key(directory);
                let store = FaultInjecting::new(jobs(), move |call| {
                    if (call.operation, &call.key) == (Operation::List, &forbidden) {
                        fault
                    } else {
                        Fault::None
                    }
                });
                let error = walk(&store, "")
                    .await
                    .0
                    .expect_err("the walk claims to be complete");
                assert_eq!(error.path(), store.location(&key(directory)));
            }
        }
    }
}

#[tokio::test]
async fn a_start_that_does_not_exist_is_an_error() {
    assert!(walk(&jobs(), "j3").await.0.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_directory_that_vanished_is_told() {
    let store = jobs();
    let vanishing = FaultInjecting::new(store.clone(), move |call| {
        if (call.operation, &call.key) == (Operation::List, &key("j1/chk-1")) {
            store.remove(&call.key);
        }
        Fault::None
    });
    let (complete, seen) = walk(&vanishing, "").await;
    assert_eq!(complete.unwrap().vanished, [key("j1/chk-1")]);
    assert!(
        seen.contains("j1/chk-1")
            && !seen.contains("j1/chk-1/_metadata")
            && seen.contains("j2/taskowned/t")
    );
}

/// A savepoint that is moved while the walk goes on must not be missed in both places, also where its listing is just
/// empty.
#[tokio::test]
async fn a_directory_that_vanished_from_a_bucket_is_told() {
    let store = jobs().without_directories();
    for number in 0..2_500 {
        store.insert_file(&key(&format!("j3/shared/{number}")), "x");
    }
    for directory in ["j1/chk-1", "j3/shared"] {
        let removing = store.clone();
        let vanishing = FaultInjecting::new(store.clone(), move |call| {
            if (call.operation, &call.key) == (Operation::List, &key(directory)) {
                removing.remove(&call.key);
            }
            Fault::None
        });
        let (complete, seen) = walk(&vanishing, "").await;
        assert_eq!(complete.unwrap().vanished, [key(directory)]);
        assert!(seen.contains(directory) && seen.contains("j2/taskowned/t"));
    }
    let (complete, _) = walk(&store, "").await;
    assert_eq!(complete.unwrap().vanished, []);
    let (complete, _) = walk(&store, "j9").await;
    assert_eq!(complete.unwrap().vanished, [], "a base may be empty");
}

/// Some stores go on showing directories in which nothing is left, and there may be thousands of them.
#[tokio::test]
async fn empty_directories_of_a_bucket_cost_one_more_listing_for_all_of_them() {
    let store = jobs().without_directories();
    let listings = async |store: &MemoryStorage| {
        let counting = FaultInjecting::new(store.clone(), |_| Fault::None);
        let (complete, _) = walk(&counting, "").await;
        assert_eq!(complete.unwrap().vanished, []);
        counting.calls(Operation::List)
    };
    let before = listings(&store).await;
    for number in 100..130 {
        store.insert(&key(&format!("j1/chk-{number}")), Node::Directory);
    }
    assert_eq!(listings(&store).await, before + 30 + 1);
}

/// Of a large directory some answers have come already.
#[tokio::test]
async fn a_directory_that_vanished_from_a_bucket_halfway_is_told() {
    let store = jobs().without_directories();
    for number in 0..2_500 {
        store.insert_file(&key(&format!("j3/shared/{number}")), "x");
    }
    let mut shown = 0;
    let complete = Walk::new(&store, Key::root()).run(|entry| {
        if entry.key.starts_with(&key("j3/shared")) {
            shown += 1;
        }
        if shown == 1_500 {
            store.remove(&key("j3/shared"));
        }
        Descend::Yes
    });
    assert_eq!(complete.await.unwrap().vanished, [key("j3/shared")]);
}

#[tokio::test]
async fn a_directory_that_is_not_found_but_there_fails_the_walk() {
    let store = FaultInjecting::new(jobs(), |call| {
        if (call.operation, &call.key) == (Operation::List, &key("j1/chk-1")) {
            Fault::Fail(Failure::NotFound)
        } else {
            Fault::None
        }
    });
    assert!(walk(&store, "").await.0.unwrap_err().is_not_found());
}

#[tokio::test(start_paused = true)]
async fn a_slow_directory_is_waited_for() {
    let store = FaultInjecting::new(jobs(), |call| match call.number {
        2 => Fault::Delay(Duration::from_hours(1)),
        _ => Fault::None,
    });
    let (complete, seen) = walk(&store, "").await;
    assert_eq!(complete.unwrap().entries, 12);
    assert_eq!(seen.len(), 12);
}
