//! What the operator says about the state of one Flink resource.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::StorageByClass;
use crate::api::retention_run::ProtectedByGuard;

pub use crate::api::retention_run::PolicyReference;

/// What the operator says about the state of one Flink resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointInventoryStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// What the directory of the current job id is to us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_class: Option<OwnerClass>,
    /// The policy that selects this resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_ref: Option<PolicyReference>,
    /// The newest snapshot from which the job can be started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_restorable: Option<LatestRestorable>,
    /// How many snapshots there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshots: Option<SnapshotCounts>,
    /// What the resource stores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageByClass>,
    /// What each guard keeps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub protected_by: Vec<ProtectedByGuard>,
    /// When the storage was last looked at completely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_scan_time: Option<Time>,
    /// Sizes for columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<CheckpointInventoryDisplay>,
    /// What is known about this resource.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::api::conditions::schema")]
    pub conditions: Vec<Condition>,
}

/// Types of the conditions of an inventory.
pub mod condition {
    /// The job can be started from `latestRestorable`.
    pub const RESTORABLE: &str = "Restorable";
    /// The job's `JobManager` answers.
    pub const JOB_MANAGER_REACHABLE: &str = "JobManagerReachable";
    /// Entries of the lineage were lost; what they named is protected.
    pub const LINEAGE_TRUNCATED: &str = "LineageTruncated";
    /// The Flink resource still exists.
    pub const RESOURCE_PRESENT: &str = "ResourcePresent";
}

/// What a job directory is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OwnerClass {
    /// The job runs under this id.
    Running,
    /// The job is suspended and will go on under this id.
    Suspended,
    /// The job has ended under this id.
    Terminal,
    /// The Flink resource runs under another id now.
    Former,
    /// Not proven to be any of these: nothing is deleted.
    Unknown,
}

impl OwnerClass {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Suspended => "suspended",
            Self::Terminal => "terminal",
            Self::Former => "former",
            Self::Unknown => "unknown",
        }
    }
}

/// The newest snapshot from which a job can be started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LatestRestorable {
    /// What to give to `flink run -s` or to `initialSavepointPath`. Absent if it is longer than 1024 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub path: Option<String>,
    /// What it is.
    pub kind: SnapshotKind,
    /// The checkpoint's number; it counts only within one run of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub checkpoint_id: Option<i64>,
    /// The job id under which it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), regex(pattern = "^[0-9a-f]{32}$"))]
    pub job_id: Option<String>,
    /// When it was completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
    /// The size of all that it references.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub bytes: Option<i64>,
    /// The version of its `_metadata`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub format_version: Option<i32>,
    /// How it was found.
    pub source: EvidenceSource,
    /// When all of its files were last seen. Absent while it is known by Flink's word alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_time: Option<Time>,
}

impl LatestRestorable {
    /// The most characters of a path.
    pub const MAX_PATH: usize = 1024;

    /// The path, if the API server takes it: it would refuse all the rest with it.
    #[must_use]
    pub fn path(path: String) -> Option<String> {
        (path.chars().count() <= Self::MAX_PATH).then_some(path)
    }

    /// How a sentence names it.
    #[must_use]
    pub fn named(&self) -> &str {
        let too_long = "a snapshot whose path is too long to be shown (more than 1024 characters)";
        self.path.as_deref().unwrap_or(too_long)
    }
}

/// A checkpoint or a savepoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum SnapshotKind {
    /// Taken by Flink on its own.
    Checkpoint,
    /// Taken because someone asked.
    Savepoint,
}

/// How a snapshot was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum EvidenceSource {
    /// In the job's high-availability metadata: Flink itself would start from it.
    HA,
    /// The `JobManager` named it.
    REST,
    /// A field of the Flink resource names it.
    Resource,
    /// By listing the storage.
    Storage,
}

/// How many snapshots there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotCounts {
    /// Completed checkpoints.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub checkpoints: i32,
    /// Savepoints.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub savepoints: i32,
    /// Of both, those that cannot be restored.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub not_restorable: i32,
}

/// Sizes for columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckpointInventoryDisplay {
    /// All that is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub size: Option<String>,
    /// What no snapshot references.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub orphaned: Option<String>,
}
