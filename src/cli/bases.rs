//! The directories that a command works on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use retention::layout::{
    CHANGELOG_DIRECTORY, JobId, SHARED_DIRECTORY, TASK_OWNED_DIRECTORY, checkpoint_id,
    is_savepoint_directory,
};
use retention::location::{Location, Origin};
use storage::{Descend, EntryKind, Key, LocalStorage, Walk};

use super::UsageError;
use super::mounts::{self, MountArguments};
use crate::engine::Stores;
use crate::engine::journal::Journal;

/// Opened directories, and every other place that their snapshots may name.
#[derive(Debug)]
pub(super) struct Bases {
    pub(super) stores: Arc<Stores>,
    /// As Flink sees them, in the order of the command line.
    pub(super) locations: Vec<Location>,
    storages: Vec<LocalStorage>,
}

/// Where directories of one job lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Homes {
    pub(super) checkpoints: BTreeSet<Location>,
    /// `state.changelog.dstl.dfs.base-path` may be another place.
    pub(super) changelog: BTreeSet<Location>,
}

impl Bases {
    pub(super) async fn open(
        mounts: &MountArguments,
        directories: &[PathBuf],
    ) -> anyhow::Result<Self> {
        let mut stores = mounts.open().await?;
        let (mut locations, mut storages): (Vec<Location>, Vec<LocalStorage>) = Default::default();
        for directory in directories {
            refuse_parts(directory)?;
            let path = mounts::absolute(directory)?;
            let storage = LocalStorage::open(&path).await?;
            if let Some(other) = storages
                .iter()
                .find(|other| overlap(other.root_path(), storage.root_path()))
            {
                return Err(UsageError(format!(
                    "{} and {} overlap, and every file must be judged once; name the outer one only",
                    other.root_path().display(),
                    storage.root_path().display(),
                ))
                .into());
            }
            let location = mounts::location(&stores, &path)?;
            stores.add(location.clone(), Arc::new(storage.clone()));
            locations.push(location);
            storages.push(storage);
        }
        if mounts.is_empty() {
            // Flink sees what we see, so what snapshots name elsewhere can be looked at too. With mounts, a path outside
            // of them is one of a pod, and says nothing about this machine.
            let root = LocalStorage::open(Path::new("/")).await?;
            stores.add(
                Location::parse("file:/", &Origin::default())?,
                Arc::new(root),
            );
        }
        Ok(Self {
            stores: Arc::new(stores),
            locations,
            storages,
        })
    }

    /// The journal beside the data of one of these directories.
    pub(super) fn journal(&self, location: &Location) -> anyhow::Result<Journal> {
        self.stores
            .resolve(location)
            .and_then(|(storage, key)| Journal::of(storage, &key, location))
            .with_context(|| {
                format!("{location} cannot be reached from here; mount it and say so with --mount")
            })
    }

    /// The ids of all job directories, and the directories in which these lie.
    pub(super) async fn jobs(&self) -> anyhow::Result<BTreeMap<JobId, Homes>> {
        let mut jobs: BTreeMap<JobId, Homes> = BTreeMap::new();
        for (location, storage) in self.locations.iter().zip(&self.storages) {
            let walk = Walk::new(storage, Key::root());
            let collect = |entry: storage::Entry| {
                if entry.kind != EntryKind::Directory {
                    return Descend::Yes;
                }
                let id = |name: Option<&str>| name.and_then(|name| name.parse().ok());
                let name = entry.key.file_name();
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
                Descend::No
            };
            walk.run(collect)
                .await
                .context("cannot find the jobs for --stopped")?;
        }
        Ok(jobs)
    }
}

fn overlap(a: &Path, b: &Path) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

/// Only a whole base can be judged: snapshots of one job may name files of another.
fn refuse_parts(directory: &Path) -> Result<(), UsageError> {
    let name = directory
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let part = if name.parse::<JobId>().is_ok() {
        "the directory of one job"
    } else if checkpoint_id(name).is_some() || is_savepoint_directory(name) {
        "one snapshot"
    } else if name == SHARED_DIRECTORY || name == TASK_OWNED_DIRECTORY {
        "a part of a job's directory"
    } else {
        return Ok(());
    };
    Err(UsageError(format!(
        "{} is {part}, whose files other jobs may need; name the checkpoint directory above it",
        directory.display()
    )))
}
