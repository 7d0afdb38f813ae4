//! What a snapshot can refer to, and from where inside of it.

use std::borrow::Cow;

use serde::Serialize;

use crate::operator_id::OperatorId;

/// Something in storage that a snapshot needs. Paths are as Flink's `Path.toString()` spells them: not
/// percent-encoded, without an empty authority (`file:/a b`, `s3://bucket/x`), possibly without a scheme.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Reference<'a> {
    /// A whole file by absolute path.
    File {
        /// Absolute path.
        path: Cow<'a, str>,
        /// How long the file must be.
        length: StoredLength,
    },
    /// A whole file by a path relative to the directory that holds the `_metadata` (where it was *read*).
    ///
    /// After a CLAIM restore from a native savepoint the file may lie in the savepoint's directory instead
    /// (FLINK-39964), so a missing one is to be looked up by its name.
    RelativeFile {
        /// Relative path; never empty, absolute or with `.` or `..` in it.
        path: Cow<'a, str>,
        /// How long the file must be.
        length: StoredLength,
    },
    /// A part of a physical file that several handles share (file merging, Flink 1.20 and later).
    Segment {
        /// Absolute path of the physical file.
        path: Cow<'a, str>,
        /// Offset in the physical file, in bytes.
        start: u64,
        /// Length of the segment in bytes; None if the writer did not know it.
        size: Option<u64>,
        /// Whether the file belongs to one checkpoint's subtask or is shared.
        scope: Scope,
        /// Flink's id of the logical file.
        logical_id: Cow<'a, str>,
    },
    /// A directory that must stay as a whole, even if nothing in it is named (file merging).
    Directory {
        /// Absolute path.
        path: Cow<'a, str>,
        /// Which of the two merge directories.
        owner: DirectoryOwner,
    },
}

impl Reference<'_> {
    /// The path as it is written, relative for [`Reference::RelativeFile`].
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::File { path, .. }
            | Self::RelativeFile { path, .. }
            | Self::Segment { path, .. }
            | Self::Directory { path, .. } => path,
        }
    }

    /// Bytes that the file must have at least to be whole; None for a directory.
    #[must_use]
    pub fn required_bytes(&self) -> Option<u64> {
        match self {
            Self::File { length, .. } | Self::RelativeFile { length, .. } => {
                Some(length.required_bytes())
            }
            Self::Segment { start, size, .. } => Some(start.saturating_add(size.unwrap_or(0))),
            Self::Directory { .. } => None,
        }
    }

    /// The same reference with a path of its own.
    #[must_use]
    pub fn into_owned(self) -> Reference<'static> {
        fn owned(path: Cow<'_, str>) -> Cow<'static, str> {
            Cow::Owned(path.into_owned())
        }
        match self {
            Self::File { path, length } => Reference::File {
                path: owned(path),
                length,
            },
            Self::RelativeFile { path, length } => Reference::RelativeFile {
                path: owned(path),
                length,
            },
            Self::Segment {
                path,
                start,
                size,
                scope,
                logical_id,
            } => Reference::Segment {
                path: owned(path),
                start,
                size,
                scope,
                logical_id: owned(logical_id),
            },
            Self::Directory { path, owner } => Reference::Directory {
                path: owned(path),
                owner,
            },
        }
    }
}

/// What the size in a file handle says about the length of the stored file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "kind", content = "bytes", rename_all = "kebab-case")]
pub enum StoredLength {
    /// The stored file has exactly this many bytes.
    Exact(u64),
    /// A changelog (DSTL) file. The handle counts the uncompressed payload: an uncompressed file is one byte longer (a
    /// flag at its start), a compressed one can be much shorter (`OutputStreamWithPos`).
    Changelog(Option<u64>),
    /// The writer could not tell (`FsCheckpointStreamFactory` writes -1).
    Unknown,
}

impl StoredLength {
    /// Bytes that the stored file must have at least.
    #[must_use]
    pub fn required_bytes(self) -> u64 {
        match self {
            Self::Exact(bytes) => bytes,
            Self::Changelog(_) => 1,
            Self::Unknown => 0,
        }
    }

    /// The size as the handle states it.
    #[must_use]
    pub fn stated(self) -> Option<u64> {
        match self {
            Self::Exact(bytes) => Some(bytes),
            Self::Changelog(bytes) => bytes,
            Self::Unknown => None,
        }
    }
}

/// `CheckpointedStateScope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Scope {
    /// In a TaskManager's merge directory below `taskowned/`.
    Exclusive,
    /// In a subtask's merge directory below `shared/`.
    Shared,
}

/// Which merge directory of a subtask (`FileMergingOperatorStreamStateHandle`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DirectoryOwner {
    /// The TaskManager's directory for exclusive state, below `taskowned/`.
    TaskOwned,
    /// The subtask's directory for shared state, below `shared/`.
    Shared,
}

/// The place inside a snapshot that a reference comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The operator.
    pub operator: OperatorId,
    /// The subtask; None for the coordinator.
    pub subtask: Option<u32>,
    /// Which state of it.
    pub slot: Slot,
    /// Whether it is the materialized part of a changelog state backend (such files lie in `taskowned/`).
    pub materialized: bool,
}

/// Which state of an operator a reference belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Slot {
    /// State of the operator's coordinator. Always inline.
    Coordinator,
    /// Managed operator state.
    OperatorState,
    /// Raw operator state.
    RawOperatorState,
    /// Managed keyed state.
    KeyedState(KeyedPart),
    /// Raw keyed state.
    RawKeyedState(KeyedPart),
    /// In-flight data of an input gate.
    InputChannel,
    /// In-flight data of a result partition.
    ResultSubpartition,
}

/// Which part of keyed state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyedPart {
    /// The file of a full snapshot, key group by key group.
    KeyGroups,
    /// The description of an incremental snapshot.
    IncrementalMeta,
    /// A shared (SST) file of an incremental snapshot.
    IncrementalShared,
    /// A private file (MANIFEST, CURRENT ...). It may nevertheless lie in `shared/`.
    IncrementalPrivate,
    /// State changes since the last materialization.
    Changelog,
}
