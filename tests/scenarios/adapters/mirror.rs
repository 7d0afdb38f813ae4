//! Two stores with the same in them: one in memory, whose clock is that of the scenario, and one behind a real adapter. What
//! is asked of the first is asked of the second, and both must say the same of everything but times.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use jiff::SignedDuration;
use storage::memory::MemoryStorage;
use storage::{
    Capabilities, Contents, Deletion, Entry, EntryKind, Key, Put, RemovedDirectory, Storage,
    StorageError, Version,
};
use tokio::sync::Mutex;

use super::outside::Outside;
use super::{Differences, key};

#[derive(Clone)]
pub(crate) struct Mirror {
    memory: MemoryStorage,
    real: Arc<dyn Storage>,
    outside: Arc<Outside>,
    /// What was there when both were the same.
    seen: Arc<Mutex<BTreeMap<Key, Seen>>>,
    differences: Differences,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    kind: EntryKind,
    version: Version,
}

/// Where the adapter tries out what its store can do. No scenario has a name like that.
pub(super) fn own() -> Key {
    key(".tried-out")
}

impl Mirror {
    pub(super) fn new(
        memory: MemoryStorage,
        real: Arc<dyn Storage>,
        outside: Outside,
        differences: Differences,
    ) -> Self {
        Self {
            memory,
            real,
            outside: Arc::new(outside),
            seen: Arc::default(),
            differences,
        }
    }

    fn has_directories(&self) -> bool {
        self.real.capabilities().real_directories
    }

    /// Does outside of the engine what was done to the store in memory.
    async fn sync(&self) {
        let mut seen = self.seen.lock().await;
        if !self.has_directories() {
            self.forget_what_no_bucket_has().await;
        }
        let now = self.nodes().await;
        for (key, was) in seen.iter().rev() {
            if now.get(key).is_none_or(|is| is.kind != was.kind) {
                self.outside.remove(key, was.kind).await;
            }
        }
        for (key, is) in &now {
            let was = seen.get(key);
            match is.kind {
                EntryKind::File if was != Some(is) => {
                    let bytes = self.memory.read(key, u64::MAX).await;
                    let bytes = bytes.expect("it is there").bytes;
                    self.outside.write(key, bytes).await;
                }
                EntryKind::File => {}
                EntryKind::Directory | EntryKind::Symlink | EntryKind::Other => {
                    if was.is_none_or(|was| was.kind != is.kind) {
                        self.outside.make(key, is.kind).await;
                    }
                }
            }
        }
        *seen = now;
    }

    /// Everything in memory, directories before what is in them.
    async fn nodes(&self) -> BTreeMap<Key, Seen> {
        let mut nodes = BTreeMap::new();
        let mut pending = vec![Key::root()];
        while let Some(directory) = pending.pop() {
            let listing = self.memory.list_level(&directory);
            let entries: Vec<Entry> = listing.try_collect().await.expect("memory can be listed");
            for Entry { key, kind, version } in entries {
                if kind == EntryKind::Directory {
                    pending.push(key.clone());
                }
                nodes.insert(key, Seen { kind, version });
            }
        }
        nodes
    }

    /// Links, and directories without a file.
    async fn forget_what_no_bucket_has(&self) {
        for (key, node) in self.nodes().await.iter().rev() {
            let goes = match node.kind {
                EntryKind::File => false,
                EntryKind::Symlink | EntryKind::Other => true,
                EntryKind::Directory => {
                    let mut listing = self.memory.list_level(key);
                    listing.next().await.is_none()
                }
            };
            if goes {
                self.memory.remove(key);
            }
        }
    }

    /// After a change of the engine's own, which both have made.
    async fn made(&self) {
        if !self.has_directories() {
            self.forget_what_no_bucket_has().await;
        }
        *self.seen.lock().await = self.nodes().await;
    }

    fn compare<T: fmt::Debug + PartialEq>(
        &self,
        what: &str,
        key: &Key,
        memory: Result<T, &StorageError>,
        real: Result<T, &StorageError>,
    ) {
        let memory = memory.map_err(StorageError::category);
        let said = real.as_ref().err().map(ToString::to_string);
        let real = real.map_err(StorageError::category);
        if memory != real {
            let mut differences = self.differences.lock().expect("no test panics with it");
            let said = said.unwrap_or_default();
            differences.push(format!(
                "{what} {key}: memory {memory:?}, adapter {real:?} {said}"
            ));
        }
    }
}

/// Without times and etags, which differ.
fn plain(entry: &Entry) -> (Key, EntryKind, u64) {
    let size = match entry.kind {
        EntryKind::File => entry.version.size,
        EntryKind::Directory | EntryKind::Symlink | EntryKind::Other => 0,
    };
    (entry.key.clone(), entry.kind, size)
}

