//! A `FlinkDeployment` and its JobManager.

use crate::state::{NAMESPACE, in_namespace};
use flink_retention::observe::ObjectName;
use jiff::{SignedDuration, Timestamp};
use retention::evidence::{
    ClaimMode, ClusterConfiguration, JobManager, RestCheckpoint, RestCheckpoints, RestRestored,
    StateBackend,
};
use retention::location::Location;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) uid: String,
    /// The real job id.
    pub(crate) current: String,
    /// As the configuration has it.
    pub(crate) base: String,
    /// The resource; None once it was deleted.
    pub(crate) object: Option<Value>,
    /// The specification that is deployed, where it is not the present one.
    pub(crate) deployed: Option<Value>,
    pub(crate) processes: bool,
    pub(crate) retains: usize,
    pub(crate) with_ha: bool,
    pub(crate) records: bool,
    pub(crate) rest: Rest,
}

#[derive(Debug)]
pub(crate) struct Rest {
    /// Why it does not answer, if so.
    pub(crate) silent: Option<String>,
    pub(crate) state: String,
    pub(crate) started: Timestamp,
    pub(crate) max_concurrent: Option<u64>,
    pub(crate) backend: StateBackend,
    pub(crate) changelog: Option<bool>,
    pub(crate) file_system_storage: bool,
    pub(crate) timeout: SignedDuration,
    pub(crate) checkpoints: Vec<RestCheckpoint>,
    pub(crate) restored: Option<RestRestored>,
    pub(crate) claim_mode: ClaimMode,
    pub(crate) job_managers: u64,
}

impl Job {
    pub(crate) fn new(name: &str, id: String, base: &str, number: usize, now: Timestamp) -> Self {
        let uid = format!("uid-{name}-{number}");
        let object = json!({
            "apiVersion": "flink.apache.org/v1beta1",
            "kind": "FlinkDeployment",
            "metadata": {"name": name, "namespace": NAMESPACE, "uid": uid, "generation": 1},
            "spec": {
                "flinkVersion": "v1_20",
                "flinkConfiguration": {
                    "state.checkpoints.dir": base,
                    "high-availability.type": "kubernetes",
                },
                "job": {"state": "running", "upgradeMode": "last-state"},
            },
            "status": {
                "lifecycleState": "STABLE",
                "observedGeneration": 1,
                "jobStatus": {"jobId": id, "state": "RUNNING"},
                "reconciliationStatus": {"state": "DEPLOYED"},
            },
        });
        Self {
            name: name.to_owned(),
            namespace: NAMESPACE.to_owned(),
            uid,
            current: id,
            base: base.to_owned(),
            object: Some(object),
            deployed: None,
            processes: true,
            retains: 1,
            with_ha: true,
            records: true,
            rest: Rest::new(now),
        }
    }

    pub(crate) fn base_location(&self) -> Location {
        in_namespace(&self.base, &self.namespace)
    }

    pub(crate) fn map_name(&self) -> ObjectName {
        ObjectName {
            namespace: self.namespace.clone(),
            name: format!("{}-{}-config-map", self.name, self.current),
        }
    }

    /// Where checkpoints of this job id go.
    pub(crate) fn directory(&self) -> Location {
        let configuration = self
            .object
            .as_ref()
            .and_then(|object| object.pointer("/spec/flinkConfiguration"));
        let without = configuration
            .and_then(|configuration| configuration.get("execution.checkpointing.create-subdir"));
        if without.and_then(Value::as_str) == Some("false") {
            self.base_location()
        } else {
            self.base_location().join(&self.current)
        }
    }

    /// The resource as the API server has it.
    pub(crate) fn rendered(&self) -> Option<Value> {
        let mut object = self.object.clone()?;
        let spec = self.deployed.as_ref().unwrap_or(&object["spec"]);
        let embedded = json!({"spec": spec}).to_string();
        let reconciliation = &mut object["status"]["reconciliationStatus"];
        for field in ["lastReconciledSpec", "lastStableSpec"] {
            if reconciliation.get(field).is_none() {
                reconciliation[field] = Value::String(embedded.clone());
            }
        }
        Some(object)
    }

    pub(crate) fn status(&mut self, job: &str, lifecycle: &str) {
        let status = &mut self.object.as_mut().expect("the resource exists")["status"];
        status["jobStatus"]["state"] = json!(job);
        status["lifecycleState"] = json!(lifecycle);
    }

