#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::{join, join_all};
use futures::stream::BoxStream;

use super::{Budgeted, LARGE_MEBIBYTES, MEBIBYTE, MemoryBudget, SMALL_AT_ONCE};
use crate::contract::Fixture;
use crate::memory::MemoryStorage;
use crate::port::{
    Capabilities, Contents, Deletion, Entry, Key, Put, RemovedDirectory, Storage, StorageError,
    Version,
};

/// A store whose files say by their names how many mebibytes they have. It knows how many of all that it gave are there
/// still.
#[derive(Debug)]
struct Vast {
    inner: MemoryStorage,
    outstanding: Arc<Outstanding>,
}

#[derive(Debug, Default)]
struct Outstanding {
    now: AtomicU64,
    most: AtomicU64,
    /// In the order in which they were given.
    given: Mutex<Vec<String>>,
}

/// What a reader holds, without the memory.
struct Read {
    size: u64,
    outstanding: Arc<Outstanding>,
}

impl AsRef<[u8]> for Read {
    fn as_ref(&self) -> &[u8] {
        &[]
    }
}

impl Drop for Read {
    fn drop(&mut self) {
        self.outstanding.now.fetch_sub(self.size, Ordering::Relaxed);
    }
}

impl Vast {
    fn new() -> Self {
        Self {
            inner: crate::memory::tests::ticking(),
            outstanding: Arc::default(),
        }
    }

    fn give(&self, key: &Key, size: u64) -> Contents {
        let Outstanding { now, most, given } = &*self.outstanding;
        given.lock().unwrap().push(key.to_string());
        let outstanding = now.fetch_add(size, Ordering::Relaxed) + size;
        most.fetch_max(outstanding, Ordering::Relaxed);
        Contents {
            bytes: Bytes::from_owner(Read {
                size,
                outstanding: Arc::clone(&self.outstanding),
            }),
            version: Version {
                size,
                modified: None,
                etag: None,
            },
        }
    }
}

#[async_trait]
impl Storage for Vast {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn location(&self, key: &Key) -> String {
        self.inner.location(key)
    }

    fn list_level<'a>(&'a self, directory: &Key) -> BoxStream<'a, Result<Entry, StorageError>> {
        self.inner.list_level(directory)
    }

    async fn stat(&self, key: &Key) -> Result<Option<Entry>, StorageError> {
        self.inner.stat(key).await
    }

    async fn read(&self, key: &Key, limit: u64) -> Result<Contents, StorageError> {
        let mebibytes = key.segments().next().unwrap().parse::<u64>().unwrap();
        let size = mebibytes * MEBIBYTE;
        if size > limit {
            let path = self.location(key);
            return Err(StorageError::TooLarge { path, size, limit });
        }
        Ok(self.give(key, size))
    }

    async fn read_range(&self, key: &Key, _: u64, length: u64) -> Result<Contents, StorageError> {
        Ok(self.give(key, length))
    }

    async fn delete_if_unchanged(
        &self,
        key: &Key,
        expected: &Version,
    ) -> Result<Deletion, StorageError> {
        self.inner.delete_if_unchanged(key, expected).await
    }

    async fn remove_empty_directory(&self, key: &Key) -> Result<RemovedDirectory, StorageError> {
        self.inner.remove_empty_directory(key).await
    }

    async fn put_if_absent(&self, key: &Key, contents: Bytes) -> Result<Put, StorageError> {
        self.inner.put_if_absent(key, contents).await
    }

    async fn replace(&self, key: &Key, contents: Bytes) -> Result<(), StorageError> {
        self.inner.replace(key, contents).await
    }
}

fn key(path: &str) -> Key {
    Key::parse(path).unwrap()
}

