use std::sync::Arc;

use futures::StreamExt;
use opendal::ErrorKind;

use super::ObjectStorage;
use super::list::names;
use super::look;
use crate::port::{
    Deletion, Entry, EntryKind, Key, Operation, RemovedDirectory, Storage, StorageError, Version,
};

/// One object, in one request where the store compares for us.
pub(super) async fn object(
    store: &ObjectStorage,
    key: &Key,
    expected: &Version,
) -> Result<Deletion, StorageError> {
    if !expected.is_verifiable() {
        let path = store.location(key);
        return Err(StorageError::Unverifiable { path });
    }
    let heeded = store.conditions(Operation::Delete, key).await?;
    match &expected.etag {
        Some(etag) if heeded.deletes => with_condition(store, key, etag).await,
        Some(_) | None => compare_then_delete(store, key, expected, heeded.deletes).await,
    }
}

async fn with_condition(
    store: &ObjectStorage,
    key: &Key,
    etag: &str,
) -> Result<Deletion, StorageError> {
    let operation = Operation::Delete;
    let name = store.object_name(operation, key)?;
    let (operator, protocol) = (&store.operator, store.protocol);
    match protocol.delete_if(operator, &name, etag).await {
        Ok(()) => Ok(Deletion::Deleted),
        // Something else is there, or nothing: an earlier attempt of ours may have succeeded without an answer.
        Err(error) if error.kind() == ErrorKind::ConditionNotMatch => {
            Ok(match look::at(store, key).await? {
                Some(found) => Deletion::Changed { found },
                None => Deletion::AlreadyGone,
            })
        }
        Err(error) => Err(store.failure(operation, key, &error)),
    }
}

/// What is compared is what the store says in two requests; where it can, the second one deletes only what the first one
/// showed.
async fn compare_then_delete(
    store: &ObjectStorage,
    key: &Key,
    expected: &Version,
    conditions_are_heeded: bool,
) -> Result<Deletion, StorageError> {
    let operation = Operation::Delete;
    let name = store.object_name(operation, key)?;
    let found = match look::at(store, key).await? {
        None => return Ok(Deletion::AlreadyGone),
        Some(found) if found.kind != EntryKind::File || !is_still(expected, &found.version) => {
            return Ok(Deletion::Changed { found });
        }
        Some(found) => found,
    };
    if let Some(etag) = &found.version.etag
        && conditions_are_heeded
    {
        return with_condition(store, key, etag).await;
    }
    store
        .operator
        .delete(&name)
        .await
        .map_err(|error| store.failure(operation, key, &error))?;
    Ok(Deletion::Deleted)
}

/// By all that was known of it: whoever decided may have known no etag.
fn is_still(expected: &Version, found: &Version) -> bool {
    let Version {
        size,
        modified,
        etag,
    } = expected;
    *size == found.size
        && (modified.is_none() || *modified == found.modified)
        && (etag.is_none() || *etag == found.etag)
}

/// The objects that stand for an empty directory: one whose name ends with `/`, and in some stores one of its very name.
pub(super) async fn marker(
    store: &ObjectStorage,
    key: &Key,
) -> Result<RemovedDirectory, StorageError> {
    let operation = Operation::RemoveDirectory;
    let stub = match look::object(store, key, operation).await? {
        Some(found) if found.kind == EntryKind::Directory => Some(found),
        None => None,
        Some(_) => {
            return Err(StorageError::NotADirectory {
                operation,
                path: store.location(key),
                obstacle: store.location(key),
            });
        }
    };
    let name = store.directory_name(operation, key)?;
    let failure = |error| store.bucket_failure(operation, key, &error);
    let mut listing = names(store, &name, Some(2)).await.map_err(failure)?;
    let mut marked = false;
    while let Some(entry) = listing.next().await.transpose().map_err(failure)? {
        if entry.path() != name {
            return Ok(RemovedDirectory::NotEmpty);
        }
        marked = true;
    }
    if let Some(stub) = &stub {
        remove_stub(store, key, stub).await?;
    }
    if !marked {
        return Ok(match stub {
            Some(_) => RemovedDirectory::Removed,
            None => RemovedDirectory::AlreadyGone,
        });
    }
    // Whatever is written into the directory meanwhile stays: only the marker has this name.
    match store.operator.delete(&name).await {
        Ok(()) => Ok(RemovedDirectory::Removed),
        Err(error) => Err(match store.failure(operation, key, &error) {
            StorageError::NotFound { operation, path } => StorageError::Unavailable {
                operation,
                path,
                cause: Arc::new(VanishedMarker),
            },
            other => other,
        }),
    }
}

/// As it was looked at: a file may have taken its name meanwhile. A store in which directories are real lets none go that
/// has anything in it.
async fn remove_stub(store: &ObjectStorage, key: &Key, stub: &Entry) -> Result<(), StorageError> {
    let operation = Operation::RemoveDirectory;
    let name = store.object_name(operation, key)?;
    let mark = stub.version.etag.as_deref();
    let mark = mark.unwrap_or(store.protocol.mark_of_nothing());
    let deleted = store.protocol.delete_if(&store.operator, &name, mark).await;
    deleted.map_err(|error| store.failure(operation, key, &error))
}

#[derive(Debug, thiserror::Error)]
#[error("its marker vanished meanwhile")]
struct VanishedMarker;
