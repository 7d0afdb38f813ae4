//! `FlinkSessionJob`: a job of a session cluster in the same namespace.

use kube::api::{DynamicObject, ObjectMeta};
use serde::Deserialize;

use super::flink_configuration::FlinkConfiguration;
use super::job::{JobSpec, JobStatus, ReconciliationStatus};
use super::kind::FlinkKind;
use super::lenient::{Parts, Undecodable, integer, or_default, parts};

/// A `FlinkSessionJob`, as far as we read it.
#[derive(Clone, Debug, Default)]
pub struct FlinkSessionJob {
    /// Name, namespace, uid, labels, annotations, deletion.
    pub metadata: ObjectMeta,
    /// What is asked for.
    pub spec: FlinkSessionJobSpec,
    /// What the Flink operator says. Without it nothing is known.
    pub status: Option<FlinkSessionJobStatus>,
}

/// `spec`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlinkSessionJobSpec {
    /// The `FlinkDeployment` of the session cluster.
    #[serde(default)]
    pub deployment_name: Option<String>,
    /// Settings on top of the cluster's; they may name other directories.
    #[serde(default, deserialize_with = "or_default")]
    pub flink_configuration: FlinkConfiguration,
    /// The job.
    #[serde(default)]
    pub job: Option<JobSpec>,
}

/// `status`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlinkSessionJobStatus {
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
    /// Why the operator cannot do its work.
    #[serde(default)]
    pub error: Option<String>,
}

impl FlinkSessionJob {
    /// Reads an object of the API server.
    ///
    /// # Errors
    /// A field that we read has a shape that cannot be understood.
    pub fn from_dynamic(object: DynamicObject) -> Result<Self, Undecodable> {
        let (metadata, Parts { spec, status }) = parts(FlinkKind::SessionJob, object)?;
        Ok(Self {
            metadata,
            spec,
            status,
        })
    }

    /// The job's status, if there is any.
    #[must_use]
    pub fn job_status(&self) -> Option<&JobStatus> {
        self.status.as_ref()?.job_status.as_ref()
    }
}
