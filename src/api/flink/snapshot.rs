//! `FlinkStateSnapshot`: a savepoint or checkpoint that somebody asked for. It outlives its job.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{DynamicObject, ObjectMeta};
use serde::Deserialize;

use super::kind::FlinkKind;
use super::lenient::{Parts, Undecodable, parts, text};

/// A `FlinkStateSnapshot`, as far as we read it.
#[derive(Clone, Debug, Default)]
pub struct FlinkStateSnapshot {
    /// Name, namespace, uid, labels, annotations, deletion.
    pub metadata: ObjectMeta,
    /// What is asked for.
    pub spec: FlinkStateSnapshotSpec,
    /// What the Flink operator says.
    pub status: Option<FlinkStateSnapshotStatus>,
}

/// `spec`: exactly one of `savepoint` and `checkpoint`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlinkStateSnapshotSpec {
    /// The job; may be missing when the savepoint already exists.
    #[serde(default)]
    pub job_reference: Option<JobReference>,
    /// A savepoint.
    #[serde(default)]
    pub savepoint: Option<SavepointRequest>,
    /// A checkpoint. It has no settings.
    #[serde(default)]
    pub checkpoint: Option<serde_json::Value>,
}

/// A Flink resource of the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct JobReference {
    /// `FlinkDeployment` or `FlinkSessionJob`.
    #[serde(default)]
    pub kind: Option<String>,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
}

/// `spec.savepoint`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavepointRequest {
    /// The savepoint itself if it already exists, else the directory in which it is made.
    #[serde(default, deserialize_with = "text")]
    pub path: Option<String>,
    /// Whether the savepoint existed before this object; absent is no.
    #[serde(default)]
    pub already_exists: Option<bool>,
    /// Whether the Flink operator disposes of the data when this object goes; absent is yes.
    #[serde(default)]
    pub dispose_on_delete: Option<bool>,
}

/// `status`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlinkStateSnapshotStatus {
    /// `TRIGGER_PENDING`, `IN_PROGRESS`, `COMPLETED`, `FAILED` or `ABANDONED`; absent is `TRIGGER_PENDING`.
    #[serde(default)]
    pub state: Option<String>,
    /// Where the snapshot is; blank if the operator could not learn it.
    #[serde(default, deserialize_with = "text")]
    pub path: Option<String>,
    /// When it was asked for; RFC 3339, unlike the times of a job's status.
    #[serde(default)]
    pub trigger_timestamp: Option<Time>,
    /// When it was completed.
    #[serde(default)]
    pub result_timestamp: Option<Time>,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<String>,
}

impl FlinkStateSnapshot {
    /// Reads an object of the API server.
    ///
    /// # Errors
    /// A field that we read has a shape that cannot be understood.
    pub fn from_dynamic(object: DynamicObject) -> Result<Self, Undecodable> {
        let (metadata, Parts { spec, status }) = parts(FlinkKind::StateSnapshot, object)?;
        Ok(Self {
            metadata,
            spec,
            status,
        })
    }

    /// The locations of snapshots that this object names (R8). It stays a root while the object exists.
    pub fn roots(&self) -> impl Iterator<Item = &str> {
        let existing = self
            .spec
            .savepoint
            .as_ref()
            .filter(|savepoint| savepoint.already_exists == Some(true));
        let named = existing.and_then(|savepoint| savepoint.path.as_deref());
        let completed = self
            .status
            .as_ref()
            .and_then(|status| status.path.as_deref());
        named.into_iter().chain(completed)
    }

    /// Whether a snapshot is being made, or is about to be: its path may appear any moment. Not of one that exists
    /// already: nobody makes it.
    #[must_use]
    pub fn is_in_progress(&self) -> bool {
        let savepoint = self.spec.savepoint.as_ref();
        if savepoint.is_some_and(|savepoint| savepoint.already_exists == Some(true)) {
            return false;
        }
        let state = self
            .status
            .as_ref()
            .and_then(|status| status.state.as_deref());
        !matches!(state, Some("COMPLETED" | "FAILED" | "ABANDONED"))
    }

    /// The directory in which a savepoint is being made, if this object names one.
    #[must_use]
    pub fn target_directory(&self) -> Option<&str> {
        let savepoint = self
            .spec
            .savepoint
            .as_ref()
            .filter(|savepoint| savepoint.already_exists != Some(true))?;
        savepoint.path.as_deref()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::{Value, json};

    fn read(data: Value) -> FlinkStateSnapshot {
        let object = DynamicObject::new(
            "orders-savepoint-manual-1",
            &FlinkKind::StateSnapshot.api_resource(),
        );
        FlinkStateSnapshot::from_dynamic(object.data(data)).unwrap()
    }

    #[test]
    fn a_savepoint_that_already_exists_is_a_root_before_it_has_a_status() {
        let snapshot = read(
            json!({"spec": {"savepoint": {"path": "/flink-data/sp-1", "alreadyExists": true}}}),
        );
        assert_eq!(snapshot.roots().collect::<Vec<_>>(), ["/flink-data/sp-1"]);
        assert_eq!(snapshot.target_directory(), None);
    }

    #[test]
    fn the_path_of_a_request_is_the_parent_and_the_path_of_the_status_the_savepoint() {
        let snapshot = read(json!({
            "spec": {"savepoint": {"path": "s3://b/savepoints"}},
            "status": {"state": "COMPLETED", "path": "s3://b/savepoints/savepoint-4f1c0d-0123456789ab",
                       "resultTimestamp": "2026-11-21T06:16:40.123Z"},
        }));
        assert_eq!(
            snapshot.roots().collect::<Vec<_>>(),
            ["s3://b/savepoints/savepoint-4f1c0d-0123456789ab"]
        );
        assert_eq!(snapshot.target_directory(), Some("s3://b/savepoints"));
        assert!(!snapshot.is_in_progress());
    }

    #[test]
    fn anything_that_is_not_known_to_be_over_is_in_progress() {
        assert!(read(json!({"spec": {"checkpoint": {}}})).is_in_progress());
        assert!(read(json!({"status": {"state": "PONDERING", "path": ""}})).is_in_progress());
        assert_eq!(
            read(json!({"status": {"state": "COMPLETED", "path": ""}}))
                .roots()
                .count(),
            0
        );
    }
}
