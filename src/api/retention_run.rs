//! `RetentionRun`: one execution of a policy, by schedule or by hand.
#![allow(
    clippy::duplicated_attributes,
    reason = "printer columns repeat their type"
)]

mod status;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::Mode;
use crate::api::names::object_name_validation;
use crate::api::schema::validation;

pub use status::{
    DecisionAmounts, JobOutcome, Phase, PlanReference, ProtectedByGuard, RetentionRunDisplay,
    RetentionRunStatus, SampleDecision, SampleFile, Trigger, condition,
};

/// One execution of a policy. Only `approval` and `cancel` can change after creation.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "flink-retention.dev",
    version = "v1alpha1",
    kind = "RetentionRun",
    plural = "retentionruns",
    shortname = "frr",
    category = "flink-retention",
    namespaced,
    status = "RetentionRunStatus",
    derive = "PartialEq",
    doc = "One execution of a RetentionPolicy, started by its schedule or by hand with `kubectl create`. Without `mode: Enforce` it only reports.",
    printcolumn(name = "Policy", type_ = "string", json_path = ".spec.policyRef.name"),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(
        name = "Reclaimable",
        type_ = "string",
        json_path = ".status.display.reclaimable"
    ),
    printcolumn(
        name = "Deleted",
        type_ = "string",
        json_path = ".status.display.deleted"
    ),
    printcolumn(
        name = "Blocked-By",
        type_ = "string",
        json_path = ".status.display.blockedBy"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    validation(
        "self.policyRef == oldSelf.policyRef && self.mode == oldSelf.mode && has(self.ttlSecondsAfterFinished) == has(oldSelf.ttlSecondsAfterFinished) && (!has(self.ttlSecondsAfterFinished) || self.ttlSecondsAfterFinished == oldSelf.ttlSecondsAfterFinished)",
        "policyRef, mode and ttlSecondsAfterFinished of a run cannot change: create a new RetentionRun",
    ),
    validation(
        "!has(oldSelf.approval) || (has(self.approval) && self.approval == oldSelf.approval)",
        "an approval is given once and cannot change: set `cancel: true` to stop the run, or create a new RetentionRun",
    ),
    validation(
        "!has(oldSelf.cancel) || !oldSelf.cancel || (has(self.cancel) && self.cancel)",
        "a cancelled run stays cancelled: create a new RetentionRun",
    ),
]))]
pub struct RetentionRunSpec {
    /// The policy, in the same namespace.
    pub policy_ref: PolicyReference,
    /// Whether files may be deleted. Never more than the policy allows.
    #[serde(default)]
    pub mode: Mode,
    /// A person's yes to the plan that this run or an earlier one has asked about, by its digest: only the files that it
    /// names go, and of those only what is still superfluous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Stops the run at the next safe point.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancel: bool,
    /// When the run is deleted after it finished, in seconds. Without it `history` of the policy decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 315_360_000), extend("format" = "int64"))]
    pub ttl_seconds_after_finished: Option<u32>,
}

/// A policy of the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyReference {
    /// The policy's name.
    #[schemars(length(min = 1, max = 253), extend("x-kubernetes-validations" = [object_name_validation()]))]
    pub name: String,
}

/// A person's yes to exactly one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// The digest of the plan, as `status.plan.digest` shows it.
    #[schemars(length(max = 71), extend("x-kubernetes-validations" = [validation(
        "self.matches('^sha256:[0-9a-f]{64}$')",
        "copy the digest from status.plan.digest: `sha256:` and 64 hexadecimal digits",
    )]))]
    pub plan_digest: String,
}
