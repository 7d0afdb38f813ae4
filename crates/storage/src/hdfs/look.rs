use hdfs_native::HdfsError;
use hdfs_native::client::FileStatus;
use jiff::Timestamp;

use super::HdfsStorage;
use super::error::is_link;
use crate::port::{Entry, EntryKind, Key, Operation, Storage, StorageError, Version};

/// What is at `key`, not following a link there.
pub(super) async fn at(
    store: &HdfsStorage,
    operation: Operation,
    key: &Key,
) -> Result<Option<Entry>, StorageError> {
    let status = status(store, operation, key).await?;
    Ok(status.map(|status| entry(key.clone(), &status)))
}

/// The same in the words of HDFS.
pub(super) async fn status(
    store: &HdfsStorage,
    operation: Operation,
    key: &Key,
) -> Result<Option<FileStatus>, StorageError> {
    let path = store.path(key);
    match store.status(&path).await {
        Ok(status) => Ok(Some(status)),
        // The NameNode knows of nothing there.
        Err(HdfsError::FileNotFound(_)) => Ok(None),
        Err(error) if is_link(&error) && store.is_link_itself(&path).await => {
            store.link(operation, key).await
        }
        Err(error) => Err(store.failure(operation, key, error).await),
    }
}

/// The regular file at `key`.
pub(super) async fn file(
    store: &HdfsStorage,
    operation: Operation,
    key: &Key,
) -> Result<Entry, StorageError> {
    let path = store.location(key);
    let Some(entry) = at(store, operation, key).await? else {
        return Err(StorageError::NotFound { operation, path });
    };
    match entry.kind {
        EntryKind::File => Ok(entry),
        EntryKind::Directory => Err(StorageError::IsADirectory { operation, path }),
        EntryKind::Symlink => Err(StorageError::SymlinkInPath {
            operation,
            link: path.clone(),
            path,
        }),
        EntryKind::Other => Err(StorageError::NotAFile { operation, path }),
    }
}

pub(super) fn entry(key: Key, status: &FileStatus) -> Entry {
    Entry {
        key,
        kind: kind(status),
        version: Version {
            size: u64::try_from(status.length).unwrap_or(u64::MAX),
            modified: i64::try_from(status.modification_time)
                .ok()
                .and_then(|time| Timestamp::from_millisecond(time).ok()),
            etag: None,
        },
    }
}

/// The client tells directories from everything else only. Every file has a block size and a replication, also an empty
/// one and one that is erasure coded; a link has neither.
fn kind(status: &FileStatus) -> EntryKind {
    if status.isdir {
        EntryKind::Directory
    } else if status.blocksize.is_some_and(|size| size > 0)
        && status.replication.is_some_and(|copies| copies > 0)
    {
        EntryKind::File
    } else {
        EntryKind::Symlink
    }
}
