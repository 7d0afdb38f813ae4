use super::ReferenceScan;
use super::listing::{LISTINGS, ListedMetadata, checkpoint_number, list_checkpoints};
use futures::stream::{self, StreamExt, TryStreamExt};
use retention::inventory::{BaseId, SnapshotPlace};
use retention::layout::{self, FileKind, Placement};
use retention::location::Location;
use retention::reference::ParsedSnapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use storage::{Entry, EntryKind, Key, Storage, StorageError};
use tokio::sync::Semaphore;

/// The largest `_metadata` that is read: beyond it a file is unreadable, and protects.
const METADATA_LIMIT: u64 = 512 * 1024 * 1024;
const READS_AT_ONCE: usize = 16;
/// How much higher the number of a checkpoint may be that surely is one of the same run as one that has just gone: two
/// jobs in one directory count apart.
const SUCCESSORS: u64 = 16;

/// What a `_metadata` turned out to be.
pub(super) enum Found {
    Snapshot {
        place: SnapshotPlace,
        location: Location,
        parsed: Arc<ParsedSnapshot>,
    },
    Unreadable {
        metadata: Location,
        why: String,
        /// It ends early, and will never be read by anybody.
        torn: bool,
    },
}

/// The snapshots of a base, and what stands in the way of having read all of them.
#[derive(Default)]
pub(super) struct Snapshots {
    pub(super) found: Vec<Found>,
    /// The links and unnameable entries behind which more may be; what is looked into again shows them again.
    pub(super) hidden: BTreeSet<Key>,
    /// The directories that went away.
    pub(super) vanished: BTreeSet<Key>,
    /// The directories in which one snapshot took the place of another as often as they were looked at.
    pub(super) restless: BTreeSet<Key>,
}

/// Reads snapshots of one base.
#[derive(Clone, Copy)]
pub(super) struct SnapshotReader<'a> {
    pub(super) scan: ReferenceScan<'a>,
    /// How many more may be read now, here and in other bases.
    pub(super) reads: &'a Semaphore,
    pub(super) base: BaseId,
    pub(super) location: &'a Location,
    pub(super) storage: &'a dyn Storage,
    pub(super) root: &'a Key,
    /// The bases in this one.
    pub(super) inner: &'a BTreeSet<Key>,
}

