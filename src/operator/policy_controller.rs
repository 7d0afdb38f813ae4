//! Judges each policy again whenever it, its jobs or its runs change; starts its scheduled runs and tidies up old ones.

mod neighbours;

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, future};
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Action, Config};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::{Controller, watcher};
use kube::{Api, Resource, ResourceExt};
use retention::location::{Location, Origin};
use tokio_stream::wrappers::BroadcastStream;
use tokio_util::sync::CancellationToken;

use super::administrator::Administrator;
use super::context::Operator;
use super::events::News;
use super::identity::Identity;
use super::policy::{
    Facts, Judgement, Rival, Surroundings, adoptions, changed, core_policy, judge, row, status,
    unreadable_row,
};
use super::run::{
    Completed, FinishedRun, awaits_approval, keeps_busy, last_scheduled, run_name, superfluous,
};
use super::schedule::Due;
use super::server_side::{FIELD_MANAGER, apply_status, delete_exactly, is_conflict, is_gone};
use super::unreadable;
use super::workers::{self, Wanted};
use crate::api::names::POLICY_LABEL;
use crate::api::retention_policy::{RetentionPolicyStatus, WorkerIdentity, condition};
use crate::api::retention_run::PolicyReference;
use crate::api::selector::{JobSelector, KnownLabels, Selects};
use crate::api::{CheckpointInventory, Reason, RetentionPolicy, RetentionRun, RetentionRunSpec};
use crate::telemetry::NextRun;
use neighbours::{Neighbours, RecentLooks};

/// A policy is judged at least so often, also when nothing tells of a change: the administrator's file, for example.
const LONGEST_PAUSE: Duration = Duration::from_mins(2);
const RETRY: Duration = Duration::from_secs(5);
const POLICIES_AT_ONCE: u16 = 4;

/// Why a policy could not be judged.
#[derive(Debug, thiserror::Error)]
pub(super) enum PolicyError {
    #[error("cannot {action}: {error}")]
    ApiServer {
        action: &'static str,
        error: Box<kube::Error>,
    },
}

/// What judges policies.
#[derive(Debug)]
struct Judge {
    operator: Arc<Operator>,
    looks: RecentLooks,
}

/// Judges policies until `stop`.
pub(super) async fn run(operator: Arc<Operator>, stop: CancellationToken) {
    let judge = Arc::new(Judge {
        operator: Arc::clone(&operator),
        looks: RecentLooks::default(),
    });
    let policies = operator.everywhere::<DeserializeGuard<RetentionPolicy>>();
    let runs = operator.everywhere::<DeserializeGuard<RetentionRun>>();
    let controllers = policies.into_iter().zip(runs).map(|(policies, runs)| {
        let news = BroadcastStream::new(operator.news.subscribe()).map(|_| ());
        let told = Arc::clone(&operator);
        Controller::new(policies, watcher::Config::default())
            .with_config(Config::default().concurrency(POLICIES_AT_ONCE))
            .watches(runs, watcher::Config::default(), move |run| {
                told.heard();
                policy_of(&run)
            })
            .reconcile_all_on(news)
            .graceful_shutdown_on(stop.clone().cancelled_owned())
            .run(reconcile, retry, Arc::clone(&judge))
            .for_each(|_| future::ready(()))
    });
    future::join_all(controllers).await;
}

/// A policy says of its runs how they are.
fn policy_of(
    DeserializeGuard(run): &DeserializeGuard<RetentionRun>,
) -> Option<ObjectRef<DeserializeGuard<RetentionPolicy>>> {
    let run = run.as_ref().ok()?;
    let policy = ObjectRef::new(&run.spec.policy_ref.name);
    Some(policy.within(&run.namespace()?))
}

#[allow(clippy::needless_pass_by_value, reason = "as the library calls it")]
fn retry(
    object: Arc<DeserializeGuard<RetentionPolicy>>,
    error: &PolicyError,
    _: Arc<Judge>,
) -> Action {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    tracing::warn!(namespace, policy = name, %error, "could not reconcile the policy");
    Action::requeue(RETRY)
}