/// Reads files of these many mebibytes from two stores at once, each held for a second; the most that were there at once.
async fn most_at_once(files: &[u64], count: usize) -> u64 {
    let (vast, budget) = (Vast::new(), MemoryBudget::default());
    let outstanding = Arc::clone(&vast.outstanding);
    let vast: Arc<dyn Storage> = Arc::new(vast);
    let one = Budgeted::new(Arc::clone(&vast), budget.clone());
    let other = Budgeted::new(vast, budget);
    let reads = (0..count).map(|number| {
        let store = if number % 2 == 0 { &one } else { &other };
        let size = files[number % files.len()];
        async move {
            let file = key(&format!("{size}/{number}"));
            let contents = store.read(&file, 512 * MEBIBYTE).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(contents);
        }
    });
    join_all(reads).await;
    assert_eq!(outstanding.given.lock().unwrap().len(), count);
    assert_eq!(outstanding.now.load(Ordering::Relaxed), 0);
    outstanding.most.load(Ordering::Relaxed) / MEBIBYTE
}

#[tokio::test(start_paused = true)]
async fn what_is_read_at_once_stays_within_the_budget_and_giants_are_read_alone() {
    let budget = u64::from(LARGE_MEBIBYTES);
    assert_eq!(most_at_once(&[100], 20).await, 200);
    assert_eq!(most_at_once(&[512], 3).await, 512);
    assert_eq!(most_at_once(&[64, 512, 2], 30).await, 512);
    assert_eq!(most_at_once(&[2], 1000).await, budget);
    assert_eq!(most_at_once(&[1], 1000).await, SMALL_AT_ONCE as u64);
    assert_eq!(most_at_once(&[1, 64], 1000).await, budget + 64);
}

#[tokio::test(start_paused = true)]
async fn giants_hold_up_no_small_file_and_have_their_turn() {
    let (vast, budget) = (Vast::new(), MemoryBudget::default());
    let outstanding = Arc::clone(&vast.outstanding);
    let store = Budgeted::new(Arc::new(vast), budget);
    let read = async |file: &str| {
        let file = key(file);
        let contents = store.read(&file, 512 * MEBIBYTE).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(contents);
    };
    let files = ["200/first", "512/giant", "1/small", "2/late", "0/empty"];
    join_all(files.map(read)).await;
    let given = outstanding.given.lock().unwrap().clone();
    assert_eq!(
        given,
        ["200/first", "1/small", "0/empty", "512/giant", "2/late"],
        "the giant is not overtaken for ever by files that fit beside others"
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_leaves_the_budget_to_others() {
    let store = Budgeted::new(Arc::new(Vast::new()), MemoryBudget::default());
    let (one, two) = (key("512/one"), key("512/two"));
    let held = store.read(&one, 512 * MEBIBYTE).await.unwrap();
    let given_up = tokio::time::timeout(
        Duration::from_secs(1),
        join(
            store.read(&two, 512 * MEBIBYTE),
            store.read_range(&two, 0, u64::MAX),
        ),
    );
    given_up.await.unwrap_err();
    drop(held);
    store.read(&two, 512 * MEBIBYTE).await.unwrap();
}

#[tokio::test]
async fn a_file_beyond_the_limit_waits_for_nothing() {
    let store = Budgeted::new(Arc::new(Vast::new()), MemoryBudget::default());
    let _held = store.read(&key("512/one"), 512 * MEBIBYTE).await.unwrap();
    let error = store.read(&key("600/two"), 512 * MEBIBYTE).await;
    let StorageError::TooLarge { size, limit, .. } = error.unwrap_err() else {
        panic!("it was read");
    };
    assert_eq!((size, limit), (600 * MEBIBYTE, 512 * MEBIBYTE));
}

/// A budget changes nothing but the time.
#[derive(Debug)]
struct Within(MemoryStorage);

#[async_trait]
impl Fixture for Within {
    fn store(&self) -> Arc<dyn Storage> {
        Arc::new(Budgeted::new(self.0.store(), MemoryBudget::default()))
    }

    async fn write(&self, key: &Key, bytes: &[u8]) {
        Fixture::write(&self.0, key, bytes).await;
    }

    async fn remove(&self, key: &Key) {
        Fixture::remove(&self.0, key).await;
    }
}

crate::contract_tests!(async { Within(crate::memory::tests::ticking()) });
