//! The options of Flink that decide where state is and how it is treated, with every spelling that Flink has had.
//!
//! Spellings and defaults from `CheckpointingOptions`, `StateBackendOptions`, `HighAvailabilityOptions`,
//! `StateChangelogOptions`, `FsStateChangelogOptions` and `StateRecoveryOptions` of the releases 1.11 to 2.3. A new
//! spelling wins over a deprecated one. A job can override most of these in code: what REST and the high-availability
//! metadata report is the truth, this is only what was configured.

use std::time::Duration;

use thiserror::Error;

use super::flink_configuration::FlinkConfiguration;
use super::flink_duration;

/// All spellings of an option, the newest first.
type Spellings = &'static [&'static str];

/// `<base>` of checkpoints.
pub const CHECKPOINT_DIRECTORY: Spellings = &[
    "execution.checkpointing.dir",
    "state.checkpoints.dir",
    "state.backend.fs.checkpointdir",
];
/// Default parent of savepoints.
pub const SAVEPOINT_DIRECTORY: Spellings = &[
    "execution.checkpointing.savepoint-dir",
    "state.savepoints.dir",
    "savepoints.state.backend.fs.dir",
];
/// Whether checkpoints are below `<base>/<job id>`; since 1.19 (FLINK-33057).
pub const CREATE_SUBDIRECTORY: Spellings = &[
    "execution.checkpointing.create-subdir",
    "state.checkpoints.create-subdir",
];
/// How many completed checkpoints Flink keeps.
pub const NUM_RETAINED: Spellings = &[
    "execution.checkpointing.num-retained",
    "state.checkpoints.num-retained",
];
/// Who keeps the high-availability metadata.
pub const HIGH_AVAILABILITY: Spellings = &[
    "high-availability.type",
    "high-availability",
    "recovery.mode",
];
/// Where high-availability blobs are.
pub const HIGH_AVAILABILITY_DIRECTORY: Spellings = &[
    "high-availability.storageDir",
    "high-availability.zookeeper.storageDir",
    "recovery.zookeeper.storageDir",
];
/// Second level of the path of high-availability blobs.
pub const HIGH_AVAILABILITY_CLUSTER_ID: Spellings = &[
    "high-availability.cluster-id",
    "high-availability.zookeeper.path.namespace",
    "recovery.zookeeper.path.namespace",
];
/// Prefix of the names of the cluster's Kubernetes objects, its high-availability `ConfigMaps` among them.
pub const KUBERNETES_CLUSTER_ID: Spellings = &["kubernetes.cluster-id"];
/// Whether the changelog is on; since 1.15.
pub const CHANGELOG_ENABLED: Spellings =
    &["state.changelog.enabled", "state.backend.changelog.enabled"];
/// Where changelog increments are, usually outside the checkpoint directory.
pub const CHANGELOG_DIRECTORY: Spellings =
    &["state.changelog.dstl.dfs.base-path", "dstl.dfs.base-path"];
/// Whether small files are merged; since 1.20 (FLINK-32070).
pub const FILE_MERGING_ENABLED: Spellings = &["execution.checkpointing.file-merging.enabled"];
/// The state backend.
pub const STATE_BACKEND: Spellings = &["state.backend.type", "state.backend"];
/// Where `ForSt` keeps its files; since 2.0 (FLINK-37021).
pub const FORST_PRIMARY_DIRECTORY: Spellings = &["state.backend.forst.primary-dir"];
/// The part of a path that is replaced by random characters, of Flink's S3 file systems.
pub const ENTROPY_KEY: Spellings = &["s3.entropy.key"];
/// What the job is started from.
pub const RESTORE_PATH: Spellings = &["execution.state-recovery.path", "execution.savepoint.path"];
/// Who owns what the job was started from; since 1.15.
pub const CLAIM_MODE: Spellings = &[
    "execution.state-recovery.claim-mode",
    "execution.savepoint-restore-mode",
];
/// Until when a checkpoint must be complete.
pub const CHECKPOINT_TIMEOUT: Spellings = &["execution.checkpointing.timeout"];
/// Time between checkpoints.
pub const CHECKPOINT_INTERVAL: Spellings = &["execution.checkpointing.interval"];
/// How many checkpoints may be taken at once.
pub const MAX_CONCURRENT_CHECKPOINTS: Spellings =
    &["execution.checkpointing.max-concurrent-checkpoints"];
