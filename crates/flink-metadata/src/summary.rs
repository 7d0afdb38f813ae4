//! What a walk over a whole file tells besides its references.

use serde::Serialize;

use crate::properties::{Properties, SavepointFormat, SnapshotType};

/// Facts about one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(clippy::struct_excessive_bools)] // Independent findings.
pub struct Summary {
    /// Format version, 2 to 6.
    pub version: i32,
    /// The checkpoint id (savepoints have one too). There is no job id in the file.
    pub checkpoint_id: u64,
    /// What the tail of version 4 and later says. None for versions 2 and 3, and where the writer had none.
    pub properties: Option<Properties>,
    /// How many of each.
    pub counts: Counts,
    /// Whether a changelog state backend wrote it (tags 8, 9, 10, 13, 14).
    pub changelog: bool,
    /// Whether it uses file merging (tags 15, 16, 17).
    pub file_merging: bool,
    /// Inline operator state contains the class name `FileStateHandle`: a write-ahead sink keeps handles to files in
    /// `taskowned/` inside its own state, where no reader of metadata sees them. False is no proof of absence.
    pub may_hold_opaque_handles: bool,
    /// Some operator state lies in files, which that search did not see.
    pub operator_state_in_files: bool,
}

impl Summary {
    /// Whether it is a checkpoint or a savepoint, if the file says so.
    #[must_use]
    pub fn kind(&self) -> SnapshotKind {
        self.properties
            .as_ref()
            .map_or(SnapshotKind::Unknown, Properties::kind)
    }

    /// Whether the job was restored from it without taking ownership (`NO_CLAIM`): somebody else owns these files.
    #[must_use]
    pub fn unclaimed(&self) -> bool {
        self.properties
            .as_ref()
            .is_some_and(|properties| properties.unclaimed)
    }
}

/// Checkpoint or savepoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotKind {
    /// A checkpoint.
    Checkpoint,
    /// A savepoint.
    Savepoint(SavepointFormat),
    /// The file does not say: versions 2 and 3, or a tool wrote it.
    Unknown,
}

impl Properties {
    /// Whether it is a checkpoint or a savepoint.
    #[must_use]
    pub fn kind(&self) -> SnapshotKind {
        match &self.snapshot_type {
            SnapshotType::Checkpoint { .. } => SnapshotKind::Checkpoint,
            SnapshotType::Savepoint { format, .. } => SnapshotKind::Savepoint(*format),
        }
    }
}

/// How many of each kind a snapshot holds. Bytes are logical: a file that is named twice counts only once elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Operators.
    pub operators: u64,
    /// Subtask entries, finished ones included.
    pub subtasks: u64,
    /// Handles of files by absolute path.
    pub files: u64,
    /// Handles of files by relative path.
    pub relative_files: u64,
    /// Segments of merged files.
    pub segments: u64,
    /// Placeholders for segments without data.
    pub empty_segments: u64,
    /// Directory references.
    pub directories: u64,
    /// Byte-stream handles, whose bytes are in the metadata itself.
    pub inline_count: u64,
    /// Sum of those bytes.
    pub inline_bytes: u64,
    /// Channel-state handles.
    pub channel_handles: u64,
    /// Changelog increments in files.
    pub changelog_stream_handles: u64,
    /// Changelog increments held in the metadata itself.
    pub changelog_memory_handles: u64,
}
