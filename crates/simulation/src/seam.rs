//! The store as one run of ours sees it: every call gives the others a turn, some fail, and every deletion is judged.

use crate::history::Violation;
use crate::turn::turn;
use crate::world::{Shared, World};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use std::sync::Arc;
use storage::memory::MemoryStorage;
use storage::{
    Capabilities, Contents, Deletion, Entry, Key, Operation, Put, RemovedDirectory, Storage,
    StorageError, Version,
};

#[derive(Clone, Debug)]
pub(crate) struct Seam {
    pub(crate) world: Shared,
    pub(crate) run: usize,
    pub(crate) inner: MemoryStorage,
}

/// How a call fails.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failure {
    Before,
    /// It takes effect, and the answer is lost.
    After,
}

impl Seam {
    async fn turn(&self) -> Option<Failure> {
        turn().await;
        let mut world = self.world.lock();
        if world.failing == 0 {
            return None;
        }
        let failing = world.failing;
        let fails = world.choices.one_in(failing);
        fails.then(|| match world.choices.below(2) {
            0 => Failure::Before,
            _ => Failure::After,
        })
    }

    fn error(&self, operation: Operation, key: &Key) -> StorageError {
        StorageError::Unavailable {
            operation,
            path: self.location(key),
            cause: Arc::new(std::io::Error::other("simulated")),
        }
    }

    fn fail<T>(
        &self,
        failure: Option<Failure>,
        operation: Operation,
        key: &Key,
        result: Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        match failure {
            None => result,
            Some(_) => Err(self.error(operation, key)),
        }
    }

    fn judge(&self, key: &Key) {
        let world = &mut *self.world.lock();
        let path = key.as_str();
        if path.contains(".flink-retention/") {
            return;
        }
        let bytes = world.disk.get(path).copied().unwrap_or(0);
        if let Some(why) = why_needed(world, self.run, path) {
            world.say(|| format!("VIOLATION: run {} deletes {path}: {why}", self.run));
            world.violation.get_or_insert(Violation {
                path: path.to_owned(),
                why,
            });
        } else {
            world.say(|| format!("run {}: deletes {path}", self.run));
        }
        world.disk.remove(path);
        world.recall.freed += bytes;
    }
}

fn why_needed(world: &World, run: usize, path: &str) -> Option<String> {
    if let Some(why) = world.untouchable(path) {
        return Some(why.to_owned());
    }
    if world.needed().contains(path) {
        return Some("a job has it or will recover from it".to_owned());
    }
    let seen = world
        .wanted
        .get(&run)
        .is_some_and(|seen| seen.contains(path));
    (seen && world.wanted().contains(path)).then(|| "a snapshot that must stay names it".to_owned())
}

#[async_trait]
impl Storage for Seam {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn location(&self, key: &Key) -> String {
        self.inner.location(key)
    }

    fn list_level<'a>(&'a self, directory: &Key) -> BoxStream<'a, Result<Entry, StorageError>> {
        let entries = self.inner.list_level(directory);
        let directory = directory.clone();
        stream::unfold(Some(entries), move |entries| {
            let directory = directory.clone();
            async move {
                let mut entries = entries?;
                if self.turn().await.is_some() {
                    return Some((Err(self.error(Operation::List, &directory)), None));
                }
                Some((entries.next().await?, Some(entries)))
            }
        })
        .boxed()
    }

    async fn stat(&self, key: &Key) -> Result<Option<Entry>, StorageError> {
        let failure = self.turn().await;
        let result = self.inner.stat(key).await;
        self.fail(failure, Operation::Stat, key, result)
    }

    async fn read(&self, key: &Key, limit: u64) -> Result<Contents, StorageError> {
        let failure = self.turn().await;
        let result = self.inner.read(key, limit).await;
        self.fail(failure, Operation::Read, key, result)
    }

    async fn read_range(
        &self,
        key: &Key,
        offset: u64,
        length: u64,
    ) -> Result<Contents, StorageError> {
        let failure = self.turn().await;
        let result = self.inner.read_range(key, offset, length).await;
        self.fail(failure, Operation::Read, key, result)
    }

    async fn delete_if_unchanged(
        &self,
        key: &Key,
        expected: &Version,
    ) -> Result<Deletion, StorageError> {
        let failure = self.turn().await;
        let error = self.error(Operation::Delete, key);
        if failure == Some(Failure::Before) {
            return Err(error);
        }
        let result = self.inner.delete_if_unchanged(key, expected).await;
        if let Ok(Deletion::Deleted) = &result {
            self.judge(key);
        }
        turn().await;
        if failure.is_some() {
            Err(error)
        } else {
            result
        }
    }

    async fn remove_empty_directory(&self, key: &Key) -> Result<RemovedDirectory, StorageError> {
        self.turn().await;
        let ours = key.as_str().contains(".flink-retention");
        let checkpoint = key.file_name().is_some_and(|name| name.starts_with("chk-"));
        if !ours && !checkpoint {
            self.world.lock().violation.get_or_insert(Violation {
                path: key.to_string(),
                why: "Flink makes this directory once and relies on it".to_owned(),
            });
        }
        self.inner.remove_empty_directory(key).await
    }

    async fn put_if_absent(&self, key: &Key, contents: Bytes) -> Result<Put, StorageError> {
        let failure = self.turn().await;
        let error = self.error(Operation::Write, key);
        if failure == Some(Failure::Before) {
            return Err(error);
        }
        let result = self.inner.put_if_absent(key, contents).await;
        if failure.is_some() {
            Err(error)
        } else {
            result
        }
    }

    async fn replace(&self, key: &Key, contents: Bytes) -> Result<(), StorageError> {
        let failure = self.turn().await;
        let error = self.error(Operation::Write, key);
        if failure == Some(Failure::Before) {
            return Err(error);
        }
        let result = self.inner.replace(key, contents).await;
        if failure.is_some() {
            Err(error)
        } else {
            result
        }
    }
}
