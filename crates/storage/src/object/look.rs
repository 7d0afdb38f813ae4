use std::sync::Arc;

use futures::StreamExt;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use opendal::{ErrorKind, Metadata};

use super::ObjectStorage;
use super::list::names;
use super::protocol::Protocol;
use crate::port::{Entry, EntryKind, Key, Operation, Storage, StorageError, Version};

/// What is at `key`: an object, or a directory if any object's name begins with it.
pub(super) async fn at(store: &ObjectStorage, key: &Key) -> Result<Option<Entry>, StorageError> {
    match object(store, key, Operation::Stat).await? {
        // No one can decide about what only stands for a directory.
        Some(entry) if entry.kind == EntryKind::Directory => Ok(Some(directory_entry(entry.key))),
        Some(entry) => Ok(Some(entry)),
        None => directory(store, key).await,
    }
}

/// The object at `key`, if there is one: a file, or what stands for a directory of this name.
///
/// Anything between us and the store can answer 404, and to this question many stores say no more than that. So what is
/// absent must be missing in a listing, too; this also tells a missing object from a missing bucket.
pub(super) async fn object(
    store: &ObjectStorage,
    key: &Key,
    operation: Operation,
) -> Result<Option<Entry>, StorageError> {
    if key.is_root() {
        return Ok(None);
    }
    let name = store.object_name(operation, key)?;
    if let Some(entry) = head(store, key, &name, operation).await? {
        return Ok(Some(entry));
    }
    if !is_listed(store, key, &name, operation).await? {
        return Ok(None);
    }
    // Written meanwhile, as a rule.
    let entry = head(store, key, &name, operation).await?;
    entry.map(Some).ok_or_else(|| StorageError::Unavailable {
        operation,
        path: store.location(key),
        cause: Arc::new(ListedAndMissing),
    })
}

#[derive(Debug, thiserror::Error)]
#[error("the store lists it and says that it is not there")]
pub(super) struct ListedAndMissing;

pub(super) async fn head(
    store: &ObjectStorage,
    key: &Key,
    name: &str,
    operation: Operation,
) -> Result<Option<Entry>, StorageError> {
    match store.operator.stat(name).await {
        Ok(metadata) => Ok(Some(Entry {
            key: key.clone(),
            kind: if store.protocol.is_a_directory(&metadata) {
                EntryKind::Directory
            } else {
                EntryKind::File
            },
            version: version_of(store.protocol, &metadata),
        })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(store.failure(operation, key, &error)),
    }
}

/// Whether there is an object of this name. It is the first of all that begin with it; only the directory of the same
/// name can come before it, as some clients sort them.
async fn is_listed(
    store: &ObjectStorage,
    key: &Key,
    name: &str,
    operation: Operation,
) -> Result<bool, StorageError> {
    let failure = |error| store.bucket_failure(operation, key, &error);
    let mut listing = names(store, name, Some(1)).await.map_err(failure)?;
    while let Some(listed) = listing.next().await.transpose().map_err(failure)? {
        match listed.path().strip_prefix(name) {
            Some("") => return Ok(true),
            Some("/") => {}
            Some(_) | None => return Ok(false),
        }
    }
    Ok(false)
}

async fn directory(store: &ObjectStorage, key: &Key) -> Result<Option<Entry>, StorageError> {
    let operation = Operation::Stat;
    let name = store.directory_name(operation, key)?;
    let failure = |error| store.bucket_failure(operation, key, &error);
    let mut listing = names(store, &name, Some(1)).await.map_err(failure)?;
    let first = listing.next().await.transpose().map_err(failure)?;
    let found = first.is_some() || key.is_root();
    Ok(found.then(|| directory_entry(key.clone())))
}

pub(super) fn directory_entry(key: Key) -> Entry {
    Entry {
        key,
        kind: EntryKind::Directory,
        version: Version {
            size: 0,
            modified: None,
            etag: None,
        },
    }
}

/// In the one form in which listings, HEAD and GET agree: some stores give fractions of a second or quotation marks
/// only in some of them.
pub(super) fn version_of(protocol: Protocol, metadata: &Metadata) -> Version {
    Version {
        size: metadata.content_length(),
        modified: metadata
            .last_modified()
            .and_then(|time| whole_seconds(time.into_inner())),
        etag: protocol.mark(metadata),
    }
}

fn whole_seconds(time: Timestamp) -> Option<Timestamp> {
    let seconds = TimestampRound::new()
        .smallest(Unit::Second)
        .mode(RoundMode::Floor);
    time.round(seconds).ok()
}
