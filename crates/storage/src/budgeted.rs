//! Stores that share one amount of memory for what is read from them: files of anybody must not take all of it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::port::{
    Capabilities, Contents, Deletion, Entry, Key, Operation, Put, RemovedDirectory, Storage,
    StorageError, Version,
};

const MEBIBYTE: u64 = 1024 * 1024;
/// What nearly all files stay below. They have an amount of their own, so that they never wait for giants, of which one
/// tenant may have left any number.
pub(crate) const SMALL: u64 = MEBIBYTE;
const SMALL_AT_ONCE: usize = 64;
/// How many of them one store may have under way, so that one which hangs leaves some to the others.
const UNDER_WAY: usize = 32;
/// What all larger files share, in mebibytes: a quarter of the memory that the chart gives the operator. One that is
/// larger still takes all of it, and is read alone.
const LARGE_MEBIBYTES: u32 = 256;

/// How much of all that was read may be in memory at once. Its clones are the same amount.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Default for MemoryBudget {
    fn default() -> Self {
        Self {
            small: Arc::new(Semaphore::new(SMALL_AT_ONCE)),
            large: Arc::new(Semaphore::new(LARGE_MEBIBYTES as usize)),
        }
    }
}

/// A store that reads within a budget. Bytes count until the last clone of them is dropped, so whoever holds some must not
/// wait for others. Those who wait have their turn in the order in which they came.
#[derive(Clone, Debug)]
pub struct Budgeted {
    inner: Arc<dyn Storage>,
    budget: MemoryBudget,
    turns: Arc<Semaphore>,
}

/// Bytes, and their share of the budget.
struct Held {
    bytes: Bytes,
    _share: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Budgeted {
    #[must_use]
    pub fn new(inner: Arc<dyn Storage>, budget: MemoryBudget) -> Self {
        Self {
            inner,
            budget,
            turns: Arc::new(Semaphore::new(UNDER_WAY)),
        }
    }

    async fn reserve(&self, key: &Key, size: u64) -> Result<OwnedSemaphorePermit, StorageError> {
        let (lane, share) = if size <= SMALL {
            (&self.budget.small, 1)
        } else {
            let mebibytes = u32::try_from(size.div_ceil(MEBIBYTE)).unwrap_or(u32::MAX);
            (&self.budget.large, mebibytes.min(LARGE_MEBIBYTES))
        };
        let share = Arc::clone(lane).acquire_many_owned(share).await;
        share.map_err(|closed| self.closed(key, closed))
    }

    fn closed(&self, key: &Key, closed: AcquireError) -> StorageError {
        StorageError::Unavailable {
            operation: Operation::Read,
            path: self.location(key),
            cause: Arc::new(closed),
        }
    }
}

fn held(contents: Contents, share: OwnedSemaphorePermit) -> Contents {
    let Contents { bytes, version } = contents;
    let held = Held {
        bytes,
        _share: share,
    };
    Contents {
        bytes: Bytes::from_owner(held),
        version,
    }
}

#[async_trait]
impl Storage for Budgeted {
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

    /// Tries as if the file were small. Where it is not, the store says how large it is, and has read nothing.
    async fn read(&self, key: &Key, limit: u64) -> Result<Contents, StorageError> {
        let turn = self.turns.acquire().await;
        let turn = turn.map_err(|closed| self.closed(key, closed))?;
        let share = self.reserve(key, 0).await?;
        let (path, size) = match self.inner.read(key, limit.min(SMALL)).await {
            Ok(contents) => return Ok(held(contents, share)),
            Err(StorageError::TooLarge { path, size, .. }) => (path, size),
            Err(other) => return Err(other),
        };
        drop((share, turn));
        if size > limit {
            return Err(StorageError::TooLarge { path, size, limit });
        }
        let share = self.reserve(key, size).await?;
        match self.inner.read(key, size).await {
            Ok(contents) => Ok(held(contents, share)),
            // It has grown beyond what it may take now.
            Err(StorageError::TooLarge { path, .. }) => {
                Err(StorageError::ChangedWhileRead { path })
            }
            Err(other) => Err(other),
        }
    }

    async fn read_range(
        &self,
        key: &Key,
        offset: u64,
        length: u64,
    ) -> Result<Contents, StorageError> {
        let share = self.reserve(key, length).await?;
        let contents = self.inner.read_range(key, offset, length).await?;
        Ok(held(contents, share))
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

#[cfg(test)]
mod tests;
