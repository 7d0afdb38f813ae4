//! A temporary directory as a store: the fixture of whatever reaches a file system.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use rustix::fs::{CWD, FileType, Mode};
use tempfile::TempDir;

use super::{FileSystemFixture, Fixture, OUTSIDE_CONTENTS, OUTSIDE_DIRECTORY, OUTSIDE_FILE};
use crate::local::LocalStorage;
use crate::port::{Key, Storage};

/// A temporary directory with a root and, beside it, something that is not ours.
#[derive(Debug)]
pub struct Volume {
    directory: TempDir,
    pub store: LocalStorage,
}

impl Volume {
    /// A fresh one.
    pub async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (root, outside) = (
            directory.path().join("root"),
            directory.path().join("outside"),
        );
        fs::create_dir(&root).unwrap();
        fs::create_dir_all(outside.join(OUTSIDE_DIRECTORY)).unwrap();
        fs::write(outside.join(OUTSIDE_FILE), OUTSIDE_CONTENTS).unwrap();
        let store = LocalStorage::open(&root).await.unwrap();
        Self { directory, store }
    }

    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    #[must_use]
    pub fn outside(&self) -> PathBuf {
        self.directory.path().join("outside")
    }

    #[must_use]
    pub fn path(&self, key: &Key) -> PathBuf {
        self.root().join(key.as_str())
    }

    fn link(&self, key: &Key, to: &Path) {
        fs::create_dir_all(self.path(key).parent().unwrap()).unwrap();
        symlink(to, self.path(key)).unwrap();
    }
}

#[async_trait]
impl Fixture for Volume {
    fn store(&self) -> Arc<dyn Storage> {
        Arc::new(self.store.clone())
    }

    async fn write(&self, key: &Key, bytes: &[u8]) {
        let path = self.path(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    async fn remove(&self, key: &Key) {
        let path = self.path(key);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }
}

#[async_trait]
impl FileSystemFixture for Volume {
    async fn make_directory(&self, key: &Key) {
        fs::create_dir_all(self.path(key)).unwrap();
    }

    async fn link_outside(&self, key: &Key) {
        self.link(key, &self.outside());
    }

    async fn link_to_root(&self, key: &Key) {
        self.link(key, &self.root());
    }

    async fn make_pipe(&self, key: &Key) {
        fs::create_dir_all(self.path(key).parent().unwrap()).unwrap();
        let mode = Mode::from_raw_mode(0o644);
        rustix::fs::mknodat(CWD, self.path(key), FileType::Fifo, mode, 0).unwrap();
    }

    async fn outside_is_untouched(&self) -> bool {
        let mut names: Vec<_> = fs::read_dir(self.outside())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names == [OUTSIDE_DIRECTORY, OUTSIDE_FILE]
            && fs::read(self.outside().join(OUTSIDE_FILE)).unwrap() == OUTSIDE_CONTENTS
            && fs::read_dir(self.outside().join(OUTSIDE_DIRECTORY))
                .unwrap()
                .next()
                .is_none()
    }
}
