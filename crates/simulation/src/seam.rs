//! The store as one run of ours sees it: every call gives the others a turn, some fail, and every deletion is judged.

use crate::history::Violation;
use crate::operator::Told;
use crate::turn::turn;
use crate::world::{MINUTE, Shared, World};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use jiff::SignedDuration;
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
    pub(crate) grace: SignedDuration,
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
        if world.trouble.store == 0 {
            return None;
        }
        let failing = world.trouble.store;
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

    /// Whether the run has the right to ask for a deletion now, whatever it is of: it owns the base as far as it can
    /// know, it was not told to stop, and its evidence is fresh; and an earlier run had listed the file a grace period
    /// ago (promise 4).
    fn judge_request(&self, key: &Key) {
        let world = &mut *self.world.lock();
        let (now, path) = (world.now(), key.as_str());
        let Some(told) = world.told.get(&self.run) else {
            return;
        };
        let mut listed = world.listed.get(path).into_iter().flatten();
        let ripe = listed
            .any(|&(run, at)| run != self.run && i128::from(now - at) >= self.grace.as_millis());
        let why = if told.cancel.is_cancelled() {
            "the run knows that it has lost its lease"
        } else if !owns(told, key) {
            "the run does not own the base as far as it can know, or has not looked"
        } else if now - told.looked > 2 * MINUTE {
            "its evidence is older than two minutes"
        } else if told
            .approved
            .as_ref()
            .is_some_and(|approved| !approved.contains(path))
        {
            "nobody has approved it"
        } else if !ripe && world.has(path) {
            "no other run had listed it a grace period ago"
        } else {
            return;
        };
        self.violated(world, path, why);
    }

    fn judge(&self, key: &Key) {
        let world = &mut *self.world.lock();
        let path = key.as_str();
        let bytes = world.disk.get(path).map_or(0, |file| file.size);
        match world.why_needed(self.run, path) {
            Some(why) => self.violated(world, path, why),
            None => world.say(|| format!("run {}: deletes {path}", self.run)),
        }
        let kind = world.kind_of(path);
        world.recall.of(kind).freed += bytes;
        world.forget(path);
    }

    fn violated(&self, world: &mut World, path: &str, why: &str) {
        world.say(|| format!("VIOLATION: run {} deletes {path}: {why}", self.run));
        world.violation.get_or_insert(Violation {
            path: path.to_owned(),
            why: why.to_owned(),
        });
    }

    /// What the run learns of the epochs of a base.
    fn note_epoch(&self, key: &Key, own: bool) {
        let name = key.as_str().strip_suffix(".json");
        let Some((place, number)) = name.and_then(|name| name.rsplit_once("/owner/")) else {
            return;
        };
        let world = &mut *self.world.lock();
        let told = world.told.get_mut(&self.run);
        if let (Some(told), Ok(number)) = (told, number.parse::<u64>()) {
            let known = told.epochs.entry(base_of(place).to_owned()).or_default();
            known.seen = number.max(known.seen);
            known.fresh = true;
            if own {
                known.taken = Some(number);
            }
        }
    }

    /// A new file may be missing in listings for a while.
    fn shows(&self, entry: &Entry) -> bool {
        let world = &mut *self.world.lock();
        let (now, path) = (world.now(), entry.key.as_str());
        let Some(file) = world.disk.get(path) else {
            return true;
        };
        if now - file.written < world.trouble.lag {
            return false;
        }
        match world.listed.get_mut(path) {
            None => {
                world.listed.insert(path.to_owned(), vec![(self.run, now)]);
            }
            Some(listed) if listed.len() < 2 && listed.iter().all(|(run, _)| *run != self.run) => {
                listed.push((self.run, now));
            }
            Some(_) => {}
        }
        true
    }
}

fn owns(told: &Told, key: &Key) -> bool {
    let epochs = told.epochs.get(base_of(key.as_str()));
    epochs.is_some_and(|known| known.fresh && known.taken == Some(known.seen))
}

fn base_of(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}

/// Our own records are none of Flink's.
fn is_ours(key: &Key) -> bool {
    key.as_str().contains(".flink-retention")
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
        let state = Some((entries, directory.clone()));
        stream::unfold(state, move |state| async move {
            let (mut entries, directory) = state?;
            if self.turn().await.is_some() {
                return Some((Err(self.error(Operation::List, &directory)), None));
            }
            loop {
                let next = entries.next().await?;
                if let Ok(entry) = &next {
                    self.note_epoch(&entry.key, false);
                    if !self.shows(entry) {
                        continue;
                    }
                }
                return Some((next, Some((entries, directory))));
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
        if !is_ours(key) {
            self.judge_request(key);
        }
        let failure = self.turn().await;
        let error = self.error(Operation::Delete, key);
        if failure == Some(Failure::Before) {
            return Err(error);
        }
        let result = self.inner.delete_if_unchanged(key, expected).await;
        if let Ok(Deletion::Deleted) = &result
            && !is_ours(key)
        {
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
        let of_snapshot = |name: &str| name.starts_with("chk-") || name.starts_with("savepoint-");
        if !is_ours(key) && !key.file_name().is_some_and(of_snapshot) {
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
        if let (Ok(Put::Created), None) = (&result, failure) {
            self.note_epoch(key, true);
        }
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
