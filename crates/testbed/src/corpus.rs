//! Files that real Flink left behind, with the truth that Flink's own classes report about them.
//!
//! The fixtures hold the `_metadata` files themselves (and other small files that matter); all other files are known
//! by size and time and can be made as sparse files by [`Entry::materialize`].

mod materialize;
mod truth;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::cache::{self, Key};

pub use materialize::Times;
pub use truth::{Facts, TreeFile, Truth, TruthFile, TruthMetadata, TruthProperties, TruthSegment};

/// Why the corpus cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Cache(#[from] cache::Error),
    #[error("corpus: cannot {action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("corpus: {} is not the truth that was expected: {source}", path.display())]
    Truth {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("corpus: {} has {found} bytes, but the truth says {expected}", path.display())]
    Size {
        path: PathBuf,
        found: u64,
        expected: u64,
    },
    #[error("corpus: there is no entry {flink_version}/{config}")]
    NoEntry {
        flink_version: String,
        config: String,
    },
}

/// One run of Flink: a configuration in a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Such as `2.3.0`.
    pub flink_version: String,
    /// Such as `rocksdb-incremental`.
    pub config: String,
    /// Where it is unpacked, for all to read: never change anything in it.
    pub dir: PathBuf,
}

/// When, during the run, a directory was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tree {
    /// What was left at the end. Every entry has it.
    Left,
    /// While the job ran.
    Live,
    /// After the first job ended, before the second was restored from it.
    BeforeRestore,
}

impl Tree {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Left, Self::Live, Self::BeforeRestore];

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Left => ("tree", "truth.json"),
            Self::Live => ("tree-live", "truth-live.json"),
            Self::BeforeRestore => ("tree-before-restore", "truth-before-restore.json"),
        }
    }
}

/// Every entry of both corpora, sorted by version and configuration.
///
/// Unpacks them into the build cache the first time (a second or two).
pub fn entries() -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for name in ["corpus", "corpus-ha"] {
        let root = unpacked(name)?;
        for version in directories(&root)? {
            for dir in directories(&version)? {
                entries.push(Entry {
                    flink_version: file_name(&version),
                    config: file_name(&dir),
                    dir,
                });
            }
        }
    }
    entries.sort_by(|a, b| (&a.flink_version, &a.config).cmp(&(&b.flink_version, &b.config)));
    Ok(entries)
}

/// One entry by name.
pub fn entry(flink_version: &str, config: &str) -> Result<Entry, Error> {
    let wanted = |entry: &Entry| entry.flink_version == flink_version && entry.config == config;
    entries()?
        .into_iter()
        .find(wanted)
        .ok_or_else(|| Error::NoEntry {
            flink_version: flink_version.to_owned(),
            config: config.to_owned(),
        })
}

impl Entry {
    /// The captures that this entry has.
    #[must_use]
    pub fn trees(&self) -> Vec<Tree> {
        let present = |tree: &Tree| self.dir.join(tree.names().1).is_file();
        Tree::ALL.into_iter().filter(present).collect()
    }

    /// What Flink's own classes say about a capture.
    pub fn truth(&self, tree: Tree) -> Result<Truth, Error> {
        let path = self.dir.join(tree.names().1);
        let text = fs::read(&path).map_err(failed("read", &path))?;
        serde_json::from_slice(&text).map_err(|source| Error::Truth { path, source })
    }

    /// Where the real files of a capture are unpacked; the others are missing there.
    #[must_use]
    pub fn tree(&self, tree: Tree) -> PathBuf {
        self.dir.join(tree.names().0)
    }

    /// Builds the directory in `target` as Flink left it, and returns its truth. Metadata (and whatever else the
    /// fixtures hold) is real, other files are sparse and of the recorded size; times are set as asked for; empty
    /// directories are there. What Flink knew as `truth.root` is `target` now.
    pub fn materialize(&self, tree: Tree, target: &Path, times: Times) -> Result<Truth, Error> {
        let truth = self.truth(tree)?;
        materialize::build(&truth, &self.tree(tree), target, times)?;
        Ok(truth)
    }
}

/// The directory of a fixture, unpacked once per machine.
fn unpacked(name: &str) -> Result<PathBuf, Error> {
    let archive = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(format!("{name}.tar.xz"));
    let key = Key::new().file(&archive)?;
    let announce = format!("unpacking the {name} (a second)");
    let unpack = |target: &Path| {
        let file = File::open(&archive)?;
        let decoder = liblzma::read::XzDecoder::new(io::BufReader::new(file));
        tar::Archive::new(decoder).unpack(target)
    };
    Ok(cache::artefact(name, &key, &announce, unpack)?)
}

fn directories(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(path).map_err(failed("list", path))?;
    let entries = entries
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed("list", path))?;
    Ok(entries
        .into_iter()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect())
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
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
