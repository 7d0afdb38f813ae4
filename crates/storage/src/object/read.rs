use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use opendal::raw::Operation as Asked;
use opendal::{Buffer, ErrorKind};
use tokio::time::sleep;

use super::look::{self, ListedAndMissing, version_of};
use super::{ObjectStorage, client};
use crate::port::{Contents, Entry, EntryKind, Key, Operation, Storage, StorageError};

/// The whole object in one request, if it is not longer than `limit` bytes.
pub(super) async fn whole(
    store: &ObjectStorage,
    key: &Key,
    limit: u64,
) -> Result<Contents, StorageError> {
    let operation = Operation::Read;
    refuse_root(store, key)?;
    let name = store.object_name(operation, key)?;
    match request(store, &name, limit).await {
        Ok(Answer::Contents(contents)) if contents.bytes.len() as u64 == contents.version.size => {
            if store.protocol.may_be_a_directory(&contents.version) {
                return Ok(nothing_of(found(store, key).await?));
            }
            Ok(contents)
        }
        Ok(Answer::Contents(_) | Answer::Changed | Answer::Replaced) => {
            Err(StorageError::ChangedWhileRead {
                path: store.location(key),
            })
        }
        Ok(Answer::TooLarge(size)) => Err(StorageError::TooLarge {
            path: store.location(key),
            size,
            limit,
        }),
        // Some stores have no range at all in an empty object.
        Err(error) if error.kind() == ErrorKind::RangeNotSatisfied => {
            Ok(nothing_of(found(store, key).await?))
        }
        Err(error) => Err(failure(store, key, &error).await),
    }
}

/// What is said to be missing in other words than the store's must be missing in a listing, too.
async fn failure(store: &ObjectStorage, key: &Key, error: &opendal::Error) -> StorageError {
    let operation = Operation::Read;
    let failure = store.failure(operation, key, error);
    if !failure.is_not_found() || store.protocol.names_what_is_missing(Asked::Read) {
        return failure;
    }
    match found(store, key).await {
        Ok(_) => StorageError::Unavailable {
            operation,
            path: store.location(key),
            cause: Arc::new(ListedAndMissing),
        },
        Err(why) => why,
    }
}

enum Answer {
    Contents(Contents),
    TooLarge(u64),
    /// Not the contents of one version, or not as they are stored.
    Changed,
    /// Another version was there when the time was asked for.
    Replaced,
}

/// Begun anew where it breaks off: to go on from there could be to go on in another version.
async fn request(store: &ObjectStorage, name: &str, limit: u64) -> Result<Answer, opendal::Error> {
    let mut pauses = client::pauses();
    loop {
        match attempt(store, name, limit).await {
            Err(error) if error.is_temporary() => match pauses.next() {
                Some(pause) => sleep(pause).await,
                None => return Err(error),
            },
            Ok(Answer::Replaced) => match pauses.next() {
                Some(pause) => sleep(pause).await,
                None => return Ok(Answer::Replaced),
            },
            answer => return answer,
        }
    }
}

async fn attempt(store: &ObjectStorage, name: &str, limit: u64) -> Result<Answer, opendal::Error> {
    let mut stream = store.once.reader(name).await?.into_stream(..).await?;
    let version = version_of(store.protocol, &stream.metadata().await?);
    if version.size > limit {
        return Ok(Answer::TooLarge(version.size));
    }
    let mut parts: Vec<Buffer> = Vec::new();
    let mut length = 0;
    while let Some(part) = stream.try_next().await? {
        length += part.len() as u64;
        if length > version.size {
            // What was unpacked on the way can have any length.
            return Ok(Answer::Changed);
        }
        parts.push(part);
    }
    let bytes: Buffer = parts.into_iter().flatten().collect();
    let bytes = bytes.to_bytes();
    if version.modified.is_some() && store.protocol.dates_contents() {
        return Ok(Answer::Contents(Contents { bytes, version }));
    }
    // Some stores tell the time only of the object, not beside its contents.
    let stated = version_of(store.protocol, &store.operator.stat(name).await?);
    let is_same = stated.size == version.size && stated.etag == version.etag;
    Ok(if is_same {
        let version = stated;
        Answer::Contents(Contents { bytes, version })
    } else {
        Answer::Replaced
    })
}

/// A part, clamped to the object as it is: the client takes a shorter answer than it asked for as an error.
pub(super) async fn range(
    store: &ObjectStorage,
    key: &Key,
    offset: u64,
    length: u64,
) -> Result<Contents, StorageError> {
    let operation = Operation::Read;
    refuse_root(store, key)?;
    let entry = found(store, key).await?;
    let range = offset..offset.saturating_add(length).min(entry.version.size);
    if range.is_empty() {
        return Ok(nothing_of(entry));
    }
    let name = store.object_name(operation, key)?;
    let mark = entry.version.etag.as_deref();
    let read = store.protocol.read_if(&store.operator, &name, range, mark);
    match read.await {
        Ok(bytes) => Ok(Contents {
            bytes: bytes.to_bytes(),
            version: entry.version,
        }),
        Err(error) => Err(match error.kind() {
            ErrorKind::ConditionNotMatch | ErrorKind::RangeNotSatisfied => {
                StorageError::ChangedWhileRead {
                    path: store.location(key),
                }
            }
            _ => failure(store, key, &error).await,
        }),
    }
}

async fn found(store: &ObjectStorage, key: &Key) -> Result<Entry, StorageError> {
    let operation = Operation::Read;
    let path = store.location(key);
    match look::object(store, key, operation).await? {
        Some(entry) if entry.kind == EntryKind::Directory => {
            Err(StorageError::IsADirectory { operation, path })
        }
        Some(entry) => Ok(entry),
        None => Err(StorageError::NotFound { operation, path }),
    }
}

fn nothing_of(entry: Entry) -> Contents {
    Contents {
        bytes: Bytes::new(),
        version: entry.version,
    }
}

fn refuse_root(store: &ObjectStorage, key: &Key) -> Result<(), StorageError> {
    if key.is_root() {
        let (operation, path) = (Operation::Read, store.location(key));
        return Err(StorageError::IsADirectory { operation, path });
    }
    Ok(())
}
