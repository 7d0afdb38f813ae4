//! A store that may hang, as a hard NFS mount does while its server is away, or a bucket behind a broken network: nobody
//! waits for it without end, and it does not take more than its part of the process.

mod calls;
mod patience;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tokio::sync::{mpsc, oneshot};

use crate::budgeted::SMALL;
use crate::port::{
    Capabilities, Contents, Deletion, Entry, Key, Operation, Put, RemovedDirectory, Storage,
    StorageError, Version,
};
use calls::{Calls, Question};
pub use patience::{Patience, PatientBuckets};

/// Entries of a listing that come with one call.
const PAGE: usize = 1024;

/// A store each of whose calls ends in time, with an error where the store has not answered. Made by [`Patience`].
#[derive(Clone, Debug)]
pub struct Patient {
    inner: Arc<dyn Storage>,
    calls: Arc<Calls>,
}

type Page = Vec<Result<Entry, StorageError>>;

impl Patient {
    /// In a task of its own, which sees the call to its end whether or not somebody waits.
    async fn ask<T: Send + 'static>(
        &self,
        operation: Operation,
        key: &Key,
        call: impl Future<Output = Result<T, StorageError>> + Send + 'static,
    ) -> Result<T, StorageError> {
        let (answer, answered) = oneshot::channel();
        let calls = Arc::clone(&self.calls);
        tokio::spawn(calls.carry_out(self.question(operation, key), call, answer));
        answered
            .await
            .unwrap_or_else(|lost| Err(self.lost(operation, key, lost)))
    }

    fn question(&self, operation: Operation, key: &Key) -> Question {
        Question {
            operation,
            path: self.location(key),
        }
    }

    /// The runtime shuts down, or a bug: in both cases nothing is known.
    fn lost(
        &self,
        operation: Operation,
        key: &Key,
        lost: oneshot::error::RecvError,
    ) -> StorageError {
        StorageError::Unavailable {
            operation,
            path: self.location(key),
            cause: Arc::new(lost),
        }
    }

    fn both(&self, key: &Key) -> (Arc<dyn Storage>, Key) {
        (Arc::clone(&self.inner), key.clone())
    }

    /// What is read is kept as long as the call hangs, whatever the memory budget says: little of it, then.
    fn refuse_large(&self, key: &Key, bytes: u64) -> Result<(), StorageError> {
        if bytes > SMALL && self.calls.keep_what_they_read() {
            return Err(self.question(Operation::Read, key).not_asked());
        }
        Ok(())
    }
}

/// Lists page by page, as it is asked to, until nobody can ask any more. Nothing is under way between two pages.
async fn list(
    inner: Arc<dyn Storage>,
    directory: Key,
    mut asked: mpsc::Receiver<oneshot::Sender<Page>>,
) {
    let mut entries = inner.list_level(&directory);
    while let Some(mut answer) = asked.recv().await {
        let page = entries.by_ref().take(PAGE).collect();
        tokio::select! {
            page = page => {
                let _ = answer.send(page);
            }
            () = answer.closed() => return,
        }
    }
}

#[async_trait]
impl Storage for Patient {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn location(&self, key: &Key) -> String {
        self.inner.location(key)
    }

    fn list_level<'a>(&'a self, directory: &Key) -> BoxStream<'a, Result<Entry, StorageError>> {
        let (inner, directory) = self.both(directory);
        let pages = stream::once(async move {
            let (ask, asked) = mpsc::channel(1);
            tokio::spawn(list(inner, directory.clone(), asked));
            stream::try_unfold(Some(ask), move |ask| {
                let directory = directory.clone();
                async move {
                    let Some(ask) = ask else {
                        return Ok(None);
                    };
                    let (answer, page) = oneshot::channel();
                    let asking = ask.clone();
                    let page = async move {
                        let _ = asking.send(answer).await;
                        Ok(page.await)
                    };
                    let page = self.ask(Operation::List, &directory, page).await?;
                    let page = page.map_err(|lost| self.lost(Operation::List, &directory, lost))?;
                    // Fewer come only at the end, or with an error.
                    let ask = (page.len() == PAGE).then_some(ask);
                    Ok(Some((stream::iter(page), ask)))
                }
            })
            .try_flatten()
        });
        pages.flatten().boxed()
    }

    async fn stat(&self, key: &Key) -> Result<Option<Entry>, StorageError> {
        let (inner, place) = self.both(key);
        let call = async move { inner.stat(&place).await };
        self.ask(Operation::Stat, key, call).await
    }

    async fn read(&self, key: &Key, limit: u64) -> Result<Contents, StorageError> {
        self.refuse_large(key, limit)?;
        let (inner, place) = self.both(key);
        let call = async move { inner.read(&place, limit).await };
        self.ask(Operation::Read, key, call).await
    }

    async fn read_range(
        &self,
        key: &Key,
        offset: u64,
        length: u64,
    ) -> Result<Contents, StorageError> {
        self.refuse_large(key, length)?;
        let (inner, place) = self.both(key);
        let call = async move { inner.read_range(&place, offset, length).await };
        self.ask(Operation::Read, key, call).await
    }

    async fn delete_if_unchanged(
        &self,
        key: &Key,
        expected: &Version,
    ) -> Result<Deletion, StorageError> {
        let ((inner, place), expected) = (self.both(key), expected.clone());
        let call = async move { inner.delete_if_unchanged(&place, &expected).await };
        self.ask(Operation::Delete, key, call).await
    }

    async fn remove_empty_directory(&self, key: &Key) -> Result<RemovedDirectory, StorageError> {
        let (inner, place) = self.both(key);
        let call = async move { inner.remove_empty_directory(&place).await };
        self.ask(Operation::RemoveDirectory, key, call).await
    }

    async fn put_if_absent(&self, key: &Key, contents: Bytes) -> Result<Put, StorageError> {
        let (inner, place) = self.both(key);
        let call = async move { inner.put_if_absent(&place, contents).await };
        self.ask(Operation::Write, key, call).await
    }

    async fn replace(&self, key: &Key, contents: Bytes) -> Result<(), StorageError> {
        let (inner, place) = self.both(key);
        let call = async move { inner.replace(&place, contents).await };
        self.ask(Operation::Write, key, call).await
    }
}

#[cfg(test)]
mod tests;
