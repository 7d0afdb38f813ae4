//! What the operator says about a policy.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::retention_run::Phase;
use crate::api::{Duration, StorageByClass};

/// What the operator says about a policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionPolicyStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How many jobs are selected, and how they fare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jobs: Option<JobCounts>,
    /// What the selected jobs store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageByClass>,
    /// The rules after the administrator's floors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<EffectiveRules>,
    /// The run that finished last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<LastRun>,
    /// When the next scheduled run starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run_time: Option<Time>,
    /// When a marked file can be deleted at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earliest_deletion_time: Option<Time>,
    /// Sizes for columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<RetentionPolicyDisplay>,
    /// What is known about this policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::api::conditions::schema")]
    pub conditions: Vec<Condition>,
}

/// Types of the conditions of a policy.
pub mod condition {
    /// The operator can do its work for this policy. Says nothing about the jobs themselves.
    pub const READY: &str = "Ready";
    /// Files are deleted, or will be once they are ripe.
    pub const ENFORCING: &str = "Enforcing";
    /// Another policy selects one of the same jobs, so neither enforces it.
    pub const OVERLAPPING: &str = "Overlapping";
    /// The spec uses fields that this version of the operator does not honour; nothing is deleted for such a policy.
    pub const UNSUPPORTED: &str = "Unsupported";
    /// The policy pins something that its last run has not seen. Only where it pins, or has pinned, something.
    pub const PIN_NOT_FOUND: &str = "PinNotFound";
}

/// How many jobs are selected, and how they fare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobCounts {
    /// Flink resources that the selector matches.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub selected: i32,
    /// Those with a restorable snapshot.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub restorable: i32,
    /// Those without one.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub not_restorable: i32,
    /// Those of which something is kept because a guard says so.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub protected: i32,
}

/// The rules after the administrator's floors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveRules {
    /// The least age of an orphan.
    pub min_age: Duration,
    /// The least time since an orphan was marked.
    pub grace_period: Duration,
    /// How long checkpoints are kept at least, if there is a rule for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_checkpoints_within: Option<Duration>,
    /// How long the state of deleted jobs is kept; for ever without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_jobs: Option<Duration>,
    /// How long snapshots that cannot be restored are kept; for ever without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unrestorable: Option<Duration>,
    /// How long nothing in an adopted job directory must have been modified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt_idle: Option<Duration>,
}

/// The run that finished last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastRun {
    /// Its name.
    #[schemars(length(max = 253))]
    pub name: String,
    /// How it ended.
    pub phase: Phase,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
    /// What it deleted.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub deleted_bytes: i64,
    /// What it would have deleted, had it been enforced and all grace periods over.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub would_delete_bytes: i64,
}

/// Sizes for columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RetentionPolicyDisplay {
    /// What is or will become deletable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub reclaimable: Option<String>,
    /// What was deleted so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub deleted: Option<String>,
}
