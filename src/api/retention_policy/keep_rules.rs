//! Which snapshots and files a policy keeps.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::api::Duration;
use crate::api::schema::validation;

const MAX_LOCATION: u32 = 1024;

/// Which completed checkpoints are kept: those that at least one rule names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [validation(
    "has(self.keepLast) || has(self.keepWithin)",
    "set keepLast or keepWithin; to keep all checkpoints leave `checkpoints` out",
)]))]
pub struct CheckpointRules {
    /// The newest so many. The newest restorable one is kept even with 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000), extend("format" = "int32"))]
    pub keep_last: Option<u32>,
    /// All that are younger than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_within: Option<Duration>,
}

/// Which savepoints are kept: those that at least one rule names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [validation(
    "has(self.keepLast) || has(self.keepWithin) || has(self.keepHourly) || has(self.keepDaily) || has(self.keepWeekly) || has(self.keepMonthly)",
    "set at least one of keepLast, keepWithin, keepHourly, keepDaily, keepWeekly, keepMonthly; to keep all savepoints leave `savepoints` out",
)]))]
pub struct SavepointRules {
    /// The newest so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000), extend("format" = "int32"))]
    pub keep_last: Option<u32>,
    /// All that are younger than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_within: Option<Duration>,
    /// The newest of each of the last so many hours that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000), extend("format" = "int32"))]
    pub keep_hourly: Option<u32>,
    /// The newest of each of the last so many days that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000), extend("format" = "int32"))]
    pub keep_daily: Option<u32>,
    /// The newest of each of the last so many weeks that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000), extend("format" = "int32"))]
    pub keep_weekly: Option<u32>,
    /// The newest of each of the last so many months that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000), extend("format" = "int32"))]
    pub keep_monthly: Option<u32>,
    /// Locations of savepoints that are kept whatever the rules say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "location_list_schema")]
    pub pinned: Vec<String>,
}

/// When files go that no snapshot references. The administrator's floors apply; `status.effective` shows the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrphanRules {
    /// Only files that are older than this.
    #[serde(default = "one_day")]
    pub min_age: Duration,
    /// Only files that an earlier run marked at least this long ago.
    #[serde(default = "one_day")]
    pub grace_period: Duration,
}

const fn one_day() -> Duration {
    Duration::from_hours(24)
}

impl Default for OrphanRules {
    fn default() -> Self {
        Self {
            min_age: one_day(),
            grace_period: one_day(),
        }
    }
}

/// Lets something go after a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExpireAfter {
    /// How long it is still kept.
    pub expire_after: Duration,
}

/// Job directories that belong to no known Flink resource: either named ones, or all idle ones of a base that the
/// administrator declared exclusive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    validation(
        "has(self.directory) != has(self.base)",
        "write either `directory` with `jobIds`, or `base` with `idleFor`",
    ),
    validation(
        "has(self.directory) == has(self.jobIds) && (has(self.directory) || !has(self.lastModifiedBefore))",
        "`directory` needs `jobIds`; both, and `lastModifiedBefore`, are for named job directories only",
    ),
    validation(
        "has(self.base) == has(self.idleFor)",
        "`base` needs `idleFor`, and `idleFor` needs `base`",
    ),
]))]
pub struct Adoption {
    /// The directory that holds the job directories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "location_schema")]
    pub directory: Option<String>,
    /// The job ids, 32 hexadecimal digits each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 200),
        inner(length(max = 32), regex(pattern = "^[0-9a-f]{32}$"))
    )]
    pub job_ids: Vec<String>,
    /// Only if nothing in the job directory was modified at or after this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified_before: Option<Time>,
    /// A base that the administrator declared exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "location_schema")]
    pub base: Option<String>,
    /// Only job directories in which nothing was modified for so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_for: Option<Duration>,
}

/// The schema of an absolute location.
#[must_use]
pub fn location_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "maxLength": MAX_LOCATION,
        "x-kubernetes-validations": [validation(
            "self.matches('^[a-zA-Z][a-zA-Z0-9+.-]*:/.+')",
            "write an absolute location with its scheme, for example s3://bucket/path or file:/opt/flink/volume/path",
        )],
    })
}

/// The schema of a list of absolute locations.
#[must_use]
pub fn location_list_schema(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "maxItems": 200, "items": location_schema(generator)})
}
