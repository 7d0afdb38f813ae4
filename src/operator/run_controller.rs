//! Executes runs, those of one directory one after the other.

mod execution;
mod reach;
mod refusal;
mod selection;
mod supersede;
mod supervision;
mod turns;
mod unknown_outcome;
mod work;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt, future};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Action, Config};
use kube::runtime::{Controller, watcher};
use kube::{Api, ResourceExt};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::context::Operator;
use super::policy_controller::PolicyError;
use super::run::{Next, bounded, broken_off, next, ttl_ends};
use super::server_side::{apply_status, delete_exactly, is_conflict, is_gone};
use super::unreadable;
use crate::api::RetentionRun;
use crate::api::retention_run::RetentionRunStatus;
use execution::{Carried, Execution};
use supervision::changes;
use turns::{Place, Turn, Turns};

const LOOKS_AT_ONCE: usize = 2;
const RETRY: Duration = Duration::from_secs(5);
/// Timers reach no further than two years; looking again costs nothing.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// What a run could not do.
#[derive(Debug, thiserror::Error)]
enum ExecutionError {
    #[error("cannot {action}: {error}")]
    ApiServer {
        action: &'static str,
        error: Box<kube::Error>,
    },
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

impl ExecutionError {
    /// Whether the same request may succeed later: unless it was refused for what it says. An API server that has just
    /// started refuses callers whose roles it has not read yet.
    fn may_pass(&self) -> bool {
        match self {
            Self::ApiServer { action: _, error } => match error.as_ref() {
                kube::Error::Api(refusal) => !matches!(refusal.code, 400 | 413 | 422),
                _ => true,
            },
            Self::Policy(_) => false,
        }
    }
}

/// What executes runs.
#[derive(Debug)]
struct Executor {
    operator: Arc<Operator>,
    turns: Turns,
    /// Of runs that are not at work yet there may be any number.
    looks: Semaphore,
    stop: CancellationToken,
}

/// Executes runs until `stop`; those that work then come to a halt at their next safe points.
pub(super) async fn run(
    operator: Arc<Operator>,
    runs_at_once: NonZeroUsize,
    stop: CancellationToken,
) {
    let executor = Arc::new(Executor {
        operator: Arc::clone(&operator),
        turns: Turns::new(runs_at_once),
        looks: Semaphore::new(LOOKS_AT_ONCE),
        stop: stop.clone(),
    });
    let controllers = operator
        .everywhere::<DeserializeGuard<RetentionRun>>()
        .into_iter()
        .map(|api| {
            Controller::new(api, watcher::Config::default())
                // Without bound: who waits for his turn can be cancelled meanwhile, and others be approved.
                .with_config(Config::default().concurrency(0))
                .graceful_shutdown_on(stop.clone().cancelled_owned())
                .run(reconcile, retry, Arc::clone(&executor))
                .for_each(|_| future::ready(()))
        });
    future::join_all(controllers).await;
}

#[allow(clippy::needless_pass_by_value, reason = "as the library calls it")]
fn retry(
    object: Arc<DeserializeGuard<RetentionRun>>,
    error: &ExecutionError,
    _: Arc<Executor>,
) -> Action {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    tracing::warn!(namespace, run = name, %error, "could not execute the run");
    Action::requeue(RETRY)
}

async fn reconcile(
    object: Arc<DeserializeGuard<RetentionRun>>,
    executor: Arc<Executor>,
) -> Result<Action, ExecutionError> {
    let cached = match &object.0 {
        Ok(cached) => cached,
        Err(invalid) => {
            let told = unreadable::tell::<RetentionRun>(&executor.operator, invalid);
            told.await
                .map_err(api_server("say of a RetentionRun that it cannot be read"))?;
            return Ok(Action::await_change());
        }
    };
    let now = executor.operator.clock.now();
    match next(cached, now) {
        Next::Over => {
            acknowledge(cached, &executor.operator).await?;
            expire(cached, &executor.operator, now).await
        }
        Next::Wait { until } => Ok(wait(until, now)),
        Next::End(_) | Next::Execute => executor.take_up(cached).boxed().await,
    }
}

fn wait(until: Option<Timestamp>, now: Timestamp) -> Action {
    let left = until.and_then(|until| Duration::try_from(until.duration_since(now)).ok());
    left.map_or_else(Action::await_change, |left| {
        Action::requeue(left.min(LONGEST_WAIT))
    })
}

impl Executor {
    /// Does what is to be done now: while it waited it may have been executed, cancelled or deleted.
    async fn take_up(&self, cached: &RetentionRun) -> Result<Action, ExecutionError> {
        let api: Api<RetentionRun> = self
            .operator
            .in_namespace(&cached.namespace().unwrap_or_default());
        let mut turn = None;
        loop {
            let found = api
                .get_opt(&cached.name_any())
                .await
                .map_err(api_server("get the RetentionRun"))?;
            let Some(run) = found else {
                return Ok(Action::await_change());
            };
            let now = self.operator.clock.now();
            let end = match next(&run, now) {
                Next::Over => return Ok(Action::await_change()),
                Next::Wait { until } => return Ok(wait(until, now)),
                Next::End(end) => Some(end),
                Next::Execute => run.status.as_ref().and_then(broken_off),
            };
            let execution = Execution::new(self, api.clone(), run);
            if let Some(end) = end {
                execution.end(end).await?;
                return Ok(Action::await_change());
            }
            match Box::pin(execution.carry_out(turn.take())).await? {
                Carried::Out => return Ok(Action::await_change()),
                Carried::Waits(place) => match self.turn(&api, cached, place).await {
                    Some(begun) => turn = Some(begun),
                    None if self.stop.is_cancelled() => return Ok(Action::await_change()),
                    // It has changed.
                    None => return Ok(Action::requeue(Duration::ZERO)),
                },
            }
        }
    }

