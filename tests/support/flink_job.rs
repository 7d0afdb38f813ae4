//! A `FlinkDeployment` as Flink's operator leaves it.

use serde_json::{Value, json};

use super::cluster::{Cluster, NAMESPACE};

/// What a `FlinkDeployment` says.
#[derive(Clone, Debug)]
pub(crate) struct FlinkJob {
    pub(crate) name: String,
    pub(crate) job_id: String,
    /// `execution.checkpointing.dir`.
    pub(crate) base: String,
    /// `RUNNING`, `FINISHED` ...
    pub(crate) state: String,
    pub(crate) labels: Value,
    /// What its pods are like, if that matters.
    pub(crate) pod_template: Option<Value>,
}

impl FlinkJob {
    /// A job that is over.
    pub(crate) fn finished(name: &str, job_id: &str, base: &str) -> Self {
        Self {
            name: name.to_owned(),
            job_id: job_id.to_owned(),
            base: base.to_owned(),
            state: "FINISHED".to_owned(),
            labels: json!({"team": "payments"}),
            pod_template: None,
        }
    }

    /// Creates or changes it, status included.
    pub(crate) fn apply(&self, cluster: &Cluster) {
        let what = format!("flinkdep/{}", self.name);
        let mut spec = json!({
            "flinkVersion": "v2_1",
            "serviceAccount": "flink",
            "flinkConfiguration": {
                "execution.checkpointing.dir": self.base,
                "state.backend.type": "rocksdb",
            },
            "job": {"state": "running", "upgradeMode": "last-state", "jarURI": "local:///job.jar"},
        });
        if let Some(template) = &self.pod_template {
            spec["podTemplate"] = template.clone();
        }
        cluster.apply(&json!({
            "apiVersion": "flink.apache.org/v1beta1",
            "kind": "FlinkDeployment",
            "metadata": {"name": self.name, "namespace": NAMESPACE, "labels": self.labels},
            "spec": spec,
        }));
        let generation = cluster.get(&what)["metadata"]["generation"].clone();
        let deployed = json!({
            "spec": spec,
            "resource_metadata": {"apiVersion": "flink.apache.org/v1beta1", "firstDeployment": false},
        });
        cluster.patch_status(
            &what,
            &json!({
                "observedGeneration": generation,
                "lifecycleState": "STABLE",
                "jobManagerDeploymentStatus": "READY",
                "jobStatus": {"jobId": self.job_id, "state": self.state},
                "reconciliationStatus": {"state": "DEPLOYED", "lastReconciledSpec": deployed.to_string()},
            }),
        );
    }
}
