use crate::inventory::Contents;
use crate::layout::JobId;
use crate::location::Location;
use crate::reference::Required;
use jiff::Timestamp;

/// What the job's high-availability store said.
#[derive(Clone, Debug)]
pub enum HighAvailability {
    /// The configuration has none.
    NotConfigured,
    /// Kubernetes high availability, and the job's map does not exist.
    NoMap { read_at: Timestamp },
    /// Kubernetes high availability, read consistently.
    Map(Box<HaMap>),
    /// It exists, or may exist, and could not be understood.
    Unreadable { why: String },
    /// A kind that this version cannot read (ZooKeeper, own factories).
    Unsupported { kind: String },
}

/// The job's ConfigMap (`<cluster>-<job id>-config-map`), with every entry followed to its blob.
#[derive(Clone, Debug)]
pub struct HaMap {
    pub uid: String,
    /// When the request was sent whose answer this is: the counter is at least as new.
    pub read_at: Timestamp,
    /// The **next** checkpoint id (`KubernetesCheckpointIDCounter`).
    pub counter: Option<u64>,
    /// Oldest first.
    pub entries: Vec<HaEntry>,
}

#[derive(Clone, Debug)]
pub struct HaEntry {
    pub checkpoint_id: u64,
    /// Flink is removing it: it no longer counts as retained, but its files stay in this run.
    pub marked_for_deletion: bool,
    pub checkpoint: HaCheckpoint,
}

/// A `completedCheckpoint…` blob: Flink restores from it, and reads no `_metadata`.
#[derive(Clone, Debug)]
pub struct HaCheckpoint {
    pub job_id: JobId,
    /// The directory of the snapshot; none where it was not persisted as a file.
    pub pointer: Option<Location>,
    pub triggered: Timestamp,
    pub completed: Timestamp,
    /// Every file in the handle tree, by its absolute path.
    pub references: Vec<HaReference>,
    pub contents: Contents,
    /// Bytes of state inside the blob itself.
    pub inline_bytes: u64,
}

/// A file that a blob names.
#[derive(Clone, Debug)]
pub struct HaReference {
    pub location: Location,
    pub required: Required,
}

impl HighAvailability {
    /// The map, if one was read.
    #[must_use]
    pub fn map(&self) -> Option<&HaMap> {
        match self {
            Self::Map(map) => Some(map),
            Self::NotConfigured
            | Self::NoMap { .. }
            | Self::Unreadable { .. }
            | Self::Unsupported { .. } => None,
        }
    }

    /// The entries of the map that was read, oldest first; none where none was.
    #[must_use]
    pub fn entries(&self) -> &[HaEntry] {
        self.map().map_or(&[], |map| &map.entries)
    }
}

impl HaMap {
    /// What Flink would restore from: it takes the highest id among the entries that are not being removed.
    #[must_use]
    pub fn latest(&self) -> Option<&HaEntry> {
        self.entries
            .iter()
            .filter(|entry| !entry.marked_for_deletion)
            .max_by_key(|entry| entry.checkpoint_id)
    }

    #[must_use]
    pub fn highest_id(&self) -> Option<u64> {
        self.entries.iter().map(|entry| entry.checkpoint_id).max()
    }

    /// The counter, if it is usable: present and above every entry (`generation two`, holes H3 and H5).
    #[must_use]
    pub fn usable_counter(&self) -> Option<u64> {
        self.counter
            .filter(|&counter| self.highest_id().is_none_or(|highest| highest < counter))
    }
}
