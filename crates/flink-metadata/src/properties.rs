//! `CheckpointProperties`: what kind of snapshot it is and when Flink itself would discard it.

mod read;
mod text;

use serde::Serialize;

pub(crate) use read::{from_graph, read_tail};

/// Java-serialized at the end of versions 4 and later, and in HA files of every version.
///
/// The text form is that of Flink's `toString`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // They are the fields of Flink's class.
pub struct Properties {
    /// Checkpoint or savepoint.
    pub snapshot_type: SnapshotType,
    /// Whether it was asked for, rather than periodic.
    pub forced: bool,
    /// The job was restored from it with `NO_CLAIM`. Since Flink 1.15.
    pub unclaimed: bool,
    /// Flink discards it when newer ones replace it.
    pub discard_subsumed: bool,
    /// Flink discards it when the job finishes.
    pub discard_finished: bool,
    /// Flink discards it when the job is cancelled.
    pub discard_cancelled: bool,
    /// Flink discards it when the job fails.
    pub discard_failed: bool,
    /// Flink discards it when the job is suspended.
    pub discard_suspended: bool,
}

/// `SnapshotType`.
///
/// The text form is that of Flink's `toString`, since 1.15.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotType {
    /// A checkpoint.
    Checkpoint {
        /// `Checkpoint` or `Full Checkpoint`.
        name: String,
        /// How it may share files with others. None before Flink 1.15.
        sharing: Option<SharingFilesStrategy>,
    },
    /// A savepoint.
    Savepoint {
        /// `Savepoint`, `Suspend Savepoint` or `Terminate Savepoint`.
        name: String,
        /// Its format. Always canonical before Flink 1.15.
        format: SavepointFormat,
        /// What happens to the job after it.
        post_action: PostCheckpointAction,
    },
}

/// `SnapshotType.SharingFilesStrategy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SharingFilesStrategy {
    /// Uses files of earlier checkpoints and is used by later ones.
    ForwardBackward,
    /// Is used by later ones only (a full checkpoint).
    Forward,
    /// Shares nothing.
    NoSharing,
}

/// `SavepointFormatType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SavepointFormat {
    /// The same for every state backend.
    Canonical,
    /// As the state backend writes its checkpoints.
    Native,
}

/// `SavepointType.PostCheckpointAction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PostCheckpointAction {
    /// The job goes on.
    None,
    /// The job stops and may be resumed.
    Suspend,
    /// The job ends.
    Terminate,
}
