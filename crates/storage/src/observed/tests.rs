#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::TryStreamExt;
use jiff::Timestamp;

use super::{Observed, PAGE, Requests};
use crate::contract::Fixture;
use crate::memory::MemoryStorage;
use crate::port::{Key, Operation, Storage, StorageError};

#[derive(Debug, Default)]
struct Count {
    before: Mutex<BTreeMap<Operation, usize>>,
    after: Mutex<BTreeMap<(Operation, &'static str), usize>>,
}

#[async_trait]
impl Requests for Count {
    async fn before(&self, operation: Operation) {
        *self.before.lock().unwrap().entry(operation).or_default() += 1;
    }

    fn after(&self, operation: Operation, error: Option<&StorageError>) {
        let result = error.map_or("success", StorageError::category);
        *self
            .after
            .lock()
            .unwrap()
            .entry((operation, result))
            .or_default() += 1;
    }
}

fn memory() -> MemoryStorage {
    MemoryStorage::new(Arc::new(|| Timestamp::UNIX_EPOCH))
}

fn key(path: &str) -> Key {
    Key::parse(path).unwrap()
}

#[tokio::test]
async fn every_request_is_told_before_and_after() {
    let (memory, count) = (memory(), Arc::new(Count::default()));
    memory.insert_file(&key("d/a"), "a");
    let store = Observed::new(Arc::new(memory.clone()), Arc::<Count>::clone(&count));
    let entry = store.stat(&key("d/a")).await.unwrap().unwrap();
    store.read(&key("d/a"), 10).await.unwrap();
    store.read(&key("d/none"), 10).await.unwrap_err();
    store.read_range(&key("d/a"), 0, 1).await.unwrap();
    store.put_if_absent(&key("d/b"), "b".into()).await.unwrap();
    store.replace(&key("d/b"), "c".into()).await.unwrap();
    store
        .delete_if_unchanged(&key("d/a"), &entry.version)
        .await
        .unwrap();
    store.remove_empty_directory(&key("d")).await.unwrap();
    assert!(memory.files().iter().any(|(found, _)| *found == key("d/b")));
    let before = count.before.lock().unwrap().clone();
    let expected = [
        (Operation::Stat, 1),
        (Operation::Read, 3),
        (Operation::Delete, 1),
        (Operation::RemoveDirectory, 1),
        (Operation::Write, 2),
    ];
    assert_eq!(before, expected.into());
    let after = count.after.lock().unwrap().clone();
    assert_eq!(after[&(Operation::Read, "success")], 2);
    assert_eq!(after[&(Operation::Read, "not_found")], 1);
    assert_eq!(after.values().sum::<usize>(), 8);
}

#[tokio::test]
async fn a_listing_counts_by_pages_and_is_the_same() {
    let (memory, count) = (memory(), Arc::new(Count::default()));
    for number in 0..=2 * PAGE {
        memory.insert_file(&key(&format!("d/{number}")), "");
    }
    let store = Observed::new(Arc::new(memory), Arc::<Count>::clone(&count));
    let listed: Vec<_> = store.list_level(&key("d")).try_collect().await.unwrap();
    assert_eq!(listed.len(), 2 * PAGE + 1);
    assert_eq!(count.before.lock().unwrap()[&Operation::List], 3);
    let missing: Result<Vec<_>, _> = store.list_level(&key("none")).try_collect().await;
    assert!(missing.unwrap_err().is_not_found());
    let after = count.after.lock().unwrap().clone();
    assert_eq!(after[&(Operation::List, "success")], 3);
    assert_eq!(after[&(Operation::List, "not_found")], 1);
}

/// Whoever is told changes nothing.
#[derive(Debug)]
struct Told(MemoryStorage);

#[async_trait]
impl Fixture for Told {
    fn store(&self) -> Arc<dyn Storage> {
        Arc::new(Observed::new(self.0.store(), Arc::new(Count::default())))
    }

    async fn write(&self, key: &Key, bytes: &[u8]) {
        Fixture::write(&self.0, key, bytes).await;
    }

    async fn remove(&self, key: &Key) {
        Fixture::remove(&self.0, key).await;
    }
}

crate::contract_tests!(async { Told(crate::memory::tests::ticking()) });
