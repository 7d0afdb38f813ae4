//! Who else has the claims of a worker, or waits for them: a worker never keeps Flink from starting.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};
use tokio::time::{Instant, sleep};

use super::job::RUN_UID;
use super::not_working::{NotWorking, api_server};
use super::plan::WorkerPlan;

const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How long the scheduler may find no place for it.
const UNSCHEDULABLE_FOR: Duration = Duration::from_secs(15);

/// The claims of a worker, and who else has them.
#[derive(Clone, Debug)]
pub(super) struct Volumes {
    pods: Api<Pod>,
    pub(super) namespace: String,
    plan: WorkerPlan,
    pub(super) node: Option<String>,
}

impl Volumes {
    /// Who has them now decides where the worker must be.
    pub(super) async fn look(
        client: Client,
        namespace: &str,
        plan: &WorkerPlan,
    ) -> Result<Self, NotWorking> {
        let mut volumes = Self {
            pods: Api::namespaced(client, namespace),
            namespace: namespace.to_owned(),
            plan: plan.clone(),
            node: None,
        };
        if plan.claims.values().any(|&one_node| one_node) {
            let running = volumes.list("status.phase=Running", None).await?;
            volumes.node = running
                .iter()
                .filter(|pod| {
                    plan.claims
                        .iter()
                        .any(|(claim, one_node)| *one_node && has(pod, claim))
                })
                .find_map(|pod| pod.spec.as_ref()?.node_name.clone());
        }
        Ok(volumes)
    }

    async fn list(&self, fields: &str, labels: Option<&str>) -> Result<Vec<Pod>, NotWorking> {
        let mut which = ListParams::default();
        if !fields.is_empty() {
            which = which.fields(fields);
        }
        if let Some(labels) = labels {
            which = which.labels(labels);
        }
        let listed = self.pods.list(&which).await;
        Ok(listed.map_err(api_server("list pods"))?.items)
    }

    /// Whoever cannot start because the worker has what he needs, or because nobody can tell that it does not.
    async fn kept_waiting(&self) -> Result<Option<NotWorking>, NotWorking> {
        let pending = self.list("status.phase=Pending", None).await?;
        let others = pending.iter().filter(|pod| {
            !pod.labels().contains_key(RUN_UID) && pod.metadata.deletion_timestamp.is_none()
        });
        for pod in others {
            let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
            let claims = self.plan.claims.iter().filter(|(claim, _)| has(pod, claim));
            for (claim, &one_node) in claims {
                // Where it is to be started beside us, we are not in its way.
                let is_beside = node.is_some() && (!one_node || node == self.node.as_deref());
                if !is_beside {
                    return Ok(Some(NotWorking::Yielded {
                        pod: pod.name_any(),
                        claim: claim.clone(),
                    }));
                }
            }
        }
        Ok(None)
    }

    /// Ends when a pod waits for one of the claims. If that cannot be found out for long, somebody may.
    pub(super) async fn wanted_by_others(&self) -> NotWorking {
        let mut seen = Instant::now();
        loop {
            match self.kept_waiting().await {
                Ok(Some(why)) => return why,
                Ok(None) => seen = Instant::now(),
                Err(why) if seen.elapsed() > UNSCHEDULABLE_FOR => return why,
                Err(why) => {
                    tracing::warn!(%why, "cannot see whether a pod waits for the volume of a worker");
                }
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Ends when the worker should be there and is not, or may not come any more.
    pub(super) async fn why_late(
        &self,
        run_uid: &str,
        begun: Instant,
        within: Duration,
    ) -> NotWorking {
        let labels = format!("{RUN_UID}={run_uid}");
        let mut placed = Instant::now();
        loop {
            sleep(LOOK_AGAIN).await;
            match self.kept_waiting().await {
                Ok(Some(why)) => return why,
                Ok(None) => {}
                Err(why) => {
                    tracing::warn!(%why, "cannot see whether a pod waits for the volume of a worker");
                }
            }
            let pods = self.list("", Some(&labels)).await.unwrap_or_default();
            let (is_placed, why) = pods.first().map_or((true, None), state);
            if is_placed {
                placed = Instant::now();
            }
            if begun.elapsed() >= within || placed.elapsed() >= UNSCHEDULABLE_FOR {
                return NotWorking::Unschedulable {
                    within: begun.elapsed(),
                    why: why.unwrap_or_else(|| match pods.len() {
                        0 => "its Job has made no pod".to_owned(),
                        _ => "its pod does not reach the operator".to_owned(),
                    }),
                    run_uid: run_uid.to_owned(),
                };
            }
        }
    }
}

/// Whether a pod has, or was not yet refused, a node; and what Kubernetes says of it.
fn state(pod: &Pod) -> (bool, Option<String>) {
    let status = pod.status.clone().unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
    let refused = conditions
        .into_iter()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False");
    if let Some(refused) = refused {
        return (false, refused.message.or(refused.reason));
    }
    let containers: BTreeSet<String> = status
        .container_statuses
        .unwrap_or_default()
        .into_iter()
        .filter_map(|container| {
            let state = container.state?;
            let waiting = state
                .waiting
                .map(|waiting| (waiting.reason, waiting.message));
            let ended = state.terminated.map(|ended| (ended.reason, ended.message));
            let (reason, message) = waiting.or(ended)?;
            let words: Vec<String> = [reason, message].into_iter().flatten().collect();
            Some(words.join(": "))
        })
        .collect();
    (true, containers.into_iter().next())
}

fn has(pod: &Pod, claim: &str) -> bool {
    let volumes = pod
        .spec
        .iter()
        .flat_map(|spec| spec.volumes.iter().flatten());
    let mut claims = volumes.filter_map(|volume| volume.persistent_volume_claim.as_ref());
    claims.any(|other| other.claim_name == claim)
}
