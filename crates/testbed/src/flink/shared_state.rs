use std::path::{Path, PathBuf};
use std::{fs, io};

use super::FlinkError;

/// The files in a job's `shared/`, told apart by whether any `_metadata` of the job names them.
///
/// The names are random, so a file is named where its name occurs: no parser is involved, and none can hide its own
/// mistakes here. Of a running job this is approximate: what the next checkpoint has uploaded counts as unnamed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SharedState {
    /// Path and length in bytes.
    pub named: Vec<(PathBuf, u64)>,
    pub unnamed: Vec<(PathBuf, u64)>,
}

impl SharedState {
    /// Measures one job directory; files that vanish meanwhile are left out.
    pub fn measure(job_directory: &Path) -> Result<Self, FlinkError> {
        let shared = list(&job_directory.join("shared"))?;
        let mut metadata = String::new();
        for directory in list(job_directory)? {
            let bytes = if_there("read", &directory.join("_metadata"), |path| fs::read(path))?;
            metadata.push_str(&String::from_utf8_lossy(&bytes.unwrap_or_default()));
        }
        let mut state = Self::default();
        for path in shared {
            let Some(attributes) = if_there("look at", &path, |path| fs::metadata(path))? else {
                continue;
            };
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let named = metadata.contains(name.as_ref());
            let side = if named {
                &mut state.named
            } else {
                &mut state.unnamed
            };
            side.push((path, attributes.len()));
        }
        Ok(state)
    }

    #[must_use]
    pub fn named_bytes(&self) -> u64 {
        bytes(&self.named)
    }

    #[must_use]
    pub fn unnamed_bytes(&self) -> u64 {
        bytes(&self.unnamed)
    }
}

fn bytes(files: &[(PathBuf, u64)]) -> u64 {
    files.iter().map(|(_, length)| length).sum()
}

/// The entries of a directory; none if there is no directory (yet).
fn list(directory: &Path) -> Result<Vec<PathBuf>, FlinkError> {
    let entries = if_there("list", directory, |path| {
        fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect()
    });
    entries.map(Option::unwrap_or_default)
}

fn if_there<T>(
    action: &'static str,
    path: &Path,
    act: impl FnOnce(&Path) -> io::Result<T>,
) -> Result<Option<T>, FlinkError> {
    match act(path) {
        Ok(value) => Ok(Some(value)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(FlinkError::io(action, path)(error)),
    }
}
