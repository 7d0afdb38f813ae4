//! The directories that a command works on.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use futures::StreamExt;
use retention::layout::{
    CHANGELOG_DIRECTORY, JOURNAL_DIRECTORY, JobId, METADATA_FILE, SHARED_DIRECTORY,
    TASK_OWNED_DIRECTORY, checkpoint_id, is_savepoint_directory,
};
use retention::location::{Location, Origin, Store};
use retention::reference::DirectoryKey;
use storage::{Descend, EntryKind, Key, LocalStorage, Storage, Walk};

use super::UsageError;
use super::accounts::Accounts;
use super::directory::{Directory, InBucket, InHdfs, last_part};
use super::hdfs::Clusters;
use super::mounts::{self, MountArguments};
use crate::engine::Stores;
use crate::engine::journal::Journal;

/// Opened directories, and every other place that their snapshots may name.
#[derive(Clone, Debug)]
pub(super) struct Bases {
    pub(super) stores: Arc<Stores>,
    /// As Flink sees them, in the order of the command line.
    pub(super) locations: Vec<Location>,
    storages: Vec<Arc<dyn Storage>>,
}

impl Bases {
    pub(super) async fn open(
        mounts: &MountArguments,
        directories: &[Directory],
    ) -> anyhow::Result<Self> {
        let mut stores = mounts.open().await?;
        let mut opened: Vec<Opened> = Vec::new();
        let in_buckets: Vec<&InBucket> = directories
            .iter()
            .filter_map(|directory| match directory {
                Directory::Bucket(place) => Some(place),
                Directory::Local(_) | Directory::Hdfs(_) => None,
            })
            .collect();
        let accounts = Accounts::of(in_buckets.iter().copied())?;
        let mut clusters = Clusters::default();
        for directory in directories {
            refuse_parts(directory, directory.name())?;
            let place = match directory {
                Directory::Local(path) => Opened::on_this_machine(&stores, path).await?,
                Directory::Bucket(place) => Opened::in_bucket(&accounts, place).await?,
                Directory::Hdfs(place) => Opened::in_hdfs(&mut clusters, place).await?,
            };
            // `.` and links have names of their own.
            refuse_parts(directory, place.name())?;
            if let Some(other) = opened.iter().find(|other| other.overlaps(&place)) {
                return Err(UsageError(format!(
                    "{other} and {place} overlap, and every file must be judged once; name the outer one only"
                ))
                .into());
            }
            stores.add(place.location.clone(), Arc::clone(&place.storage));
            opened.push(place);
        }
        stores = accounts.looked_into_by(stores);
        for (location, rest) in clusters.rest()? {
            stores.add(location, Arc::new(rest));
        }
        if mounts.is_empty() && opened.iter().all(|place| place.path.is_some()) {
            // Flink sees what we see, so what snapshots name elsewhere can be looked at too. With mounts, a path outside
            // of them is one of a pod, and says nothing about this machine; nor does one that is named elsewhere.
            let root = LocalStorage::open(Path::new("/")).await?;
            stores.add(
                Location::parse("file:/", &Origin::default())?,
                Arc::new(root),
            );
        }
        let (locations, storages) = opened
            .into_iter()
            .map(|place| (place.location, place.storage))
            .unzip();
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

    /// Each directory with the store that is rooted at it.
    pub(super) fn places(&self) -> impl Iterator<Item = (&Location, &dyn Storage)> {
        let storages = self.storages.iter().map(AsRef::as_ref);
        self.locations.iter().zip(storages)
    }

    /// Every directory that has a `_metadata`.
    pub(super) async fn snapshots(&self) -> anyhow::Result<BTreeSet<DirectoryKey>> {
        let mut snapshots = BTreeSet::new();
        for (location, storage) in self.places() {
            let walk = Walk::new(storage, Key::root());
            let collect = |entry: storage::Entry| {
                let name = entry.key.file_name();
                if entry.kind != EntryKind::Directory && name == Some(METADATA_FILE) {
                    let path = location.join(entry.key.as_str());
                    snapshots.insert(DirectoryKey::of(path.path()));
                }
                match name {
                    Some(SHARED_DIRECTORY | TASK_OWNED_DIRECTORY | CHANGELOG_DIRECTORY) => {
                        Descend::No
                    }
                    Some(_) | None => Descend::Yes,
                }
            };
            walk.run(collect)
                .await
                .context("cannot find the snapshots for --pin")?;
        }
        Ok(snapshots)
    }
}

/// A directory, and where it really is.
struct Opened {
    location: Location,
    storage: Arc<dyn Storage>,
    /// Of a directory of this machine, without links.
    path: Option<PathBuf>,
}

impl Opened {
    async fn on_this_machine(stores: &Stores, path: &Path) -> anyhow::Result<Self> {
        let path = mounts::absolute(path)?;
        let storage = LocalStorage::open(&path).await?;
        Ok(Self {
            location: mounts::location(stores, &path)?,
            path: Some(storage.root_path().to_owned()),
            storage: Arc::new(storage),
        })
    }

