use std::fmt;

/// The stable names: metric label, condition reason and documentation heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Guard {
    IncompleteListing,
    UnreadableSnapshot,
    MissingEvidence,
    UnknownName,
    SpecialFile,
    UnusableTime,
    Savepoint,
    UnknownOwner,
    Suspended,
    SuspendedJob,
    NamedDirectory,
    KeptSnapshotDirectory,
    OpaqueTaskOwned,
    LiveDescendant,
    LiveBackend,
    NoHighAvailability,
    JobManagerUnreachable,
    NotPlain,
    ConcurrentCheckpoints,
    Counter,
    InFlight,
    NotSupportedYet,
}

impl Guard {
    pub const ALL: [Self; 22] = [
        Self::IncompleteListing,
        Self::UnreadableSnapshot,
        Self::MissingEvidence,
        Self::UnknownName,
        Self::SpecialFile,
        Self::UnusableTime,
        Self::Savepoint,
        Self::UnknownOwner,
        Self::Suspended,
        Self::SuspendedJob,
        Self::NamedDirectory,
        Self::KeptSnapshotDirectory,
        Self::OpaqueTaskOwned,
        Self::LiveDescendant,
        Self::LiveBackend,
        Self::NoHighAvailability,
        Self::JobManagerUnreachable,
        Self::NotPlain,
        Self::ConcurrentCheckpoints,
        Self::Counter,
        Self::InFlight,
        Self::NotSupportedYet,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IncompleteListing => "incomplete-listing",
            Self::UnreadableSnapshot => "unreadable-snapshot",
            Self::MissingEvidence => "missing-evidence",
            Self::UnknownName => "unknown-name",
            Self::SpecialFile => "special-file",
            Self::UnusableTime => "unusable-time",
            Self::Savepoint => "savepoint",
            Self::UnknownOwner => "unknown-owner",
            Self::Suspended => "suspend-annotation",
            Self::SuspendedJob => "suspended-job",
            Self::NamedDirectory => "named-directory",
            Self::KeptSnapshotDirectory => "kept-snapshot-directory",
            Self::OpaqueTaskOwned => "opaque-task-owned",
            Self::LiveDescendant => "live-descendant",
            Self::LiveBackend => "live-backend",
            Self::NoHighAvailability => "no-high-availability",
            Self::JobManagerUnreachable => "job-manager-unreachable",
            Self::NotPlain => "not-plain",
            Self::ConcurrentCheckpoints => "concurrent-checkpoints",
            Self::Counter => "counter",
            Self::InFlight => "in-flight",
            Self::NotSupportedYet => "not-supported-yet",
        }
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Guard {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