#[async_trait]
impl Storage for Mirror {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            modified_resolution: self.memory.capabilities().modified_resolution,
            ..self.real.capabilities()
        }
    }

    fn location(&self, key: &Key) -> String {
        self.memory.location(key)
    }

    fn list_level<'a>(&'a self, directory: &Key) -> BoxStream<'a, Result<Entry, StorageError>> {
        let directory = directory.clone();
        let listed = async move {
            self.sync().await;
            let memory: Result<Vec<Entry>, _> =
                self.memory.list_level(&directory).try_collect().await;
            let real: Result<Vec<Entry>, _> = self.real.list_level(&directory).try_collect().await;
            let names = |entries: &Vec<Entry>| -> BTreeSet<_> {
                let entries = entries.iter().map(plain);
                entries.filter(|(key, ..)| *key != own()).collect()
            };
            let (found, answered) = (memory.as_ref().map(names), real.as_ref().map(names));
            self.compare("list", &directory, found, answered);
            match memory {
                Ok(entries) => stream::iter(entries.into_iter().map(Ok)).boxed(),
                Err(error) => stream::iter([Err(error)]).boxed(),
            }
        };
        stream::once(listed).flatten().boxed()
    }

    async fn stat(&self, key: &Key) -> Result<Option<Entry>, StorageError> {
        self.sync().await;
        let (memory, real) = (self.memory.stat(key).await, self.real.stat(key).await);
        let plain = |entry: &Option<Entry>| entry.as_ref().map(plain);
        self.compare(
            "stat",
            key,
            memory.as_ref().map(plain),
            real.as_ref().map(plain),
        );
        memory
    }

    async fn read(&self, key: &Key, limit: u64) -> Result<Contents, StorageError> {
        self.sync().await;
        let memory = self.memory.read(key, limit).await;
        let real = self.real.read(key, limit).await;
        let bytes = |contents: &Contents| contents.bytes.clone();
        self.compare(
            "read",
            key,
            memory.as_ref().map(bytes),
            real.as_ref().map(bytes),
        );
        memory
    }

    async fn read_range(
        &self,
        key: &Key,
        offset: u64,
        length: u64,
    ) -> Result<Contents, StorageError> {
        self.sync().await;
        let memory = self.memory.read_range(key, offset, length).await;
        let real = self.real.read_range(key, offset, length).await;
        let bytes = |contents: &Contents| (contents.bytes.clone(), contents.version.size);
        self.compare(
            "read of",
            key,
            memory.as_ref().map(bytes),
            real.as_ref().map(bytes),
        );
        memory
    }

    async fn delete_if_unchanged(
        &self,
        key: &Key,
        expected: &Version,
    ) -> Result<Deletion, StorageError> {
        self.sync().await;
        let is_expected = self.memory.stat(key).await;
        let is_expected =
            is_expected.is_ok_and(|entry| entry.is_some_and(|entry| entry.version == *expected));
        let there = self.real.stat(key).await;
        let version = match there {
            Ok(Some(entry)) if is_expected => entry.version,
            // Of another time than what is there.
            Ok(Some(Entry { version, .. })) => Version {
                modified: version
                    .modified
                    .map(|time| time - SignedDuration::from_hours(1)),
                etag: version.etag.map(|_| "1".to_owned()),
                ..version
            },
            Ok(None) | Err(_) => expected.clone(),
        };
        let memory = self.memory.delete_if_unchanged(key, expected).await;
        let real = self.real.delete_if_unchanged(key, &version).await;
        let outcome = |deletion: &Deletion| match deletion {
            // Whoever compares for us may not know.
            Deletion::Deleted | Deletion::AlreadyGone => None,
            Deletion::Changed { found } => Some(plain(found)),
        };
        let (wanted, got) = (memory.as_ref().map(outcome), real.as_ref().map(outcome));
        self.compare("delete", key, wanted, got);
        self.made().await;
        memory
    }

    async fn remove_empty_directory(&self, key: &Key) -> Result<RemovedDirectory, StorageError> {
        self.sync().await;
        let memory = self.memory.remove_empty_directory(key).await;
        let real = self.real.remove_empty_directory(key).await;
        self.compare(
            "remove directory",
            key,
            memory.as_ref().copied(),
            real.as_ref().copied(),
        );
        self.made().await;
        memory
    }

    async fn put_if_absent(&self, key: &Key, contents: Bytes) -> Result<Put, StorageError> {
        self.sync().await;
        let memory = self.memory.put_if_absent(key, contents.clone()).await;
        let real = self.real.put_if_absent(key, contents).await;
        self.compare(
            "create",
            key,
            memory.as_ref().copied(),
            real.as_ref().copied(),
        );
        self.made().await;
        memory
    }

    async fn replace(&self, key: &Key, contents: Bytes) -> Result<(), StorageError> {
        self.sync().await;
        let memory = self.memory.replace(key, contents.clone()).await;
        let real = self.real.replace(key, contents).await;
        self.compare(
            "replace",
            key,
            memory.as_ref().copied(),
            real.as_ref().copied(),
        );
        self.made().await;
        memory
    }
}

impl fmt::Debug for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            memory,
            real,
            outside: _,
            seen: _,
            differences: _,
        } = self;
        f.debug_struct("Mirror")
            .field("memory", memory)
            .field("real", real)
            .finish_non_exhaustive()
    }
}
