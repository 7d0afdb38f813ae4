//! The `FlinkDeployment` as the Flink operator would write it about processes that really run.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use testbed::flink::{FlinkCluster, FlinkVersion};

use crate::support::Cluster;
use crate::support::cluster::NAMESPACE;

const NAME: &str = "orders";
const RESOURCE: &str = "flinkdeployment/orders";

/// A resource whose job runs (for the first time or under a new id), with the configuration that the processes were started with.
pub(crate) fn apply(cluster: &Cluster, flink: &FlinkCluster, version: FlinkVersion) {
    let file = flink.configuration_file();
    let configuration = fs::read_to_string(file).unwrap();
    let file_name = file.file_name().unwrap().to_str().unwrap();
    cluster.apply(&config_map(file_name, &configuration));
    cluster.apply(&deployment(&configuration, version));
    let created = cluster.get(RESOURCE);
    let deployed = json!({
        "spec": created["spec"],
        "resource_metadata": {"apiVersion": "flink.apache.org/v1beta1", "firstDeployment": true},
    })
    .to_string();
    let status = json!({
        "observedGeneration": created["metadata"]["generation"],
        "lifecycleState": "STABLE",
        "jobManagerDeploymentStatus": "READY",
        "jobStatus": {"jobId": flink.job_id(), "jobName": NAME, "state": "RUNNING"},
        "reconciliationStatus": {
            "state": "DEPLOYED",
            "lastReconciledSpec": deployed,
            "lastStableSpec": deployed,
        },
    });
    cluster.patch_status(RESOURCE, &status);
}

/// What the Flink operator writes once it has seen that somebody cancelled the job.
pub(crate) fn say_cancelled(cluster: &Cluster) {
    let status = json!({
        "jobStatus": {"state": "CANCELED"},
        "jobManagerDeploymentStatus": "MISSING",
    });
    cluster.patch_status(RESOURCE, &status);
}

fn deployment(configuration: &str, version: FlinkVersion) -> Value {
    let configuration: BTreeMap<String, String> = serde_saphyr::from_str(configuration).unwrap();
    json!({
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "flinkVersion": match version {
                FlinkVersion::V1_18 => "v1_18",
                FlinkVersion::V1_20 => "v1_20",
                FlinkVersion::V2_1 => "v2_1",
                FlinkVersion::V2_3 => "v2_3",
            },
            "flinkConfiguration": configuration,
            "job": {"state": "running", "upgradeMode": "last-state"},
        },
    })
}

/// Flink's native Kubernetes integration mounts it into the pods.
fn config_map(file_name: &str, configuration: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": format!("flink-config-{NAME}"), "namespace": NAMESPACE},
        "data": {file_name: configuration},
    })
}
