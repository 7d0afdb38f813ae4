#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{MemoryStorage, Node};
use crate::contract::{FileSystemFixture, Fixture};
use crate::port::{Key, Storage};

/// A clock that ticks with each question.
pub(crate) fn ticking() -> MemoryStorage {
    let seconds = AtomicI64::new(1_700_000_000);
    MemoryStorage::new(Arc::new(move || {
        Timestamp::from_second(seconds.fetch_add(1, Ordering::Relaxed)).unwrap()
    }))
}

#[async_trait]
impl Fixture for MemoryStorage {
    fn store(&self) -> Arc<dyn Storage> {
        Arc::new(self.clone())
    }

    async fn write(&self, key: &Key, bytes: &[u8]) {
        self.insert_file(key, bytes.to_vec());
    }

    async fn remove(&self, key: &Key) {
        MemoryStorage::remove(self, key);
    }
}

#[async_trait]
impl FileSystemFixture for MemoryStorage {
    async fn make_directory(&self, key: &Key) {
        self.insert(key, Node::Directory);
    }

    async fn link_outside(&self, key: &Key) {
        self.insert(key, Node::Symlink);
    }

    async fn link_to_root(&self, key: &Key) {
        self.insert(key, Node::Symlink);
    }

    async fn make_pipe(&self, key: &Key) {
        self.insert(key, Node::Other);
    }

    /// There is no outside.
    async fn outside_is_untouched(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_versioned_store_gives_back_what_the_port_deleted() {
    let store = ticking();
    let key = Key::parse("a/b").unwrap();
    store.insert_file(&key, "first".as_bytes());
    assert!(!store.bring_back(&key), "nothing was removed");
    store.keep_versions();
    let version = store.stat(&key).await.unwrap().unwrap().version;
    store.delete_if_unchanged(&key, &version).await.unwrap();
    assert_eq!(store.stat(&key).await.unwrap(), None);
    assert!(store.bring_back(&key));
    assert_eq!(
        store.stat(&key).await.unwrap().unwrap().version,
        version,
        "with its old time"
    );
    assert!(!store.bring_back(&key), "it is there");
}

crate::contract_tests!(async { ticking() });
crate::file_system_contract_tests!(async { ticking() });
