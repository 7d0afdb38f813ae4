use crate::layout::JobId;
use crate::location::Location;
use jiff::{SignedDuration, Timestamp};

/// What the JobManager's REST endpoint said.
#[derive(Clone, Debug)]
pub enum JobManager {
    /// Nobody asked, because nothing may run.
    NotAsked,
    Unreachable {
        why: String,
    },
    Answered(Box<RestCheckpoints>),
}

impl JobManager {
    /// What it said, if it answered.
    #[must_use]
    pub fn answer(&self) -> Option<&RestCheckpoints> {
        match self {
            Self::Answered(rest) => Some(rest),
            Self::NotAsked | Self::Unreachable { .. } => None,
        }
    }
}

/// `/jobs/:id`, `/jobs/:id/checkpoints` and `/jobs/:id/checkpoints/config`, of one moment.
#[derive(Clone, Debug)]
pub struct RestCheckpoints {
    pub read_at: Timestamp,
    /// The time by the JobManager's own clock when it answered (`now` of `/jobs/:id`).
    pub told: Option<Timestamp>,
    pub job_id: JobId,
    /// `RUNNING` and so on, as Flink spells it.
    pub state: String,
    /// When this run of the job started.
    pub started: Option<Timestamp>,
    /// `max_concurrent`.
    pub max_concurrent: Option<u64>,
    pub backend: StateBackend,
    /// `state_changelog_enabled`.
    pub changelog: Option<bool>,
    /// `checkpoint_storage` is a file system (Flink's own class).
    pub file_system_storage: bool,
    /// `timeout`.
    pub timeout: Option<SignedDuration>,
    /// `latest` and the history, without doubles.
    pub checkpoints: Vec<RestCheckpoint>,
    /// `counts.completed`: how many checkpoints and savepoints this JobManager has completed, shown or not.
    pub completed: Option<u64>,
    /// `latest.restored`.
    pub restored: Option<RestRestored>,
    /// Or why the JobManager did not tell it.
    pub cluster: Result<ClusterConfiguration, String>,
}

/// `/jobmanager/config`: what the JobManager was really started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterConfiguration {
    /// `high-availability.type`, where it is anything but `NONE`.
    pub high_availability: Option<String>,
    /// `kubernetes.jobmanager.replicas`: how many JobManagers may answer.
    pub job_managers: u64,
    /// For how long the JobManager may give the same statistics again (`rest.cache.checkpoint-statistics.timeout`,
    /// before 1.18 `web.refresh-interval`).
    pub statistics_cache: SignedDuration,
    /// `execution.state-recovery.claim-mode`: who owns what the job was started from.
    pub claim_mode: ClaimMode,
}

/// Who owns the snapshot that a job was started from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimMode {
    /// Flink: it deletes the snapshot when it is no longer needed.
    Claim,
    /// The user: Flink stops needing it after its first own checkpoint.
    NoClaim,
    /// Nobody knows: its files stay shared.
    Legacy,
    /// A word that this version does not know.
    Unknown,
}

/// One entry of the checkpoint statistics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestCheckpoint {
    pub id: u64,
    /// `COMPLETED`, `IN_PROGRESS`, `FAILED`.
    pub status: String,
    pub is_savepoint: bool,
    pub triggered: Timestamp,
    /// When the last acknowledgement came in: when it was complete, if it is.
    pub latest_ack: Option<Timestamp>,
    pub external_path: Option<Location>,
    pub discarded: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestRestored {
    pub id: u64,
    /// `restore_timestamp`: a later failover restores again.
    pub at: Option<Timestamp>,
    pub external_path: Option<Location>,
    pub is_savepoint: bool,
}

/// What is known of the state backend by its class name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateBackend {
    /// Heap state, files only in `chk-N`.
    HashMap,
    /// Embedded RocksDB: `shared/<uuid>`.
    RocksDb,
    /// The job has no checkpointing at all, so it neither wrote nor restored any state.
    NoCheckpoints,
    /// Anything else, by class name: files of a live job may be anywhere.
    Other(String),
}

impl RestCheckpoints {
    /// The highest id of any checkpoint or savepoint that this answer knows.
    #[must_use]
    pub fn highest_id(&self) -> Option<u64> {
        self.checkpoints
            .iter()
            .map(|checkpoint| checkpoint.id)
            .max()
    }

    #[must_use]
    pub fn completed(&self, id: u64) -> Option<&RestCheckpoint> {
        self.checkpoints.iter().find(|checkpoint| {
            checkpoint.id == id && !checkpoint.is_savepoint && checkpoint.status == "COMPLETED"
        })
    }

    pub fn in_progress(&self) -> impl Iterator<Item = &RestCheckpoint> {
        self.checkpoints
            .iter()
            .filter(|checkpoint| checkpoint.status == "IN_PROGRESS")
    }

    /// The newest completed checkpoint or savepoint that Flink has not discarded.
    #[must_use]
    pub fn latest_completed(&self) -> Option<&RestCheckpoint> {
        self.checkpoints
            .iter()
            .filter(|checkpoint| checkpoint.status == "COMPLETED" && !checkpoint.discarded)
            .max_by_key(|checkpoint| checkpoint.id)
    }
}
