//! All entries below a directory, over any store.

use std::collections::BTreeSet;
use std::future::ready;

use futures::stream::{self, BoxStream, SelectAll, StreamExt};

use crate::port::{Entry, EntryKind, Key, Storage, StorageError};

/// How many directories are listed at the same time, unless told otherwise: enough to hide the latency of a network
/// volume, few enough to leave the `JobManager` its share.
const DIRECTORIES_AT_ONCE: usize = 8;

/// Entries taken from one directory before another has its turn.
const BATCH: usize = 1024;

/// What no object store lists more of in one answer.
const ONE_ANSWER: usize = 1000;

/// A walk below one directory that either saw everything or failed: its success is a value, [`CompleteWalk`], that
/// nothing else can make.
///
/// Directories are entered as the visitor says, symbolic links never. Memory holds the directories still to be
/// listed and one batch of each directory being listed. Entries come in no particular order, a directory before
/// what is in it.
#[derive(Debug, Clone)]
pub struct Walk<'store> {
    store: &'store dyn Storage,
    start: Key,
    at_once: usize,
}

/// What the visitor wants of a directory that it was shown. For anything else the answer has no meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descend {
    Yes,
    No,
}

/// Proof that a walk listed every directory that it was to enter, to the end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompleteWalk {
    /// Entries shown to the visitor.
    pub entries: u64,
    /// Directories listed, the start among them.
    pub directories: u64,
    /// Directories that were seen in their parent and were gone, for certain, when they were listed or while they were:
    /// deleted as a rule, but possibly moved to where the walk had been before. Some of their entries may
    /// have been shown. The caller decides what that means. Where directories are only what names begin with, those of
    /// whose files none was left.
    pub vanished: Vec<Key>,
}

impl<'store> Walk<'store> {
    #[must_use]
    pub fn new(store: &'store dyn Storage, start: Key) -> Self {
        Self {
            store,
            start,
            at_once: DIRECTORIES_AT_ONCE,
        }
    }

    /// Lists at most `count` directories at the same time (at least one).
    #[must_use]
    pub fn directories_at_once(mut self, count: usize) -> Self {
        self.at_once = count.max(1);
        self
    }

    /// Shows every entry to `visit`. Dropping the future stops the walk.
    ///
    /// # Errors
    /// The first failure of any listing, also [`StorageError::NotFound`] of the start. Entries that were shown before it
    /// are true, but not all.
    pub async fn run(
        self,
        mut visit: impl FnMut(Entry) -> Descend + Send,
    ) -> Result<CompleteWalk, StorageError> {
        let Self {
            store,
            start,
            at_once,
        } = self;
        let mut complete = CompleteWalk {
            entries: 0,
            directories: 0,
            vanished: Vec::new(),
        };
        // Last in, first out: deep before wide, so that the list stays short.
        let mut waiting = vec![start.clone()];
        let mut listing = SelectAll::new();
        let mut suspects = BTreeSet::new();
        loop {
            while listing.len() < at_once
                && let Some(directory) = waiting.pop()
            {
                complete.directories += 1;
                let listed = batches(store, &directory);
                listing.push(
                    listed
                        .map(move |listed| (directory.clone(), listed))
                        .boxed(),
                );
            }
            let Some((directory, listed)) = listing.next().await else {
                // All listings that ran have ended; the next ones may be waiting still.
                if waiting.is_empty() {
                    complete.vanished.extend(left(store, suspects).await?);
                    return Ok(complete);
                }
                continue;
            };
            let batch = match listed {
                Listed::Batch(batch) => batch,
                Listed::End { entries } => {
                    if directory != start && may_be_left(store, entries) {
                        suspects.insert(directory);
                    }
                    continue;
                }
            };
            for listed in batch {
                match listed {
                    Ok(entry) => {
                        complete.entries += 1;
                        let below = (entry.kind == EntryKind::Directory).then(|| entry.key.clone());
                        if visit(entry) == Descend::Yes {
                            waiting.extend(below);
                        }
                    }
                    Err(error) if error.is_not_found() && directory != start => {
                        confirm_gone(store, &directory, error).await?;
                        complete.vanished.push(directory.clone());
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

enum Listed {
    Batch(Vec<Result<Entry, StorageError>>),
    End { entries: usize },
}

fn batches<'store>(store: &'store dyn Storage, directory: &Key) -> BoxStream<'store, Listed> {
    let batches = store.list_level(directory).ready_chunks(BATCH).map(Some);
    let to_the_end = batches.chain(stream::once(ready(None)));
    let counted = to_the_end.scan(0, |entries, batch| {
        ready(Some(match batch {
            Some(batch) => {
                *entries += batch.len();
                Listed::Batch(batch)
            }
            None => Listed::End { entries: *entries },
        }))
    });
    counted.boxed()
}

/// Whether all files may have left a directory between being seen in its parent and being listed. Without real directories a
/// listing does not notice: then it has no entries, or it went on to its next answer when there was nothing more.
fn may_be_left(store: &dyn Storage, entries: usize) -> bool {
    let is_one_answer = (1..=ONE_ANSWER).contains(&entries);
    !store.capabilities().real_directories && !is_one_answer
}

/// Those that their parents do not show any more. Some stores go on showing a directory in which nothing is left; that one
/// is empty, and not gone. There may be thousands of those side by side, so each parent is listed once.
async fn left(
    store: &dyn Storage,
    mut suspects: BTreeSet<Key>,
) -> Result<BTreeSet<Key>, StorageError> {
    let parents: BTreeSet<Key> = suspects.iter().filter_map(Key::parent).collect();
    for parent in parents {
        let mut beside = store.list_level(&parent);
        while let Some(entry) = beside.next().await {
            match entry {
                Ok(entry) => {
                    suspects.remove(&entry.key);
                }
                // What was in it is not there, either.
                Err(error) if error.is_not_found() => break,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(suspects)
}

/// "Not found" in a listing can also be a hiccup of a network volume; a look from the root down must agree.
async fn confirm_gone(
    store: &dyn Storage,
    directory: &Key,
    error: StorageError,
) -> Result<(), StorageError> {
    match store.stat(directory).await? {
        None => Ok(()),
        Some(_) => Err(error),
    }
}

#[cfg(test)]
mod tests;
