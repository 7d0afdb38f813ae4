//! Tells that a Flink resource has changed in a way that may mean another job id: two upgrades can follow each other
//! faster than the loop looks. What the Flink operator writes all the time, such as the size of the state, is no news.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use futures::{Stream, StreamExt, future, stream};
use kube::api::DynamicObject;
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};

use super::context::Operator;
use crate::api::flink::FlinkKind;
use crate::observe::Namespaces;

/// The kinds that are jobs.
pub(super) const KINDS: [FlinkKind; 2] = [FlinkKind::Deployment, FlinkKind::SessionJob];
/// A page of large objects is a few MiB while it is looked at.
const PAGE: u32 = 100;
/// The parts of a status that tell of another job, or of another state of the same.
const TELLING: [&str; 5] = [
    "/status/jobStatus/jobId",
    "/status/jobStatus/state",
    "/status/jobStatus/upgradeSavepointPath",
    "/status/lifecycleState",
    "/status/reconciliationStatus/state",
];

/// Something for every change that matters, of any resource in sight.
pub(super) fn all(operator: &Operator) -> impl Stream<Item = ()> + Send + use<> {
    let apis = KINDS.into_iter().flat_map(|kind| {
        let resource = kind.api_resource();
        let client = operator.client.0.clone();
        let apis: Vec<Api<DynamicObject>> = match &operator.namespaces {
            Namespaces::All => vec![Api::all_with(client, &resource)],
            Namespaces::Only(names) => names
                .iter()
                .map(|name| Api::namespaced_with(client.clone(), name, &resource))
                .collect(),
        };
        apis
    });
    let streams = apis.map(|api| {
        let mut known = Known::default();
        watcher(api, watcher::Config::default().page_size(PAGE))
            .default_backoff()
            .filter_map(move |event| future::ready(event.ok().filter(|event| known.news(event))))
            .map(|_| ())
            .boxed()
    });
    stream::select_all(streams)
}

/// How each resource last looked, as far as that matters.
#[derive(Debug, Default)]
struct Known(HashMap<(Option<String>, String), u64>);

impl Known {
    fn news(&mut self, event: &Event<DynamicObject>) -> bool {
        match event {
            Event::Init | Event::InitDone => false,
            // The first list is what the loop looks at anyway; a later one tells what a broken watch has missed.
            Event::InitApply(object) => self.learn(object) == Some(true),
            Event::Apply(object) => self.learn(object).unwrap_or(true),
            Event::Delete(object) => {
                self.0.remove(&name(object));
                true
            }
        }
    }

    /// Whether it differs from what was known, if anything was.
    fn learn(&mut self, object: &DynamicObject) -> Option<bool> {
        let looks = looks(object);
        let before = self.0.insert(name(object), looks);
        before.map(|before| before != looks)
    }
}

fn name(object: &DynamicObject) -> (Option<String>, String) {
    (object.namespace(), object.name_any())
}

fn looks(object: &DynamicObject) -> u64 {
    let mut hasher = DefaultHasher::new();
    object.metadata.uid.hash(&mut hasher);
    object.metadata.generation.hash(&mut hasher);
    object
        .metadata
        .deletion_timestamp
        .is_some()
        .hash(&mut hasher);
    object.metadata.labels.hash(&mut hasher);
    for field in TELLING {
        let value = object.data.pointer(field).map(ToString::to_string);
        value.hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::{Value, json};

    fn object(status: &Value) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
            "metadata": {"name": "orders", "namespace": "flink", "uid": "u", "generation": 1},
            "status": status,
        }))
        .unwrap()
    }

    #[test]
    fn only_what_may_mean_another_job_is_news() {
        let job = |id: &str, size: u64| {
            object(
                &json!({"jobStatus": {"jobId": id, "state": "RUNNING"}, "clusterInfo": {"state-size": size}}),
            )
        };
        let mut known = Known::default();
        assert!(!known.news(&Event::InitApply(job("a", 1))));
        assert!(!known.news(&Event::Apply(job("a", 2))));
        assert!(known.news(&Event::Apply(job("b", 2))));
        assert!(!known.news(&Event::InitApply(job("b", 3))));
        assert!(known.news(&Event::InitApply(job("c", 3))));
        assert!(known.news(&Event::Delete(job("c", 3))));
        assert!(known.news(&Event::Apply(job("c", 3))), "made anew");
    }
}
