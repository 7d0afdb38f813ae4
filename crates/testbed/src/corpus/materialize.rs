//! Builds a capture as a directory.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{Error, TreeFile, Truth, failed};

/// Which modification times the files get. Distances between them always stay as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// As Flink left them.
    Recorded,
    /// All of them this much older.
    OlderBy(Duration),
    /// So that the newest file has this time.
    NewestAt(SystemTime),
}

pub(super) fn build(
    truth: &Truth,
    source: &Path,
    target: &Path,
    times: Times,
) -> Result<(), Error> {
    fs::create_dir_all(target).map_err(failed("create", target))?;
    for dir in &truth.empty_dirs {
        let dir = target.join(dir);
        fs::create_dir_all(&dir).map_err(failed("create", &dir))?;
    }
    let newest = truth
        .tree_files
        .iter()
        .map(|file| file.mtime_ns)
        .max()
        .unwrap_or(0);
    for file in &truth.tree_files {
        let recorded = SystemTime::UNIX_EPOCH + Duration::from_nanos(file.mtime_ns);
        let modified = match times {
            Times::Recorded => recorded,
            Times::OlderBy(age) => recorded - age,
            Times::NewestAt(time) => time - Duration::from_nanos(newest - file.mtime_ns),
        };
        make(
            file,
            &source.join(&file.path),
            &target.join(&file.path),
            modified,
        )?;
    }
    Ok(())
}

/// A copy where the fixtures hold the file, else a sparse file.
fn make(file: &TreeFile, source: &Path, target: &Path, modified: SystemTime) -> Result<(), Error> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(failed("create", parent))?;
    }
    if source.is_file() {
        let found = fs::copy(source, target).map_err(failed("copy", source))?;
        if found != file.size {
            let path = source.to_owned();
            return Err(Error::Size {
                path,
                found,
                expected: file.size,
            });
        }
    }
    let opened = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(target);
    let opened = opened.map_err(failed("create", target))?;
    opened.set_len(file.size).map_err(failed("size", target))?;
    opened
        .set_modified(modified)
        .map_err(failed("set the time of", target))
}
