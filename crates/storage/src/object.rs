//! Object stores (S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage), through OpenDAL.
//!
//! Its operator is asked for one object or one level at a time, under names that it takes literally. Its batch
//! deleter gives no result for each key, and its recursive listing leaves out what it may not see, so neither is used.

mod account;
mod address;
mod azure;
mod circle;
mod client;
mod clocks;
mod conditions;
mod delete;
mod error;
mod gcs;
mod list;
mod look;
mod name;
mod page;
mod protocol;
mod read;
mod refusal;
mod s3;
mod search;
mod secret;
mod transport;
mod write;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use opendal::Operator;
use tokio::sync::OnceCell;

use crate::port::{
    Capabilities, ConditionalDelete, Contents, Deletion, Entry, Key, OnlyLookedAt, Operation, Put,
    RemovedDirectory, Storage, StorageError, Version,
};
pub use account::{Access, Account, Buckets, Directories};
pub use azure::{AzureAccess, AzureIdentity, NoAzureIdentity};
use conditions::Conditions;
pub use gcs::{GcsAccess, GcsCredentials, NoServiceAccountKey, ServiceAccountKey};
use protocol::Protocol;
pub use s3::{S3Access, S3Credentials};
use search::LastSearch;
pub use secret::Secret;
use transport::Transport;

/// The buckets that one identity reaches at one store that speaks S3.
pub type S3Account = Account<S3Access>;
/// The buckets that one identity reaches in Google Cloud Storage.
pub type GcsAccount = Account<GcsAccess>;
/// The containers of an account of Azure Storage, as one identity.
pub type AzureAccount = Account<AzureAccess>;

/// A prefix of a bucket.
#[derive(Debug, Clone)]
pub struct ObjectStorage {
    operator: Operator,
    /// For what is tried again by us, as a whole.
    once: Operator,
    transport: Transport,
    protocol: Protocol,
    /// What the names of all objects begin with: nothing, or something that ends with `/`.
    prefix: String,
    /// The bucket as a person writes it: `s3://bucket`, `gs://bucket`, `abfss://container@account.dfs.core.windows.net`.
    bucket: String,
    /// A directory of our own, in which is tried out what the store makes of conditions. Without one nothing is changed.
    own: Option<Key>,
    conditions: Arc<OnceCell<Conditions>>,
    /// Where it is, for messages.
    service: String,
    /// What no message may show.
    secrets: Arc<[Secret]>,
    search: LastSearch,
}

impl ObjectStorage {
    fn refuse_root(&self, operation: Operation, key: &Key) -> Result<(), StorageError> {
        if key.is_root() {
            let path = self.location(key);
            return Err(StorageError::IsRoot { operation, path });
        }
        Ok(())
    }

    /// The directory of our own, of a store in which something may be changed.
    fn own(&self, operation: Operation, key: &Key) -> Result<&Key, StorageError> {
        self.own.as_ref().ok_or_else(|| StorageError::Unsupported {
            operation,
            path: self.location(key),
            cause: Arc::new(OnlyLookedAt),
        })
    }
}

/// What the names of all objects in a directory of a bucket begin with.
fn directory_prefix(directory: &Key) -> String {
    if directory.is_root() {
        String::new()
    } else {
        format!("{directory}/")
    }
}

#[async_trait]
impl Storage for ObjectStorage {
    /// Before the first deletion it is not known whether the store heeds conditions, so the weaker promise holds.
    fn capabilities(&self) -> Capabilities {
        let atomic = self.conditions.get().is_some_and(|heeded| heeded.deletes);
        Capabilities {
            conditional_delete: if atomic {
                ConditionalDelete::Atomic
            } else {
                ConditionalDelete::CompareThenDelete
            },
            real_directories: false,
            modified_resolution: Duration::from_secs(1),
        }
    }

    fn location(&self, key: &Key) -> String {
        format!("{}/{}{key}", self.bucket, self.prefix)
    }

    fn list_level<'a>(&'a self, directory: &Key) -> BoxStream<'a, Result<Entry, StorageError>> {
        list::level(self, directory.clone())
    }

    async fn stat(&self, key: &Key) -> Result<Option<Entry>, StorageError> {
        look::at(self, key).await
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
        self.refuse_root(Operation::Delete, key)?;
        delete::object(self, key, expected).await
    }

    async fn remove_empty_directory(&self, key: &Key) -> Result<RemovedDirectory, StorageError> {
        self.refuse_root(Operation::RemoveDirectory, key)?;
        self.own(Operation::RemoveDirectory, key)?;
        delete::marker(self, key).await
    }

    async fn put_if_absent(&self, key: &Key, contents: Bytes) -> Result<Put, StorageError> {
        self.refuse_root(Operation::Write, key)?;
        write::new(self, key, contents).await
    }

    async fn replace(&self, key: &Key, contents: Bytes) -> Result<(), StorageError> {
        self.refuse_root(Operation::Write, key)?;
        self.own(Operation::Write, key)?;
        write::over(self, key, contents).await
    }
}
