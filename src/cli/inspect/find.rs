//! Finds the `_metadata` files that a path stands for.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use bytes::Bytes;
use retention::layout::METADATA_FILE;
use retention::location::Location;
use storage::{Descend, EntryKind, Key, LocalStorage, Storage, Walk};

use crate::cli::accounts::Accounts;
use crate::cli::directory::{Directory, InBucket, InHdfs, root_of};
use crate::cli::{hdfs, mounts};
use crate::engine::Stores;

/// More than any job writes.
const LIMIT: u64 = 2 << 30;

/// The snapshots at or below a path.
#[derive(Debug)]
pub(super) struct Place {
    storage: Arc<dyn Storage>,
    /// The root of `storage` as Flink sees it.
    location: Location,
    pub(super) metadata: Vec<Key>,
    /// The path named one snapshot.
    pub(super) single: bool,
}

/// A `_metadata` file.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) location: Location,
    pub(super) contents: anyhow::Result<Bytes>,
}

impl Place {
    pub(super) async fn of(stores: &Stores, directory: &Directory) -> anyhow::Result<Self> {
        match directory {
            Directory::Local(path) => Self::on_this_machine(stores, path).await,
            Directory::Bucket(place) => Self::in_bucket(place).await,
            Directory::Hdfs(place) => Self::in_hdfs(place).await,
        }
    }

    async fn in_bucket(place: &InBucket) -> anyhow::Result<Self> {
        let storage = Accounts::of([place])?.bucket_of(place)?;
        Self::elsewhere(storage, &place.key, &place.location).await
    }

    async fn in_hdfs(place: &InHdfs) -> anyhow::Result<Self> {
        let storage = Arc::new(hdfs::cluster(&place.authority)?.look_into());
        Self::elsewhere(storage, &place.key, &place.location).await
    }

    /// In a store that is rooted at the root of its paths.
    async fn elsewhere(
        storage: Arc<dyn Storage>,
        key: &Key,
        location: &Location,
    ) -> anyhow::Result<Self> {
        let mut single = true;
        let named = storage.stat(key).await?;
        let metadata = if named.is_some_and(|entry| entry.kind == EntryKind::File) {
            vec![key.clone()]
        } else {
            let own = key.join(METADATA_FILE)?;
            if storage.stat(&own).await?.is_some() {
                vec![own]
            } else {
                single = false;
                below(storage.as_ref(), key.clone(), location).await?
            }
        };
        Ok(Self {
            storage,
            location: root_of(location),
            metadata,
            single,
        })
    }

    async fn on_this_machine(stores: &Stores, path: &Path) -> anyhow::Result<Self> {
        let path = mounts::absolute(path)?;
        let kind = std::fs::metadata(&path).with_context(|| {
            format!(
                "cannot look at {}; check the spelling, the permissions, and that the volume is mounted",
                path.display()
            )
        })?;
        if kind.is_file() {
            return Self::file(stores, &path).await;
        }
        let storage = LocalStorage::open(&path).await?;
        let location = mounts::location(stores, &path)?;
        let own = Key::parse(METADATA_FILE)?;
        if storage.stat(&own).await?.is_some() {
            return Ok(Self {
                storage: Arc::new(storage),
                location,
                metadata: vec![own],
                single: true,
            });
        }
        let metadata = below(&storage, Key::root(), &path.display()).await?;
        Ok(Self {
            storage: Arc::new(storage),
            location,
            metadata,
            single: false,
        })
    }

    async fn file(stores: &Stores, path: &Path) -> anyhow::Result<Self> {
        // A link that a person names is followed, as `cat` would.
        let path = if path.is_symlink() {
            path.canonicalize()?
        } else {
            path.to_owned()
        };
        let (Some(directory), Some(name)) = (
            path.parent(),
            path.file_name().and_then(|name| name.to_str()),
        ) else {
            bail!("{} names no file", path.display());
        };
        Ok(Self {
            storage: Arc::new(LocalStorage::open(directory).await?),
            location: mounts::location(stores, directory)?,
            metadata: vec![Key::parse(name)?],
            single: true,
        })
    }

    pub(super) async fn read(&self, key: &Key) -> Found {
        let contents = self.storage.read(key, LIMIT).await;
        Found {
            location: self.location.join(key.as_str()),
            contents: contents.map(|contents| contents.bytes).map_err(Into::into),
        }
    }
}

/// Every `_metadata` in or below a directory.
async fn below(
    storage: &dyn Storage,
    directory: Key,
    name: &impl Display,
) -> anyhow::Result<Vec<Key>> {
    let mut metadata = Vec::new();
    Walk::new(storage, directory)
        .run(|entry| {
            if entry.key.file_name() == Some(METADATA_FILE) && entry.kind != EntryKind::Directory {
                metadata.push(entry.key);
            }
            Descend::Yes
        })
        .await?;
    if metadata.is_empty() {
        bail!(
            "there is no {METADATA_FILE} in or below {name}; name a checkpoint, a savepoint, or a directory of them"
        );
    }
    metadata.sort();
    Ok(metadata)
}
