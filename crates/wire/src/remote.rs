//! A store of a worker, as the rest of the program sees it.

mod listing;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use storage::{
    Capabilities, Contents, Deletion, Entry, Key, Operation, Put, RemovedDirectory, Storage,
    StorageError, Version,
};

use crate::connection::{Answers, Connection};
use crate::convert::{
    capabilities_in, deletion_in, found_in, put_in, removed_in, storage_error, version_in,
    version_out,
};
use crate::error::WireError;
use crate::limits::LONGEST_WRITE;
use crate::message::{self, Asked, At, Told};

/// One of the stores of a worker.
#[derive(Clone, Debug)]
pub struct RemoteStorage {
    connection: Connection,
    root: u32,
    location: String,
    capabilities: Capabilities,
}

/// An answer to another question.
const OTHER: WireError = WireError::Malformed("an answer to another question");

impl RemoteStorage {
    pub(crate) fn new(connection: Connection, number: u32, root: &message::Root) -> Self {
        Self {
            connection,
            root: number,
            location: root.location.clone(),
            capabilities: capabilities_in(root),
        }
    }

    fn at(&self, key: &Key) -> At {
        At {
            root: self.root,
            key: key.as_str().to_owned(),
        }
    }

    fn about<'a>(&'a self, operation: Operation, key: &'a Key) -> About<'a> {
        About {
            storage: self,
            operation,
            key,
            limit: 0,
        }
    }
}

/// What a failure is about.
#[derive(Clone, Copy)]
struct About<'a> {
    storage: &'a RemoteStorage,
    operation: Operation,
    key: &'a Key,
    limit: u64,
}

impl About<'_> {
    async fn ask(self, asked: Asked) -> Result<Answers, StorageError> {
        self.send(asked, Bytes::new()).await
    }

    async fn send(self, asked: Asked, contents: Bytes) -> Result<Answers, StorageError> {
        let answers = self.storage.connection.ask(asked, contents).await;
        answers.map_err(|error| self.wrong(error))
    }

    /// The next answer, unless it is a failure.
    async fn told(self, answers: &mut Answers) -> Result<Told, StorageError> {
        match answers.next().await {
            Ok(Told::Failure(failure)) => Err(storage_error(
                failure,
                self.operation,
                self.path(),
                self.limit,
            )),
            Ok(told) => Ok(told),
            Err(error) => Err(self.wrong(error)),
        }
    }

    async fn contents(self, mut answers: Answers, limit: u64) -> Result<Contents, StorageError> {
        let Told::Contents(message::Contents { length, version }) = self.told(&mut answers).await?
        else {
            return Err(self.wrong(OTHER));
        };
        let version = version_in(version).map_err(|error| self.wrong(error))?;
        if length > limit {
            return Err(self.wrong(WireError::Malformed("more bytes than were asked for")));
        }
        // It grows with what comes, not with what was promised.
        let mut bytes = BytesMut::new();
        while (bytes.len() as u64) < length {
            match self.told(&mut answers).await? {
                Told::Part(message::Part { bytes: part }) if !part.is_empty() => {
                    bytes.extend_from_slice(&part);
                }
                _ => return Err(self.wrong(OTHER)),
            }
        }
        if bytes.len() as u64 != length {
            return Err(self.wrong(WireError::Malformed("more bytes than were announced")));
        }
        Ok(Contents {
            bytes: bytes.freeze(),
            version,
        })
    }

    fn permit(self, bytes: u64) -> Result<Option<message::Permit>, StorageError> {
        let permit = self.storage.connection.permit(bytes);
        permit.map(Some).map_err(|error| self.wrong(error))
    }

    fn path(self) -> String {
        self.storage.location(self.key)
    }

    fn wrong(self, error: WireError) -> StorageError {
        StorageError::Unavailable {
            operation: self.operation,
            path: self.path(),
            cause: Arc::new(error),
        }
    }
}

#[async_trait]
impl Storage for RemoteStorage {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn location(&self, key: &Key) -> String {
        if key.is_root() {
            return self.location.clone();
        }
        format!("{}/{key}", self.location.trim_end_matches('/'))
    }

