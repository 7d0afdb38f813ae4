//! Local file systems and mounted volumes. Linux only.
//!
//! Every look-up goes from the root down, one directory handle at a time, and stops at a symbolic link: neither a link
//! that is there nor one that replaces a directory while we work can lead outside of the root.

mod blocking;
mod delete;
mod list;
mod look;
mod read;
mod resolve;
mod root;
mod write;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::port::{
    Capabilities, ConditionalDelete, Contents, Deletion, Entry, Key, Operation, Put,
    RemovedDirectory, Storage, StorageError, Version,
};
use blocking::on_blocking_thread;
use resolve::Target;
use root::Root;

/// A directory of this machine as a store.
#[derive(Debug, Clone)]
pub struct LocalStorage {
    root: Arc<Root>,
    vanished: Arc<AtomicU64>,
}

impl LocalStorage {
    /// Opens the directory at `path`. If `path` leads through symbolic links they are resolved now, once; from then on
    /// the store is *that* directory, and fails if another one (an unmounted volume's mount point) takes its place.
    pub async fn open(path: &Path) -> Result<Self, StorageError> {
        let path = path.to_owned();
        let location = path.display().to_string();
        let root =
            on_blocking_thread(Operation::Open, &location, move || Root::open(&path)).await?;
        Ok(Self {
            root: Arc::new(root),
            vanished: Arc::default(),
        })
    }

    /// The directory itself, with links resolved.
    #[must_use]
    pub fn root_path(&self) -> &Path {
        self.root.path()
    }

    /// How many entries were gone between being read from their directory and being looked at.
    #[must_use]
    pub fn vanished_entries(&self) -> u64 {
        self.vanished.load(Ordering::Relaxed)
    }

    /// Runs `work` on a thread where blocking is allowed.
    async fn at<T: Send + 'static>(
        &self,
        operation: Operation,
        key: &Key,
        work: impl FnOnce(Target) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let target = Target::new(Arc::clone(&self.root), operation, key.clone());
        let location = target.location();
        on_blocking_thread(operation, &location, move || work(target)).await
    }
}

#[async_trait]
impl Storage for LocalStorage {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            conditional_delete: ConditionalDelete::CompareThenDelete,
            real_directories: true,
            // Linux stamps files with the time of the last timer tick: 1, 4 or 10 ms.
            modified_resolution: Duration::from_millis(10),
        }
    }

    fn location(&self, key: &Key) -> String {
        self.root.location(key)
    }

    fn list_level<'a>(&'a self, directory: &Key) -> BoxStream<'a, Result<Entry, StorageError>> {
        let target = Target::new(Arc::clone(&self.root), Operation::List, directory.clone());
        list::stream(target, Arc::clone(&self.vanished))
    }

    async fn stat(&self, key: &Key) -> Result<Option<Entry>, StorageError> {
        self.at(Operation::Stat, key, |target| look::entry(&target))
            .await
    }

    async fn read(&self, key: &Key, limit: u64) -> Result<Contents, StorageError> {
        self.at(Operation::Read, key, move |target| {
            read::whole(&target, limit)
        })
        .await
    }

    async fn read_range(
        &self,
        key: &Key,
        offset: u64,
        length: u64,
    ) -> Result<Contents, StorageError> {
        self.at(Operation::Read, key, move |target| {
            read::range(&target, offset, length)
        })
        .await
    }

    async fn delete_if_unchanged(
        &self,
        key: &Key,
        expected: &Version,
    ) -> Result<Deletion, StorageError> {
        let expected = expected.clone();
        self.at(Operation::Delete, key, move |target| {
            delete::file_if_unchanged(&target, &expected)
        })
        .await
    }

    async fn remove_empty_directory(&self, key: &Key) -> Result<RemovedDirectory, StorageError> {
        self.at(Operation::RemoveDirectory, key, |target| {
            delete::empty_directory(&target)
        })
        .await
    }

    async fn put_if_absent(&self, key: &Key, contents: Bytes) -> Result<Put, StorageError> {
        self.at(Operation::Write, key, move |target| {
            write::if_absent(&target, &contents)
        })
        .await
    }

    async fn replace(&self, key: &Key, contents: Bytes) -> Result<(), StorageError> {
        self.at(Operation::Write, key, move |target| {
            write::replacing(&target, &contents)
        })
        .await
    }
}

#[cfg(test)]
mod tests;
