//! Watches, while a run deletes, whether its policy alone still selects the jobs that the run is for: a label on a job or
//! another policy can take one away at any time.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::future;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use k8s_openapi::NamespaceResourceScope;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource, ResourceExt};
use retention::evidence::JobName;
use serde::de::DeserializeOwned;
use tokio::time::{MissedTickBehavior, interval};

use crate::api::{CheckpointInventory, RetentionPolicy};
use crate::operator::context::Operator;
use crate::operator::policy_controller::{PolicyError, World};

/// However often something changes: who looks lists every inventory of the namespace.
const LOOK_AT_MOST: Duration = Duration::from_secs(5);
const NARROWED: &str = "which jobs this policy alone selects has changed: the next run follows it";

/// Ends as soon as a job of `scope` is not, or not alone, selected by the policy any more, and says so. Nothing is listed
/// while no policy and no inventory of the namespace changes.
pub(super) async fn narrowed(
    operator: Arc<Operator>,
    policy: RetentionPolicy,
    scope: BTreeSet<JobName>,
) -> String {
    let namespace = policy.namespace().unwrap_or_default();
    let mut changes = stream::select(
        changes::<RetentionPolicy>(operator.in_namespace(&namespace)),
        changes::<CheckpointInventory>(operator.in_namespace(&namespace)),
    );
    let mut looks = interval(LOOK_AT_MOST);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stale = false;
    loop {
        tokio::select! {
            Some(()) = changes.next() => stale = true,
            _ = looks.tick(), if stale => match is_within(&operator, &policy, &scope).await {
                Ok(true) => {
                    stale = false;
                    tracing::debug!(policy = policy.name_any(), "the jobs of the run are still selected by its policy alone");
                }
                Ok(false) => return NARROWED.to_owned(),
                // What is not known now is looked at again.
                Err(error) => tracing::warn!(%error, "could not look whether the jobs of a run are still selected; trying again"),
            },
            else => future::pending().await,
        }
    }
}

async fn is_within(
    operator: &Operator,
    policy: &RetentionPolicy,
    scope: &BTreeSet<JobName>,
) -> Result<bool, PolicyError> {
    let world = World::observe(operator, policy).await?;
    Ok(scope.is_subset(&world.judge(operator, policy).scope))
}

/// Something for every change of a spec. Only metadata travels.
fn changes<K>(api: Api<PartialObjectMeta<K>>) -> impl Stream<Item = ()> + Send + Unpin
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Debug
        + Send
        + 'static,
{
    let mut known = Known::default();
    watcher(api, watcher::Config::default())
        .default_backoff()
        .filter_map(move |event| future::ready(event.ok().filter(|event| known.news(event))))
        .map(|_| ())
        .boxed()
}

/// The generations of all objects: a status is written all the time.
#[derive(Debug, Default)]
struct Known(HashMap<String, (Option<String>, Option<i64>)>);

impl Known {
    fn news<K>(&mut self, event: &Event<PartialObjectMeta<K>>) -> bool
    where
        K: Resource<DynamicType = ()>,
    {
        match event {
            Event::Init => false,
            Event::InitApply(object) => {
                self.learn(object);
                false
            }
            // Between what the run has judged by and the first list, as after a broken watch, anything may have changed.
            Event::InitDone => true,
            Event::Apply(object) => self.learn(object),
            Event::Delete(object) => {
                self.0.remove(&object.name_any());
                true
            }
        }
    }

    /// Whether it differs from what was known.
    fn learn<K>(&mut self, object: &PartialObjectMeta<K>) -> bool
    where
        K: Resource<DynamicType = ()>,
    {
        let now = (object.metadata.uid.clone(), object.metadata.generation);
        self.0.insert(object.name_any(), now.clone()) != Some(now)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn policy(uid: &str, generation: i64, version: u64) -> PartialObjectMeta<RetentionPolicy> {
        serde_json::from_value(json!({
            "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
            "metadata": {
                "name": "payments", "namespace": "flink", "uid": uid, "generation": generation,
                "resourceVersion": version.to_string(),
            },
        }))
        .unwrap()
    }

    #[test]
    fn only_what_may_select_other_jobs_is_news() {
        let mut known = Known::default();
        assert!(!known.news(&Event::<PartialObjectMeta<RetentionPolicy>>::Init));
        assert!(!known.news(&Event::InitApply(policy("a", 1, 1))));
        assert!(known.news(&Event::<PartialObjectMeta<RetentionPolicy>>::InitDone));
        assert!(!known.news(&Event::Apply(policy("a", 1, 2))), "a status");
        assert!(known.news(&Event::Apply(policy("a", 2, 3))), "a spec");
        assert!(known.news(&Event::Apply(policy("b", 2, 4))), "made anew");
        assert!(known.news(&Event::Delete(policy("b", 2, 4))));
        assert!(known.news(&Event::Apply(policy("b", 2, 5))), "not known");
    }
}