async fn reconcile(
    object: Arc<DeserializeGuard<RetentionPolicy>>,
    judge: Arc<Judge>,
) -> Result<Action, PolicyError> {
    let Judge { operator, looks } = judge.as_ref();
    let policy = match &object.0 {
        Ok(policy) => policy,
        Err(invalid) => {
            let metadata = &invalid.metadata;
            let (namespace, name) = (metadata.namespace.as_deref(), metadata.name.as_deref());
            if let (Some(namespace), Some(name)) = (namespace, name) {
                let policies = &operator.metrics.policies;
                policies.set(namespace, name, unreadable_row());
            }
            let told = unreadable::tell::<RetentionPolicy>(operator, invalid).await;
            told.map_err(|error| PolicyError::ApiServer {
                action: "say of a RetentionPolicy that it cannot be read",
                error: Box::new(error),
            })?;
            // Only a change can help.
            return Ok(Action::await_change());
        }
    };
    if policy.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    // Observe.
    let namespace = policy.namespace().unwrap_or_default();
    let neighbours = looks.at(operator, &namespace).await?;
    let world = World::among(operator, policy, neighbours).await?;

    // Plan. No client.
    let judgement = world.judge(operator, policy);
    let (due, next) = due(policy, &judgement, &world.runs, operator.clock.now());

    // Enact.
    if let Some(scheduled) = due {
        create_run(operator, policy, scheduled).await?;
    }
    tidy_up(operator, policy, &world.runs).await?;

    // Report.
    let status = next_status(operator, policy, &world, &judgement, next);
    let row = row(
        &status,
        &world.runs,
        judgement.overlaps.len(),
        next.and_then(|next| next_run(&judgement, next)),
    );
    let policies = &operator.metrics.policies;
    policies.set(&world.namespace, &policy.name_any(), row);
    write(operator, policy, &status).await?;
    Ok(Action::requeue(pause(next, operator.clock.now())))
}

/// What a policy is judged by.
#[derive(Debug)]
pub(super) struct World {
    namespace: String,
    neighbours: Arc<Neighbours>,
    rivals: Vec<Rival>,
    runs: Vec<RetentionRun>,
    administrator: super::administrator::Current,
    origin: Origin,
    identity: Identity,
}

impl World {
    /// As it is now.
    pub(super) async fn observe(
        operator: &Operator,
        policy: &RetentionPolicy,
    ) -> Result<Self, PolicyError> {
        let namespace = policy.namespace().unwrap_or_default();
        let neighbours = Neighbours::look(operator, &namespace).await?;
        Self::among(operator, policy, Arc::new(neighbours)).await
    }

    async fn among(
        operator: &Operator,
        policy: &RetentionPolicy,
        neighbours: Arc<Neighbours>,
    ) -> Result<Self, PolicyError> {
        let namespace = policy.namespace().unwrap_or_default();
        let secrets: Api<Secret> = operator.in_namespace(&namespace);
        let mounted = operator.stores.origin(Some(&namespace));
        let plan = async |identity: WorkerIdentity| {
            let wanted = Wanted {
                namespace: &namespace,
                identity: &identity,
                bases: &bases_of(&policy.spec.selector, &neighbours.inventories, &namespace),
                mounted: &mounted.volumes,
            };
            workers::plan(&operator.client.0, operator.workers.as_ref(), wanted).await
        };
        let identity = Identity::of(&policy.spec.storage, &secrets, plan)
            .await
            .map_err(|error| PolicyError::ApiServer {
                action: "read what the policy reaches its storage with",
                error: Box::new(error),
            })?;
        let origin = match &identity {
            Identity::Worker(plan) => plan.origin(&namespace),
            Identity::Operator | Identity::Tenant(_) | Identity::Nobody(_) => mounted,
        };
        let name = policy.name_any();
        Ok(Self {
            identity,
            rivals: neighbours
                .policies
                .iter()
                .filter(|other| other.name != name)
                .cloned()
                .collect(),
            runs: neighbours
                .runs
                .iter()
                .filter(|run| run.spec.policy_ref.name == name)
                .cloned()
                .collect(),
            neighbours,
            administrator: operator.administrator().await,
            origin,
            namespace,
        })
    }

