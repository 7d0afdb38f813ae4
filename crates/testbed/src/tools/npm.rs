use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Error;
use crate::cache::{self, Key};

/// A directory below `tests/tools` that pins packages of the npm registry, and a script that serves with them.
pub(super) struct NpmPackage {
    pub name: &'static str,
    pub script: &'static str,
    pub takes: &'static str,
}

impl NpmPackage {
    /// The script, beside its packages.
    pub(super) fn install(&self) -> Result<PathBuf, Error> {
        let pins =
            Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/tools")).join(self.name);
        let files = ["package.json", "package-lock.json", self.script];
        let mut key = Key::new();
        for file in files {
            key = key.file(&pins.join(file))?;
        }
        let announce = format!(
            "installing {} with npm, once; this takes {} (network)",
            self.name, self.takes
        );
        let installed = cache::artefact(self.name, &key, &announce, |directory| {
            for file in files {
                let from = pins.join(file);
                fs::copy(&from, directory.join(file)).map_err(unusable(&from))?;
            }
            install(directory)
        })?;
        Ok(installed.join(self.script))
    }
}

/// Exactly what the lock file says, and no program of a package runs on the way.
fn install(directory: &Path) -> Result<(), Error> {
    let status = Command::new("npm")
        .args(["ci", "--silent", "--ignore-scripts", "--omit=dev"])
        .args(["--no-audit", "--no-fund", "--no-update-notifier"])
        .current_dir(directory)
        .status()
        .map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::NodeMissing,
            _ => unusable(directory)(source),
        })?;
    if status.success() {
        Ok(())
    } else {
        let packages = directory.to_owned();
        Err(Error::NpmInstall { packages, status })
    }
}

fn unusable(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::NpmUnusable { path, source }
}
