use futures::StreamExt;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use opendal::{ErrorKind, Metadata};

use super::ObjectStorage;
use crate::port::{Entry, EntryKind, Key, Operation, StorageError, Version};

/// What is at `key`: an object, or a directory if any object's name begins with it.
pub(super) async fn at(store: &ObjectStorage, key: &Key) -> Result<Option<Entry>, StorageError> {
    match file(store, key, Operation::Stat).await? {
        Some(entry) => Ok(Some(entry)),
        None => directory(store, key).await,
    }
}

/// The object at `key`, if there is one.
pub(super) async fn file(
    store: &ObjectStorage,
    key: &Key,
    operation: Operation,
) -> Result<Option<Entry>, StorageError> {
    if key.is_root() {
        return Ok(None);
    }
    let name = store.object_name(operation, key)?;
    match store.operator.stat(&name).await {
        Ok(metadata) => Ok(Some(Entry {
            key: key.clone(),
            kind: EntryKind::File,
            version: version_of(&metadata),
        })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(store.failure(operation, key, &error)),
    }
}

/// Also tells a missing object from a missing bucket, for both of which HEAD answers 404.
async fn directory(store: &ObjectStorage, key: &Key) -> Result<Option<Entry>, StorageError> {
    let operation = Operation::Stat;
    let name = store.directory_name(operation, key)?;
    let failure = |error| store.bucket_failure(operation, key, &error);
    let listing = store.operator.lister_with(&name).limit(1);
    let first = listing.await.map_err(failure)?.next().await;
    let found = first.transpose().map_err(failure)?.is_some() || key.is_root();
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
pub(super) fn version_of(metadata: &Metadata) -> Version {
    Version {
        size: metadata.content_length(),
        modified: metadata
            .last_modified()
            .and_then(|time| whole_seconds(time.into_inner())),
        etag: metadata
            .etag()
            .map(|etag| etag.trim_matches('"').to_owned()),
    }
}

fn whole_seconds(time: Timestamp) -> Option<Timestamp> {
    let seconds = TimestampRound::new()
        .smallest(Unit::Second)
        .mode(RoundMode::Floor);
    time.round(seconds).ok()
}
