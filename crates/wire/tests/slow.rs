//! Who takes answers slowly is not read ahead of, and holds up nobody else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use futures::{FutureExt, StreamExt, TryStreamExt};
use jiff::Timestamp;
use storage::memory::MemoryStorage;
use storage::{Key, Observed, Operation, Requests, Storage, StorageError};
use support::{connect, term, worker};
use tokio::time::timeout;
use wire::Access;

const FILES: usize = 10_000;

/// Counts thousands of entries that were taken from the store.
#[derive(Debug, Default)]
struct Pages(AtomicUsize);

#[async_trait]
impl Requests for Pages {
    async fn before(&self, _: Operation) {}

    fn after(&self, operation: Operation, _: Option<&StorageError>) {
        self.0
            .fetch_add(usize::from(operation == Operation::List), Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_listing_waits_for_its_reader() {
    let store = MemoryStorage::new(Arc::new(|| Timestamp::UNIX_EPOCH));
    let directory: Key = "shared".parse().unwrap();
    for number in 0..FILES {
        store.insert_file(&directory.join(&format!("{number:036}")).unwrap(), "x");
    }
    let pages = Arc::new(Pages::default());
    let observed = Observed::new(Arc::new(store), Arc::clone(&pages) as Arc<dyn Requests>);
    let worker = worker(Arc::new(observed), Access::ReadOnly);
    let (connection, _serving) = connect(&worker, Some(term(1))).await;
    let remote = connection.root("volume").unwrap();

    // As many as may run at the same time, but for one.
    let mut listings = Vec::new();
    for _ in 0..63 {
        let mut listing = remote.list_level(&directory);
        listing.next().await.unwrap().unwrap();
        listings.push(listing);
    }
    // All the others go on.
    for _ in 0..200 {
        let found = timeout(Duration::from_secs(30), remote.stat(&directory)).await;
        assert!(found.unwrap().unwrap().is_some());
    }
    let taken = pages.0.load(Ordering::Relaxed);
    assert!(
        taken <= 63 * 4,
        "{taken} thousands of entries were read that nobody took"
    );

    // More than may run at the same time: they wait, and all are answered.
    let many = (0..500).map(|_| remote.stat(&directory));
    // But for the one place that is left.
    let answered = timeout(Duration::from_mins(1), join_all(many))
        .await
        .unwrap();
    assert!(answered.into_iter().all(|found| found.unwrap().is_some()));

    // Whoever went slowly misses nothing.
    let last = listings.pop().unwrap();
    drop(listings);
    let rest: Vec<_> = last.try_collect().await.unwrap();
    assert_eq!(rest.len(), FILES - 1);
}

#[tokio::test]
async fn calling_off_ends_no_other_call() {
    let store = MemoryStorage::new(Arc::new(|| Timestamp::UNIX_EPOCH));
    let directory: Key = "shared".parse().unwrap();
    for number in 0..1000 {
        store.insert_file(&directory.join(&format!("{number:036}")).unwrap(), "x");
    }
    let worker = worker(Arc::new(store), Access::ReadOnly);
    let (connection, _serving) = connect(&worker, Some(term(1))).await;
    let remote = connection.root("volume").unwrap();
    let mut kept = remote.list_level(&directory);
    kept.next().await.unwrap().unwrap();
    for round in 0..300 {
        // Before it is sent, before it is answered, and in the middle of the answer.
        assert!(remote.stat(&directory).now_or_never().is_none());
        let asked = timeout(Duration::from_micros(round), remote.stat(&directory)).await;
        assert!(asked.is_err() || asked.unwrap().unwrap().is_some());
        let mut listing = remote.list_level(&directory);
        listing.next().await.unwrap().unwrap();
    }
    let rest: Vec<_> = kept.try_collect().await.unwrap();
    assert_eq!(rest.len(), 999);
}
