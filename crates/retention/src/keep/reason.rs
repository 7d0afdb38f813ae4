use super::Period;
use crate::owner::OwnerClass;
use std::fmt;

/// A reason to keep a snapshot. The word is stable; it appears in plans, status and documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeepReason {
    /// The newest restorable snapshot of its job, or of its resource.
    NewestRestorable,
    /// In Flink's own store, or what a job was restored from: Flink deletes it when it is superseded.
    ManagedByFlink,
    /// A resource names it.
    NamedBy(String),
    Pinned,
    /// Its directory has no name that Flink gives to snapshots of its kind: a person put it there.
    ByHand,
    /// Another snapshot names files in its directory, or files of the same name.
    FilesInUse,
    KeepLast,
    KeepWithin,
    /// The newest of its hour, day, week or month.
    KeepEach(Period),
    /// The policy has no rule for snapshots of its kind.
    NoRule,
    /// Its files are not all there, so it can neither be counted nor told from a damaged last copy.
    NotRestorable,
    /// Its job directory is not proven to be of a class in which snapshots go.
    Owner(OwnerClass),
    /// The resource of its job was deleted, and the policy has no time for that, or the time is not over.
    DeletedJob,
    /// Its successor has not been restorable for long enough.
    AwaitsSuccessor,
    /// Its time of completion is zero, negative or in the future: it has no place in an order by age.
    UnusableTime,
}

impl KeepReason {
    /// The stable word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::NewestRestorable => "newest-restorable",
            Self::ManagedByFlink => "managed-by-flink",
            Self::NamedBy(_) => "named-by-resource",
            Self::Pinned => "pinned",
            Self::ByHand => "by-hand",
            Self::FilesInUse => "files-in-use",
            Self::KeepLast => "keep-last",
            Self::KeepWithin => "keep-within",
            Self::KeepEach(period) => period.word(),
            Self::NoRule => "no-rule",
            Self::NotRestorable => "not-restorable",
            Self::Owner(_) => "owner",
            Self::DeletedJob => "deleted-job",
            Self::AwaitsSuccessor => "awaits-successor",
            Self::UnusableTime => "unusable-time",
        }
    }
}

impl fmt::Display for KeepReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NamedBy(who) => write!(f, "named by {who}"),
            Self::Owner(class) => write!(f, "its job is {}", class.as_str()),
            other => f.write_str(other.word()),
        }
    }
}
