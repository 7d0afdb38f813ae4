//! Executes runs, one after the other: two runs on one base would only take each other's marks for their own.

mod execution;
mod reach;
mod refusal;
mod selection;
mod supersede;
mod supervision;
mod unknown_outcome;
mod work;

use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt, future};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Action, Config};
use kube::runtime::{Controller, watcher};
use kube::{Api, ResourceExt};
use tokio::sync::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;

use super::context::Operator;
use super::policy_controller::PolicyError;
use super::run::{Next, bounded, broken_off, next, ttl_ends};
use super::server_side::{apply_status, delete_exactly, is_conflict, is_gone};
use super::unreadable;
use crate::api::RetentionRun;
use crate::api::retention_run::RetentionRunStatus;
use execution::Execution;
use supervision::changes;

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
    /// Held by the run that works; the others wait in the order in which they came.
    turn: Mutex<()>,
    stop: CancellationToken,
}

/// Executes runs until `stop`; the one that works then comes to a halt at its next safe point.
pub(super) async fn run(operator: Arc<Operator>, stop: CancellationToken) {
    let executor = Arc::new(Executor {
        operator: Arc::clone(&operator),
        turn: Mutex::new(()),
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
        Next::End(_) => executor.take_up(cached).boxed().await,
        Next::Execute => {
            let Some(_turn) = executor.turn(cached).await? else {
                return Ok(if executor.stop.is_cancelled() {
                    Action::await_change()
                } else {
                    // It has changed.
                    Action::requeue(Duration::ZERO)
                });
            };
            executor.take_up(cached).boxed().await
        }
    }
}

fn wait(until: Option<Timestamp>, now: Timestamp) -> Action {
    let left = until.and_then(|until| Duration::try_from(until.duration_since(now)).ok());
    left.map_or_else(Action::await_change, |left| {
        Action::requeue(left.min(LONGEST_WAIT))
    })
}

impl Executor {
    /// Waits until no other run works. None if this one need not wait any more.
    async fn turn(&self, run: &RetentionRun) -> Result<Option<MutexGuard<'_, ()>>, ExecutionError> {
        if let Ok(turn) = self.turn.try_lock() {
            return Ok((!self.stop.is_cancelled()).then_some(turn));
        }
        let namespace = run.namespace().unwrap_or_default();
        let api: Api<RetentionRun> = self.operator.in_namespace(&namespace);
        Execution::new(self, api.clone(), run.clone())
            .queue()
            .await?;
        let mut seen = changes::<RetentionRun>(api, &run.name_any());
        loop {
            tokio::select! {
                turn = self.turn.lock() => return Ok((!self.stop.is_cancelled()).then_some(turn)),
                () = self.stop.cancelled() => return Ok(None),
                Some(found) = seen.next() => {
                    let now = self.operator.clock.now();
                    if found.is_none_or(|found| next(&found, now) != Next::Execute) {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Does what is to be done now: while it waited it may have been executed, cancelled or deleted.
    async fn take_up(&self, cached: &RetentionRun) -> Result<Action, ExecutionError> {
        let api: Api<RetentionRun> = self
            .operator
            .in_namespace(&cached.namespace().unwrap_or_default());
        let found = api
            .get_opt(&cached.name_any())
            .await
            .map_err(api_server("get the RetentionRun"))?;
        let Some(run) = found else {
            return Ok(Action::await_change());
        };
        let now = self.operator.clock.now();
        match next(&run, now) {
            Next::Over => {}
            Next::Wait { until } => return Ok(wait(until, now)),
            Next::End(end) => Execution::new(self, api, run).end(end).await?,
            Next::Execute => match run.status.as_ref().and_then(broken_off) {
                Some(end) => Execution::new(self, api, run).end(end).await?,
                None => Box::pin(Execution::new(self, api, run).carry_out()).await?,
            },
        }
        Ok(Action::await_change())
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
