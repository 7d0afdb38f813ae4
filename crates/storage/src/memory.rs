//! A store in memory, for tests and simulations: a file system whose clock is given and that never waits.

mod tree;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use jiff::Timestamp;

use crate::port::{
    Capabilities, ConditionalDelete, Contents, Deletion, Entry, Key, Operation, Put,
    RemovedDirectory, Storage, StorageError, Version,
};
pub use tree::Node;
use tree::{Found, Tree};

/// Gives the time that new files get.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A store in memory. Clones share their contents.
#[derive(Clone)]
pub struct MemoryStorage {
    tree: Arc<Mutex<Tree>>,
    clock: Clock,
    real_directories: bool,
}

impl MemoryStorage {
    /// An empty store whose files are stamped by `clock`.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            tree: Arc::default(),
            clock,
            real_directories: true,
        }
    }

    /// As of a bucket: a directory that is not there is an empty one.
    #[must_use]
    pub fn without_directories(mut self) -> Self {
        self.real_directories = false;
        self
    }

    /// Puts `node` at `key` as another program would, replacing what is there and making missing directories. At the
    /// root, or below what is not a directory, nothing happens.
    pub fn insert(&self, key: &Key, node: Node) {
        let now = (self.clock)();
        self.tree().insert(key, node, now);
    }

    /// Puts a file at `key` as another program would.
    pub fn insert_file(&self, key: &Key, bytes: impl Into<Bytes>) {
        self.insert(key, Node::File(bytes.into()));
    }

    /// Removes whatever is at `key`, and below it, as another program would.
    pub fn remove(&self, key: &Key) {
        self.tree().remove(key);
    }

    /// From now on a file that is removed leaves a previous version, as in a versioned bucket. No call of the port
    /// reaches it.
    pub fn keep_versions(&self) {
        self.tree().keep_versions();
    }

    /// Removes the delete marker of a file, as a person would: its newest previous version is there again, with the
    /// time that it had. False if there is none, or if the file was not removed.
    #[must_use]
    pub fn bring_back(&self, key: &Key) -> bool {
        self.tree().bring_back(key)
    }

    /// Whether anything is at `key`.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        matches!(self.tree().find(key, Operation::Stat, self), Ok(Some(_)))
    }

    /// Every file, for comparing states.
    #[must_use]
    pub fn files(&self) -> Vec<(Key, Bytes)> {
        self.tree().files()
    }

    fn tree(&self) -> MutexGuard<'_, Tree> {
        // No operation on the tree leaves it half changed, so that a panic elsewhere does not spoil it.
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, key: &Key) -> Result<(Bytes, Version), StorageError> {
        let path = self.location(key);
        let operation = Operation::Read;
        match self.tree().find(key, operation, self)? {
            None => Err(StorageError::NotFound { operation, path }),
            Some(Found {
                node: Node::File(bytes),
                entry,
            }) => Ok((bytes.clone(), entry.version)),
            Some(Found {
                node: Node::Directory,
                ..
            }) => Err(StorageError::IsADirectory { operation, path }),
            Some(Found {
                node: Node::Symlink,
                ..
            }) => Err(StorageError::SymlinkInPath {
                operation,
                link: path.clone(),
                path,
            }),
            Some(Found {
                node: Node::Other, ..
            }) => Err(StorageError::NotAFile { operation, path }),
        }
    }

    fn refuse_root(&self, key: &Key, operation: Operation) -> Result<(), StorageError> {
        if key.is_root() {
            Err(StorageError::IsRoot {
                operation,
                path: self.location(key),
            })
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl Storage for MemoryStorage {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            conditional_delete: ConditionalDelete::Atomic,
            real_directories: self.real_directories,
            modified_resolution: Duration::from_nanos(1),
        }
    }

    fn location(&self, key: &Key) -> String {
        format!("memory:/{key}")
    }

    fn list_level<'a>(&'a self, directory: &Key) -> BoxStream<'a, Result<Entry, StorageError>> {
        let directory = directory.clone();
        // The names are fixed at the first look, as by a real directory; what is at them is looked at one by one.
        let mut names: Option<std::vec::IntoIter<Key>> = None;
        let mut next = move || {
            let tree = self.tree();
            let names = match &mut names {
                Some(names) => names,
                None => names.insert(tree.names(&directory, self)?.into_iter()),
            };
            for key in names {
                if let Some(found) = tree.find(&key, Operation::List, self)? {
                    return Ok(Some(found.entry));
                }
            }
            // A directory that went away meanwhile was not listed.
            tree.check_directory(&directory, self).map(|()| None)
        };
        let mut over = false;
        stream::iter(std::iter::from_fn(move || {
            let entry = if over { None } else { next().transpose() };
            over = !matches!(entry, Some(Ok(_)));
            entry
        }))
        .filter(|entry| {
            let is_gone = entry.as_ref().is_err_and(StorageError::is_not_found);
            std::future::ready(self.real_directories || !is_gone)
        })
        .boxed()
    }

    async fn stat(&self, key: &Key) -> Result<Option<Entry>, StorageError> {
        Ok(self
            .tree()
            .find(key, Operation::Stat, self)?
            .map(|found| found.entry))
    }

    async fn read(&self, key: &Key, limit: u64) -> Result<Contents, StorageError> {
        let (bytes, version) = self.file(key)?;
        if version.size > limit {
            return Err(StorageError::TooLarge {
                path: self.location(key),
                size: version.size,
                limit,
            });
        }
        Ok(Contents { bytes, version })
    }

    async fn read_range(
        &self,
        key: &Key,
        offset: u64,
        length: u64,
    ) -> Result<Contents, StorageError> {
        let (bytes, version) = self.file(key)?;
        let in_file =
            |position: u64| usize::try_from(position).map_or(bytes.len(), |at| at.min(bytes.len()));
        let range = in_file(offset)..in_file(offset.saturating_add(length));
        Ok(Contents {
            bytes: bytes.slice(range),
            version,
        })
    }

    async fn delete_if_unchanged(
        &self,
        key: &Key,
        expected: &Version,
    ) -> Result<Deletion, StorageError> {
        self.refuse_root(key, Operation::Delete)?;
        if !expected.is_verifiable() {
            return Err(StorageError::Unverifiable {
                path: self.location(key),
            });
        }
        let mut tree = self.tree();
        match tree.find(key, Operation::Delete, self)? {
            None => Ok(Deletion::AlreadyGone),
            Some(Found {
                node: Node::File(_),
                entry,
            }) if entry.version == *expected => {
                tree.remove(key);
                Ok(Deletion::Deleted)
            }
            Some(Found { entry, .. }) => Ok(Deletion::Changed { found: entry }),
        }
    }

    async fn remove_empty_directory(&self, key: &Key) -> Result<RemovedDirectory, StorageError> {
        let operation = Operation::RemoveDirectory;
        self.refuse_root(key, operation)?;
        let path = self.location(key);
        let mut tree = self.tree();
        match tree.find(key, operation, self)?.map(|found| found.node) {
            None => Ok(RemovedDirectory::AlreadyGone),
            Some(Node::Directory) if tree.is_empty(key) => {
                tree.remove(key);
                Ok(RemovedDirectory::Removed)
            }
            Some(Node::Directory) => Ok(RemovedDirectory::NotEmpty),
            Some(Node::Symlink) => Err(StorageError::SymlinkInPath {
                operation,
                link: path.clone(),
                path,
            }),
            Some(Node::File(_) | Node::Other) => Err(StorageError::NotADirectory {
                operation,
                obstacle: path.clone(),
                path,
            }),
        }
    }

    async fn put_if_absent(&self, key: &Key, contents: Bytes) -> Result<Put, StorageError> {
        self.refuse_root(key, Operation::Write)?;
        let now = (self.clock)();
        let mut tree = self.tree();
        if tree.find(key, Operation::Write, self)?.is_some() {
            return Ok(Put::Exists);
        }
        tree.insert(key, Node::File(contents), now);
        Ok(Put::Created)
    }

    async fn replace(&self, key: &Key, contents: Bytes) -> Result<(), StorageError> {
        let operation = Operation::Write;
        self.refuse_root(key, operation)?;
        let now = (self.clock)();
        let mut tree = self.tree();
        if let Some(Found {
            node: Node::Directory,
            ..
        }) = tree.find(key, operation, self)?
        {
            return Err(StorageError::IsADirectory {
                operation,
                path: self.location(key),
            });
        }
        tree.insert(key, Node::File(contents), now);
        Ok(())
    }
}

impl std::fmt::Debug for MemoryStorage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            tree: _,
            clock: _,
            real_directories: _,
        } = self;
        formatter
            .debug_struct("MemoryStorage")
            .field("files", &self.files().len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests;