/// Whether the REST endpoint has TLS.
pub const REST_TLS: Spellings = &["security.ssl.rest.enabled", "security.ssl.enabled"];
/// How many `JobManager`s there are.
pub const JOB_MANAGER_REPLICAS: Spellings = &["kubernetes.jobmanager.replicas"];
/// For how long the same checkpoint statistics may be given again; since 1.18.
pub const STATISTICS_CACHE: Spellings = &["rest.cache.checkpoint-statistics.timeout"];
/// The same for everything, and before 1.18 for statistics too.
pub const REFRESH_INTERVAL: Spellings = &["web.refresh-interval"];
/// A job id that the user fixed: all runs share one directory.
pub const FIXED_JOB_ID: Spellings = &["$internal.pipeline.job-id"];
/// The scheme of paths without one.
pub const DEFAULT_SCHEME: Spellings = &["fs.default-scheme"];

/// An option has a value that its type does not have. What it decides is unknown.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{key}: {value:?} is not {expected}")]
pub struct InvalidOption {
    /// The spelling that was used.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// What it should be.
    pub expected: &'static str,
}

/// Who keeps the high-availability metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HighAvailability {
    /// Nobody.
    None,
    /// `ConfigMaps`.
    Kubernetes,
    /// `ZooKeeper`, of which nothing is visible in Kubernetes.
    ZooKeeper,
    /// A class that we do not know.
    Other(String),
}

/// The state backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateBackend {
    /// On the heap.
    HashMap,
    /// Embedded `RocksDB`.
    RocksDb,
    /// Disaggregated, with files below `shared/op_*`.
    ForSt,
    /// A class that we do not know.
    Other(String),
}

/// Who owns what a job was started from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimMode {
    /// Flink does: it deletes the snapshot when it is no longer needed.
    Claim,
    /// The user does; Flink stops needing it after its first own checkpoint.
    NoClaim,
    /// Nobody knows: files stay shared.
    Legacy,
    /// A word that we do not know.
    Other(String),
}

impl FlinkConfiguration {
    /// The value that counts, with the spelling that was used.
    #[must_use]
    pub fn lookup(&self, spellings: Spellings) -> Option<(&'static str, &str)> {
        spellings
            .iter()
            .filter_map(|key| Some((*key, self.get(key)?.trim())))
            .find(|(_, value)| !value.is_empty())
    }

    /// Every value under any spelling: also those that do not count now but may have counted before an upgrade.
    pub fn all_values(&self, spellings: Spellings) -> impl Iterator<Item = &str> {
        spellings
            .iter()
            .filter_map(|key| self.get(key))
            .map(str::trim)
            .filter(|value| !value.is_empty())
    }

    fn text(&self, spellings: Spellings) -> Option<&str> {
        self.lookup(spellings).map(|(_, value)| value)
    }

    fn parsed<T>(
        &self,
        spellings: Spellings,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, InvalidOption> {
        let Some((key, value)) = self.lookup(spellings) else {
            return Ok(None);
        };
        let invalid = || InvalidOption {
            key,
            value: value.to_owned(),
            expected,
        };
        parse(value).map(Some).ok_or_else(invalid)
    }

    fn flag(&self, spellings: Spellings) -> Result<Option<bool>, InvalidOption> {
        self.parsed(spellings, "true or false", |value| {
            match value.to_ascii_lowercase().as_str() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            }
        })
    }

    fn length_of_time(&self, spellings: Spellings) -> Result<Option<Duration>, InvalidOption> {
        self.parsed(
            spellings,
            "a duration of Flink such as `10 min`, `PT10M` or `600000`",
            flink_duration::parse,
        )
    }

