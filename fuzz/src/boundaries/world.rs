use async_trait::async_trait;
use flink_retention::api::flink::FlinkKind;
use flink_retention::engine::{Clock, Observer, Stores};
use flink_retention::observe::{
    ConfigMapData, FlinkObject, KubernetesObserver, NoJobManagers, ObjectName, Process, Resources,
    Source, Unread,
};
use jiff::Timestamp;
use kube::api::{DynamicObject, ObjectMeta};
use retention::evidence::Evidence;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const NAMESPACE: &str = "flink";
pub(super) const NOW: Timestamp = Timestamp::constant(1_795_267_000, 0);

/// What an API server has.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub(super) resources: Resources,
    pub(super) config_maps: BTreeMap<String, ConfigMapData>,
}

#[async_trait]
impl Source for World {
    async fn resources(&self) -> Resources {
        self.resources.clone()
    }

    async fn config_map(&self, _: &str, name: &str) -> Result<Option<ConfigMapData>, Unread> {
        Ok(self.config_maps.get(name).cloned())
    }

    async fn processes(&self, _: &str) -> Result<Vec<Process>, Unread> {
        Ok(Vec::new())
    }
}

#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        NOW
    }
}

impl World {
    /// A resource of Flink. Who it is does not come from the value: the API server sees to that.
    pub(super) fn flink(&mut self, kind: FlinkKind, name: &str, value: Value) {
        let object = object(name, value);
        self.resources.flink.push(FlinkObject::read(kind, object));
    }

    pub(super) fn inventory(&mut self, name: &str, value: Value) {
        self.resources.inventories.push(object(name, value).into());
    }

    /// A job that runs, with Kubernetes high availability.
    pub(super) fn running(&mut self, name: &str, job_id: &str) {
        let value = json!({
            "spec": {
                "flinkVersion": "v1_20",
                "flinkConfiguration": {
                    "state.checkpoints.dir": "file:///data/checkpoints",
                    "high-availability.type": "kubernetes",
                },
                "job": {"state": "running", "upgradeMode": "last-state"},
            },
            "status": {
                "lifecycleState": "STABLE",
                "jobStatus": {"jobId": job_id, "state": "RUNNING"},
                "reconciliationStatus": {"state": "DEPLOYED"},
            },
        });
        self.flink(FlinkKind::Deployment, name, value);
    }

    pub(super) fn config_map(&mut self, name: &str, data: BTreeMap<String, String>) {
        self.resources.config_maps.insert(ObjectName {
            namespace: NAMESPACE.to_owned(),
            name: name.to_owned(),
        });
        let uid = "u".to_owned();
        let map = ConfigMapData { uid, data };
        self.config_maps.insert(name.to_owned(), map);
    }

    pub(super) fn evidence(self, stores: Stores) -> Evidence {
        let (source, stores) = (Arc::new(self), Arc::new(stores));
        let observer =
            KubernetesObserver::new(source, Arc::new(NoJobManagers), stores, Arc::new(Stopped));
        super::wait(observer.observe())
    }
}

fn object(name: &str, mut value: Value) -> DynamicObject {
    let said = value.get_mut("metadata").map(Value::take);
    let said: Option<ObjectMeta> = said.and_then(|said| serde_json::from_value(said).ok());
    DynamicObject {
        types: None,
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(NAMESPACE.to_owned()),
            uid: Some(format!("uid-of-{name}")),
            ..said.unwrap_or_default()
        },
        data: value,
    }
}
