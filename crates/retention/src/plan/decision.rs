use super::Ripeness;
use crate::guard::Protection;
use crate::inventory::BaseId;
use crate::keep::Verdict;
use crate::layout::{FileKind, Placement};
use crate::owner::OwnerClass;
use jiff::Timestamp;
use std::sync::Arc;

/// Everything that one run decided.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The time of the decision.
    pub now: Timestamp,
    /// Every file that is not plainly referenced, in the order of base and path.
    pub entries: Vec<PlanEntry>,
    /// Every stored snapshot with its verdict.
    pub snapshots: Vec<SnapshotEntry>,
}

impl Plan {
    /// Whether a file has an entry.
    #[must_use]
    pub fn has(&self, base: BaseId, path: &str) -> bool {
        let order = |entry: &PlanEntry| (entry.base, &*entry.path).cmp(&(base, path));
        self.entries.binary_search_by(order).is_ok()
    }
}

/// The decision for one file.
#[derive(Clone, Debug)]
pub struct PlanEntry {
    /// The base that lists it.
    pub base: BaseId,
    /// Relative to the base.
    pub path: Arc<str>,
    /// Where it lies in the layout of Flink.
    pub placement: Placement,
    /// In bytes.
    pub size: u64,
    /// None where the store does not say.
    pub modified: Option<Timestamp>,
    /// What its job was to us when that was decided.
    pub class: OwnerClass,
    /// What is to become of it.
    pub decision: Decision,
    /// Since when it has been marked.
    pub since: Option<Timestamp>,
    /// Whether it may go now.
    pub ripeness: Ripeness,
}

/// The verdict for one stored snapshot, by its position in the inventory.
#[derive(Clone, Debug)]
pub struct SnapshotEntry {
    /// The position in the inventory.
    pub snapshot: usize,
    /// Whether it stays, and why.
    pub verdict: Verdict,
}

/// What is to become of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It stays; the words say why.
    Keep(Arc<str>),
    /// It belongs to a snapshot that no rule keeps.
    Expire(ExpireReason),
    /// No snapshot names it, and no live job may need it.
    Orphan(OrphanKind),
    /// Nobody names it, but a guard objects.
    Protected(Protection),
}

/// Why a snapshot goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExpireReason {
    /// No rule keeps it.
    BeyondRules,
    /// Files of it are missing.
    Hollow,
    /// Its `_metadata` ends early.
    Torn,
}

/// What kind of garbage it is; the word is stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OrphanKind {
    Shared,
    TaskOwned,
    Merged,
    ForSt,
    Changelog,
    /// A data file in a `chk-N` without `_metadata`.
    CheckpointLeftover,
    /// A data file in the directory of a savepoint without `_metadata`.
    SavepointLeftover,
    /// A half-written `_metadata`.
    TemporaryMetadata,
    /// A `chk-N` with nothing in it.
    EmptyCheckpoint,
}

impl OrphanKind {
    /// The kind of a file that nobody names; none for kinds that are never garbage of their own.
    #[must_use]
    pub fn of(kind: FileKind) -> Option<Self> {
        match kind {
            FileKind::Shared => Some(Self::Shared),
            FileKind::TaskOwned => Some(Self::TaskOwned),
            FileKind::Merged => Some(Self::Merged),
            FileKind::ForSt => Some(Self::ForSt),
            FileKind::Changelog => Some(Self::Changelog),
            FileKind::Exclusive => Some(Self::CheckpointLeftover),
            FileKind::Savepoint => Some(Self::SavepointLeftover),
            FileKind::TemporaryMetadata => Some(Self::TemporaryMetadata),
            FileKind::EmptyCheckpoint => Some(Self::EmptyCheckpoint),
            FileKind::CheckpointMetadata
            | FileKind::SavepointMetadata
            | FileKind::Journal
            | FileKind::Foreign => None,
        }
    }

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Shared => "unreferenced-shared",
            Self::TaskOwned => "unreferenced-task-owned",
            Self::Merged => "unreferenced-merged",
            Self::ForSt => "unreferenced-forst",
            Self::Changelog => "unreferenced-changelog",
            Self::CheckpointLeftover => "checkpoint-leftover",
            Self::SavepointLeftover => "savepoint-leftover",
            Self::TemporaryMetadata => "temporary-metadata",
            Self::EmptyCheckpoint => "empty-checkpoint-directory",
        }
    }
}

impl ExpireReason {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::BeyondRules => "beyond-keep-rules",
            Self::Hollow => "hollow",
            Self::Torn => "torn",
        }
    }
}

impl Decision {
    /// `keep`, `expire`, `orphan`, `protected`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Keep(_) => "keep",
            Self::Expire(_) => "expire",
            Self::Orphan(_) => "orphan",
            Self::Protected(_) => "protected",
        }
    }

    /// The reason as one stable word where there is one, else a sentence.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Keep(why) => why.to_string(),
            Self::Expire(reason) => reason.word().to_owned(),
            Self::Orphan(kind) => kind.word().to_owned(),
            Self::Protected(Protection { guard, why }) => format!("{guard}: {why}"),
        }
    }

    /// The words for a person, where there are any.
    pub(super) fn words(&mut self) -> Option<&mut Arc<str>> {
        match self {
            Self::Keep(why) | Self::Protected(Protection { guard: _, why }) => Some(why),
            Self::Expire(_) | Self::Orphan(_) => None,
        }
    }

    /// Whether the file may go once it is ripe.
    #[must_use]
    pub fn deletes(&self) -> bool {
        match self {
            Self::Expire(_) | Self::Orphan(_) => true,
            Self::Keep(_) | Self::Protected(_) => false,
        }
    }
}
