//! `CheckpointInventory`: what we have of one Flink resource, and whether it can be restored.
#![allow(
    clippy::duplicated_attributes,
    reason = "printer columns repeat their type"
)]

mod status;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::selector::labels_schema;

pub use status::{
    CheckpointInventoryDisplay, CheckpointInventoryStatus, EvidenceSource, LatestRestorable,
    OwnerClass, PolicyReference, SnapshotCounts, SnapshotKind, condition,
};

/// The most entries of a lineage; more set the condition `LineageTruncated`, which only protects.
pub const MAX_LINEAGE: usize = 500;
/// The most bases of one Flink resource.
pub const MAX_BASES: usize = 64;

/// What must outlive the Flink resource and every restore of a backup: which job ids and directories it has had.
/// It is in `spec` because tools that restore objects drop `status`.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "flink-retention.dev",
    version = "v1alpha1",
    kind = "CheckpointInventory",
    plural = "checkpointinventories",
    shortname = "ckinv",
    category = "flink-retention",
    namespaced,
    status = "CheckpointInventoryStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "The record of one Flink resource: the job ids and directories that it has had, its latest restorable snapshot and its sizes. Only the operator writes it; it outlives the Flink resource.",
    printcolumn(name = "Kind", type_ = "string", json_path = ".spec.jobRef.kind"),
    printcolumn(name = "Job", type_ = "string", json_path = ".spec.jobRef.name"),
    printcolumn(name = "State", type_ = "string", json_path = ".status.ownerClass"),
    printcolumn(
        name = "Restorable",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Restorable\")].status"
    ),
    printcolumn(
        name = "Latest",
        type_ = "date",
        json_path = ".status.latestRestorable.completionTime"
    ),
    printcolumn(name = "Size", type_ = "string", json_path = ".status.display.size"),
    printcolumn(
        name = "Orphaned",
        type_ = "string",
        json_path = ".status.display.orphaned"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointInventorySpec {
    /// The Flink resource.
    pub job_ref: JobReference,
    /// Its labels when it was last seen, which a policy selects by. Of a resource with more of them, the first 64 in the
    /// order of their keys: then it is not selected by what is not here, and no policy acts that might mean it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "labels_schema")]
    pub last_labels: BTreeMap<String, String>,
    /// Checkpoint and savepoint directories that it is or was configured with. `lineage` refers to them by position,
    /// so entries are only appended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 1024)))]
    pub bases: Vec<String>,
    /// The job ids that it has had, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500))]
    pub lineage: Vec<LineageEntry>,
}

/// A Flink resource of the same namespace.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub struct JobReference {
    /// For example `flink.apache.org/v1beta1`.
    #[schemars(length(max = 128))]
    pub api_version: String,
    /// `FlinkDeployment` or `FlinkSessionJob`.
    #[schemars(length(max = 64))]
    pub kind: String,
    /// The resource's name.
    #[schemars(length(max = 253))]
    pub name: String,
}

/// One job id of a Flink resource and where its files are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineageEntry {
    /// Flink's job id, 32 hexadecimal digits.
    #[schemars(length(max = 32), regex(pattern = "^[0-9a-f]{32}$"))]
    pub job_id: String,
    /// The uid of the Flink resource at that time: a resource that was deleted and created again has another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub uid: Option<String>,
    /// The position in `bases` of the directory that holds its checkpoints, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 63), extend("format" = "int32"))]
    pub base: Option<u8>,
    /// When this id was first seen.
    pub first_seen: Time,
    /// When it was last seen to be the resource's current one.
    pub last_seen: Time,
    /// When the resource of this uid was seen to be deleted: it was missing twice in a row while its kind and namespace
    /// were there, or another one had its name. `deletedJobs` counts from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_time: Option<Time>,
}
