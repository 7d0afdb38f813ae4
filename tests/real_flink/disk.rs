//! What is on storage, told apart by the bytes of `_metadata` and by no code of ours.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The files of all jobs. Names are random, so a file is named where its name occurs. Of a running job this is
/// approximate: what the next checkpoint has written counts as unreferenced.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    pub(crate) referenced: u64,
    pub(crate) unreferenced: BTreeMap<PathBuf, u64>,
}

impl Disk {
    pub(crate) fn measure(roots: &[PathBuf]) -> Self {
        let files: Vec<PathBuf> = roots.iter().flat_map(|root| files(root)).collect();
        let metadata: Vec<u8> = files
            .iter()
            .filter(|path| is_metadata(path))
            // Flink may have removed it by now.
            .flat_map(|path| fs::read(path).unwrap_or_default())
            .collect();
        let text = String::from_utf8_lossy(&metadata);
        let mut disk = Self::default();
        for path in files {
            let Ok(attributes) = fs::metadata(&path) else {
                continue;
            };
            let name = path.file_name().unwrap().to_string_lossy();
            if is_metadata(&path) || text.contains(name.as_ref()) {
                disk.referenced += attributes.len();
            } else {
                disk.unreferenced.insert(path, attributes.len());
            }
        }
        disk
    }

    pub(crate) fn unreferenced_bytes(&self) -> u64 {
        self.unreferenced.values().sum()
    }
}

pub(crate) fn is_metadata(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "_metadata")
}

/// Of `chk-<number>/_metadata`.
pub(crate) fn checkpoint_number(path: &Path) -> Option<u64> {
    let directory = path.parent().filter(|_| is_metadata(path))?.file_name()?;
    directory.to_str()?.strip_prefix("chk-")?.parse().ok()
}

/// Every file below a directory but our own records.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && entry.file_name() != ".flink-retention" => {
                    directories.push(entry.path());
                }
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                Ok(_) | Err(_) => {}
            }
        }
    }
    found
}
