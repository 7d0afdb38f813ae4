use std::sync::Arc;

use bytes::Bytes;
use opendal::ErrorKind;
use tokio::time::sleep;

use super::{ObjectStorage, client};
use crate::port::{Key, Operation, Put, Storage, StorageError};

/// An object that must not be there yet.
pub(super) async fn new(
    store: &ObjectStorage,
    key: &Key,
    contents: Bytes,
) -> Result<Put, StorageError> {
    let operation = Operation::Write;
    if !store.conditions(operation, key).await?.writes {
        return Err(StorageError::Unsupported {
            operation,
            path: store.location(key),
            cause: Arc::new(HeedsNoCondition(store.protocol.condition_of_absence())),
        });
    }
    let name = store.object_name(operation, key)?;
    match if_absent(store, &name, contents).await {
        Ok(()) => Ok(Put::Created),
        Err(error) if error.kind() == ErrorKind::ConditionNotMatch => Ok(Put::Exists),
        Err(error) => Err(store.bucket_failure(operation, key, &error)),
    }
}

/// Begun anew as a whole where it breaks off. The client would go on with the upload, and a store that has ended or lost
/// it knows it no more. An attempt that succeeded without an answer then stands in the way of the next one; whose it was
/// can be read in the object.
pub(super) async fn if_absent(
    store: &ObjectStorage,
    name: &str,
    contents: impl Into<Bytes>,
) -> Result<(), opendal::Error> {
    let contents = contents.into();
    let mut pauses = client::pauses();
    loop {
        let write = store.once.write_with(name, contents.clone());
        match write.if_not_exists(true).await {
            Err(error) if error.is_temporary() => match pauses.next() {
                Some(pause) => sleep(pause).await,
                None => return Err(error),
            },
            written => return written.map(drop),
        }
    }
}

/// An object of our own, whatever is there. One request, so a reader sees all of the old or all of the new one.
pub(super) async fn over(
    store: &ObjectStorage,
    key: &Key,
    contents: Bytes,
) -> Result<(), StorageError> {
    let operation = Operation::Write;
    let name = store.object_name(operation, key)?;
    let written = store.operator.write(&name, contents).await;
    written
        .map(drop)
        .map_err(|error| store.bucket_failure(operation, key, &error))
}

#[derive(Debug, thiserror::Error)]
#[error("it does not heed `{0}`, so two operators could both own the directory")]
struct HeedsNoCondition(&'static str);