    fn list_level<'a>(&'a self, directory: &Key) -> BoxStream<'a, Result<Entry, StorageError>> {
        listing::stream(self, directory.clone())
    }

    async fn stat(&self, key: &Key) -> Result<Option<Entry>, StorageError> {
        let about = self.about(Operation::Stat, key);
        let mut answers = about.ask(Asked::Stat(self.at(key))).await?;
        let Told::Found(message::Found { entry }) = about.told(&mut answers).await? else {
            return Err(about.wrong(OTHER));
        };
        let entry = entry.map(|entry| found_in(key.clone(), entry));
        entry.transpose().map_err(|error| about.wrong(error))
    }

    async fn read(&self, key: &Key, limit: u64) -> Result<Contents, StorageError> {
        let about = About {
            limit,
            ..self.about(Operation::Read, key)
        };
        let at = Some(self.at(key));
        let answers = about.ask(Asked::Read(message::Read { at, limit })).await?;
        about.contents(answers, limit).await
    }

    async fn read_range(
        &self,
        key: &Key,
        offset: u64,
        length: u64,
    ) -> Result<Contents, StorageError> {
        let about = self.about(Operation::Read, key);
        let asked = Asked::ReadRange(message::ReadRange {
            at: Some(self.at(key)),
            offset,
            length,
        });
        let answers = about.ask(asked).await?;
        about.contents(answers, length).await
    }

    async fn delete_if_unchanged(
        &self,
        key: &Key,
        expected: &Version,
    ) -> Result<Deletion, StorageError> {
        let about = self.about(Operation::Delete, key);
        let asked = Asked::Delete(message::Delete {
            at: Some(self.at(key)),
            expected: Some(version_out(expected)),
            permit: about.permit(0)?,
        });
        let mut answers = about.ask(asked).await?;
        let Told::Deletion(deletion) = about.told(&mut answers).await? else {
            return Err(about.wrong(OTHER));
        };
        deletion_in(key, deletion).map_err(|error| about.wrong(error))
    }

    async fn remove_empty_directory(&self, key: &Key) -> Result<RemovedDirectory, StorageError> {
        let about = self.about(Operation::RemoveDirectory, key);
        let asked = Asked::RemoveDirectory(message::RemoveDirectory {
            at: Some(self.at(key)),
            permit: about.permit(0)?,
        });
        let mut answers = about.ask(asked).await?;
        let Told::Removed(removed) = about.told(&mut answers).await? else {
            return Err(about.wrong(OTHER));
        };
        removed_in(removed).map_err(|error| about.wrong(error))
    }

    async fn put_if_absent(&self, key: &Key, contents: Bytes) -> Result<Put, StorageError> {
        let about = self.about(Operation::Write, key);
        let asked = Asked::PutIfAbsent(self.write(about, &contents)?);
        let mut answers = about.send(asked, contents).await?;
        let Told::Put(put) = about.told(&mut answers).await? else {
            return Err(about.wrong(OTHER));
        };
        put_in(put).map_err(|error| about.wrong(error))
    }

    async fn replace(&self, key: &Key, contents: Bytes) -> Result<(), StorageError> {
        let about = self.about(Operation::Write, key);
        let asked = Asked::Replace(self.write(about, &contents)?);
        let mut answers = about.send(asked, contents).await?;
        match about.told(&mut answers).await? {
            Told::Replaced(message::Replaced {}) => Ok(()),
            _ => Err(about.wrong(OTHER)),
        }
    }
}

impl RemoteStorage {
    fn write(&self, about: About<'_>, contents: &Bytes) -> Result<message::Write, StorageError> {
        let length = contents.len() as u64;
        if length > LONGEST_WRITE {
            return Err(about.wrong(WireError::TooLong(length)));
        }
        Ok(message::Write {
            at: Some(self.at(about.key)),
            length,
            permit: about.permit(length)?,
        })
    }
}

#[cfg(test)]
mod tests;
