//! What `FlinkDeployment`, `FlinkSessionJob` and `FlinkBlueGreenDeployment` have in common.

use serde::Deserialize;

use super::embedded_spec::{EmbeddedSpec, InvalidEmbeddedSpec};
use super::lenient::{integer, or_default, text};

/// Stands in `upgradeSavepointPath` for "the newest entry of the high-availability metadata"; it is not a path.
pub const LAST_STATE_MARKER: &str = "KUBERNETES_OPERATOR_LAST_STATE";

/// `spec.job`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobSpec {
    /// `running` or `suspended`; absent is `running`.
    #[serde(default)]
    pub state: Option<String>,
    /// `stateless`, `savepoint` or `last-state`; absent is `stateless`.
    #[serde(default)]
    pub upgrade_mode: Option<String>,
    /// A savepoint or checkpoint to start from. A root while it is set (R1).
    #[serde(default, deserialize_with = "text")]
    pub initial_savepoint_path: Option<String>,
    /// A changed value redeploys from `initialSavepointPath`.
    #[serde(default, deserialize_with = "integer")]
    pub savepoint_redeploy_nonce: Option<i64>,
    /// The program's arguments, which may name paths.
    #[serde(default, deserialize_with = "or_default")]
    pub args: Vec<String>,
}

impl JobSpec {
    /// Whether the job is asked to be suspended.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.state
            .as_deref()
            .is_some_and(|state| state.eq_ignore_ascii_case("suspended"))
    }
}

/// `status.jobStatus`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobStatus {
    /// 32 hexadecimal digits. Written before the job is submitted, so it may not exist yet; absent for a suspended
    /// session job.
    #[serde(default, deserialize_with = "text")]
    pub job_id: Option<String>,
    /// The job's name as the cluster told it.
    #[serde(default)]
    pub job_name: Option<String>,
    /// For example `RUNNING`; `FINISHED` also after a suspension by the operator.
    #[serde(default)]
    pub state: Option<String>,
    /// Start of the job, in milliseconds since the epoch.
    #[serde(default, deserialize_with = "integer")]
    pub start_time: Option<i64>,
    /// Last change of the state, in milliseconds since the epoch.
    #[serde(default, deserialize_with = "integer")]
    pub update_time: Option<i64>,
    /// What the next restore without high-availability metadata uses, or [`LAST_STATE_MARKER`]. Not cleared after a
    /// successful restore. A root while it is set (R2).
    #[serde(default, deserialize_with = "text")]
    pub upgrade_savepoint_path: Option<String>,
    /// Savepoints that the operator knows.
    #[serde(default)]
    pub savepoint_info: Option<SavepointInfo>,
    /// Checkpoints that the operator asked for.
    #[serde(default)]
    pub checkpoint_info: Option<CheckpointInfo>,
}

impl JobStatus {
    /// `upgradeSavepointPath`, if it is a path.
    #[must_use]
    pub fn upgrade_path(&self) -> Option<&str> {
        self.upgrade_savepoint_path
            .as_deref()
            .filter(|path| *path != LAST_STATE_MARKER)
    }

    /// The locations that this status names: R2, R3 and R4 of the garbage-collection roots.
    pub fn roots(&self) -> impl Iterator<Item = &str> {
        let savepoints = self
            .savepoint_info
            .iter()
            .flat_map(|info| info.last_savepoint.iter().chain(&info.savepoint_history));
        self.upgrade_path()
            .into_iter()
            .chain(savepoints.filter_map(|savepoint| savepoint.location.as_deref()))
    }

    /// Whether a savepoint or checkpoint was asked for and its path is not known yet (R14).
    #[must_use]
    pub fn has_pending_trigger(&self) -> bool {
        let savepoint = self
            .savepoint_info
            .as_ref()
            .and_then(|info| info.trigger_id.as_ref());
        let checkpoint = self
            .checkpoint_info
            .as_ref()
            .and_then(|info| info.trigger_id.as_ref());
        savepoint.or(checkpoint).is_some()
    }
}

/// `status.jobStatus.savepointInfo`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavepointInfo {
    /// The newest savepoint; up to operator 1.9 the restore source.
    #[serde(default)]
    pub last_savepoint: Option<SavepointRecord>,
    /// Savepoints that the operator will dispose of itself; not a full list.
    #[serde(default, deserialize_with = "or_default")]
    pub savepoint_history: Vec<SavepointRecord>,
    /// Set while a savepoint is being taken.
    #[serde(default, deserialize_with = "text")]
    pub trigger_id: Option<String>,
    /// When that was asked for, in milliseconds since the epoch.
    #[serde(default, deserialize_with = "integer")]
    pub trigger_timestamp: Option<i64>,
}

/// One savepoint in a status.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavepointRecord {
    /// Where it is.
    #[serde(default, deserialize_with = "text")]
    pub location: Option<String>,
    /// When it was taken, in milliseconds since the epoch.
    #[serde(default, deserialize_with = "integer")]
    pub time_stamp: Option<i64>,
    /// `MANUAL`, `PERIODIC`, `UPGRADE` or `UNKNOWN`.
    #[serde(default)]
    pub trigger_type: Option<String>,
    /// `CANONICAL`, `NATIVE` or `UNKNOWN`.
    #[serde(default)]
    pub format_type: Option<String>,
}

/// `status.jobStatus.checkpointInfo`. It holds no path.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointInfo {
    /// Set while a checkpoint is being taken that the operator asked for.
    #[serde(default, deserialize_with = "text")]
    pub trigger_id: Option<String>,
}

/// `status.reconciliationStatus`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReconciliationStatus {
    /// `DEPLOYED`, `UPGRADING`, `ROLLING_BACK` or `ROLLED_BACK`; absent is `UPGRADING`.
    #[serde(default)]
    pub state: Option<String>,
    /// In milliseconds since the epoch.
    #[serde(default, deserialize_with = "integer")]
    pub reconciliation_timestamp: Option<i64>,
    /// What was deployed last, as JSON text; see [`ReconciliationStatus::deployed`].
    #[serde(default, deserialize_with = "text")]
    pub last_reconciled_spec: Option<String>,
    /// What a rollback returns to, as JSON text; see [`ReconciliationStatus::stable`].
    #[serde(default, deserialize_with = "text")]
    pub last_stable_spec: Option<String>,
}

impl ReconciliationStatus {
    /// Whether the operator has nothing left to do.
    #[must_use]
    pub fn is_deployed(&self) -> bool {
        self.state.as_deref() == Some("DEPLOYED")
    }

    /// `lastReconciledSpec`, understood. Its `job.upgradeMode` is the one that was really used.
    ///
    /// # Errors
    /// The text cannot be understood; it may hide a root (R5).
    pub fn deployed(&self) -> Result<Option<EmbeddedSpec>, InvalidEmbeddedSpec> {
        self.last_reconciled_spec
            .as_deref()
            .map(EmbeddedSpec::parse)
            .transpose()
    }

    /// `lastStableSpec`, understood.
    ///
    /// # Errors
    /// The text cannot be understood; it may hide a root (R5).
    pub fn stable(&self) -> Result<Option<EmbeddedSpec>, InvalidEmbeddedSpec> {
        self.last_stable_spec
            .as_deref()
            .map(EmbeddedSpec::parse)
            .transpose()
    }
}
