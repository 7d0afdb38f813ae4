use crate::world::{Millis, location_text};
use std::collections::BTreeMap;
use testbed::snapshot::SnapshotFile;

/// The number of an SST file within a task.
pub(crate) type Sst = u64;

/// A file on storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Data {
    pub(crate) path: String,
    pub(crate) size: u64,
}

/// A complete checkpoint or savepoint.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// The job that wrote it.
    pub(crate) job: String,
    pub(crate) id: u64,
    pub(crate) directory: String,
    pub(crate) savepoint: bool,
    pub(crate) triggered: Millis,
    pub(crate) completed: Millis,
    /// The state of each task.
    pub(crate) tasks: Vec<BTreeMap<Sst, Data>>,
    /// Files in its own directory that no other snapshot names.
    pub(crate) exclusive: Vec<Data>,
}

impl Snapshot {
    pub(crate) fn metadata(&self) -> String {
        format!("{}/_metadata", self.directory)
    }

    /// Every file that it names.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Data> {
        self.tasks
            .iter()
            .flat_map(BTreeMap::values)
            .chain(&self.exclusive)
    }

    /// The same and `_metadata`.
    pub(crate) fn paths(&self) -> impl Iterator<Item = String> {
        self.files()
            .map(|file| file.path.clone())
            .chain([self.metadata()])
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let shared = self.tasks.iter().flat_map(BTreeMap::values);
        SnapshotFile {
            checkpoint_id: self.id,
            shared: shared
                .map(|file| (location_text(&file.path), file.size))
                .collect(),
            exclusive: self
                .exclusive
                .iter()
                .map(|file| {
                    let name = file.path.rsplit('/').next().unwrap_or_default();
                    (name.to_owned(), file.size)
                })
                .collect(),
        }
        .to_bytes()
    }
}