    pub(super) fn judge<'a>(
        &'a self,
        operator: &Operator,
        policy: &'a RetentionPolicy,
    ) -> Judgement<'a> {
        judge(
            &policy.spec,
            &Surroundings {
                namespace: &self.namespace,
                uid: policy.metadata.uid.as_deref().unwrap_or_default(),
                inventories: &self.neighbours.inventories,
                rivals: &self.rivals,
                administrator: &self.administrator.administrator,
                origin: &self.origin,
                identity: &self.identity,
                reachable: &|base| operator.stores.resolve(base).is_some(),
                now: operator.clock.now(),
            },
        )
    }

    /// The policy's rules under the administrator's floors.
    pub(super) fn rules(&self, policy: &RetentionPolicy) -> retention::policy::Policy {
        let administrator = self.administrator();
        let (spec, namespace) = (&policy.spec, &self.namespace);
        retention::policy::Policy {
            exclusive: administrator.exclusive(namespace, &self.origin),
            adopt: adoptions(spec, namespace, administrator, &self.origin, &self.identity),
            ..core_policy(spec, &administrator.floors)
        }
        .with_floors(&administrator.floors)
    }

    /// What was allowed when the world was observed.
    pub(super) fn administrator(&self) -> &Administrator {
        &self.administrator.administrator
    }

    /// Who asks the storage, by the Secret as it was when the world was observed.
    pub(super) fn into_identity(self) -> Identity {
        self.identity
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }
}

/// The directories of the jobs that a selector means, by the paths alone.
fn bases_of(
    selector: &JobSelector,
    inventories: &[CheckpointInventory],
    namespace: &str,
) -> Vec<Location> {
    let origin = Origin {
        namespace: Some(namespace.to_owned()),
        ..Origin::default()
    };
    let selected = inventories.iter().filter(|inventory| {
        let labels = KnownLabels::recorded(&inventory.spec.last_labels);
        matches!(selector.selects(labels), Ok(Selects::Yes))
    });
    let bases = selected.flat_map(|inventory| &inventory.spec.bases);
    bases
        .filter_map(|base| Location::parse(base, &origin).ok())
        .collect()
}

/// The scheduled time of a run that is due, and the next one after now.
fn due(
    policy: &RetentionPolicy,
    judgement: &Judgement<'_>,
    runs: &[RetentionRun],
    now: jiff::Timestamp,
) -> (Option<jiff::Timestamp>, Option<jiff::Timestamp>) {
    let Ok(schedule) = &judgement.schedule else {
        return (None, None);
    };
    if policy.spec.suspend || judgement.does_nothing() {
        return (None, None);
    }
    let name = policy.name_any();
    let last_run = policy
        .status
        .as_ref()
        .and_then(|status| status.last_run.as_ref());
    let names: Vec<String> = runs
        .iter()
        .map(ResourceExt::name_any)
        .chain(last_run.map(|run| run.name.clone()))
        .collect();
    let created = policy.creation_timestamp().map_or(now, |time| time.0);
    let last = last_scheduled(&name, names.iter().map(String::as_str), now).unwrap_or(created);
    let busy = runs.iter().any(|run| keeps_busy(run, now));
    match schedule.due(last, now) {
        // It is made up for when the one that works, or waits for its turn, is over.
        Due::Now { scheduled: _, next } if busy => (None, Some(next)),
        Due::Now { scheduled, next } => (Some(scheduled), Some(next)),
        Due::At { next } => (None, Some(next)),
    }
}

/// That time, and how long after it the next one comes.
fn next_run(judgement: &Judgement<'_>, at: jiff::Timestamp) -> Option<NextRun> {
    let after = judgement.schedule.as_ref().ok()?.after(at)?;
    Some(NextRun {
        at,
        period: after.duration_since(at),
    })
}

async fn create_run(
    operator: &Operator,
    policy: &RetentionPolicy,
    scheduled: jiff::Timestamp,
) -> Result<(), PolicyError> {
    let spec = RetentionRunSpec {
        policy_ref: PolicyReference {
            name: policy.name_any(),
        },
        mode: policy.spec.mode,
        approval: None,
        cancel: false,
        ttl_seconds_after_finished: None,
    };
    let mut run = RetentionRun::new(&run_name(&policy.name_any(), scheduled), spec);
    run.metadata.labels =
        label_value(&policy.name_any()).map(|value| [(POLICY_LABEL.to_owned(), value)].into());
    run.metadata.owner_references = policy.controller_owner_ref(&()).map(|owner| {
        vec![
            k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference {
                // Deleting a policy must not wait for its runs.
                block_owner_deletion: None,
                ..owner
            },
        ]
    });
    let api: Api<RetentionRun> = operator.in_namespace(&policy.namespace().unwrap_or_default());
    let how = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    match api.create(&how, &run).await {
        Ok(_) => Ok(()),
        // An earlier leader, or an earlier look of ours, has made it.
        Err(error) if is_conflict(&error) => Ok(()),
        Err(error) => Err(PolicyError::ApiServer {
            action: "create a RetentionRun",
            error: Box::new(error),
        }),
    }
}

