use bytes::Bytes;
use hdfs_native::{HdfsError, WriteOptions};

use super::HdfsStorage;
use super::ask::{change, data_nodes};
use super::error::said;
use super::look;
use crate::port::{EntryKind, Key, Operation, PartialWrite, Put, Storage, StorageError};

const OPERATION: Operation = Operation::Write;

/// Makes the file under another name, then gives it the right name if that is free: the `NameNode` decides under its lock.
pub(super) async fn new(
    store: &HdfsStorage,
    key: &Key,
    contents: Bytes,
) -> Result<Put, StorageError> {
    if look::at(store, OPERATION, key).await?.is_some() {
        return Ok(Put::Exists);
    }
    let partial = Partial::write(store, key, contents).await?;
    match partial.publish(IfThere::Keep).await {
        Published::Yes => Ok(Put::Created),
        // Also by a directory, of which the NameNode says something else.
        Published::Refused(_) if look::at(store, OPERATION, key).await?.is_some() => {
            Ok(Put::Exists)
        }
        Published::Refused(error) => Err(store.failure(OPERATION, key, error).await),
        Published::Unknown(failure) => Err(failure),
    }
}

/// Makes the file under another name, then renames it onto the right one, in one step of the `NameNode`.
pub(super) async fn over(
    store: &HdfsStorage,
    key: &Key,
    contents: Bytes,
) -> Result<(), StorageError> {
    let there = look::at(store, OPERATION, key).await?;
    if there.is_some_and(|entry| entry.kind == EntryKind::Directory) {
        let path = store.location(key);
        return Err(StorageError::IsADirectory {
            operation: OPERATION,
            path,
        });
    }
    let partial = Partial::write(store, key, contents).await?;
    match partial.publish(IfThere::Replace).await {
        Published::Yes => Ok(()),
        Published::Refused(error) => Err(store.failure(OPERATION, key, error).await),
        Published::Unknown(failure) => Err(failure),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum IfThere {
    Keep,
    Replace,
}

enum Published {
    Yes,
    Refused(HdfsError),
    Unknown(StorageError),
}

/// A complete file under a name that readers ignore and that nobody else knows.
struct Partial<'a> {
    store: &'a HdfsStorage,
    key: &'a Key,
    path: String,
}

impl<'a> Partial<'a> {
    async fn write(
        store: &'a HdfsStorage,
        key: &'a Key,
        contents: Bytes,
    ) -> Result<Self, StorageError> {
        let name = format!(
            "{}{:016x}{:016x}",
            PartialWrite::PREFIX,
            fastrand::u64(..),
            fastrand::u64(..)
        );
        let beside = key.parent().unwrap_or_else(Key::root).join(&name);
        let beside = beside.map_err(|why| store.unavailable(OPERATION, key, why.to_string()))?;
        let partial = Self {
            store,
            key,
            path: store.path(&beside),
        };
        match partial.fill(contents).await {
            Ok(()) => Ok(partial),
            Err(error) => {
                // What cannot be removed is ignored by its name.
                let _ = partial.remove().await;
                Err(store.failure(OPERATION, key, error).await)
            }
        }
    }

    /// Closing waits until the `DataNodes` have synced the bytes and the `NameNode` has noted them.
    async fn fill(&self, contents: Bytes) -> hdfs_native::Result<()> {
        let options = WriteOptions::default();
        let mut file = change(self.store.client.create(&self.path, options)).await?;
        data_nodes(file.write_bytes(contents)).await?;
        data_nodes(file.close()).await
    }

    /// If no answer came, the right name may be taken by our own file. The other name then tells: as nobody else knows it,
    /// it is gone only if the renaming took place, and once it is removed that cannot take place any more.
    async fn publish(&self, if_there: IfThere) -> Published {
        let Self { store, key, path } = self;
        let to = store.path(key);
        let overwrite = if_there == IfThere::Replace;
        let renamed = change(store.client.rename(path, &to, overwrite)).await;
        let Err(error) = renamed else {
            return Published::Yes;
        };
        let refused = matches!(error, HdfsError::RPCError(..) | HdfsError::AlreadyExists(_));
        match self.remove().await {
            _ if refused => Published::Refused(error),
            Ok(true) => Published::Refused(error),
            // Or somebody removed the whole directory.
            Ok(false) if store.status(&to).await.is_ok() => Published::Yes,
            Ok(false) | Err(_) => {
                let why = format!("whether it was written is not known: {}", said(&error));
                Published::Unknown(store.unavailable(OPERATION, key, why))
            }
        }
    }

    /// Whether it was there.
    async fn remove(&self) -> hdfs_native::Result<bool> {
        change(self.store.client.delete(&self.path, false)).await
    }
}
