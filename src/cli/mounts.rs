//! `--mount`, and where a path of this machine is as Flink sees it.

use std::path::{Component, Path, PathBuf};

use anyhow::Context;
use retention::location::{Location, Origin};

use super::UsageError;
use crate::engine::{Mount, OpenError, Stores};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct MountArguments {
    /// Where a volume of Flink's pods is mounted here, such as `file:/opt/flink/volume=/mnt/pvc`; paths are then shown as
    /// Flink sees them; repeatable
    #[arg(long = "mount", value_name = "file:REMOTE=LOCAL")]
    mounts: Vec<Mount>,
}

impl MountArguments {
    pub(super) fn is_empty(&self) -> bool {
        self.mounts.is_empty()
    }

    /// Opens every mount. On the command line there is one world, so a namespace says nothing.
    pub(super) async fn open(&self) -> anyhow::Result<Stores> {
        let mut mounts = Vec::new();
        for mount in &self.mounts {
            mounts.push(Mount {
                namespace: None,
                remote: mount.remote.clone(),
                local: absolute(&mount.local)?,
            });
        }
        match Stores::open(mounts).await {
            Ok(stores) => Ok(stores),
            Err(error @ (OpenError::Shared { .. } | OpenError::Twice { .. })) => {
                Err(UsageError(format!("--mount: {error}")).into())
            }
            Err(error @ OpenError::Storage(_)) => Err(error).context("--mount"),
        }
    }
}

/// The location of a path of this machine: as Flink sees it where a mount covers it, else the path itself.
pub(super) fn location(stores: &Stores, local: &Path) -> anyhow::Result<Location> {
    if let Some(remote) = stores.remote_of(local) {
        return Ok(remote);
    }
    let text = local.to_str().with_context(|| {
        format!(
            "{} is no text; rename it, Flink could not name it either",
            local.display()
        )
    })?;
    Ok(Location::parse(
        &format!("file:{text}"),
        &Origin::default(),
    )?)
}

/// The path from the root on, by the names that were given: links stay names, because Flink wrote them so. Only where
/// `..` would make that ambiguous are they resolved.
pub(super) fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    let resolved = if path.components().any(|part| part == Component::ParentDir) {
        path.canonicalize()
    } else {
        std::path::absolute(path)
    };
    let resolved = resolved.with_context(|| {
        format!(
            "cannot find {}; check the spelling and that the volume is mounted",
            path.display()
        )
    })?;
    // Without a trailing slash.
    Ok(resolved.components().collect())
}
