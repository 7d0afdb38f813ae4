//! A directory for one test, which is gone when the test is, however it ends.

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::process::Watchdog;

/// A temporary directory. With `KEEP` set in the environment it stays.
#[derive(Debug)]
pub struct Scratch {
    // Stopped before the directory is removed in the ordinary way.
    _watchdog: Option<Watchdog>,
    directory: TempDir,
}

impl Scratch {
    /// A new directory, below the system's one for temporary files, whose name starts with `prefix`.
    pub fn new(prefix: &str) -> io::Result<Self> {
        let keep = env::var_os("KEEP").is_some_and(|keep| !keep.is_empty());
        let directory = tempfile::Builder::new()
            .prefix(prefix)
            .disable_cleanup(keep)
            .tempdir()?;
        // A second later, so that the servers which write there are dead.
        let watchdog = (!keep)
            .then(|| Watchdog::start(r#"sleep 1; rm -rf -- "$1""#, directory.path()))
            .transpose()?;
        Ok(Self {
            _watchdog: watchdog,
            directory,
        })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Lets the directory stay.
    #[must_use]
    pub fn keep(self) -> PathBuf {
        let Self {
            _watchdog: watchdog,
            directory,
        } = self;
        drop(watchdog);
        directory.keep()
    }
}
