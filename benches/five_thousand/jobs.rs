//! Flink resources as large as people have them, with what belongs to each: the `ConfigMap` that its cluster was deployed
//! with, and the high-availability map of its job.

use std::fmt::Write;
use std::path::Path;

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, ObjectMeta, Patch, PatchParams, PostParams,
};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use testbed::corpus;

use crate::support::Cluster;
use crate::support::cluster::NAMESPACE;

const AT_ONCE: usize = 16;
const TEAMS: usize = 50;
/// What Flink and its operator set beside what people do; a deployed configuration has about so many entries.
const DEFAULTS: usize = 40;

pub(crate) fn job_id(number: usize) -> String {
    format!("{number:032x}")
}

pub(crate) fn checkpoints(number: usize) -> String {
    format!("s3://state/team-{}/checkpoints", number % TEAMS)
}

/// The jobs of a bench, and the API server that they are made in.
pub(crate) struct Jobs {
    deployments: Api<DynamicObject>,
    maps: Api<ConfigMap>,
    /// The data of a map that a real job left.
    retained: Value,
}

impl Jobs {
    pub(crate) async fn new(kubeconfig: &Path) -> Self {
        let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .unwrap();
        let client = Client::try_from(config).unwrap();
        let kind = GroupVersionKind::gvk("flink.apache.org", "v1beta1", "FlinkDeployment");
        let resource = ApiResource::from_gvk(&kind);
        let captured = corpus::entry("2.1.3", "kubernetes-ha-failover").unwrap();
        let maps = std::fs::read_to_string(captured.dir.join("configmaps.yaml")).unwrap();
        let maps: Value = serde_saphyr::from_str(&maps).unwrap();
        Self {
            deployments: Api::namespaced_with(client.clone(), NAMESPACE, &resource),
            maps: Api::namespaced(client, NAMESPACE),
            retained: maps["items"][0]["data"].clone(),
        }
    }

    /// Creates one running job for each port of a `JobManager`; gives the size of one resource in bytes.
    pub(crate) async fn create(&self, ports: &[u16]) -> usize {
        stream::iter(ports.iter().enumerate())
            .map(|(number, port)| self.create_one(number, *port))
            .buffer_unordered(AT_ONCE)
            .fold(0, |_, size| async move { size })
            .await
    }

    async fn create_one(&self, number: usize, port: u16) -> usize {
        let name = format!("job-{number:05}");
        let configuration = configuration(number, port);
        self.map(&format!("flink-config-{name}"), &deployed(&configuration))
            .await;
        let retained = format!("{name}-{}-config-map", job_id(number));
        self.map(&retained, &self.retained).await;
        let spec = spec(number, &configuration);
        let object = json!({
            "apiVersion": "flink.apache.org/v1beta1",
            "kind": "FlinkDeployment",
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"team": format!("team-{}", number % TEAMS)}},
            "spec": spec,
        });
        let created = self
            .deployments
            .create(
                &PostParams::default(),
                &serde_json::from_value(object).unwrap(),
            )
            .await
            .unwrap();
        let status = json!({"status": status(number, &spec, created.metadata.generation)});
        let written = self
            .deployments
            .patch_status(&name, &PatchParams::default(), &Patch::Merge(&status))
            .await
            .unwrap();
        serde_json::to_string(&written).unwrap().len()
    }

    async fn map(&self, name: &str, data: &Value) {
        let map = ConfigMap {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                ..ObjectMeta::default()
            },
            data: serde_json::from_value(data.clone()).unwrap(),
            ..ConfigMap::default()
        };
        let created = self.maps.create(&PostParams::default(), &map).await;
        created.unwrap();
    }
}

fn configuration(number: usize, port: u16) -> Value {
    json!({
        "execution.checkpointing.dir": checkpoints(number),
        "execution.checkpointing.savepoint-dir": format!("s3://state/team-{}/savepoints", number % TEAMS),
        "execution.checkpointing.interval": "1 min",
        "execution.checkpointing.incremental": "true",
        "high-availability.type": "kubernetes",
        "high-availability.storageDir": "file:///flink1/tree/ha",
        "rest.port": port.to_string(),
        "state.backend.type": "rocksdb",
        "taskmanager.numberOfTaskSlots": "4",
        "metrics.reporters": "prom",
    })
}

/// The data of `flink-config-<name>`.
fn deployed(configuration: &Value) -> Value {
    let mut text = String::new();
    for (key, value) in configuration.as_object().unwrap() {
        writeln!(text, "{key}: {value}").unwrap();
    }
    for number in 0..DEFAULTS {
        writeln!(
            text,
            "kubernetes.option-{number:02}.of-the-operator: value-{number}"
        )
        .unwrap();
    }
    let logging =
        "logger.library.name = org.apache.library\nlogger.library.level = INFO\n".repeat(25);
    json!({"config.yaml": text, "log4j-console.properties": logging})
}

/// A pod template makes most of it; the status has all of it twice more.
fn spec(number: usize, configuration: &Value) -> Value {
    let environment: Vec<Value> = (0..20)
        .map(|variable| json!({"name": format!("SETTING_{variable}"), "value": format!("value-{variable}-of-{number}")}))
        .collect();
    json!({
        "image": "registry.example.com/flink/job:1.2.3",
        "flinkVersion": "v2_1",
        "serviceAccount": "flink",
        "flinkConfiguration": configuration,
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
        "jobStatus": {"jobId": job_id(number), "jobName": "job", "state": "RUNNING"},
        "reconciliationStatus": {
            "state": "DEPLOYED",
            "lastReconciledSpec": deployed,
            "lastStableSpec": deployed,
        },
    })
}

/// How many were recorded, by two of their conditions.
pub(crate) fn inventories(cluster: &Cluster) -> String {
    let listed = cluster
        .control_plane
        .kubectl([
            "get",
            "ckinv",
            "-n",
            NAMESPACE,
            "-o",
            "jsonpath={range .items[*]}{range .status.conditions[?(@.type=='Restorable')]}{.status}/{.reason}{end}, JobManagerReachable {.status.conditions[?(@.type=='JobManagerReachable')].status}{'\\n'}{end}",
        ])
        .unwrap();
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for line in listed.lines() {
        *counts.entry(line).or_default() += 1;
    }
    format!("CheckpointInventories by Restorable: {counts:?}")
}
