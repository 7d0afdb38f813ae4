//! `RetentionPolicy`: what people write to say which Flink state is worth keeping.
#![allow(
    clippy::duplicated_attributes,
    reason = "printer columns repeat their type"
)]

mod keep_rules;
mod status;
mod storage_access;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema::validation;
use crate::api::{Bytes, JobSelector};

pub use keep_rules::{
    Adoption, CheckpointRules, ExpireAfter, OrphanRules, SavepointRules, location_list_schema,
    location_schema,
};
pub use status::{
    EffectiveRules, JobCounts, LastRun, RetentionPolicyDisplay, RetentionPolicyStatus, condition,
};
pub use storage_access::{
    Addressing, AzureAccess, GcsAccess, OperatorIdentity, S3Access, SecretReference, StorageAccess,
    WorkerIdentity,
};

/// Which Flink state of which jobs is kept, and whether the rest may be deleted.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "flink-retention.dev",
    version = "v1alpha1",
    kind = "RetentionPolicy",
    plural = "retentionpolicies",
    shortname = "frp",
    category = "flink-retention",
    namespaced,
    status = "RetentionPolicyStatus",
    derive = "PartialEq",
    doc = "Says which state of which Flink jobs is kept, and whether the rest may be deleted. Without `mode: Enforce` nothing is ever deleted.",
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Enforcing",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Enforcing\")].status"
    ),
    printcolumn(name = "Jobs", type_ = "integer", json_path = ".status.jobs.selected"),
    printcolumn(
        name = "Not-Restorable",
        type_ = "integer",
        json_path = ".status.jobs.notRestorable"
    ),
    printcolumn(
        name = "Reclaimable",
        type_ = "string",
        json_path = ".status.display.reclaimable"
    ),
    printcolumn(
        name = "Last-Run",
        type_ = "string",
        json_path = ".status.lastRun.phase"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [validation(
    "!has(self.adopt) || size(self.adopt) == 0 || (has(self.approval) && self.approval == 'Manual')",
    "adopting directories of unknown jobs needs a person's approval: add `approval: Manual`",
)]))]
pub struct RetentionPolicySpec {
    /// Which Flink resources of this namespace the policy is for, by their labels. `{}` selects all.
    pub selector: JobSelector,
    /// Whether files may be deleted (`Enforce`) or are only reported (`DryRun`).
    #[serde(default)]
    pub mode: Mode,
    /// When runs start, as five cron fields. Without it every six hours, at an offset that differs between policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100), extend("x-kubernetes-validations" = [validation(
        r"self.matches('^\\S+( +\\S+){4}$')",
        "write five cron fields (minute, hour, day of month, month, day of week), for example `17 */6 * * *`",
    )]))]
    pub schedule: Option<String>,
    /// The time zone of `schedule` and of the days of `savepoints`, for example `Europe/Berlin`. Without it UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: Option<String>,
    /// Stops scheduled runs and all deleting; status is still kept up to date.
    #[serde(default)]
    pub suspend: bool,
    /// Whether a run waits for a person's approval before it deletes. The next scheduled run supersedes one that waits.
    #[serde(default)]
    pub approval: ApprovalMode,
    /// Which completed checkpoints are kept, per Flink resource and across its job ids, beside those that Flink still
    /// manages. Without it all are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoints: Option<CheckpointRules>,
    /// Which savepoints are kept, per Flink resource and across its job ids, beside the newest restorable snapshot and
    /// those that a resource names. Without it all are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub savepoints: Option<SavepointRules>,
    /// When files go that no snapshot references.
    #[serde(default)]
    pub orphans: OrphanRules,
    /// Lets snapshots go whose `_metadata` is cut off or whose files are missing, once their job has made a newer one
    /// that can be restored. Without it they are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unrestorable: Option<ExpireAfter>,
    /// Lets the state of jobs go whose Flink resource was seen to be deleted, so long after that: all of it, the newest
    /// snapshot too, and its savepoints if there is a rule for savepoints. The labels that the resource had last say which policy speaks for it. Without it
    /// that is kept for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_jobs: Option<ExpireAfter>,
    /// Snapshot directories elsewhere whose references count as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "location_list_schema")]
    pub additional_roots: Vec<String>,
    /// Job directories that belong to no known Flink resource and may be treated as those of jobs that are over: the rules
    /// for checkpoints hold for them, and the newest restorable snapshot stays. Nothing may have been modified in them for
    /// as long as the administrator's floor says, and no high-availability map or JobManager may know their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub adopt: Vec<Adoption>,
    /// How much one run may do, and when it stops to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// How many finished runs are kept. Each stays for at least a minute.
    #[serde(default)]
    pub history: History,
    /// How the storage is reached.
    pub storage: StorageAccess,
}

/// Whether files may be deleted.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
pub enum Mode {
    /// Report what would go; write and delete nothing.
    #[default]
    DryRun,
    /// Mark, and delete what is ripe.
    Enforce,
}

impl Mode {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DryRun => "DryRun",
            Self::Enforce => "Enforce",
        }
    }
}

/// Whether a run waits for a person's approval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApprovalMode {
    /// A run deletes what its plan says.
    #[default]
    Automatic,
    /// A run waits until its plan is approved by digest, for at most seven days.
    Manual,
}

/// How much one run may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// A run stops deleting after this many bytes and the next run carries on: an integer, or for example `2Ti`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes_per_run: Option<Bytes>,
    /// A run ends `Blocked`, and asks, where what snapshots reference in a directory, or the number of job directories
    /// and savepoints with a snapshot, shrank by more than this since its last completed run, in percent. Without it 50;
    /// 100 never stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100), extend("format" = "int32"))]
    pub max_referenced_shrink_percent: Option<u8>,
}

/// How many finished runs are kept. Each stays for at least a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// Succeeded runs.
    #[serde(default = "three")]
    #[schemars(range(min = 0, max = 100), extend("format" = "int32"))]
    pub successful: u8,
    /// Failed, blocked and cancelled runs.
    #[serde(default = "three")]
    #[schemars(range(min = 0, max = 100), extend("format" = "int32"))]
    pub failed: u8,
}

const fn three() -> u8 {
    3
}

impl Default for History {
    fn default() -> Self {
        Self {
            successful: three(),
            failed: three(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::api::Duration;
    use serde_json::json;

    #[test]
    fn the_shortest_policy_deletes_nothing() {
        let spec: RetentionPolicySpec =
            serde_json::from_value(json!({"selector": {}, "storage": {"operatorIdentity": {}}}))
                .unwrap();
        assert_eq!(spec.mode, Mode::DryRun);
        assert_eq!(spec.approval, ApprovalMode::Automatic);
        assert!(!spec.suspend);
        assert_eq!(
            (
                spec.checkpoints,
                spec.savepoints.is_none(),
                spec.deleted_jobs
            ),
            (None, true, None)
        );
        assert_eq!(spec.orphans.min_age, Duration::from_hours(24));
        assert_eq!(
            spec.history,
            History {
                successful: 3,
                failed: 3
            }
        );
    }

    #[test]
    fn a_policy_without_selector_is_refused() {
        let error = serde_json::from_value::<RetentionPolicySpec>(
            json!({"storage": {"operatorIdentity": {}}}),
        );
        assert!(error.unwrap_err().to_string().contains("selector"));
    }

    #[test]
    fn enforce_is_more_than_dry_run() {
        assert!(Mode::Enforce > Mode::DryRun);
    }
}
