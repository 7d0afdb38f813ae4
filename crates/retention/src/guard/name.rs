use std::fmt;

/// The stable names: metric label, condition reason and documentation heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Guard {
    /// The listing of the base did not end, or was not made: nothing in it may be judged.
    IncompleteListing,
    /// A snapshot that could have named the file cannot be read, or is of an unknown version.
    UnreadableSnapshot,
    /// Something that could have named the file could not be asked.
    MissingEvidence,
    /// Flink writes no file of this name at this place.
    UnknownName,
    /// A link, a device, or a name that is no text.
    SpecialFile,
    /// The modification time is missing, zero, negative or in the future.
    UnusableTime,
    /// A savepoint of a job that may still start from it.
    Savepoint,
    /// A savepoint may be in the making.
    PendingSavepoint,
    /// Nobody is proven to own the job directory, or more than one claims it.
    UnknownOwner,
    /// The resource of the job was deleted, and its time is not over.
    DeletedJob,
    /// Somebody annotated the resource or its namespace: hands off.
    Suspended,
    /// A resource names the snapshot directory.
    NamedDirectory,
    /// The snapshot directory has a `_metadata`, so it goes as a whole or not at all.
    KeptSnapshotDirectory,
    /// Operator state of a snapshot may name the file where no parser can see it.
    OpaqueTaskOwned,
    /// A live job may read the file although no snapshot names it.
    LiveDescendant,
    /// Only a process that has stopped settles the life of files of this kind.
    LiveBackend,
    /// The job runs, and there is no high-availability data that can be read.
    NoHighAvailability,
    /// The job runs, and its JobManager does not answer for it.
    JobManagerUnreachable,
    /// The job is not proven to be without changelog, file merging and `ForSt`.
    NotPlain,
    /// The job may have several checkpoints at a time.
    ConcurrentCheckpoints,
    /// The checkpoint counter is missing, behind an entry, or lower than ever seen.
    Counter,
    /// A checkpoint that is not complete may have written the file.
    InFlight,
    /// Files of this kind are not deleted yet.
    NotSupportedYet,
    NotSelected,
}

impl Guard {
    /// Every guard, in the order of the chain.
    pub const ALL: [Self; 24] = [
        Self::IncompleteListing,
        Self::UnreadableSnapshot,
        Self::MissingEvidence,
        Self::UnknownName,
        Self::SpecialFile,
        Self::UnusableTime,
        Self::UnknownOwner,
        Self::DeletedJob,
        Self::Suspended,
        Self::Savepoint,
        Self::PendingSavepoint,
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
        Self::NotSelected,
    ];

    /// The stable name.
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
            Self::PendingSavepoint => "pending-savepoint",
            Self::UnknownOwner => "unknown-owner",
            Self::DeletedJob => "deleted-job",
            Self::Suspended => "suspend-annotation",
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
            Self::NotSelected => "not-selected",
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
