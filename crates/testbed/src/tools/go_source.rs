use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::Error;
use super::go::{module_directory, pinned, started, unusable};
use crate::cache::{self, Key};

/// Files out of a Go module that `tests/tools` pins; nothing is built of it.
pub(super) struct GoSource {
    pub name: &'static str,
    pub directory: &'static str,
    pub module: &'static str,
    pub files: &'static [&'static str],
}

#[derive(Deserialize)]
struct Downloaded {
    #[serde(rename = "Dir")]
    directory: PathBuf,
}

impl GoSource {
    /// The files, where they are cached.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>, Error> {
        let pins = module_directory(self.directory);
        let mut key = Key::new()
            .file(&pins.join("go.mod"))?
            .file(&pins.join("go.sum"))?;
        for file in self.files {
            key = key.text(file);
        }
        let announce = format!("fetching {} with Go, once", self.module);
        let cached = cache::artefact(self.name, &key, &announce, |directory| {
            self.copy(&pins, directory)
        })?;
        Ok(self
            .files
            .iter()
            .map(|file| cached.join(last_part(file)))
            .collect())
    }

    fn copy(&self, pins: &Path, directory: &Path) -> Result<(), Error> {
        let file = pins.join("go.mod");
        let text = fs::read_to_string(&file).map_err(unusable(pins))?;
        let Some(version) = pinned(&text, self.module) else {
            return Err(Error::NotPinned {
                module: file,
                requirement: self.module,
            });
        };
        let output = Command::new("go")
            .args(["mod", "download", "-json"])
            .arg(format!("{}@{version}", self.module))
            .current_dir(pins)
            .env("GOWORK", "off")
            .output()
            .map_err(started(pins))?;
        let downloaded: Downloaded =
            serde_json::from_slice(&output.stdout).map_err(|_| Error::GoDownload {
                module: self.module,
                message: String::from_utf8_lossy(&[output.stdout, output.stderr].concat())
                    .into_owned(),
            })?;
        for file in self.files {
            let from = downloaded.directory.join(file);
            fs::copy(&from, directory.join(last_part(file))).map_err(unusable(pins))?;
        }
        Ok(())
    }
}

fn last_part(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}
