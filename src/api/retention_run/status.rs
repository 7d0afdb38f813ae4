//! What the operator says about a run. Stays below 64 KiB.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::{Amount, Reason};

/// What the operator says about a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionRunStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How far the run is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// What started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    /// When it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// How many times it was begun without an end since it last waited or asked. More than one: the operator ended, or
    /// lost the API server, in the middle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub attempts: Option<i32>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
    /// Until when its plan can be approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_deadline: Option<Time>,
    /// The plan that a person is asked to approve, or has approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanReference>,
    /// Bytes and files by decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decisions: Option<DecisionAmounts>,
    /// What each guard kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub protected_by: Vec<ProtectedByGuard>,
    /// Why the run could not do all of its work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 128)))]
    pub blocked_by: Vec<String>,
    /// The jobs with the most orphaned bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub jobs: Vec<JobOutcome>,
    /// A few files with what was decided about them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub sample: Vec<SampleFile>,
    /// Texts for columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<RetentionRunDisplay>,
    /// What is known about this run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::api::conditions::schema")]
    pub conditions: Vec<Condition>,
}

/// Types of the conditions of a run.
pub mod condition {
    /// The run has finished.
    pub const COMPLETE: &str = "Complete";
    /// The policy pins something that the run has not seen. Only where it pins something.
    pub const PIN_NOT_FOUND: &str = "PinNotFound";
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Phase {
    /// Not started.
    Pending,
    /// Reads references and lists.
    Scanning,
    /// Waits for a person.
    AwaitingApproval,
    /// Marks and deletes.
    Deleting,
    /// Ended; did what it could.
    Succeeded,
    /// Ended with an error, or something could not be deleted, which is told; the rest was done as far as it could be.
    Failed,
    /// Ended because something asks for a person. Where `plan` is set, its approval takes the run up again.
    Blocked,
    /// Ended because a person said so, because what it follows has changed, or because nobody approved its plan.
    Cancelled,
}

impl Phase {
    /// Whether the run is over.
    #[must_use]
    pub const fn is_finished(self) -> bool {
        match self {
            Self::Pending | Self::Scanning | Self::AwaitingApproval | Self::Deleting => false,
            Self::Succeeded | Self::Failed | Self::Blocked | Self::Cancelled => true,
        }
    }

    /// The word in the API, as metrics and events use it too.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Scanning => "Scanning",
            Self::AwaitingApproval => "AwaitingApproval",
            Self::Deleting => "Deleting",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Blocked => "Blocked",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// Why a run in this phase is complete, or is not.
impl From<Phase> for Reason {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Pending | Phase::Scanning | Phase::Deleting => Self::Waiting,
            Phase::AwaitingApproval => Self::AwaitingApproval,
            Phase::Succeeded => Self::Succeeded,
            Phase::Failed => Self::Failed,
            Phase::Blocked => Self::Blocked,
            Phase::Cancelled => Self::Cancelled,
        }
    }
}

/// What started a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Trigger {
    /// The policy's schedule.
    Schedule,
    /// A person or another program.
    Manual,
}

/// The plan of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanReference {
    /// Names the plan: `sha256:` and 64 hexadecimal digits.
    #[schemars(length(max = 71))]
    pub digest: String,
    /// Where the whole plan is written: every file with its size, time and reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub location: Option<String>,
    /// The generation of the policy that it follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_generation: Option<i64>,
}

/// Bytes and files by decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionAmounts {
    /// Kept, with a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Amount>,
    /// Snapshots that no keep rule names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire: Option<Amount>,
    /// Files that no snapshot references.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orphan: Option<Amount>,
    /// Kept because a guard says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected: Option<Amount>,
    /// The part of `expire` and `orphan` that carries a mark and is not ripe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marked: Option<Amount>,
    /// Deleted by this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Amount>,
}

/// What one guard kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProtectedByGuard {
    /// The guard's name, a heading of the safety documentation.
    #[schemars(length(max = 64))]
    pub guard: String,
    /// Why it says keep, for example which `_metadata` cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub message: Option<String>,
    /// Bytes.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub bytes: i64,
    /// Number of files or objects.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub files: i64,
}

/// What a run found for one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobOutcome {
    /// The kind of the Flink resource.
    #[schemars(length(max = 64))]
    pub kind: String,
    /// The name of the Flink resource.
    #[schemars(length(max = 253))]
    pub name: String,
    /// Its orphaned bytes.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub orphan_bytes: i64,
    /// A sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub message: Option<String>,
}

/// One file and what was decided about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SampleFile {
    /// Its location as Flink spells it.
    #[schemars(length(max = 1024))]
    pub path: String,
    /// What was decided.
    pub decision: SampleDecision,
    /// Why.
    #[schemars(length(max = 256))]
    pub reason: String,
    /// Its size.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub bytes: i64,
}

/// What was decided about a file, in the words of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SampleDecision {
    /// Stays, with a reason.
    Keep,
    /// Part of a snapshot that no keep rule names.
    Expire,
    /// No snapshot references it.
    Orphan,
    /// Stays because a guard says so.
    Protected,
}

/// Texts for columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionRunDisplay {
    /// What is or will become deletable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub reclaimable: Option<String>,
    /// What this run deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub deleted: Option<String>,
    /// The first entry of `blockedBy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub blocked_by: Option<String>,
}
