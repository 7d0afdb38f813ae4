use super::FlinkVersion;

/// Where a job keeps its state, and in which files the state gets to storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StateBackend {
    /// Heap: every checkpoint is whole.
    HashMap,
    /// `RocksDB` with incremental checkpoints.
    RocksDb,
    /// The same with a changelog in files, which is materialised every few seconds.
    Changelog,
    /// `RocksDB` incremental, small files merged across checkpoints.
    FileMerging,
    /// A database whose live files are on the storage of checkpoints.
    ForSt,
}

impl StateBackend {
    /// Those of a release, as far as the registry has them: there is no module for `ForSt` of 2.1.
    #[must_use]
    pub fn all(version: FlinkVersion) -> &'static [Self] {
        const ALL: [StateBackend; 5] = [
            StateBackend::HashMap,
            StateBackend::RocksDb,
            StateBackend::Changelog,
            StateBackend::FileMerging,
            StateBackend::ForSt,
        ];
        match version {
            FlinkVersion::V1_18 => &ALL[..3],
            FlinkVersion::V1_20 | FlinkVersion::V2_1 => &ALL[..4],
            FlinkVersion::V2_3 => &ALL,
        }
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::HashMap => "hashmap",
            Self::RocksDb => "RocksDB",
            Self::Changelog => "changelog",
            Self::FileMerging => "file merging",
            Self::ForSt => "ForSt",
        }
    }

    pub(super) fn options(self) -> &'static [(&'static str, &'static str)] {
        const INCREMENTAL: (&str, &str) = ("execution.checkpointing.incremental", "true");
        const ROCKSDB: (&str, &str) = ("state.backend.type", "rocksdb");
        match self {
            Self::HashMap => &[("state.backend.type", "hashmap")],
            Self::RocksDb => &[ROCKSDB, INCREMENTAL],
            Self::Changelog => &[
                ROCKSDB,
                INCREMENTAL,
                ("state.changelog.enabled", "true"),
                ("state.changelog.storage", "filesystem"),
                ("state.changelog.periodic-materialize.interval", "3 s"),
            ],
            Self::FileMerging => &[
                ROCKSDB,
                INCREMENTAL,
                ("execution.checkpointing.file-merging.enabled", "true"),
                (
                    "execution.checkpointing.file-merging.across-checkpoint-boundary",
                    "true",
                ),
            ],
            Self::ForSt => &[("state.backend.type", "forst"), INCREMENTAL],
        }
    }
}

/// Who owns what a job is started from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClaimMode {
    NoClaim,
    /// Deprecated; Flink 2 still knows it, but no document says so.
    Legacy,
    Claim,
}

impl ClaimMode {
    /// Those in which a job can be started; the one after which the snapshot may be gone comes last.
    ///
    /// With the changelog there is no `NO_CLAIM`: it asks for a full first checkpoint, which `ChangelogStateBackend`
    /// cannot take.
    #[must_use]
    pub fn all(version: FlinkVersion, backend: StateBackend) -> &'static [Self] {
        let all: &[Self] = match version {
            FlinkVersion::V1_18 | FlinkVersion::V1_20 => {
                &[Self::NoClaim, Self::Legacy, Self::Claim]
            }
            FlinkVersion::V2_1 | FlinkVersion::V2_3 => &[Self::NoClaim, Self::Claim],
        };
        match backend {
            StateBackend::Changelog => &all[1..],
            StateBackend::HashMap
            | StateBackend::RocksDb
            | StateBackend::FileMerging
            | StateBackend::ForSt => all,
        }
    }

    /// As Flink spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoClaim => "NO_CLAIM",
            Self::Legacy => "LEGACY",
            Self::Claim => "CLAIM",
        }
    }
}

/// How a savepoint is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SavepointFormat {
    Canonical,
    /// The files of the state backend as they are.
    Native,
}

impl SavepointFormat {
    /// As REST spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Canonical => "CANONICAL",
            Self::Native => "NATIVE",
        }
    }
}

/// What happens to checkpoints from now on, while the job itself runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hold {
    /// One subtask of each does not finish it.
    Stall,
    /// One subtask of each cannot write its part.
    Decline,
}

impl Hold {
    /// As `Gate.java` understands it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Stall => "stall",
            Self::Decline => "decline",
        }
    }
}