/// A name can be longer than a label's value.
fn label_value(name: &str) -> Option<String> {
    (name.len() <= 63).then(|| name.to_owned())
}

/// Deletes finished runs beyond the history.
async fn tidy_up(
    operator: &Operator,
    policy: &RetentionPolicy,
    runs: &[RetentionRun],
) -> Result<(), PolicyError> {
    let finished: Vec<FinishedRun> = runs.iter().filter_map(FinishedRun::of).collect();
    let now = operator.clock.now();
    let names = superfluous(finished, policy.spec.history, now);
    let go = runs.iter().filter(|run| names.contains(&run.name_any()));
    let api: Api<RetentionRun> = operator.in_namespace(&policy.namespace().unwrap_or_default());
    for run in go {
        let deleted = delete_exactly(&api, run).await;
        deleted.map_err(|error| PolicyError::ApiServer {
            action: "delete an old RetentionRun",
            error: Box::new(error),
        })?;
    }
    Ok(())
}

fn next_status(
    operator: &Operator,
    policy: &RetentionPolicy,
    world: &World,
    judgement: &Judgement<'_>,
    next: Option<jiff::Timestamp>,
) -> RetentionPolicyStatus {
    let finished = world
        .runs
        .iter()
        .filter(|run| FinishedRun::of(run).is_some());
    let last_run = finished.max_by_key(|run| Completed::of(run));
    let earliest = judgement
        .scope
        .iter()
        .filter_map(|job| operator.scans.of(job)?.earliest)
        .min();
    status(Facts {
        namespace: &world.namespace,
        account: &operator.account,
        generation: policy.metadata.generation,
        existing: policy.status.as_ref(),
        mode: policy.spec.mode,
        judgement,
        effective: &world.rules(policy),
        pins: policy
            .spec
            .savepoints
            .as_ref()
            .is_some_and(|rules| !rules.pinned.is_empty()),
        administrator_file_valid: world.administrator.problem.is_none(),
        last_run,
        awaiting: world
            .runs
            .iter()
            .filter(|run| awaits_approval(run, operator.clock.now()))
            .max_by_key(|run| run.creation_timestamp()),
        next_run: next,
        earliest_deletion: earliest,
        now: operator.clock.now(),
    })
}

async fn write(
    operator: &Operator,
    policy: &RetentionPolicy,
    status: &RetentionPolicyStatus,
) -> Result<(), PolicyError> {
    if policy.status.as_ref() == Some(status) {
        return Ok(());
    }
    let api: Api<RetentionPolicy> = operator.in_namespace(&policy.namespace().unwrap_or_default());
    match apply_status(
        &api,
        &policy.name_any(),
        policy.metadata.uid.as_deref(),
        status,
    )
    .await
    {
        Ok(_) => {}
        // Deleted, or made anew: the next look is at the new one.
        Err(error) if is_gone(&error) || is_conflict(&error) => return Ok(()),
        Err(error) => {
            return Err(PolicyError::ApiServer {
                action: "write the status of a RetentionPolicy",
                error: Box::new(error),
            });
        }
    }
    for (condition, good) in [
        (condition::READY, "True"),
        (condition::OVERLAPPING, "False"),
        (condition::PIN_NOT_FOUND, "False"),
    ] {
        let Some(changed) = changed(policy.status.as_ref(), status, condition) else {
            continue;
        };
        let warning = changed.status != good;
        let reason = match (condition, warning) {
            (condition::READY, true) => Reason::NotReady,
            (condition::READY, false) => Reason::Ready,
            (condition::PIN_NOT_FOUND, true) => Reason::PinNotFound,
            (_, true) => Reason::Overlapping,
            // The first look at a policy that overlaps with nothing is no news.
            (_, false) => continue,
        };
        let news = News {
            warning,
            reason,
            note: changed.message.clone(),
        };
        operator.events.tell(&policy.object_ref(&()), news).await;
    }
    Ok(())
}

fn pause(next: Option<jiff::Timestamp>, now: jiff::Timestamp) -> Duration {
    let until_next = next.and_then(|next| Duration::try_from(next.duration_since(now)).ok());
    until_next
        .map_or(LONGEST_PAUSE, |until| until.min(LONGEST_PAUSE))
        .max(Duration::from_millis(100))
}
