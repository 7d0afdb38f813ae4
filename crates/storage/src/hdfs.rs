//! Hadoop file systems, through `hdfs-native`.
//!
//! It lists one level and deletes one thing, never recursively. Each question has a time limit of ours, because the client
//! has none, and what it says of links, of open files and of the end of a file is checked: see the parts.

mod ask;
mod authority;
mod cluster;
mod delete;
mod error;
mod link;
mod list;
mod look;
mod open_file;
mod read;
mod reserved;
mod write;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use hdfs_native::{Client, HdfsError};

use crate::port::{
    Capabilities, ConditionalDelete, Contents, Deletion, Entry, Key, OnlyLookedAt, Operation, Put,
    RemovedDirectory, Storage, StorageError, Version,
};
use ask::deletion;
pub use authority::{HdfsAuthority, NoAuthority};
pub use cluster::{HdfsAccess, HdfsCluster};

/// A directory of a Hadoop file system.
#[derive(Debug, Clone)]
pub struct HdfsStorage {
    client: Client,
    /// A `NameNode` or a nameservice, as a person writes it.
    authority: Arc<HdfsAuthority>,
    /// Where the root of this store is in the file system.
    directory: Key,
    changes: Changes,
}

/// What may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Changes {
    None,
    /// What is deleted is gone, unless a snapshot of HDFS has it.
    ForGood,
    /// What is deleted is in the trash of whoever deletes, until the `NameNode` empties it; but what is below `own` is gone.
    ToTrash {
        own: Key,
    },
}

impl HdfsStorage {
    /// Moves what is deleted into the trash instead, but for what is below `own`: housekeeping, which nobody wants back.
    #[must_use]
    pub fn with_trash(self, own: Key) -> Self {
        let changes = match self.changes {
            Changes::None => Changes::None,
            Changes::ForGood | Changes::ToTrash { .. } => Changes::ToTrash { own },
        };
        Self { changes, ..self }
    }

    /// Whether the `NameNode` keeps what is moved into the trash, for a while.
    ///
    /// # Errors
    /// If it does not say.
    pub async fn keeps_trash(&self) -> Result<bool, StorageError> {
        let (operation, root) = (Operation::Open, Key::root());
        // It is asked before it looks for what is to be moved.
        let nothing = format!("{}/.not-there-{:016x}", self.path(&root), fastrand::u64(..));
        match deletion(self.client.trash(&nothing)).await {
            Err(HdfsError::TrashNotEnabled) => Ok(false),
            Ok(_) | Err(HdfsError::FileNotFound(_)) => Ok(true),
            Err(error) => Err(self.failure(operation, &root, error).await),
        }
    }

    fn goes_to_trash(&self, key: &Key) -> bool {
        match &self.changes {
            Changes::None | Changes::ForGood => false,
            Changes::ToTrash { own } => !key.starts_with(own),
        }
    }

    /// The trash, snapshot or other name that the directory of this store is in, or that it is itself.
    #[must_use]
    pub fn reserved(&self) -> Option<String> {
        let reserved = reserved::on_the_way(&self.directory)?;
        Some(self.location_of(&format!("/{reserved}")))
    }

    fn may_change(&self, operation: Operation, key: &Key) -> Result<(), StorageError> {
        let path = self.location(key);
        if key.is_root() {
            return Err(StorageError::IsRoot { operation, path });
        }
        if let Some(reserved) = reserved::on_the_way(&self.directory.join_key(key)) {
            let reserved = self.location_of(&format!("/{reserved}"));
            return Err(StorageError::Reserved {
                operation,
                path,
                reserved,
            });
        }
        match &self.changes {
            Changes::None => Err(StorageError::Unsupported {
                operation,
                path,
                cause: Arc::new(OnlyLookedAt),
            }),
            Changes::ForGood | Changes::ToTrash { own: _ } => Ok(()),
        }
    }
}

#[async_trait]
impl Storage for HdfsStorage {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            conditional_delete: ConditionalDelete::CompareThenDelete,
            real_directories: true,
            modified_resolution: Duration::from_millis(1),
        }
    }

    fn location(&self, key: &Key) -> String {
        format!("hdfs://{}{}", self.authority, self.path(key))
    }

    fn list_level<'a>(&'a self, directory: &Key) -> BoxStream<'a, Result<Entry, StorageError>> {
        list::level(self, directory.clone())
    }

    async fn stat(&self, key: &Key) -> Result<Option<Entry>, StorageError> {
        look::at(self, Operation::Stat, key).await
    }

    async fn read(&self, key: &Key, limit: u64) -> Result<Contents, StorageError> {
        read::whole(self, key, limit).await
    }

    async fn read_range(
        &self,
        key: &Key,
        offset: u64,
        length: u64,
    ) -> Result<Contents, StorageError> {
        read::range(self, key, offset, length).await
    }

    async fn delete_if_unchanged(
        &self,
        key: &Key,
        expected: &Version,
    ) -> Result<Deletion, StorageError> {
        self.may_change(Operation::Delete, key)?;
        delete::file(self, key, expected).await
    }

    async fn remove_empty_directory(&self, key: &Key) -> Result<RemovedDirectory, StorageError> {
        self.may_change(Operation::RemoveDirectory, key)?;
        delete::empty_directory(self, key).await
    }

    async fn put_if_absent(&self, key: &Key, contents: Bytes) -> Result<Put, StorageError> {
        self.may_change(Operation::Write, key)?;
        write::new(self, key, contents).await
    }

    async fn replace(&self, key: &Key, contents: Bytes) -> Result<(), StorageError> {
        self.may_change(Operation::Write, key)?;
        write::over(self, key, contents).await
    }
}
