//! A store whose requests somebody is told of: to count them, or to keep them from coming too fast.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};

use crate::port::{
    Capabilities, Contents, Deletion, Entry, Key, Operation, Put, RemovedDirectory, Storage,
    StorageError, Version,
};

/// How many entries of a listing come with one request: object stores give a thousand.
const PAGE: usize = 1000;

/// Is told of requests.
#[async_trait]
pub trait Requests: Send + Sync + std::fmt::Debug {
    /// The request is made when this returns.
    async fn before(&self, operation: Operation);

    /// It was answered, or failed. Not called where nobody waited for the answer.
    fn after(&self, operation: Operation, error: Option<&StorageError>);
}

/// A store and who is told of its requests.
#[derive(Clone, Debug)]
pub struct Observed {
    inner: Arc<dyn Storage>,
    requests: Arc<dyn Requests>,
}

impl Observed {
    #[must_use]
    pub fn new(inner: Arc<dyn Storage>, requests: Arc<dyn Requests>) -> Self {
        Self { inner, requests }
    }

    async fn call<T>(
        &self,
        operation: Operation,
        request: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        self.requests.before(operation).await;
        let answer = request.await;
        self.requests.after(operation, answer.as_ref().err());
        answer
    }

    /// A thousand entries are a request, and so are none.
    async fn next_entry(&self, number: usize, entry: Option<&Result<Entry, StorageError>>) {
        let first_of_page = number.is_multiple_of(PAGE);
        match entry {
            Some(Err(error)) => self.requests.after(Operation::List, Some(error)),
            Some(Ok(_)) if first_of_page => {
                if number > 0 {
                    self.requests.before(Operation::List).await;
                }
                self.requests.after(Operation::List, None);
            }
            None if number == 0 => self.requests.after(Operation::List, None),
            Some(Ok(_)) | None => {}
        }
    }
}

#[async_trait]
impl Storage for Observed {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn location(&self, key: &Key) -> String {
        self.inner.location(key)
    }

    fn list_level<'a>(&'a self, directory: &Key) -> BoxStream<'a, Result<Entry, StorageError>> {
        let begun = stream::once(async {
            self.requests.before(Operation::List).await;
            None
        });
        // With its end, which is all that an empty directory has.
        let entries = self.inner.list_level(directory).map(Some);
        let entries = entries.chain(stream::iter([None])).enumerate().then(
            move |(number, entry)| async move {
                self.next_entry(number, entry.as_ref()).await;
                entry
            },
        );
        begun
            .chain(entries)
            .filter_map(|entry| async { entry })
            .boxed()
    }

    async fn stat(&self, key: &Key) -> Result<Option<Entry>, StorageError> {
        self.call(Operation::Stat, self.inner.stat(key)).await
    }

    async fn read(&self, key: &Key, limit: u64) -> Result<Contents, StorageError> {
        self.call(Operation::Read, self.inner.read(key, limit))
            .await
    }

    async fn read_range(
        &self,
        key: &Key,
        offset: u64,
        length: u64,
    ) -> Result<Contents, StorageError> {
        self.call(Operation::Read, self.inner.read_range(key, offset, length))
            .await
    }

    async fn delete_if_unchanged(
        &self,
        key: &Key,
        expected: &Version,
    ) -> Result<Deletion, StorageError> {
        self.call(
            Operation::Delete,
            self.inner.delete_if_unchanged(key, expected),
        )
        .await
    }

    async fn remove_empty_directory(&self, key: &Key) -> Result<RemovedDirectory, StorageError> {
        self.call(
            Operation::RemoveDirectory,
            self.inner.remove_empty_directory(key),
        )
        .await
    }

    async fn put_if_absent(&self, key: &Key, contents: Bytes) -> Result<Put, StorageError> {
        self.call(Operation::Write, self.inner.put_if_absent(key, contents))
            .await
    }

    async fn replace(&self, key: &Key, contents: Bytes) -> Result<(), StorageError> {
        self.call(Operation::Write, self.inner.replace(key, contents))
            .await
    }
}

#[cfg(test)]
mod tests;
