//! A store that fails as told, for tests: the same code that runs on a real one meets its worst days here.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};

use crate::port::{
    Capabilities, Contents, Deletion, Entry, Key, Operation, Put, RemovedDirectory, Storage,
    StorageError, Version,
};

/// One call to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub operation: Operation,
    pub key: Key,
    /// The how-manieth call of this operation it is, from 1.
    pub number: u64,
}

/// What shall happen to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// It fails and has no effect.
    Fail(Failure),
    /// It takes effect, but the answer is lost. A listing fails after its last entry.
    FailAfterwards(Failure),
    /// A listing fails after so many entries. Other calls fail at once.
    BreakListing {
        after: usize,
        failure: Failure,
    },
    /// A listing ends after so many entries **without an error**, as no store should, to show what protects us if
    /// one does. No meaning for other calls.
    TruncateListing {
        after: usize,
    },
    /// It takes this much longer. (Tests with tokio's paused clock do not wait.)
    Delay(Duration),
    /// There is no answer, ever. A listing hangs after so many entries; other calls have no effect.
    Hang {
        after: usize,
    },
}

/// The error that a call fails with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    Unavailable,
    /// The disk is full.
    NoSpace,
    PermissionDenied,
    NotFound,
}

impl Failure {
    fn error(self, operation: Operation, path: String) -> StorageError {
        match self {
            Self::Unavailable => StorageError::Unavailable {
                operation,
                path,
                cause: Arc::new(std::io::Error::other("a fault that the test asked for")),
            },
            Self::NoSpace => StorageError::Unavailable {
                operation,
                path,
                cause: Arc::new(std::io::Error::from(rustix::io::Errno::NOSPC)),
            },
            Self::PermissionDenied => StorageError::PermissionDenied { operation, path },
            Self::NotFound => StorageError::NotFound { operation, path },
        }
    }
}

type Rule = dyn Fn(&Call) -> Fault + Send + Sync;

/// `S` with a rule that is asked before each call. The rule may also act, on a clone of the store for example, to make
/// something happen just before the call.
pub struct FaultInjecting<S> {
    inner: S,
    rule: Box<Rule>,
    calls: Mutex<BTreeMap<Operation, u64>>,
}

impl<S: Storage> FaultInjecting<S> {
    pub fn new(inner: S, rule: impl Fn(&Call) -> Fault + Send + Sync + 'static) -> Self {
        Self {
            inner,
            rule: Box::new(rule),
            calls: Mutex::default(),
        }
    }

    /// Fails the `number`-th call (from 1) of `operation`, and no other.
    pub fn failing_nth(inner: S, operation: Operation, number: u64, failure: Failure) -> Self {
        Self::new(inner, move |call| {
            if (call.operation, call.number) == (operation, number) {
                Fault::Fail(failure)
            } else {
                Fault::None
            }
        })
    }

    /// The store underneath.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// How many calls of `operation` there were.
    pub fn calls(&self, operation: Operation) -> u64 {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&operation)
            .copied()
            .unwrap_or(0)
    }

    fn fault(&self, operation: Operation, key: &Key) -> Fault {
        let number = {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            let count = calls.entry(operation).or_default();
            *count += 1;
            *count
        };
        (self.rule)(&Call {
            operation,
            key: key.clone(),
            number,
        })
    }

    async fn call<'a, T>(
        &'a self,
        operation: Operation,
        key: &'a Key,
        call: BoxFuture<'a, Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        let error = |failure: Failure| Err(failure.error(operation, self.inner.location(key)));
        match self.fault(operation, key) {
            Fault::None | Fault::TruncateListing { after: _ } => call.await,
            Fault::Fail(failure) | Fault::BreakListing { after: _, failure } => error(failure),
            Fault::FailAfterwards(failure) => {
                call.await?;
                error(failure)
            }
            Fault::Delay(duration) => {
                tokio::time::sleep(duration).await;
                call.await
            }
            Fault::Hang { after: _ } => std::future::pending().await,
        }
    }
}

#[async_trait]
impl<S: Storage> Storage for FaultInjecting<S> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn location(&self, key: &Key) -> String {
        self.inner.location(key)
    }

    fn list_level<'a>(&'a self, directory: &Key) -> BoxStream<'a, Result<Entry, StorageError>> {
        let listing = self.inner.list_level(directory);
        let path = self.inner.location(directory);
        let broken =
            |failure: Failure| stream::iter([Err(failure.error(Operation::List, path.clone()))]);
        match self.fault(Operation::List, directory) {
            Fault::None => listing,
            Fault::Fail(failure) => broken(failure).boxed(),
            Fault::FailAfterwards(failure) => listing.chain(broken(failure)).boxed(),
            Fault::BreakListing { after, failure } => {
                listing.take(after).chain(broken(failure)).boxed()
            }
            Fault::TruncateListing { after } => listing.take(after).boxed(),
            Fault::Delay(duration) => stream::once(tokio::time::sleep(duration))
                .flat_map(|()| stream::empty())
                .chain(listing)
                .boxed(),
            Fault::Hang { after } => listing.take(after).chain(stream::pending()).boxed(),
        }
    }

    async fn stat(&self, key: &Key) -> Result<Option<Entry>, StorageError> {
        self.call(Operation::Stat, key, self.inner.stat(key)).await
    }

    async fn read(&self, key: &Key, limit: u64) -> Result<Contents, StorageError> {
        self.call(Operation::Read, key, self.inner.read(key, limit))
            .await
    }

    async fn read_range(
        &self,
        key: &Key,
        offset: u64,
        length: u64,
    ) -> Result<Contents, StorageError> {
        self.call(
            Operation::Read,
            key,
            self.inner.read_range(key, offset, length),
        )
        .await
    }

    async fn delete_if_unchanged(
        &self,
        key: &Key,
        expected: &Version,
    ) -> Result<Deletion, StorageError> {
        self.call(
            Operation::Delete,
            key,
            self.inner.delete_if_unchanged(key, expected),
        )
        .await
    }

    async fn remove_empty_directory(&self, key: &Key) -> Result<RemovedDirectory, StorageError> {
        self.call(
            Operation::RemoveDirectory,
            key,
            self.inner.remove_empty_directory(key),
        )
        .await
    }

    async fn put_if_absent(&self, key: &Key, contents: Bytes) -> Result<Put, StorageError> {
        self.call(
            Operation::Write,
            key,
            self.inner.put_if_absent(key, contents),
        )
        .await
    }

    async fn replace(&self, key: &Key, contents: Bytes) -> Result<(), StorageError> {
        self.call(Operation::Write, key, self.inner.replace(key, contents))
            .await
    }
}

impl<S: Storage> fmt::Debug for FaultInjecting<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            inner,
            rule: _,
            calls,
        } = self;
        formatter
            .debug_struct("FaultInjecting")
            .field("inner", inner)
            .field("calls", calls)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
