//! Where the directories of jobs lie.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use retention::layout::{
    CHANGELOG_DIRECTORY, JobId, METADATA_FILE, checkpoint_id, holds_data_files_only,
    is_savepoint_directory,
};
use retention::location::Location;
use storage::{Descend, Entry, EntryKind, Key, StorageError, Walk};

use super::bases::Bases;

/// Where directories of one job lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Homes {
    pub(super) checkpoints: BTreeSet<Location>,
    /// `state.changelog.dstl.dfs.base-path` may be another place.
    pub(super) changelog: BTreeSet<Location>,
    /// Whether one of them has a checkpoint with its `_metadata`.
    pub(super) has_checkpoint: bool,
}

impl Homes {
    /// Of a job that nobody has looked into yet.
    pub(super) fn unread(checkpoints: BTreeSet<Location>) -> Self {
        Self {
            checkpoints,
            changelog: BTreeSet::new(),
            has_checkpoint: false,
        }
    }
}

impl Bases {
    /// The ids of all job directories, and the directories in which these lie.
    pub(super) async fn jobs(&self) -> anyhow::Result<BTreeMap<JobId, Homes>> {
        let mut jobs: BTreeMap<JobId, Homes> = BTreeMap::new();
        for (location, storage) in self.places() {
            let walk = Walk::new(storage, Key::root());
            let collect = |entry: Entry| {
                let id = |name: Option<&str>| name.and_then(|name| name.parse().ok());
                let name = entry.key.file_name();
                if entry.kind != EntryKind::Directory {
                    if let Some(job) = checkpoint_of(&entry.key) {
                        jobs.entry(job).or_default().has_checkpoint = true;
                    }
                    return Descend::Yes;
                }
                if let Some(id) = id(name) {
                    jobs.entry(id).or_default();
                }
                let parent = entry.key.parent();
                let inside = parent.as_ref().and_then(|parent| id(parent.file_name()));
                let Some(homes) = inside.map(|id| jobs.entry(id).or_default()) else {
                    return Descend::Yes;
                };
                let home = location.join(entry.key.as_str()).parent().parent();
                match name {
                    Some(CHANGELOG_DIRECTORY) => &mut homes.changelog,
                    Some(_) | None => &mut homes.checkpoints,
                }
                .insert(home);
                if name.and_then(checkpoint_id).is_some() && !homes.has_checkpoint {
                    Descend::Yes
                } else {
                    Descend::No
                }
            };
            walk.run(collect)
                .await
                .context("cannot find the jobs for --stopped")?;
        }
        Ok(jobs)
    }

    /// The job directories that are there now, each with the directories in which it lies. As a rule that is one listing of
    /// the top level: no job directory is entered, and no snapshot.
    pub(super) async fn job_directories(
        &self,
    ) -> Result<BTreeMap<JobId, BTreeSet<Location>>, StorageError> {
        let mut found: BTreeMap<JobId, BTreeSet<Location>> = BTreeMap::new();
        for (location, storage) in self.places() {
            let collect = |entry: Entry| {
                let name = entry.key.file_name().unwrap_or_default();
                if entry.kind != EntryKind::Directory {
                    return Descend::No;
                }
                if let Ok(id) = name.parse() {
                    let home = location.join(entry.key.as_str()).parent();
                    found.entry(id).or_default().insert(home);
                    return Descend::No;
                }
                let is_above_jobs = checkpoint_id(name).is_none()
                    && !is_savepoint_directory(name)
                    && !holds_data_files_only(entry.key.as_str());
                if is_above_jobs {
                    Descend::Yes
                } else {
                    Descend::No
                }
            };
            Walk::new(storage, Key::root()).run(collect).await?;
        }
        Ok(found)
    }
}

/// The job whose checkpoint this file makes whole: `<job id>/chk-<number>/_metadata`.
fn checkpoint_of(file: &Key) -> Option<JobId> {
    let checkpoint = file
        .parent()
        .filter(|_| file.file_name() == Some(METADATA_FILE))?;
    checkpoint_id(checkpoint.file_name()?)?;
    checkpoint.parent()?.file_name()?.parse().ok()
}