    /// Waits for the run's turn. None if it need not wait any more.
    async fn turn<'a>(
        &self,
        api: &Api<RetentionRun>,
        run: &RetentionRun,
        place: Place<'a>,
    ) -> Option<Turn<'a>> {
        let mut seen = changes::<RetentionRun>(api.clone(), &run.name_any());
        let mut turn = Box::pin(place.turn());
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return None,
                turn = &mut turn => return Some(turn),
                Some(found) = seen.next() => {
                    let now = self.operator.clock.now();
                    if found.is_none_or(|found| next(&found, now) != Next::Execute) {
                        return None;
                    }
                }
            }
        }
    }
}

/// Deletes a run whose own time is over. Its policy may be gone long before.
async fn expire(
    run: &RetentionRun,
    operator: &Operator,
    now: Timestamp,
) -> Result<Action, ExecutionError> {
    match ttl_ends(run) {
        Some(ends) if run.metadata.deletion_timestamp.is_none() => {
            if ends > now {
                return Ok(wait(Some(ends), now));
            }
            let api = operator.in_namespace(&run.namespace().unwrap_or_default());
            let deleted = delete_exactly(&api, run).await;
            deleted.map_err(api_server("delete a RetentionRun whose time is over"))?;
            Ok(Action::await_change())
        }
        Some(_) | None => Ok(Action::await_change()),
    }
}

/// A run that was changed at its end or later, such as by `cancel`: that changes nothing any more, but whoever waits for
/// a condition of the new generation must not wait for ever.
async fn acknowledge(run: &RetentionRun, operator: &Operator) -> Result<(), ExecutionError> {
    let generation = run.metadata.generation;
    let Some(status) = run.status.clone() else {
        return Ok(());
    };
    if run.metadata.deletion_timestamp.is_some() || status.observed_generation == generation {
        return Ok(());
    }
    let conditions = status.conditions.into_iter().map(|condition| Condition {
        observed_generation: generation,
        ..condition
    });
    let status = RetentionRunStatus {
        observed_generation: generation,
        conditions: conditions.collect(),
        ..status
    };
    let api = operator.in_namespace(&run.namespace().unwrap_or_default());
    write_status(&api, run, &status).await
}

async fn write_status(
    api: &Api<RetentionRun>,
    run: &RetentionRun,
    status: &RetentionRunStatus,
) -> Result<(), ExecutionError> {
    let (name, uid) = (run.name_any(), run.metadata.uid.as_deref());
    match apply_status(api, &name, uid, &bounded(status.clone())).await {
        Ok(_) => Ok(()),
        // Deleted meanwhile: nobody wants to know.
        Err(error) if is_gone(&error) || is_conflict(&error) => Ok(()),
        Err(error) => Err(api_server("write the status of the RetentionRun")(error)),
    }
}

fn api_server(action: &'static str) -> impl Fn(kube::Error) -> ExecutionError {
    move |error| ExecutionError::ApiServer {
        action,
        error: Box::new(error),
    }
}
