use bytes::Bytes;
use futures::TryStreamExt;
use opendal::{Buffer, ErrorKind};

use super::ObjectStorage;
use super::look::{file, version_of};
use crate::port::{Contents, Entry, Key, Operation, Storage, StorageError};

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
            Ok(contents)
        }
        Ok(Answer::Contents(_)) => Err(StorageError::ChangedWhileRead {
            path: store.location(key),
        }),
        Ok(Answer::TooLarge(size)) => Err(StorageError::TooLarge {
            path: store.location(key),
            size,
            limit,
        }),
        // Some stores have no range at all in an empty object.
        Err(error) if error.kind() == ErrorKind::RangeNotSatisfied => {
            Ok(nothing_of(found(store, key).await?))
        }
        Err(error) => Err(store.failure(operation, key, &error)),
    }
}

enum Answer {
    Contents(Contents),
    TooLarge(u64),
}

async fn request(store: &ObjectStorage, name: &str, limit: u64) -> Result<Answer, opendal::Error> {
    let mut stream = store.operator.reader(name).await?.into_stream(..).await?;
    let version = version_of(&stream.metadata().await?);
    if version.size > limit {
        return Ok(Answer::TooLarge(version.size));
    }
    let parts: Vec<Buffer> = stream.try_collect().await?;
    let bytes: Buffer = parts.into_iter().flatten().collect();
    let bytes = bytes.to_bytes();
    Ok(Answer::Contents(Contents { bytes, version }))
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
    let mut read = store.operator.read_with(&name).range(range);
    if let Some(etag) = &entry.version.etag {
        read = read.if_match(&format!("\"{etag}\""));
    }
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
            _ => store.failure(operation, key, &error),
        }),
    }
}

async fn found(store: &ObjectStorage, key: &Key) -> Result<Entry, StorageError> {
    let operation = Operation::Read;
    let entry = file(store, key, operation).await?;
    entry.ok_or_else(|| StorageError::NotFound {
        operation,
        path: store.location(key),
    })
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
