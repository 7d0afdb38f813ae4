//! `truth*.json`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What a capture holds. Paths of files are relative to it.
#[derive(Debug, Clone, Deserialize)]
pub struct Truth {
    /// The absolute path that Flink knew the directory by; the metadata names files below it.
    pub root: String,
    /// How many `_metadata` files there are.
    pub metadata_count: u64,
    /// Files that no `_metadata` of the capture names.
    pub unreferenced_files: u64,
    /// Their bytes.
    pub unreferenced_bytes: u64,
    /// Files that a `_metadata` names but that do not exist.
    pub referenced_but_missing: Vec<String>,
    /// Directories without anything in them.
    pub empty_dirs: Vec<String>,
    /// All files.
    pub tree_files: Vec<TreeFile>,
    /// All `_metadata` files.
    pub metadata: Vec<TruthMetadata>,
}

/// A file of the capture.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TreeFile {
    /// Path relative to the capture.
    pub path: String,
    /// Length in bytes.
    pub size: u64,
    /// Modification time, in nanoseconds since 1970.
    pub mtime_ns: u64,
    /// `metadata`, `referenced` or `unreferenced`.
    pub role: String,
}

/// A `_metadata` file.
#[derive(Debug, Clone, Deserialize)]
pub struct TruthMetadata {
    /// Path relative to the capture.
    pub metadata: String,
    /// Its length in bytes.
    pub file_size: u64,
    /// Why Flink cannot load it, if it cannot.
    pub load_error: Option<String>,
    /// What Flink read from it, if it could.
    #[serde(flatten)]
    pub facts: Option<Facts>,
}

/// What Flink's loader reads from a `_metadata` file.
#[derive(Debug, Clone, Deserialize)]
pub struct Facts {
    /// Its directory, as a URI.
    pub pointer: String,
    pub version: i32,
    pub checkpoint_id: u64,
    /// Sum of all handles.
    pub total_state_size: u64,
    /// `ByteStreamStateHandle`s and their bytes.
    pub inline_count: u64,
    pub inline_bytes: u64,
    /// How many handles name a file by a relative path.
    pub relative_handles: u64,
    pub empty_segments: u64,
    pub channel_handles: u64,
    pub changelog_stream_handles: u64,
    pub changelog_memory_handles: u64,
    /// Simple class name to count.
    pub handle_classes: BTreeMap<String, u64>,
    /// Whole files, each once.
    pub files: Vec<TruthFile>,
    /// Segments, one per handle.
    pub segments: Vec<TruthSegment>,
    /// Directories that must stay.
    pub directories: Vec<String>,
    /// From version 4 on.
    pub properties: Option<TruthProperties>,
    pub master_states: Vec<serde_json::Value>,
    /// Operators, subtasks and handles as a tree.
    pub operators: Vec<serde_json::Value>,
}

/// A file that the metadata names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TruthFile {
    /// Absolute; relative handles are resolved against the directory of the metadata.
    pub path: String,
    pub size: u64,
    /// How many handles name it.
    pub refs: u64,
    /// How many of them by a relative path.
    pub relative_refs: u64,
}

/// A segment of a merged file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct TruthSegment {
    pub path: String,
    pub offset: u64,
    pub size: u64,
    /// `EXCLUSIVE` or `SHARED`.
    pub scope: String,
    pub logical_id: String,
}

/// `CheckpointProperties`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TruthProperties {
    pub is_savepoint: bool,
    /// `toString` of the snapshot type.
    #[serde(rename = "type")]
    pub snapshot_type: String,
    /// `CANONICAL`, `NATIVE` or `null`.
    pub format: String,
    pub sharing: String,
    pub unclaimed: bool,
    /// `toString` of everything.
    pub to_string: String,
}
