//! `FlinkBlueGreenDeployment`: a pair of `FlinkDeployment`s, of which one is active.

use kube::api::{DynamicObject, ObjectMeta};
use serde::Deserialize;

use super::deployment::FlinkDeploymentSpec;
use super::job::JobStatus;
use super::kind::FlinkKind;
use super::lenient::{Parts, Undecodable, or_default, parts, text};
use crate::api::objects_only::from_slice;

/// On a child: which half of the pair it is.
pub const CHILD_LABEL: &str = "flink/blue-green-deployment-type";

/// A `FlinkBlueGreenDeployment`, as far as we read it.
#[derive(Clone, Debug, Default)]
pub struct FlinkBlueGreenDeployment {
    /// Name, namespace, uid, labels, annotations, deletion.
    pub metadata: ObjectMeta,
    /// What is asked for.
    pub spec: FlinkBlueGreenDeploymentSpec,
    /// What the Flink operator says.
    pub status: Option<FlinkBlueGreenDeploymentStatus>,
}

/// `spec`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct FlinkBlueGreenDeploymentSpec {
    /// What both halves are made from.
    #[serde(default, deserialize_with = "or_default")]
    pub template: Template,
}

/// `spec.template`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Template {
    /// The spec of a half.
    #[serde(default, deserialize_with = "or_default")]
    pub spec: FlinkDeploymentSpec,
}

/// `status`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlinkBlueGreenDeploymentStatus {
    /// For example `ACTIVE_BLUE`, `SAVEPOINTING_BLUE`.
    #[serde(default)]
    pub blue_green_state: Option<String>,
    /// The job; mostly only its state.
    #[serde(default)]
    pub job_status: Option<JobStatus>,
    /// `{"spec": ...}` of this kind, as JSON text.
    #[serde(default, deserialize_with = "text")]
    pub last_reconciled_spec: Option<String>,
    /// Set while a savepoint is being taken whose path only the `JobManager` knows (R10).
    #[serde(default, deserialize_with = "text")]
    pub savepoint_trigger_id: Option<String>,
}

/// `lastReconciledSpec`, understood.
#[derive(Deserialize)]
struct Deployed {
    #[serde(default, deserialize_with = "or_default")]
    spec: FlinkBlueGreenDeploymentSpec,
}

impl FlinkBlueGreenDeployment {
    /// Reads an object of the API server.
    ///
    /// # Errors
    /// A field that we read, or the JSON text of `status.lastReconciledSpec`, cannot be understood.
    pub fn from_dynamic(object: DynamicObject) -> Result<Self, Undecodable> {
        let (metadata, Parts { spec, status }) = parts(FlinkKind::BlueGreenDeployment, object)?;
        let deployment = Self {
            metadata,
            spec,
            status,
        };
        match deployment.deployed() {
            Ok(_) => Ok(deployment),
            Err(error) => Err(Undecodable {
                kind: FlinkKind::BlueGreenDeployment,
                namespace: deployment.metadata.namespace.clone().unwrap_or_default(),
                name: deployment.metadata.name.clone().unwrap_or_default(),
                metadata: Box::new(deployment.metadata),
                field: "status.lastReconciledSpec".to_owned(),
                problem: error.to_string(),
            }),
        }
    }

    /// What the halves are made from, and were made from last (R9). The halves name their own roots.
    #[must_use]
    pub fn specs(&self) -> Vec<FlinkDeploymentSpec> {
        let deployed = self.deployed().ok().flatten();
        let specs = [Some(self.spec.clone()), deployed];
        let halves = specs.into_iter().flatten().map(|spec| spec.template.spec);
        halves.collect()
    }

    /// The job's status, if there is any.
    #[must_use]
    pub fn job_status(&self) -> Option<&JobStatus> {
        self.status.as_ref()?.job_status.as_ref()
    }

    /// Whether a savepoint is being taken whose path no resource names yet (R10).
    #[must_use]
    pub fn has_pending_savepoint(&self) -> bool {
        self.status.as_ref().is_some_and(|status| {
            let saving = status
                .blue_green_state
                .as_deref()
                .is_some_and(|state| state.starts_with("SAVEPOINTING"));
            saving || status.savepoint_trigger_id.is_some()
        })
    }

    fn deployed(&self) -> Result<Option<FlinkBlueGreenDeploymentSpec>, serde_json::Error> {
        let json = self
            .status
            .as_ref()
            .and_then(|status| status.last_reconciled_spec.as_deref());
        let deployed = json
            .map(|json| from_slice::<Deployed>(json.as_bytes()))
            .transpose()?;
        Ok(deployed.map(|deployed| deployed.spec))
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::needless_pass_by_value
    )]
    use super::*;
    use serde_json::{Value, json};

    fn read(data: Value) -> Result<FlinkBlueGreenDeployment, Undecodable> {
        let object = DynamicObject::new("orders", &FlinkKind::BlueGreenDeployment.api_resource());
        FlinkBlueGreenDeployment::from_dynamic(object.data(data))
    }

    fn spec(path: &str) -> Value {
        json!({"template": {"spec": {"job": {"initialSavepointPath": path}}}})
    }

    #[test]
    fn both_the_asked_and_the_deployed_spec_name_roots() {
        let deployed = json!({"spec": spec("s3://b/old")}).to_string();
        let pair = read(json!({
            "spec": spec("s3://b/new"),
            "status": {"blueGreenState": "SAVEPOINTING_BLUE", "lastReconciledSpec": deployed},
        }));
        let pair = pair.unwrap();
        let paths = pair.specs().into_iter().map(|spec| spec.job.unwrap());
        let paths: Vec<_> = paths.filter_map(|job| job.initial_savepoint_path).collect();
        assert_eq!(paths, ["s3://b/new", "s3://b/old"]);
        assert!(pair.has_pending_savepoint());
    }

    #[test]
    fn a_deployed_spec_that_cannot_be_read_is_an_error() {
        let error = read(json!({"status": {"lastReconciledSpec": "{"}})).unwrap_err();
        assert_eq!(error.field, "status.lastReconciledSpec");
    }
}
