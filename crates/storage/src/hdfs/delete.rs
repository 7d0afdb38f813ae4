use std::sync::Arc;
use std::time::Duration;

use hdfs_native::client::FileStatus;

use super::ask::deletion;
use super::error::{is_not_empty, is_not_found};
use super::{HdfsStorage, look, open_file};
use crate::port::{
    Deletion, EntryKind, Key, Operation, RemovedDirectory, Storage, StorageError, Version,
};

/// What allows a deletion is evidence of up to two minutes ago. A `NameNode` that is looked at longer than this is busy, or
/// another one takes over at this moment, when what is known is worth least.
const LOOK_WITHIN: Duration = Duration::from_secs(20);

/// Compares, then deletes: HDFS has no condition for both at once. What takes the place of the file in between is deleted
/// unseen, unless it is a directory with anything in it; that moves to the trash, where this was asked for. Flink gives no
/// name twice to its data files, and `_metadata` of a checkpoint number is only written again after its job restarted,
/// which the evidence of a batch excludes.
pub(super) async fn file(
    store: &HdfsStorage,
    key: &Key,
    expected: &Version,
) -> Result<Deletion, StorageError> {
    let operation = Operation::Delete;
    if !expected.is_verifiable() {
        let path = store.location(key);
        return Err(StorageError::Unverifiable { path });
    }
    let looked = in_time(store, operation, key, unchanged(store, key, expected));
    if let Some(otherwise) = looked.await? {
        return Ok(otherwise);
    }
    let path = store.path(key);
    let deleted = if store.goes_to_trash(key) {
        let moved = deletion(store.client.trash(&path)).await;
        if let Ok(None) = moved {
            return Err(StorageError::Unsupported {
                operation,
                path: store.location(key),
                cause: Arc::new(InTrash),
            });
        }
        moved.map(|_| true)
    } else {
        deletion(store.client.delete(&path, false)).await
    };
    match deleted {
        Ok(true) => Ok(Deletion::Deleted),
        Ok(false) => Ok(Deletion::AlreadyGone),
        Err(error) if is_not_found(&error) => match look::at(store, operation, key).await? {
            Some(found) => Ok(Deletion::Changed { found }),
            None => Ok(Deletion::AlreadyGone),
        },
        Err(error) => Err(store.failure(operation, key, error).await),
    }
}

/// None if it is the file that was expected and nobody has it open. Compared is last: the deletion follows at once.
async fn unchanged(
    store: &HdfsStorage,
    key: &Key,
    expected: &Version,
) -> Result<Option<Deletion>, StorageError> {
    let operation = Operation::Delete;
    let open = open_file::Summary::of(store, &store.path(key)).await;
    let status: FileStatus = match look::status(store, operation, key).await? {
        Some(status) => status,
        None => return Ok(Some(Deletion::AlreadyGone)),
    };
    let found = look::entry(key.clone(), &status);
    if found.kind != EntryKind::File || found.version != *expected {
        return Ok(Some(Deletion::Changed { found }));
    }
    match open {
        Ok(summary) if summary.tells_of_a_writer(&status) => Err(StorageError::BeingWritten {
            path: store.location(key),
        }),
        Ok(_) => Ok(None),
        Err(error) => Err(store.failure(operation, key, error).await),
    }
}

/// The `NameNode` refuses a directory that is not empty. A file that takes the place of the directory in between would go.
pub(super) async fn empty_directory(
    store: &HdfsStorage,
    key: &Key,
) -> Result<RemovedDirectory, StorageError> {
    let operation = Operation::RemoveDirectory;
    let looked = in_time(store, operation, key, look::at(store, operation, key));
    let Some(found) = looked.await? else {
        return Ok(RemovedDirectory::AlreadyGone);
    };
    let path = store.location(key);
    match found.kind {
        EntryKind::Directory => {}
        EntryKind::Symlink => {
            return Err(StorageError::SymlinkInPath {
                operation,
                link: path.clone(),
                path,
            });
        }
        EntryKind::File | EntryKind::Other => {
            return Err(StorageError::NotADirectory {
                operation,
                obstacle: path.clone(),
                path,
            });
        }
    }
    match deletion(store.client.delete(&store.path(key), false)).await {
        Ok(true) => Ok(RemovedDirectory::Removed),
        Ok(false) => Ok(RemovedDirectory::AlreadyGone),
        Err(error) if is_not_empty(&error) => Ok(RemovedDirectory::NotEmpty),
        Err(error) => Err(store.failure(operation, key, error).await),
    }
}

async fn in_time<T>(
    store: &HdfsStorage,
    operation: Operation,
    key: &Key,
    look: impl Future<Output = Result<T, StorageError>>,
) -> Result<T, StorageError> {
    let looked = tokio::time::timeout(LOOK_WITHIN, Box::pin(look)).await;
    looked.unwrap_or_else(|_| {
        Err(StorageError::TooLate {
            operation,
            path: store.location(key),
            within: LOOK_WITHIN,
        })
    })
}

#[derive(Debug, thiserror::Error)]
#[error("it is in the trash already")]
struct InTrash;
