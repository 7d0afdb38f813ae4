use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use hdfs_native::HdfsError;
use hdfs_native::file::FileReader;

use super::HdfsStorage;
use super::ask::{data_nodes, question};
use super::look;
use crate::port::{Contents, Entry, Key, Operation, Storage, StorageError};

/// How often a file that is replaced while it is read is read anew.
const ATTEMPTS: usize = 10;
const OPERATION: Operation = Operation::Read;

/// The whole file, if it is not longer than `limit` bytes.
pub(super) async fn whole(
    store: &HdfsStorage,
    key: &Key,
    limit: u64,
) -> Result<Contents, StorageError> {
    part(store, key, |size| {
        if size > limit {
            return Err(StorageError::TooLarge {
                path: store.location(key),
                size,
                limit,
            });
        }
        Ok((0, size))
    })
    .await
}

pub(super) async fn range(
    store: &HdfsStorage,
    key: &Key,
    offset: u64,
    length: u64,
) -> Result<Contents, StorageError> {
    part(store, key, |size| {
        let offset = offset.min(size);
        Ok((offset, length.min(size - offset)))
    })
    .await
}

async fn part(
    store: &HdfsStorage,
    key: &Key,
    wanted: impl Fn(u64) -> Result<(u64, u64), StorageError>,
) -> Result<Contents, StorageError> {
    for _ in 0..ATTEMPTS {
        let before = look::file(store, OPERATION, key).await?;
        let (offset, length) = wanted(before.version.size)?;
        match attempt(store, key, &before, offset, length).await {
            Ok(bytes) => {
                let version = before.version;
                return Ok(Contents { bytes, version });
            }
            Err(Failed::Changed) => {}
            Err(Failed::Client(error)) => {
                // The blocks of a file that was replaced or deleted go with it.
                if look::file(store, OPERATION, key).await? == before {
                    let failure = store.failure(OPERATION, key, error).await;
                    return Err(no_absence(failure));
                }
            }
        }
        tokio::task::yield_now().await;
    }
    Err(StorageError::ChangedWhileRead {
        path: store.location(key),
    })
}

enum Failed {
    Changed,
    Client(HdfsError),
}

impl From<HdfsError> for Failed {
    fn from(error: HdfsError) -> Self {
        Self::Client(error)
    }
}

/// What is opened has its blocks, which never change: if the file is the same before and after that, they are of this
/// version, and bytes of two versions cannot meet.
async fn attempt(
    store: &HdfsStorage,
    key: &Key,
    before: &Entry,
    offset: u64,
    length: u64,
) -> Result<Bytes, Failed> {
    let path = store.path(key);
    let reader = question(store.client.read(&path)).await?;
    let after = look::entry(key.clone(), &store.status(&path).await?);
    // Of a file that is being written the blocks may be longer or shorter than what was said of it.
    if after != *before || reader.file_length() as u64 != before.version.size {
        return Err(Failed::Changed);
    }
    bytes(&reader, offset, length).await
}

async fn bytes(reader: &FileReader, offset: u64, length: u64) -> Result<Bytes, Failed> {
    let too_long = |_| HdfsError::InvalidArgument("longer than this machine can hold".to_owned());
    let offset = usize::try_from(offset).map_err(too_long)?;
    let length = usize::try_from(length).map_err(too_long)?;
    let mut bytes = BytesMut::with_capacity(length);
    let mut stream = Box::pin(reader.read_range_stream(offset, length));
    while let Some(part) = data_nodes(async { stream.next().await.transpose() }).await? {
        bytes.extend_from_slice(&part);
    }
    // The client leaves out blocks of which the NameNode says nothing.
    if bytes.len() != length {
        let found = bytes.len();
        let text = format!("its blocks have {found} of {length} bytes");
        return Err(HdfsError::BlocksNotFound(text).into());
    }
    Ok(bytes.freeze())
}

/// The file is there: what is missing is a part of it.
fn no_absence(failure: StorageError) -> StorageError {
    match failure {
        StorageError::NotFound { operation, path } => StorageError::Unavailable {
            operation,
            path,
            cause: Arc::new(Unreadable),
        },
        other => other,
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the NameNode lists it, and cannot open it")]
struct Unreadable;
