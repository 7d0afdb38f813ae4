//! Handles, under the names of Flink's classes.

use serde::Serialize;

use crate::reference::Scope;

/// A stream-state handle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum StreamState {
    /// State inside the metadata (`ByteStreamStateHandle`). The name is not a file.
    Inline {
        /// Handle name.
        name: String,
        /// Length in bytes.
        size: u64,
    },
    /// `FileStateHandle`.
    File {
        /// Absolute path.
        path: String,
        /// Bytes as stated; None if unknown.
        size: Option<u64>,
    },
    /// `RelativeFileStateHandle`.
    RelativeFile {
        /// Path relative to the directory of the metadata.
        relative: String,
        /// Bytes as stated; None if unknown.
        size: Option<u64>,
    },
    /// `SegmentFileStateHandle`.
    Segment {
        /// Absolute path of the physical file.
        path: String,
        /// Where the segment starts in it, in bytes.
        offset: u64,
        /// Its length in bytes; None if unknown.
        size: Option<u64>,
        /// Scope.
        scope: Scope,
        /// Flink's id of the logical file.
        logical_id: String,
    },
    /// `EmptySegmentFileStateHandle`.
    EmptySegment,
    /// `KeyGroupsStateHandle` in the place of a stream.
    KeyGroups {
        /// Key groups.
        range: KeyGroupRange,
        /// Where each key group starts in the delegate.
        offsets: Vec<i64>,
        /// Where the bytes are.
        delegate: Box<StreamState>,
    },
}

/// First and last key group, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct KeyGroupRange(pub u16, pub u16);

/// A keyed-state handle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "class")]
pub enum KeyedState {
    /// Full state, key group by key group.
    #[serde(rename = "KeyGroupsStateHandle")]
    KeyGroups {
        /// Key groups.
        range: KeyGroupRange,
        /// Where each key group starts in the delegate.
        offsets: Vec<i64>,
        /// Where the bytes are.
        delegate: StreamState,
        /// Flink's id of the handle.
        handle_id: Option<String>,
    },
    /// The same in the canonical savepoint format.
    #[serde(rename = "KeyGroupsSavepointStateHandle")]
    KeyGroupsSavepoint {
        /// Key groups.
        range: KeyGroupRange,
        /// Where each key group starts in the delegate.
        offsets: Vec<i64>,
        /// Where the bytes are.
        delegate: StreamState,
    },
    /// An incremental snapshot of RocksDB or ForSt.
    #[serde(rename = "IncrementalRemoteKeyedStateHandle")]
    Incremental {
        /// Key groups.
        range: KeyGroupRange,
        /// The checkpoint, or for a changelog the materialization, that this belongs to.
        checkpoint_id: i64,
        /// Id of the backend.
        backend: String,
        /// Bytes that this checkpoint newly wrote; -1 if unknown.
        checkpointed_size: Option<i64>,
        /// Description of the snapshot.
        meta: StreamState,
        /// SST files.
        shared: Vec<LocalFile>,
        /// Other files.
        private: Vec<LocalFile>,
        /// Flink's id of the handle.
        handle_id: Option<String>,
    },
    /// State of a changelog backend.
    #[serde(rename = "ChangelogStateBackendHandleImpl")]
    Changelog {
        /// Key groups.
        range: KeyGroupRange,
        /// Number of the materialization.
        materialization_id: Option<i64>,
        /// The checkpoint.
        checkpoint_id: Option<i64>,
        /// Bytes that this checkpoint newly wrote.
        checkpointed_size: Option<i64>,
        /// The last materialized snapshot; entries can be empty.
        materialized: Vec<Option<KeyedState>>,
        /// Changes since then.
        non_materialized: Vec<KeyedState>,
        /// Flink's id of the handle.
        handle_id: Option<String>,
    },
    /// Changes inside the metadata.
    #[serde(rename = "InMemoryChangelogStateHandle")]
    ChangelogInMemory {
        /// Key groups.
        range: KeyGroupRange,
        /// First sequence number.
        from: i64,
        /// Last sequence number.
        to: i64,
        /// How many changes.
        changes: u64,
        /// Their bytes.
        bytes: u64,
        /// Flink's id of the handle.
        handle_id: Option<String>,
    },
    /// Changes in files.
    #[serde(rename = "ChangelogStateHandleStreamImpl")]
    ChangelogInFiles {
        /// Key groups.
        range: KeyGroupRange,
        /// Files, and where to start in each.
        handles: Vec<ChangelogPart>,
        /// Bytes of changes.
        size: i64,
        /// Bytes that this checkpoint newly wrote.
        checkpointed_size: Option<i64>,
        /// Flink's id of the handle.
        handle_id: Option<String>,
        /// Kind of changelog storage.
        storage: Option<String>,
    },
}

/// A file of an incremental snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LocalFile {
    /// Its name in the local RocksDB directory.
    pub local: String,
    /// Where its bytes are.
    pub handle: StreamState,
}

/// Changes in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangelogPart {
    /// Where they start in the uncompressed payload.
    pub offset: i64,
    /// Where the bytes are.
    pub handle: StreamState,
}

/// An operator-state handle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperatorState {
    /// Named states.
    pub states: Vec<NamedState>,
    /// With file merging: directories that it keeps alive.
    pub directories: Option<MergeDirectories>,
    /// Where the bytes are.
    pub delegate: StreamState,
}

/// Directories of file merging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MergeDirectories {
    /// The TaskManager's, below `taskowned/`.
    pub task_owned: String,
    /// The subtask's, below `shared/`.
    pub shared: String,
    /// The handle exists for the directories only.
    pub empty: bool,
}

/// A named operator state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedState {
    /// Its name.
    pub name: String,
    /// How it is distributed.
    pub mode: DistributionMode,
    /// Where its parts start in the delegate.
    pub offsets: Vec<i64>,
}

/// `OperatorStateHandle.Mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DistributionMode {
    /// Elements are dealt out.
    SplitDistribute,
    /// Everybody gets all.
    Union,
    /// Everybody has the same.
    Broadcast,
}

/// In-flight data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelState {
    /// The subtask. Absent in files of Flink 1.11.
    pub subtask: Option<i32>,
    /// Its channels; several for a merged handle.
    pub channels: Vec<ChannelInfo>,
    /// Whether it is a merged handle (Flink 2.1 and later).
    pub merged: bool,
    /// Where its parts start in the delegate; not for a merged handle.
    pub offsets: Vec<i64>,
    /// Bytes of these channels.
    pub state_size: i64,
    /// Where the bytes are. Several handles can share one file.
    pub delegate: StreamState,
}

/// Gate and channel, or partition and subpartition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ChannelInfo(pub i32, pub i32);
