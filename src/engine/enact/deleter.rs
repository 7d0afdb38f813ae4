use crate::engine::{Clock, Progress};
use futures::FutureExt;
use futures::stream::{self, StreamExt};
use retention::batch::{VerifiedBatch, VerifiedFile};
use retention::layout::{METADATA_FILE, place};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use storage::{Deletion, Key, RemovedDirectory, Storage, StorageError, Version};
use tokio_util::sync::CancellationToken;

/// The only code that deletes files of Flink: one by one, each only if it still is what was verified.
#[derive(Debug)]
pub(super) struct Deleter<'a> {
    pub(super) storage: &'a dyn Storage,
    pub(super) root: &'a Key,
    pub(super) clock: &'a dyn Clock,
    pub(super) cancel: &'a CancellationToken,
    pub(super) progress: &'a dyn Progress,
}

/// What became of one file of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Deleted,
    AlreadyGone,
    /// Not touched, and why.
    Kept(String),
    /// Tried, and it did not work.
    Failed(String),
}

/// How many deletions are on their way at the same time: what was verified is to be gone before that runs out, also where
/// each takes tens of milliseconds.
const DELETES_AT_ONCE: usize = 32;

/// What the deletions of a batch have shown so far.
#[derive(Debug, Default)]
struct Seen {
    /// By path.
    gone: BTreeSet<Arc<str>>,
    /// The surroundings of files that are not what they were, or could not be deleted.
    changed: BTreeSet<String>,
}

impl Deleter<'_> {
    /// Deletes the batch, `_metadata` before the files of its snapshot; the outcomes are in the order of the batch.
    pub(super) async fn delete(&self, batch: &VerifiedBatch) -> Vec<Outcome> {
        let Ok(files) = batch.files(self.clock.now()) else {
            return Vec::new();
        };
        let seen = Mutex::new(Seen::default());
        let mut outcomes: Vec<(usize, Outcome)> = Vec::with_capacity(files.len());
        let numbered = files.iter().enumerate();
        let (first, then): (Vec<_>, Vec<_>) = numbered.partition(|(_, file)| file.after.is_none());
        for part in [first, then] {
            let deletions = stream::iter(part).map(|(position, file)| {
                let outcome = self.delete_if_verified(batch, file, &seen);
                outcome.map(move |outcome| (position, outcome))
            });
            let mut deletions = deletions.buffer_unordered(DELETES_AT_ONCE);
            while let Some(outcome) = deletions.next().await {
                self.progress.advance(1);
                outcomes.push(outcome);
            }
        }
        let Seen { gone, changed: _ } = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.remove_emptied(&gone).await;
        outcomes.sort_by_key(|(position, _)| *position);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    /// What forbids it is looked at as late as possible: when its turn has come.
    async fn delete_if_verified(
        &self,
        batch: &VerifiedBatch,
        file: &VerifiedFile,
        seen: &Mutex<Seen>,
    ) -> Outcome {
        let surroundings = surroundings(file);
        if self.cancel.is_cancelled() {
            return Outcome::Kept("the run was told to stop".to_owned());
        }
        if let Err(expired) = batch.files(self.clock.now()) {
            return Outcome::Kept(expired.to_string());
        }
        {
            let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.changed.contains(&surroundings) {
                return Outcome::Kept(
                    "another file of its job directory or savepoint has changed, or could not be deleted"
                        .to_owned(),
                );
            }
            let after = file.after.as_ref();
            if after.is_some_and(|metadata| !seen.gone.contains(metadata)) {
                return Outcome::Kept("the _metadata of its snapshot is still there".to_owned());
            }
        }
        let outcome = self.delete_one(file).await;
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        match &outcome {
            Outcome::Deleted | Outcome::AlreadyGone => {
                seen.gone.insert(file.path.clone());
            }
            Outcome::Failed(_) => {
                seen.changed.insert(surroundings);
            }
            Outcome::Kept(_) => {}
        }
        outcome
    }

    async fn delete_one(&self, file: &VerifiedFile) -> Outcome {
        let Ok(relative) = Key::parse(&file.path) else {
            return Outcome::Failed("its name is no path".to_owned());
        };
        let key = self.root.join_key(&relative);
        if file.is_directory {
            return self.remove_directory(&key).await;
        }
        let expected = Version {
            size: file.size,
            modified: Some(file.modified),
            etag: file.etag.as_deref().map(str::to_owned),
        };
        let deleted = match self.storage.delete_if_unchanged(&key, &expected).await {
            Ok(Deletion::Deleted) => Outcome::Deleted,
            Ok(Deletion::AlreadyGone) => Outcome::AlreadyGone,
            Ok(Deletion::Changed { .. }) => {
                return Outcome::Failed("it has changed since it was verified".to_owned());
            }
            Err(error) => return Outcome::Failed(error.to_string()),
        };
        if relative.file_name() == Some(METADATA_FILE)
            && let Err(error) = self.confirm_gone(&key).await
        {
            return Outcome::Failed(error);
        }
        deleted
    }

    /// The files of a snapshot may go only when nobody can start from it any more.
    async fn confirm_gone(&self, key: &Key) -> Result<(), String> {
        let found: Result<_, StorageError> = self.storage.stat(key).await;
        match found {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err("it was deleted, and is there again".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Only if nothing is in it now, whatever was seen before.
    async fn remove_directory(&self, key: &Key) -> Outcome {
        match self.storage.remove_empty_directory(key).await {
            Ok(RemovedDirectory::Removed) => Outcome::Deleted,
            Ok(RemovedDirectory::AlreadyGone) => Outcome::AlreadyGone,
            Ok(RemovedDirectory::NotEmpty) => {
                Outcome::Kept("something is in the directory now".to_owned())
            }
            Err(error) => Outcome::Failed(error.to_string()),
        }
    }

    /// Directories of snapshots that the batch may have emptied. Never `shared`, `taskowned` or a job directory: Flink
    /// makes those once and relies on them.
    async fn remove_emptied(&self, gone: &BTreeSet<Arc<str>>) {
        let directories: BTreeSet<String> = gone
            .iter()
            .filter_map(|path| place(path).snapshot)
            .map(|snapshot| snapshot.path.clone())
            .collect();
        for directory in directories {
            if self.cancel.is_cancelled() {
                return;
            }
            if let Ok(key) = Key::parse(&directory) {
                // An empty directory that stays takes no space and hides nothing.
                let _ = self
                    .storage
                    .remove_empty_directory(&self.root.join_key(&key))
                    .await;
            }
        }
    }
}

impl Outcome {
    pub(super) fn word(&self) -> String {
        match self {
            Self::Deleted => "deleted".to_owned(),
            Self::AlreadyGone => "already-gone".to_owned(),
            Self::Kept(why) => format!("kept: {why}"),
            Self::Failed(why) => format!("failed: {why}"),
        }
    }
}

/// What a change in one file of it makes doubtful: its job directory, or its savepoint.
fn surroundings(file: &VerifiedFile) -> String {
    let placement = place(&file.path);
    let job = placement.job.map(|job| job.path.clone());
    let savepoint = || Some(placement.snapshot?.path.clone());
    job.or_else(savepoint).unwrap_or_default()
}