    fn count(&self, spellings: Spellings) -> Result<Option<i64>, InvalidOption> {
        self.parsed(spellings, "an integer", |value| value.parse().ok())
    }

    /// The base of checkpoints.
    #[must_use]
    pub fn checkpoint_directory(&self) -> Option<&str> {
        self.text(CHECKPOINT_DIRECTORY)
    }

    /// The default parent of savepoints.
    #[must_use]
    pub fn savepoint_directory(&self) -> Option<&str> {
        self.text(SAVEPOINT_DIRECTORY)
    }

    /// Whether checkpoints are below `<base>/<job id>`; Flink's default is true.
    ///
    /// # Errors
    /// The value is neither true nor false.
    pub fn create_job_subdirectory(&self) -> Result<bool, InvalidOption> {
        Ok(self.flag(CREATE_SUBDIRECTORY)?.unwrap_or(true))
    }

    /// How many completed checkpoints Flink keeps; Flink's default is 1, which it also takes for less than 1.
    ///
    /// # Errors
    /// The value is not an integer.
    pub fn num_retained(&self) -> Result<u64, InvalidOption> {
        Ok(self
            .count(NUM_RETAINED)?
            .and_then(|count| u64::try_from(count).ok())
            .unwrap_or(1)
            .max(1))
    }

    /// Who keeps the high-availability metadata; Flink's default is nobody.
    #[must_use]
    pub fn high_availability(&self) -> HighAvailability {
        let Some(value) = self.text(HIGH_AVAILABILITY) else {
            return HighAvailability::None;
        };
        match value.to_ascii_lowercase().as_str() {
            "none" | "standalone" => HighAvailability::None,
            "kubernetes"
            | "org.apache.flink.kubernetes.highavailability.kuberneteshaservicesfactory" => {
                HighAvailability::Kubernetes
            }
            "zookeeper" => HighAvailability::ZooKeeper,
            _ => HighAvailability::Other(value.to_owned()),
        }
    }

    /// Where high-availability blobs are.
    #[must_use]
    pub fn high_availability_directory(&self) -> Option<&str> {
        self.text(HIGH_AVAILABILITY_DIRECTORY)
    }

    /// Second level of the path of high-availability blobs.
    #[must_use]
    pub fn high_availability_cluster_id(&self) -> Option<&str> {
        self.text(HIGH_AVAILABILITY_CLUSTER_ID)
    }

    /// Prefix of the names of the cluster's Kubernetes objects.
    #[must_use]
    pub fn kubernetes_cluster_id(&self) -> Option<&str> {
        self.text(KUBERNETES_CLUSTER_ID)
    }

    /// Whether the changelog is on; Flink's default is false.
    ///
    /// # Errors
    /// The value is neither true nor false.
    pub fn changelog_enabled(&self) -> Result<bool, InvalidOption> {
        Ok(self.flag(CHANGELOG_ENABLED)?.unwrap_or(false))
    }

    /// Where changelog increments are.
    #[must_use]
    pub fn changelog_directory(&self) -> Option<&str> {
        self.text(CHANGELOG_DIRECTORY)
    }

    /// Whether small files are merged; Flink's default is false.
    ///
    /// # Errors
    /// The value is neither true nor false.
    pub fn file_merging_enabled(&self) -> Result<bool, InvalidOption> {
        Ok(self.flag(FILE_MERGING_ENABLED)?.unwrap_or(false))
    }

    /// The state backend, if it is configured. Flink's default is on the heap, but code may choose another.
    #[must_use]
    pub fn state_backend(&self) -> Option<StateBackend> {
        let value = self.text(STATE_BACKEND)?;
        Some(match value.to_ascii_lowercase().as_str() {
            "hashmap" | "filesystem" | "jobmanager" => StateBackend::HashMap,
            "rocksdb"
            | "org.apache.flink.contrib.streaming.state.embeddedrocksdbstatebackendfactory"
            | "org.apache.flink.state.rocksdb.embeddedrocksdbstatebackendfactory" => {
                StateBackend::RocksDb
            }
            "forst" | "org.apache.flink.state.forst.forststatebackendfactory" => {
                StateBackend::ForSt
            }
            _ => StateBackend::Other(value.to_owned()),
        })
    }

