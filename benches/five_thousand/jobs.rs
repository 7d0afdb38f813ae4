//! Flink resources as large as people have them.

use std::path::Path;

use futures::{StreamExt, stream};
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams,
};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

use crate::support::Cluster;
use crate::support::cluster::NAMESPACE;

const AT_ONCE: usize = 16;

/// Creates so many running jobs; gives the size of one in bytes.
pub(crate) async fn create(kubeconfig: &Path, count: usize) -> usize {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .unwrap();
    let client = Client::try_from(config).unwrap();
    let kind = GroupVersionKind::gvk("flink.apache.org", "v1beta1", "FlinkDeployment");
    let api: Api<DynamicObject> =
        Api::namespaced_with(client, NAMESPACE, &ApiResource::from_gvk(&kind));
    stream::iter(0..count)
        .map(|number| create_one(&api, number))
        .buffer_unordered(AT_ONCE)
        .fold(0, |_, size| async move { size })
        .await
}

async fn create_one(api: &Api<DynamicObject>, number: usize) -> usize {
    let name = format!("job-{number:05}");
    let spec = spec(number);
    let object = json!({
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"team": format!("team-{}", number % 50)}},
        "spec": spec,
    });
    let created = api
        .create(
            &PostParams::default(),
            &serde_json::from_value(object).unwrap(),
        )
        .await
        .unwrap();
    let status = json!({"status": status(number, &spec, created.metadata.generation)});
    let written = api
        .patch_status(&name, &PatchParams::default(), &Patch::Merge(&status))
        .await
        .unwrap();
    serde_json::to_string(&written).unwrap().len()
}

/// A pod template makes most of it; the status has all of it twice more.
fn spec(number: usize) -> Value {
    let environment: Vec<Value> = (0..20)
        .map(|variable| json!({"name": format!("SETTING_{variable}"), "value": format!("value-{variable}-of-{number}")}))
        .collect();
    json!({
        "image": "registry.example.com/flink/job:1.2.3",
        "flinkVersion": "v2_1",
        "serviceAccount": "flink",
        "flinkConfiguration": {
            "execution.checkpointing.dir": format!("s3://state/team-{}/checkpoints", number % 50),
            "execution.checkpointing.savepoint-dir": format!("s3://state/team-{}/savepoints", number % 50),
            "execution.checkpointing.interval": "1 min",
            "execution.checkpointing.incremental": "true",
            "state.backend.type": "rocksdb",
            "taskmanager.numberOfTaskSlots": "4",
            "metrics.reporters": "prom",
        },
        "podTemplate": {"spec": {"containers": [{"name": "flink-main-container", "env": environment}]}},
        "jobManager": {"resource": {"memory": "2048m", "cpu": 1}},
        "taskManager": {"resource": {"memory": "4096m", "cpu": 2}},
        "job": {"jarURI": "local:///job.jar", "parallelism": 4, "state": "running", "upgradeMode": "last-state"},
    })
}

fn status(number: usize, spec: &Value, generation: Option<i64>) -> Value {
    let deployed = json!({
        "spec": spec,
        "resource_metadata": {"apiVersion": "flink.apache.org/v1beta1", "firstDeployment": false},
    })
    .to_string();
    json!({
        "observedGeneration": generation,
        "lifecycleState": "STABLE",
        "jobManagerDeploymentStatus": "READY",
        "clusterInfo": {"flink-version": "2.1.0", "state-size": "1234567"},
        "jobStatus": {"jobId": format!("{number:032x}"), "jobName": "job", "state": "RUNNING"},
        "reconciliationStatus": {
            "state": "DEPLOYED",
            "lastReconciledSpec": deployed,
            "lastStableSpec": deployed,
        },
    })
}

/// How many were recorded, by their condition.
pub(crate) fn inventories(cluster: &Cluster) -> String {
    let listed = cluster
        .control_plane
        .kubectl([
            "get",
            "ckinv",
            "-n",
            NAMESPACE,
            "-o",
            "jsonpath={range .items[*]}{.status.conditions[?(@.type=='Restorable')].status}/{.status.conditions[?(@.type=='Restorable')].reason}{'\\n'}{end}",
        ])
        .unwrap();
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for line in listed.lines() {
        *counts.entry(line).or_default() += 1;
    }
    format!("CheckpointInventories by Restorable: {counts:?}")
}
