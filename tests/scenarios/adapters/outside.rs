//! Whoever changes a store besides the engine: Flink, a person, another operator.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use storage::{EntryKind, Key, Storage};

use super::hdfs::Hdfs;
use super::servers::HDFS;

pub(super) enum Outside {
    /// By the system calls of this machine.
    Directory(PathBuf),
    /// By a client of its own.
    Hdfs(Hdfs),
    /// As whoever may everything there.
    Same(Arc<dyn Storage>),
}

impl Outside {
    pub(super) async fn write(&self, key: &Key, bytes: Bytes) {
        match self {
            Self::Directory(root) => {
                let path = made(root, key);
                // A new file, whatever was there.
                remove(&path);
                std::fs::write(path, bytes).expect("a file can be written");
            }
            Self::Hdfs(files) => files.write(key, bytes).await,
            Self::Same(store) => store.replace(key, bytes).await.expect("it can be written"),
        }
    }

    /// What is no file. An object store has nothing of the kind.
    pub(super) async fn make(&self, key: &Key, kind: EntryKind) {
        match (self, kind) {
            (Self::Same(_), _) => {}
            (Self::Directory(root), EntryKind::Directory) => {
                std::fs::create_dir_all(made(root, key)).expect("a directory can be made");
            }
            (Self::Directory(root), EntryKind::Symlink) => {
                let path = made(root, key);
                remove(&path);
                std::os::unix::fs::symlink("/nowhere", path).expect("a link can be made");
            }
            (Self::Hdfs(files), EntryKind::Directory) => files.make_directory(key).await,
            (Self::Hdfs(files), EntryKind::Symlink) => files.link(key, &HDFS).await,
            (_, EntryKind::File | EntryKind::Other) => unreachable!("no step makes one of these"),
        }
    }

    /// Also all that is below it.
    pub(super) async fn remove(&self, key: &Key, kind: EntryKind) {
        match self {
            Self::Directory(root) => remove(&root.join(key.as_str())),
            Self::Hdfs(files) => files.remove(key).await,
            Self::Same(store) => {
                if kind != EntryKind::File {
                    return;
                }
                if let Some(entry) = store.stat(key).await.expect("it can be looked at") {
                    let deleted = store.delete_if_unchanged(key, &entry.version).await;
                    deleted.expect("it can be deleted");
                }
            }
        }
    }
}

fn made(root: &Path, key: &Key) -> PathBuf {
    let path = root.join(key.as_str());
    let parent = path.parent().expect("it is below the root");
    std::fs::create_dir_all(parent).expect("directories can be made");
    path
}

fn remove(path: &Path) {
    let is_directory = path.symlink_metadata().map(|metadata| metadata.is_dir());
    match is_directory {
        Ok(true) => std::fs::remove_dir_all(path).expect("it can be removed"),
        Ok(false) => std::fs::remove_file(path).expect("it can be removed"),
        Err(_) => {}
    }
}
