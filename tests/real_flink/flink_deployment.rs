//! The `FlinkDeployment` as the Flink operator would write it about processes that really run.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use testbed::flink::FlinkCluster;

use crate::kubernetes::Kubernetes;

const NAME: &str = "orders";

/// A resource whose job runs, with the configuration that the processes were started with.
pub(crate) fn apply(kubernetes: &Kubernetes, flink: &FlinkCluster) {
    let configuration = fs::read_to_string(flink.configuration_file()).unwrap();
    kubernetes.apply(&config_map(&configuration).to_string());
    kubernetes.apply(&deployment(&configuration).to_string());
    let created = kubernetes.get("flinkdeployment", NAME);
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
    patch_status(kubernetes, &status);
}

/// What the Flink operator writes once it has seen that somebody cancelled the job.
pub(crate) fn say_cancelled(kubernetes: &Kubernetes) {
    let status = json!({
        "jobStatus": {"state": "CANCELED"},
        "jobManagerDeploymentStatus": "MISSING",
    });
    patch_status(kubernetes, &status);
}

fn patch_status(kubernetes: &Kubernetes, status: &Value) {
    kubernetes.kubectl([
        "--namespace=flink",
        "patch",
        "flinkdeployment",
        NAME,
        "--subresource=status",
        "--type=merge",
        &format!("--patch={}", json!({"status": status})),
    ]);
}

fn deployment(configuration: &str) -> Value {
    let configuration: BTreeMap<String, String> = serde_saphyr::from_str(configuration).unwrap();
    json!({
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": NAME, "namespace": "flink"},
        "spec": {
            "flinkConfiguration": configuration,
            "job": {"state": "running", "upgradeMode": "last-state"},
        },
    })
}

/// Flink's native Kubernetes integration mounts it into the pods.
fn config_map(configuration: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": format!("flink-config-{NAME}"), "namespace": "flink"},
        "data": {"config.yaml": configuration},
    })
}
