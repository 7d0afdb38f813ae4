#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use futures::StreamExt;
use jiff::Timestamp;

use super::{Failure, Fault, FaultInjecting};
use crate::memory::MemoryStorage;
use crate::port::{Key, Operation, Put, Storage};

fn store() -> MemoryStorage {
    let store = MemoryStorage::new(Arc::new(|| Timestamp::UNIX_EPOCH));
    for name in ["a", "b", "c"] {
        store.insert_file(&key(name), name);
    }
    store
}

fn key(path: &str) -> Key {
    path.parse().unwrap()
}

#[tokio::test]
async fn the_nth_call_fails_and_no_other() {
    let store = FaultInjecting::failing_nth(store(), Operation::Write, 2, Failure::Unavailable);
    assert_eq!(
        store.put_if_absent(&key("1"), "x".into()).await.unwrap(),
        Put::Created
    );
    assert_eq!(
        store
            .put_if_absent(&key("2"), "x".into())
            .await
            .unwrap_err()
            .category(),
        "unavailable"
    );
    assert_eq!(store.stat(&key("2")).await.unwrap(), None);
    assert_eq!(
        store.put_if_absent(&key("2"), "x".into()).await.unwrap(),
        Put::Created
    );
    assert_eq!(store.calls(Operation::Write), 3);
}

#[tokio::test]
async fn an_answer_can_be_lost_after_the_effect() {
    let store = FaultInjecting::new(store(), |call| match call.operation {
        Operation::Write => Fault::FailAfterwards(Failure::Unavailable),
        _ => Fault::None,
    });
    store.replace(&key("a"), "new".into()).await.unwrap_err();
    assert_eq!(store.read(&key("a"), 10).await.unwrap().bytes, "new");
}

#[tokio::test]
async fn a_listing_can_break_or_lose_its_tail() {
    let failure = Failure::Unavailable;
    for (fault, expected) in [
        (Fault::None, vec![true, true, true]),
        (Fault::Fail(failure), vec![false]),
        (Fault::BreakListing { after: 1, failure }, vec![true, false]),
        (
            Fault::FailAfterwards(failure),
            vec![true, true, true, false],
        ),
        (Fault::TruncateListing { after: 2 }, vec![true, true]),
    ] {
        let store = FaultInjecting::new(store(), move |_| fault);
        let listed: Vec<bool> = store
            .list_level(&Key::root())
            .map(|entry| entry.is_ok())
            .collect()
            .await;
        assert_eq!(listed, expected, "{fault:?}");
    }
}
