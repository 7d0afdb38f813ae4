//! `FlinkDeployment`: an application cluster, or a session cluster.

use std::collections::BTreeMap;

use kube::api::{DynamicObject, ObjectMeta};
use serde::Deserialize;

use super::flink_configuration::FlinkConfiguration;
use super::job::{JobSpec, JobStatus, ReconciliationStatus};
use super::kind::FlinkKind;
use super::lenient::{Parts, Undecodable, integer, or_default, parts};

/// A `FlinkDeployment`, as far as we read it.
#[derive(Clone, Debug, Default)]
pub struct FlinkDeployment {
    /// Name, namespace, uid, labels, annotations, deletion.
    pub metadata: ObjectMeta,
    /// What is asked for.
    pub spec: FlinkDeploymentSpec,
    /// What the Flink operator says. Without it nothing is known.
    pub status: Option<FlinkDeploymentStatus>,
}

/// `spec`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlinkDeploymentSpec {
    /// For example `v2_1`. The real version is in [`FlinkDeploymentStatus::cluster_info`].
    #[serde(default)]
    pub flink_version: Option<String>,
    /// The configuration that is asked for; it may be undeployed.
    #[serde(default, deserialize_with = "or_default")]
    pub flink_configuration: FlinkConfiguration,
    /// `native` or `standalone`; absent is `native`.
    #[serde(default)]
    pub mode: Option<String>,
    /// The image, which tells vendor builds apart.
    #[serde(default)]
    pub image: Option<String>,
    /// Who the job's pods are.
    #[serde(default)]
    pub service_account: Option<String>,
    /// The job. Without it this is a session cluster.
    #[serde(default)]
    pub job: Option<JobSpec>,
}

/// `status`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlinkDeploymentStatus {
    /// The job.
    #[serde(default)]
    pub job_status: Option<JobStatus>,
    /// What the operator has deployed.
    #[serde(default)]
    pub reconciliation_status: Option<ReconciliationStatus>,
    /// For example `STABLE`; since operator 1.4.
    #[serde(default)]
    pub lifecycle_state: Option<String>,
    /// The generation that was last deployed, not merely seen; since operator 1.8.
    #[serde(default, deserialize_with = "integer")]
    pub observed_generation: Option<i64>,
    /// `READY`, `DEPLOYED_NOT_READY`, `DEPLOYING`, `MISSING` or `ERROR`; absent is `MISSING`.
    #[serde(default)]
    pub job_manager_deployment_status: Option<String>,
    /// What the cluster told about itself, for example `flink-version`.
    #[serde(default, deserialize_with = "or_default")]
    pub cluster_info: BTreeMap<String, serde_json::Value>,
    /// Why the operator cannot do its work.
    #[serde(default)]
    pub error: Option<String>,
}

impl FlinkDeployment {
    /// Reads an object of the API server.
    ///
    /// # Errors
    /// A field that we read has a shape that cannot be understood.
    pub fn from_dynamic(object: DynamicObject) -> Result<Self, Undecodable> {
        let (metadata, Parts { spec, status }) = parts(FlinkKind::Deployment, object)?;
        Ok(Self {
            metadata,
            spec,
            status,
        })
    }

    /// Whether this is a session cluster, which has no job of its own.
    #[must_use]
    pub fn is_session_cluster(&self) -> bool {
        self.spec.job.is_none()
    }

    /// The job's status, if there is any.
    #[must_use]
    pub fn job_status(&self) -> Option<&JobStatus> {
        self.status.as_ref()?.job_status.as_ref()
    }

    /// What the operator has deployed, if there is any.
    #[must_use]
    pub fn reconciliation_status(&self) -> Option<&ReconciliationStatus> {
        self.status.as_ref()?.reconciliation_status.as_ref()
    }
}

impl FlinkDeploymentStatus {
    /// The version that the cluster told, for example `2.1.0`; vendor builds write others.
    #[must_use]
    pub fn cluster_version(&self) -> Option<&str> {
        self.cluster_info.get("flink-version")?.as_str()
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

    fn read(spec: Value, status: Value) -> Result<FlinkDeployment, Undecodable> {
        let object =
            DynamicObject::new("orders", &FlinkKind::Deployment.api_resource()).within("flink");
        FlinkDeployment::from_dynamic(object.data(json!({"spec": spec, "status": status})))
    }

    #[test]
    fn everything_can_be_absent() {
        let deployment = read(Value::Null, Value::Null).unwrap();
        assert!(deployment.is_session_cluster() && deployment.status.is_none());
        let object =
            DynamicObject::new("orders", &FlinkKind::Deployment.api_resource()).data(json!({}));
        assert!(FlinkDeployment::from_dynamic(object).is_ok());
        assert!(
            read(
                json!({"job": {"args": null}}),
                json!({"jobStatus": {"savepointInfo": {"savepointHistory": null}}})
            )
            .is_ok()
        );
    }

    #[test]
    fn an_early_status_of_a_real_operator_is_read() {
        let deployment = read(
            json!({"flinkVersion": "v9_9", "job": {"state": "running", "upgradeMode": "quantum"}}),
            json!({
                "clusterInfo": {"flink-version": "0.0119-88-cp", "state-size": 12},
                "jobStatus": {
                    "jobId": "4f1c0de2a9b84b6f9d3e5a7c1b2d3e4f", "startTime": "1770322034225", "updateTime": 1_770_322_034_225_i64,
                    "savepointInfo": {"lastPeriodicSavepointTimestamp": 0, "savepointHistory": []},
                },
                "unheardOf": {"new": true},
            }),
        )
        .unwrap();
        let job = deployment.job_status().unwrap();
        assert_eq!(
            (job.start_time, job.update_time),
            (Some(1_770_322_034_225), Some(1_770_322_034_225))
        );
        assert_eq!(
            deployment
                .spec
                .job
                .as_ref()
                .unwrap()
                .upgrade_mode
                .as_deref(),
            Some("quantum")
        );
        assert_eq!(
            deployment.status.as_ref().unwrap().cluster_version(),
            Some("0.0119-88-cp")
        );
    }

    #[test]
    fn the_status_names_its_roots() {
        let deployment = read(
            json!({}),
            json!({"jobStatus": {
                "upgradeSavepointPath": "KUBERNETES_OPERATOR_LAST_STATE",
                "savepointInfo": {
                    "lastSavepoint": {"location": "s3://b/savepoint-1", "timeStamp": 1},
                    "savepointHistory": [{"location": "s3://b/savepoint-0"}, {"location": ""}],
                    "triggerId": "abc",
                },
            }}),
        );
        let deployment = deployment.unwrap();
        let job = deployment.job_status().unwrap();
        assert_eq!(
            job.roots().collect::<Vec<_>>(),
            ["s3://b/savepoint-1", "s3://b/savepoint-0"]
        );
        assert!(job.has_pending_trigger());
    }

    #[test]
    fn what_may_hide_a_root_is_an_error_that_names_object_and_field() {
        let error = read(
            json!({}),
            json!({"jobStatus": {"upgradeSavepointPath": ["s3://b/x"]}}),
        )
        .unwrap_err();
        assert_eq!(error.field, "status.jobStatus.upgradeSavepointPath");
        let text = error.to_string();
        assert!(
            text.starts_with("FlinkDeployment flink/orders: cannot read status.jobStatus"),
            "{text}"
        );
        let error = read(json!({}), json!({"observedGeneration": "four"})).unwrap_err();
        assert!(
            error.problem.contains("\"four\" is not an integer"),
            "{}",
            error.problem
        );
    }
}