impl SnapshotReader<'_> {
    /// Reads what was listed. Where something is gone by then, or half removed, Flink has replaced it by a newer
    /// checkpoint, which may have come after the listing: its directory is looked into again, at once.
    ///
    /// `known` was read already.
    ///
    /// # Errors
    /// A directory that cannot be looked into again: nobody knows what the base holds.
    pub(super) async fn read(
        self,
        listed: ListedMetadata,
        mut known: BTreeSet<Key>,
    ) -> Result<Snapshots, StorageError> {
        let ListedMetadata {
            metadata,
            hidden,
            written: _,
            vanished,
            replaced,
            bare,
        } = listed;
        known.extend(metadata.iter().map(|entry| entry.key.clone()));
        let Round { found, gone } = self.read_listed(metadata).await;
        known.retain(|key| !gone.contains(key));
        let mut all = Snapshots {
            found,
            hidden: hidden.into_iter().collect(),
            vanished: vanished.into_iter().collect(),
            restless: BTreeSet::new(),
        };
        // Numbers of another run in the same directory may be higher, so each is looked for, whatever else was read.
        let gone = gone.iter().filter_map(Key::parent).chain(replaced);
        let mut again: BTreeMap<Key, BTreeSet<Key>> = BTreeMap::new();
        for snapshot in gone {
            match snapshot.parent() {
                Some(directory)
                    if directory.starts_with(self.root)
                        && checkpoint_number(&snapshot).is_some() =>
                {
                    again.entry(directory).or_default();
                }
                // The base is the snapshot itself, and what is beside it belongs to others; or it is a savepoint, which
                // nothing replaces.
                Some(_) | None => {
                    all.vanished.insert(snapshot);
                }
            }
        }
        for snapshot in bare {
            if let Some(directory) = snapshot.parent() {
                again.entry(directory).or_default().insert(snapshot);
            }
        }
        let known = &known;
        let parts: Vec<Snapshots> = stream::iter(again)
            .map(|(directory, bare)| self.look_again(directory, known, bare))
            .buffer_unordered(READS_AT_ONCE)
            .try_collect()
            .await?;
        for part in parts {
            let Snapshots {
                found,
                hidden,
                vanished,
                restless,
            } = part;
            all.found.extend(found);
            all.hidden.extend(hidden);
            all.vanished.extend(vanished);
            all.restless.extend(restless);
        }
        Ok(all)
    }

    /// Until nothing goes away any more between being listed and being read, or something was read that is at least as
    /// new: what a job has of others only becomes less from one checkpoint to the next. `bare` are the checkpoints of the
    /// directory that showed no `_metadata` before.
    async fn look_again(
        self,
        directory: Key,
        known: &BTreeSet<Key>,
        mut bare: BTreeSet<Key>,
    ) -> Result<Snapshots, StorageError> {
        let mut all = Snapshots::default();
        let mut read: BTreeSet<Key> = BTreeSet::new();
        for _ in 0..LISTINGS {
            let listed = list_checkpoints(self.storage, &directory, self.inner).await;
            let listed = match listed {
                Ok(listed) => listed,
                Err(error) if error.is_not_found() => {
                    all.vanished.insert(directory);
                    return Ok(all);
                }
                Err(error) => return Err(error),
            };
            let mut new = listed.metadata;
            new.retain(|entry| !known.contains(&entry.key) && !read.contains(&entry.key));
            let names: BTreeSet<Key> = new.iter().map(|entry| entry.key.clone()).collect();
            let Round { found, gone } = self.read_listed(new).await;
            all.found.extend(found);
            all.hidden.extend(listed.hidden);
            all.vanished.extend(listed.vanished);

            let now: BTreeSet<Key> = names.difference(&gone).cloned().collect();
            let number = |snapshot: &Key| {
                let here = snapshot.parent().as_ref() == Some(&directory);
                checkpoint_number(snapshot).filter(|_| here)
            };
            let read_now: BTreeSet<u64> = now
                .iter()
                .filter_map(Key::parent)
                .filter_map(|snapshot| number(&snapshot))
                .collect();
            let is_followed = |snapshot: &Key| {
                number(snapshot).is_some_and(|gone| {
                    let soon = gone..=gone.saturating_add(SUCCESSORS);
                    read_now.range(soon).next().is_some()
                })
            };
            let gone: Vec<Key> = gone.iter().filter_map(Key::parent).collect();
            let mut moved = gone.iter().chain(&listed.replaced);
            let overtaken = !read_now.is_empty() && moved.clone().all(is_followed);
            if overtaken || (moved.next().is_none() && listed.bare.is_subset(&bare)) {
                return Ok(all);
            }
            read.extend(now);
            bare = listed.bare;
        }
        all.restless.insert(directory);
        Ok(all)
    }

    async fn read_listed(self, entries: Vec<Entry>) -> Round {
        let mut answers = stream::iter(entries)
            .map(|entry| self.read_one(entry))
            .buffer_unordered(READS_AT_ONCE);
        let mut round = Round::default();
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(found) => round.found.extend(found),
                Err(Gone(key)) => {
                    round.gone.insert(key);
                }
            }
        }
        round
    }

    /// None is no snapshot.
    async fn read_one(self, entry: Entry) -> Result<Option<Found>, Gone> {
        let Some(relative) = entry.key.relative_to(self.root) else {
            return Ok(None);
        };
        let location = self.location.join(relative.as_str());
        let unreadable = |why: String, torn: bool| {
            Ok(Some(Found::Unreadable {
                metadata: location.clone(),
                why,
                torn,
            }))
        };
        match entry.kind {
            EntryKind::File => {}
            EntryKind::Directory => return Ok(None),
            EntryKind::Symlink | EntryKind::Other => {
                let why =
                    "it is no regular file, and links are not followed; replace it by the file";
                return unreadable(why.to_owned(), false);
            }
        }
        let directory = location.parent();
        let cached = self.scan.cache.get(&location, &entry.version);
        let (parsed, version) = if let Some(parsed) = cached {
            (parsed, entry.version)
        } else {
            let _read = self.reads.acquire().await;
            let contents = match self.storage.read(&entry.key, METADATA_LIMIT).await {
                Ok(contents) => contents,
                Err(error) if error.is_not_found() && is_absent(self.storage, &entry.key).await => {
                    return Err(Gone(entry.key));
                }
                Err(error) => return unreadable(error.to_string(), false),
            };
            let origin = self.scan.stores.origin_of(self.location);
            let parsed = match ParsedSnapshot::read(&contents.bytes, &directory, &origin) {
                Ok(parsed) => Arc::new(parsed),
                Err(error) => return unreadable(error.to_string(), error.is_torn()),
            };
            let version = contents.version.clone();
            self.scan
                .cache
                .insert(location, version, Arc::clone(&parsed));
            (parsed, contents.version)
        };
        self.scan.progress.advance(1);
        Ok(Some(Found::Snapshot {
            place: SnapshotPlace {
                base: self.base,
                metadata_path: relative.as_str().into(),
                placement: placement(relative.as_str(), &parsed),
                metadata_size: version.size,
                modified: version.modified,
            },
            location: directory,
            parsed,
        }))
    }
}

/// What became of one list of entries.
#[derive(Default)]
struct Round {
    found: Vec<Found>,
    /// What was listed, and is gone.
    gone: BTreeSet<Key>,
}

/// A `_metadata` that was listed, and is not there any more.
struct Gone(Key);

pub(super) async fn is_absent(storage: &dyn Storage, key: &Key) -> bool {
    matches!(storage.stat(key).await, Ok(None))
}

/// Where Flink's layout puts it; a snapshot in a directory of any other name is a savepoint that somebody copied.
fn placement(relative: &str, parsed: &ParsedSnapshot) -> Placement {
    let placement = layout::place(relative);
    match (placement.kind, parsed.kind) {
        (FileKind::CheckpointMetadata | FileKind::SavepointMetadata, _) => placement,
        _ => Placement {
            kind: FileKind::SavepointMetadata,
            ..placement
        },
    }
}