    /// Where `ForSt` keeps its files: a directory, or one of the words `checkpoint-dir` (the default) and `local-dir`.
    #[must_use]
    pub fn forst_primary_directory(&self) -> Option<&str> {
        self.text(FORST_PRIMARY_DIRECTORY)
    }

    /// The part of a path that is replaced by random characters.
    #[must_use]
    pub fn entropy_key(&self) -> Option<&str> {
        self.text(ENTROPY_KEY)
    }

    /// What the job is started from. A root while it is set (R13).
    #[must_use]
    pub fn restore_path(&self) -> Option<&str> {
        self.text(RESTORE_PATH)
    }

    /// Who owns what the job was started from; Flink's default since 1.15 is the user.
    #[must_use]
    pub fn claim_mode(&self) -> ClaimMode {
        let Some(value) = self.text(CLAIM_MODE) else {
            return ClaimMode::NoClaim;
        };
        match value.to_ascii_uppercase().replace('-', "_").as_str() {
            "CLAIM" => ClaimMode::Claim,
            "NO_CLAIM" => ClaimMode::NoClaim,
            "LEGACY" => ClaimMode::Legacy,
            _ => ClaimMode::Other(value.to_owned()),
        }
    }

    /// Until when a checkpoint must be complete; Flink's default is ten minutes.
    ///
    /// # Errors
    /// The value is not a duration.
    pub fn checkpoint_timeout(&self) -> Result<Duration, InvalidOption> {
        Ok(self
            .length_of_time(CHECKPOINT_TIMEOUT)?
            .unwrap_or(Duration::from_mins(10)))
    }

    /// Time between checkpoints, if it is configured.
    ///
    /// # Errors
    /// The value is not a duration.
    pub fn checkpoint_interval(&self) -> Result<Option<Duration>, InvalidOption> {
        self.length_of_time(CHECKPOINT_INTERVAL)
    }

    /// How many checkpoints may be taken at once; Flink's default is 1.
    ///
    /// # Errors
    /// The value is not an integer.
    pub fn max_concurrent_checkpoints(&self) -> Result<i64, InvalidOption> {
        Ok(self.count(MAX_CONCURRENT_CHECKPOINTS)?.unwrap_or(1))
    }

    /// Whether the REST endpoint has TLS; Flink's default is false.
    ///
    /// # Errors
    /// The value is neither true nor false.
    pub fn rest_tls(&self) -> Result<bool, InvalidOption> {
        Ok(self.flag(REST_TLS)?.unwrap_or(false))
    }

    /// How many `JobManager`s there are; Flink's default is 1.
    ///
    /// # Errors
    /// The value is not an integer.
    pub fn job_manager_replicas(&self) -> Result<u64, InvalidOption> {
        let count = self.count(JOB_MANAGER_REPLICAS)?;
        Ok(count.map_or(1, |count| u64::try_from(count).unwrap_or(0)))
    }

    /// For how long the same checkpoint statistics may be given again, if it is configured: the longest of what any
    /// version may take for it.
    ///
    /// # Errors
    /// A value is not a duration.
    pub fn statistics_cache(&self) -> Result<Option<Duration>, InvalidOption> {
        let cache = self.length_of_time(STATISTICS_CACHE)?;
        Ok(cache.max(self.length_of_time(REFRESH_INTERVAL)?))
    }

    /// A job id that is fixed by configuration.
    #[must_use]
    pub fn fixed_job_id(&self) -> Option<&str> {
        self.text(FIXED_JOB_ID)
    }

    /// The scheme and authority of paths without a scheme.
    #[must_use]
    pub fn default_scheme(&self) -> Option<&str> {
        self.text(DEFAULT_SCHEME)
    }
}

#[cfg(test)]
mod tests;
