use std::collections::BTreeSet;

use retention::layout::{self, JobId};
use storage::{Descend, Entry, EntryKind, Key, Storage, StorageError, Walk};

/// How often a directory is listed at most while something goes away in it.
pub(super) const LISTINGS: u32 = 3;

/// What a listing shows of snapshots.
#[derive(Default)]
pub(super) struct ListedMetadata {
    /// Every entry that is named `_metadata`, outside the directories that hold data files only.
    pub(super) metadata: Vec<Entry>,
    /// The links and unnameable entries behind which more of them may be.
    pub(super) hidden: Vec<Key>,
    /// Flink has written there: job directories, savepoints. A journal of ours says nothing: it may have been written while
    /// the volume was not mounted.
    pub(super) written: bool,
    /// The directories that went away, but for those of checkpoints.
    pub(super) vanished: Vec<Key>,
    /// The directories of checkpoints that went away: Flink removes these all the time, and each is replaced by a newer
    /// one, which may have come after its job directory was listed.
    pub(super) replaced: Vec<Key>,
    /// The directories of checkpoints that show no `_metadata`: in the making, left behind, or already half removed, for
    /// Flink removes `_metadata` first.
    pub(super) bare: BTreeSet<Key>,
}

/// Lists anew while directories go away, so that what is moved meanwhile is seen in its new place, and a checkpoint that
/// replaces the only other one too.
pub(super) async fn list_again(
    storage: &dyn Storage,
    root: &Key,
    inner: &BTreeSet<Key>,
    unsettled: impl Fn(&ListedMetadata) -> bool,
) -> Result<ListedMetadata, StorageError> {
    let mut listed = list_metadata(storage, root, inner).await?;
    for _ in 1..LISTINGS {
        if !unsettled(&listed) {
            break;
        }
        listed = list_metadata(storage, root, inner).await?;
    }
    Ok(listed)
}

/// Lists what is in the base at `root`.
async fn list_metadata(
    storage: &dyn Storage,
    root: &Key,
    inner: &BTreeSet<Key>,
) -> Result<ListedMetadata, StorageError> {
    let enter = |entry: &Entry| !holds_no_metadata(root, &entry.key);
    list(storage, root, inner, enter).await
}

/// Lists the checkpoints right in a directory, and nothing of what else is in it: a job directory, or a base in which
/// some job has none of its own.
pub(super) async fn list_checkpoints(
    storage: &dyn Storage,
    directory: &Key,
    inner: &BTreeSet<Key>,
) -> Result<ListedMetadata, StorageError> {
    let enter = |entry: &Entry| {
        entry.key.parent().as_ref() != Some(directory) || checkpoint_number(&entry.key).is_some()
    };
    list(storage, directory, inner, enter).await
}

async fn list(
    storage: &dyn Storage,
    start: &Key,
    inner: &BTreeSet<Key>,
    enter: impl Fn(&Entry) -> bool + Send + Sync,
) -> Result<ListedMetadata, StorageError> {
    let mut found = ListedMetadata::default();
    let walk = Walk::new(storage, start.clone())
        .run(|entry| {
            found.written |= entry.key.file_name().is_some_and(is_written);
            if entry.key.file_name() == Some(layout::METADATA_FILE) {
                entry
                    .key
                    .parent()
                    .map(|directory| found.bare.remove(&directory));
                found.metadata.push(entry);
                return Descend::Yes;
            }
            if !enter(&entry) || inner.contains(&entry.key) {
                return Descend::No;
            }
            if entry.kind == EntryKind::Directory && checkpoint_number(&entry.key).is_some() {
                found.bare.insert(entry.key);
                return Descend::Yes;
            }
            match entry.kind {
                EntryKind::Symlink | EntryKind::Other => found.hidden.push(entry.key),
                EntryKind::File | EntryKind::Directory => {}
            }
            Descend::Yes
        })
        .await?;
    let of_checkpoint = |key: &Key| checkpoint_number(key).is_some();
    (found.replaced, found.vanished) = walk.vanished.into_iter().partition(of_checkpoint);
    found.bare.retain(|key| !found.replaced.contains(key));
    Ok(found)
}

/// Of the directory of a checkpoint.
pub(super) fn checkpoint_number(directory: &Key) -> Option<u64> {
    layout::checkpoint_id(directory.file_name()?)
}

pub(super) fn holds_no_metadata(root: &Key, directory: &Key) -> bool {
    let relative = directory.relative_to(root);
    relative.is_some_and(|relative| layout::holds_data_files_only(relative.as_str()))
}

fn is_written(name: &str) -> bool {
    name == layout::TASK_OWNED_DIRECTORY
        || name.parse::<JobId>().is_ok()
        || layout::is_savepoint_directory(name)
        || layout::checkpoint_id(name).is_some()
}
