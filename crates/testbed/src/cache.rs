//! Things that take minutes to make and never change: built once per machine, outside the repository.
//!
//! An artefact is a directory named by what went into it. It appears by a rename, so it is whole or absent; a file
//! lock lets one process build while the others wait.

mod key;

use std::env;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

pub use key::Key;

/// Where the cache cannot be used, or what goes into it cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "no place for the build cache: set FLINK_RETENTION_CACHE or HOME to a directory that can be written"
    )]
    NoHome,
    #[error("build cache: cannot {action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// The recipe failed; nothing was kept.
    #[error("cannot build {name}: {source}")]
    Build {
        name: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The root of the cache: `$FLINK_RETENTION_CACHE`, else `flink-retention` in the user's cache directory.
pub fn directory() -> Result<PathBuf, Error> {
    let set = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("FLINK_RETENTION_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|home| home.join("flink-retention")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/flink-retention")))
        .ok_or(Error::NoHome)
}

/// The directory of the artefact `name` with this key; `build` fills the empty directory that it is given if no
/// process did so before. `announce` goes to standard error first, and should say what is built and how long it takes.
pub fn artefact<E>(
    name: &str,
    key: &Key,
    announce: &str,
    build: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<PathBuf, Error>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    artefact_in(&directory()?, name, key, announce, build)
}

fn artefact_in<E>(
    cache: &Path,
    name: &str,
    key: &Key,
    announce: &str,
    build: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<PathBuf, Error>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let shelf = cache.join(name);
    let finished = shelf.join(key.to_string());
    if finished.is_dir() {
        return Ok(finished);
    }
    create_dir(&shelf)?;
    let _lock = lock(&shelf.join(format!("{key}.lock")), name)?;
    if finished.is_dir() {
        return Ok(finished);
    }
    eprintln!("{announce}");
    let unfinished = shelf.join(format!("{key}.unfinished"));
    remove_dir(&unfinished)?;
    create_dir(&unfinished)?;
    build(&unfinished).map_err(|source| Error::Build {
        name: name.to_owned(),
        source: source.into(),
    })?;
    fs::rename(&unfinished, &finished).map_err(failed("rename", &unfinished))?;
    Ok(finished)
}

/// Held until the file is closed, also by a crash.
fn lock(path: &Path, name: &str) -> Result<File, Error> {
    let file = File::create(path).map_err(failed("create", path))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {
            eprintln!("waiting for another process that builds {name}");
        }
        Err(TryLockError::Error(source)) => return Err(failed("lock", path)(source)),
    }
    file.lock().map_err(failed("lock", path))?;
    Ok(file)
}

fn create_dir(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(failed("create", path))
}

fn remove_dir(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io {
        action,
        path,
        source,
    }
}

#[cfg(test)]
mod tests;