    /// Fails if nothing is there: an object store has no empty directories, so the spelling is wrong.
    async fn in_bucket(accounts: &Accounts, place: &InBucket) -> anyhow::Result<Self> {
        let location = &place.location;
        let storage = accounts.directory(place, Key::parse(JOURNAL_DIRECTORY)?)?;
        if storage
            .list_level(&Key::root())
            .next()
            .await
            .transpose()?
            .is_none()
        {
            bail!("there is nothing in {location}; check the spelling");
        }
        Ok(Self {
            location: location.clone(),
            storage,
            path: None,
        })
    }

    /// Fails if it is no directory: one in HDFS exists although nothing is in it.
    async fn in_hdfs(clusters: &mut Clusters, place: &InHdfs) -> anyhow::Result<Self> {
        let InHdfs {
            authority,
            key,
            location,
            trash,
        } = place;
        let storage = clusters.of(authority)?.directory(key.clone());
        if let Some(reserved) = storage.reserved() {
            return Err(UsageError(format!(
                "{location}: {reserved} is of HDFS itself, and nothing in it is judged or deleted; name the checkpoint directory outside of it"
            ))
            .into());
        }
        storage.list_level(&Key::root()).next().await.transpose()?;
        let storage = if *trash {
            if !storage.keeps_trash().await? {
                return Err(UsageError(format!(
                    "--trash: the NameNode of {location} keeps no trash (fs.trash.interval is 0); leave --trash out, and what is deleted is gone"
                ))
                .into());
            }
            storage.with_trash(Key::parse(JOURNAL_DIRECTORY)?)
        } else {
            storage
        };
        Ok(Self {
            location: location.clone(),
            storage: Arc::new(storage),
            path: None,
        })
    }

    /// The last part of where it really is.
    fn name(&self) -> &str {
        match &self.path {
            Some(path) => last_part(path),
            None => self.location.name(),
        }
    }

    fn overlaps(&self, other: &Self) -> bool {
        match (&self.path, &other.path) {
            (Some(one), Some(other)) => one.starts_with(other) || other.starts_with(one),
            (None, None) => {
                let (one, other) = (&self.location, &other.location);
                one.relative_to(other).is_some()
                    || other.relative_to(one).is_some()
                    || (is_hdfs(one) && (one.may_be_below(other) || other.may_be_below(one)))
            }
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}

impl std::fmt::Display for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.path {
            Some(path) => path.display().fmt(f),
            None => self.location.fmt(f),
        }
    }
}

/// Where two names may be one place: a `NameNode`, and the nameservice that it serves.
fn is_hdfs(location: &Location) -> bool {
    matches!(location.store(), Store::Hdfs { .. })
}

/// Only a whole base can be judged: snapshots of one job may name files of another.
fn refuse_parts(directory: &Directory, name: &str) -> Result<(), UsageError> {
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
        "{directory} is {part}, whose files other jobs may need; name the checkpoint directory above it"
    )))
}
