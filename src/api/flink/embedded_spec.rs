//! `lastReconciledSpec` and `lastStableSpec`: a spec as JSON text inside a status.

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::flink_configuration::FlinkConfiguration;
use super::job::JobSpec;
use super::lenient::or_default;
use crate::api::objects_only::ObjectsOnly;

/// What the Flink operator deployed, of a `FlinkDeployment` or a `FlinkSessionJob`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbeddedSpec {
    /// The spec itself.
    pub spec: DeployedSpec,
    /// Whether the resource was never deployed before: its `initialSavepointPath` is still in use. Unknown in the old
    /// form.
    pub first_deployment: Option<bool>,
}

/// The fields of the spec that we read.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeployedSpec {
    /// The version that was asked for, for example `v2_1`.
    #[serde(default)]
    pub flink_version: Option<String>,
    /// The configuration, without the Flink operator's defaults.
    #[serde(default, deserialize_with = "or_default")]
    pub flink_configuration: FlinkConfiguration,
    /// The job. Its `upgradeMode` is the one that was really used; its `state` is `suspended` during an upgrade.
    #[serde(default)]
    pub job: Option<JobSpec>,
    /// The session cluster of a `FlinkSessionJob`.
    #[serde(default)]
    pub deployment_name: Option<String>,
}

/// The text cannot be understood; it may hide a root.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("cannot read the deployed spec at {field}: {problem}")]
pub struct InvalidEmbeddedSpec {
    /// The path of the field inside the text, `.` for the whole.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

#[derive(Deserialize)]
struct ResourceMetadata {
    #[serde(default, rename = "firstDeployment")]
    first_deployment: Option<bool>,
}

impl EmbeddedSpec {
    /// Reads either form (`ReconciliationUtils` of the Flink operator): `{"spec": ..., "resource_metadata": ...}`, or
    /// the old one with the fields of the spec at the top.
    ///
    /// # Errors
    /// The text is not JSON, or a field that we read has a shape that cannot be understood.
    pub fn parse(json: &str) -> Result<Self, InvalidEmbeddedSpec> {
        let whole = ".".to_owned();
        let document: Value = serde_json::from_str(json).map_err(|error| InvalidEmbeddedSpec {
            field: whole.clone(),
            problem: error.to_string(),
        })?;
        let Value::Object(mut fields) = document else {
            return Err(InvalidEmbeddedSpec {
                field: whole,
                problem: "it is not a JSON object".to_owned(),
            });
        };
        let metadata = fields
            .remove("resource_metadata")
            .filter(|metadata| !metadata.is_null());
        let first_deployment = metadata
            .map(decode::<ResourceMetadata>)
            .transpose()?
            .and_then(|read| read.first_deployment);
        let spec = fields.remove("spec").unwrap_or(Value::Object(fields));
        Ok(Self {
            spec: decode(spec)?,
            first_deployment,
        })
    }
}

fn decode<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, InvalidEmbeddedSpec> {
    serde_path_to_error::deserialize(ObjectsOnly(value)).map_err(|error| InvalidEmbeddedSpec {
        field: error.path().to_string(),
        problem: error.into_inner().to_string(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn spec() -> Value {
        json!({
            "flinkVersion": "v1_20",
            "flinkConfiguration": {"state": {"checkpoints.dir": "s3://b/c"}},
            "job": {"upgradeMode": "last-state", "state": "suspended", "initialSavepointPath": "s3://b/sp"},
        })
    }

    #[test]
    fn both_forms_say_the_same() {
        let new = json!({"spec": spec(), "resource_metadata": {"apiVersion": "flink.apache.org/v1beta1", "firstDeployment": true}});
        let new = EmbeddedSpec::parse(&new.to_string()).unwrap();
        let mut old = spec();
        old["apiVersion"] = json!("v1beta1");
        let old = EmbeddedSpec::parse(&old.to_string()).unwrap();
        assert_eq!(new.spec, old.spec);
        assert_eq!(
            (new.first_deployment, old.first_deployment),
            (Some(true), None)
        );
        let job = new.spec.job.unwrap();
        assert!(job.is_suspended());
        assert_eq!(job.initial_savepoint_path.as_deref(), Some("s3://b/sp"));
        assert_eq!(
            new.spec.flink_configuration.get("state.checkpoints.dir"),
            Some("s3://b/c")
        );
    }

    #[test]
    fn what_cannot_be_read_names_the_field() {
        assert_eq!(EmbeddedSpec::parse("{\"spec\":").unwrap_err().field, ".");
        assert_eq!(
            EmbeddedSpec::parse("[]").unwrap_err().problem,
            "it is not a JSON object"
        );
        let error =
            EmbeddedSpec::parse(r#"{"spec": {"job": {"initialSavepointPath": 7}}}"#).unwrap_err();
        assert_eq!(error.field, "job.initialSavepointPath");
    }
}
