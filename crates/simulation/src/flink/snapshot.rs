use super::metadata::MetadataFile;
use crate::world::location;
use retention::evidence::HaReference;
use retention::reference::Required;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The number of an SST file within a task, or of an increment of its changelog.
pub(crate) type Sst = u64;

/// A file on storage, and how much of it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Data {
    pub(crate) path: String,
    pub(crate) size: u64,
}

/// A complete checkpoint or savepoint.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Its position among all that were ever written.
    pub(crate) number: usize,
    /// The resource and the job that wrote it.
    pub(crate) resource: usize,
    pub(crate) job: String,
    pub(crate) id: u64,
    pub(crate) directory: String,
    pub(crate) savepoint: bool,
    /// Only a newer parser than ours could read it.
    pub(crate) opaque: bool,
    pub(crate) triggered: i64,
    pub(crate) completed: i64,
    /// The state of each task.
    pub(crate) tasks: Vec<BTreeMap<Sst, Data>>,
    /// Files that no other snapshot names.
    pub(crate) exclusive: Vec<Data>,
    /// As high-availability data names them.
    pub(crate) references: OnceLock<Vec<HaReference>>,
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

    pub(crate) fn references(&self) -> &[HaReference] {
        self.references.get_or_init(|| {
            self.files()
                .map(|file| HaReference {
                    location: location(&file.path),
                    required: Required(file.size),
                })
                .collect()
        })
    }

    /// Whether it names this file, or is it.
    pub(crate) fn names(&self, path: &str) -> bool {
        self.files().any(|file| file.path == path) || self.is_metadata(path)
    }

    fn is_metadata(&self, path: &str) -> bool {
        path.strip_prefix(&self.directory)
            .is_some_and(|rest| rest == "/_metadata")
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        MetadataFile {
            version: if self.opaque { 7 } else { 3 },
            checkpoint_id: self.id,
            directory: &self.directory,
            shared: self.tasks.iter().flat_map(BTreeMap::values).collect(),
            exclusive: self.exclusive.iter().collect(),
        }
        .to_bytes()
    }
}