    /// What `CheckpointInventory` remembers.
    pub(crate) fn remember(&self, records: &mut BTreeMap<String, Value>, now: Timestamp) {
        if self.object.is_none() || !self.records {
            return;
        }
        let record = records.entry(self.name.clone()).or_insert_with(|| {
            json!({
                "apiVersion": "flink-retention.dev/v1alpha1",
                "kind": "CheckpointInventory",
                "metadata": {
                    "name": format!("{}.flinkdeployment", self.name),
                    "namespace": self.namespace,
                },
                "spec": {
                    "jobRef": {
                        "apiVersion": "flink.apache.org/v1beta1",
                        "kind": "FlinkDeployment",
                        "name": self.name,
                    },
                    "bases": [],
                    "lineage": [],
                },
            })
        });
        let bases = record["spec"]["bases"].as_array_mut().unwrap();
        let base = json!(self.base_location().to_string());
        let position = bases
            .iter()
            .position(|known| *known == base)
            .unwrap_or_else(|| {
                bases.push(base);
                bases.len() - 1
            });
        let lineage = record["spec"]["lineage"].as_array_mut().unwrap();
        let known = lineage
            .iter_mut()
            .find(|entry| entry["jobId"] == self.current && entry["uid"] == self.uid);
        let now = json!(now.to_string());
        match known {
            Some(entry) => entry["lastSeen"] = now,
            None => lineage.push(json!({
                "jobId": self.current, "uid": self.uid, "base": position, "firstSeen": now, "lastSeen": now,
            })),
        }
    }

    pub(crate) fn answer(&self, job_id: &str, now: Timestamp) -> JobManager {
        if let Some(why) = &self.rest.silent {
            return JobManager::Unreachable { why: why.clone() };
        }
        if !self.processes || self.current != job_id {
            let why = "connection refused".to_owned();
            return JobManager::Unreachable { why };
        }
        let Rest {
            silent: _,
            state,
            started,
            max_concurrent,
            backend,
            changelog,
            file_system_storage,
            timeout,
            checkpoints,
            restored,
            claim_mode,
            job_managers,
        } = &self.rest;
        let completed = checkpoints
            .iter()
            .filter(|checkpoint| checkpoint.status == "COMPLETED");
        JobManager::Answered(Box::new(RestCheckpoints {
            read_at: now,
            told: Some(now),
            job_id: self.current.parse().unwrap(),
            state: state.clone(),
            started: Some(*started),
            max_concurrent: *max_concurrent,
            backend: backend.clone(),
            changelog: *changelog,
            file_system_storage: *file_system_storage,
            timeout: Some(*timeout),
            completed: u64::try_from(completed.count()).ok(),
            checkpoints: checkpoints.clone(),
            restored: restored.clone(),
            cluster: Ok(ClusterConfiguration {
                high_availability: self.with_ha.then(|| "kubernetes".to_owned()),
                job_managers: *job_managers,
                statistics_cache: SignedDuration::from_secs(3),
                claim_mode: *claim_mode,
            }),
        }))
    }
}

impl Rest {
    pub(crate) fn new(started: Timestamp) -> Self {
        Self {
            silent: None,
            state: "RUNNING".to_owned(),
            started,
            max_concurrent: Some(1),
            backend: StateBackend::RocksDb,
            changelog: Some(false),
            file_system_storage: true,
            timeout: SignedDuration::from_mins(10),
            checkpoints: Vec::new(),
            restored: None,
            claim_mode: ClaimMode::NoClaim,
            job_managers: 1,
        }
    }

    pub(crate) fn set(&mut self, field: &str, value: &str) -> Result<(), String> {
        match field {
            "state" => value.clone_into(&mut self.state),
            "max_concurrent" => self.max_concurrent = value.parse().ok(),
            "changelog" => self.changelog = value.parse().ok(),
            "storage" => self.file_system_storage = value == "FileSystemCheckpointStorage",
            "timeout" => self.timeout = crate::words::duration(value)?,
            "backend" => {
                self.backend = match value {
                    "HashMapStateBackend" => StateBackend::HashMap,
                    "EmbeddedRocksDBStateBackend" => StateBackend::RocksDb,
                    other => StateBackend::Other(other.to_owned()),
                }
            }
            "claim" => {
                self.claim_mode = match value {
                    "CLAIM" => ClaimMode::Claim,
                    "NO_CLAIM" => ClaimMode::NoClaim,
                    "LEGACY" => ClaimMode::Legacy,
                    _ => ClaimMode::Unknown,
                }
            }
            "job_managers" => self.job_managers = value.parse().unwrap_or_default(),
            "silent" => self.silent = Some(value.to_owned()),
            "answers" => self.silent = None,
            _ => return Err(format!("REST has no {field}")),
        }
        Ok(())
    }
}
