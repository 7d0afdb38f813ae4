//! The world of a scenario as the operator sees it: an API server, JobManagers, a clock.

use crate::state::State;
use async_trait::async_trait;
use flink_retention::api::flink::FlinkKind;
use flink_retention::engine::{Clock, Observer};
use flink_retention::observe::{
    ClusterAddress, ConfigMapData, FlinkObject, JobManagers, JobsOverview, KubernetesObserver,
    ObjectName, Process, Resources, Source, Unread,
};
use jiff::Timestamp;
use kube::api::DynamicObject;
use retention::evidence::{Evidence, JobManager};
use retention::layout::JobId;
use retention::location::Origin;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The state, shared by all who answer from it.
#[derive(Clone, Debug)]
pub(crate) struct World(pub(crate) Arc<Mutex<State>>);

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().now
    }
}

#[async_trait]
impl Source for World {
    async fn resources(&self) -> Resources {
        let state = self.0.lock().unwrap();
        let mut resources = Resources {
            suspended_namespaces: state.suspended_namespaces.clone(),
            unread: state.unread.clone(),
            config_maps: state.maps.keys().cloned().collect(),
            ..Resources::default()
        };
        let jobs = state.jobs.values().filter_map(crate::flink::Job::rendered);
        for object in jobs.chain(state.objects.iter().cloned()) {
            let kind = object["kind"].as_str().unwrap_or_default();
            match FlinkKind::from_name(kind) {
                Some(kind) => resources
                    .flink
                    .push(FlinkObject::read(kind, dynamic(object))),
                None => panic!("{kind} is no Flink resource"),
            }
        }
        resources.inventories = state
            .records
            .values()
            .cloned()
            .map(|object| dynamic(object).into())
            .collect();
        resources
    }

    async fn config_map(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<ConfigMapData>, Unread> {
        let state = self.0.lock().unwrap();
        let object = ObjectName {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        let Some(map) = state.maps.get(&object) else {
            return Ok(None);
        };
        if let Some(why) = &map.forbidden {
            return Err(Unread {
                what: format!("ConfigMap {namespace}/{name}"),
                namespace: Some(namespace.to_owned()),
                why: why.clone(),
            });
        }
        Ok(Some(ConfigMapData {
            uid: map.uid.clone(),
            data: map.data(),
        }))
    }

    async fn processes(&self, namespace: &str) -> Result<Vec<Process>, Unread> {
        let state = self.0.lock().unwrap();
        if let Some(why) = &state.processes_unread {
            return Err(Unread {
                what: "pods".to_owned(),
                namespace: Some(namespace.to_owned()),
                why: why.clone(),
            });
        }
        let running = state
            .jobs
            .values()
            .filter(|job| job.processes && job.namespace == namespace);
        Ok(running
            .map(|job| Process {
                name: job.name.clone(),
                labels: BTreeMap::from([("app".to_owned(), job.name.clone())]),
            })
            .collect())
    }
}

#[async_trait]
impl JobManagers for World {
    async fn jobs(&self, address: &ClusterAddress) -> JobsOverview {
        let state = self.0.lock().unwrap();
        match overview(&state, address) {
            Some(jobs) => JobsOverview::Answered(jobs),
            None => JobsOverview::Unreachable {
                why: "connection refused".to_owned(),
            },
        }
    }

    async fn ask(&self, address: &ClusterAddress, job_id: JobId, _: &Origin) -> JobManager {
        let state = self.0.lock().unwrap();
        let of_address = |job: &&crate::flink::Job| {
            job.name == address.cluster && job.namespace == address.namespace
        };
        let found = state.jobs.values().find(of_address);
        found.map_or_else(
            || JobManager::Unreachable {
                why: "no such host".to_owned(),
            },
            |job| job.answer(&job_id.to_string(), state.now),
        )
    }
}

fn overview(state: &State, address: &ClusterAddress) -> Option<BTreeMap<JobId, String>> {
    if let Some(jobs) = state.clusters.get(&address.cluster) {
        return Some(jobs.clone());
    }
    let mut jobs = state.jobs.values();
    let job = jobs.find(|job| job.name == address.cluster && job.namespace == address.namespace)?;
    let answers = job.processes && job.rest.silent.is_none();
    let id = job.current.parse().ok()?;
    answers.then(|| BTreeMap::from([(id, job.rest.state.clone())]))
}

fn dynamic(object: Value) -> DynamicObject {
    serde_json::from_value(object).expect("an object has kind and name")
}

/// The operator's observer; steps of the scenario happen between its looks.
#[derive(Debug)]
pub(crate) struct Interrupted {
    pub(crate) world: World,
    pub(crate) observer: KubernetesObserver,
    pub(crate) observed: Mutex<u64>,
}

#[async_trait]
impl Observer for Interrupted {
    async fn observe(&self) -> Evidence {
        let number = {
            let mut observed = self.observed.lock().unwrap();
            *observed += 1;
            *observed
        };
        {
            let mut state = self.world.0.lock().unwrap();
            let due: Vec<(u64, String)> = state
                .meanwhile
                .extract_if(.., |(at, _)| *at == number)
                .collect();
            for (_, step) in due {
                if let Err(why) = state.step(&step, &[]) {
                    panic!("{step}: {why}");
                }
            }
        }
        self.observer.observe().await
    }
}
