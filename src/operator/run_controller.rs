//! Executes runs, one after the other: two runs on one base would only take each other's marks for their own.

mod supervision;
mod work;

use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt, future};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Action, Config};
use kube::runtime::{Controller, watcher};
use kube::{Api, Resource, ResourceExt};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::administrator::Administrator;
use super::context::{News as Poke, Operator};
use super::events::News;
use super::inventory::job_scans;
use super::policy::{Judgement, Obstacle, Restraint, overlap_sentence, sentence, word};
use super::policy_controller::{PolicyError, World};
use super::run::{Ending, ended, refused};
use super::server_side::{apply_status, is_conflict, is_gone};
use crate::api::retention_run::{Phase, RetentionRunStatus, Trigger};
use crate::api::time::whole_seconds;
use crate::api::{Mode, RetentionPolicy, RetentionRun};
use crate::engine::run::Scope;
use crate::engine::{self, Report, RunError, Step};
use supervision::reason_to_stop;
use work::{Steps, Work, WorkError};

const RETRY: Duration = Duration::from_secs(5);

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
    #[error("this RetentionRun cannot be read: {0}")]
    Undecodable(String),
}

/// What executes runs.
#[derive(Debug)]
struct Executor {
    operator: Arc<Operator>,
    /// Held by the run that works.
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
                .with_config(Config::default().concurrency(1))
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
    match error {
        ExecutionError::ApiServer { .. } | ExecutionError::Policy(_) => Action::requeue(RETRY),
        ExecutionError::Undecodable(_) => Action::await_change(),
    }
}

async fn reconcile(
    object: Arc<DeserializeGuard<RetentionRun>>,
    executor: Arc<Executor>,
) -> Result<Action, ExecutionError> {
    let cached = object
        .0
        .as_ref()
        .map_err(|invalid| ExecutionError::Undecodable(invalid.error.clone()))?;
    if is_over(cached) {
        acknowledge(cached, &executor.operator).await?;
        return Ok(Action::await_change());
    }
    let _turn = executor.turn.lock().await;
    if executor.stop.is_cancelled() {
        return Ok(Action::await_change());
    }
    // Now: while it waited it may have been executed, cancelled or deleted.
    let api: Api<RetentionRun> = executor
        .operator
        .in_namespace(&cached.namespace().unwrap_or_default());
    let found = api
        .get_opt(&cached.name_any())
        .await
        .map_err(api_server("get the RetentionRun"))?;
    if let Some(run) = found.filter(|run| !is_over(run)) {
        Execution::new(&executor, api, run)
            .carry_out()
            .boxed()
            .await?;
    }
    Ok(Action::await_change())
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
    match apply_status(api, &name, uid, status).await {
        Ok(_) => Ok(()),
        // Deleted meanwhile: nobody wants to know.
        Err(error) if is_gone(&error) || is_conflict(&error) => Ok(()),
        Err(error) => Err(api_server("write the status of the RetentionRun")(error)),
    }
}

fn is_over(run: &RetentionRun) -> bool {
    let phase = run.status.as_ref().and_then(|status| status.phase);
    run.metadata.deletion_timestamp.is_some() || phase.is_some_and(Phase::is_finished)
}

fn api_server(action: &'static str) -> impl Fn(kube::Error) -> ExecutionError {
    move |error| ExecutionError::ApiServer {
        action,
        error: Box::new(error),
    }
}

/// One run from its start to its end.
#[derive(Debug)]
struct Execution<'a> {
    operator: &'a Arc<Operator>,
    stop: &'a CancellationToken,
    api: Api<RetentionRun>,
    run: RetentionRun,
    status: RetentionRunStatus,
    begun: Instant,
}

impl<'a> Execution<'a> {
    fn new(executor: &'a Executor, api: Api<RetentionRun>, run: RetentionRun) -> Self {
        let by_schedule = run
            .owner_references()
            .iter()
            .any(|owner| owner.kind == RetentionPolicy::kind(&()));
        let before = run.status.clone().unwrap_or_default();
        let status = RetentionRunStatus {
            observed_generation: run.metadata.generation,
            trigger: Some(if by_schedule {
                Trigger::Schedule
            } else {
                Trigger::Manual
            }),
            start_time: before
                .start_time
                .or_else(|| Some(whole_seconds(executor.operator.clock.now()))),
            conditions: before.conditions,
            ..RetentionRunStatus::default()
        };
        Self {
            operator: &executor.operator,
            stop: &executor.stop,
            api,
            run,
            status,
            begun: Instant::now(),
        }
    }

    async fn carry_out(mut self) -> Result<(), ExecutionError> {
        // Observe: the policy and all that it means now.
        let Some(policy) = self.policy().await? else {
            let why = format!(
                "there is no RetentionPolicy {:?} in this namespace: create it, then a new run",
                self.run.spec.policy_ref.name
            );
            return self.refuse(Phase::Failed, &["NoPolicy"], why).await;
        };
        if self.run.spec.cancel {
            return self
                .refuse(
                    Phase::Cancelled,
                    &["Cancelled"],
                    "cancelled before it began".to_owned(),
                )
                .await;
        }
        let world = World::observe(self.operator, &policy).await?;
        let judgement = world.judge(self.operator, &policy);
        if let Some((words, why)) = refusal(&judgement, world.namespace()) {
            return self.refuse(Phase::Blocked, &words, why).await;
        }
        let (mode, restrained) = self.mode(&judgement, &policy);
        let restrained = restrained.or_else(|| overlap_sentence(&judgement));
        self.enter(Phase::Scanning).await?;

        // Scan, plan, enact.
        let rules = world.rules(&policy);
        let scope = judgement.scope.clone();
        let (progress, steps) = Steps::new();
        let work = Work {
            operator: Arc::clone(self.operator),
            rules: rules.clone(),
            bases: judgement.bases.clone(),
            scope: Scope {
                jobs: scope.clone(),
            },
            mode,
            consent: engine::Consent::Given,
            progress,
            cancel: self.stop.child_token(),
        };
        let (result, cancelled) = self
            .supervised(work, &policy, world.administrator().clone(), steps)
            .await;
        if self.stop.is_cancelled() {
            return self.hand_over().await;
        }

        // Report.
        let ending = Ending {
            cancelled,
            restrained,
            ..self.ending()
        };
        match result {
            Ok(report) => {
                self.count(&report, &policy);
                self.operator
                    .scans
                    .replace(job_scans(&report, &scope, mode, &rules));
                let status = ended(&self.status, &report, &scope, &ending);
                self.finish(status).await
            }
            Err(error) => {
                let status = refused(
                    &self.status,
                    Phase::Failed,
                    &[category(&error)],
                    error.to_string(),
                    &ending,
                );
                self.finish(status).await
            }
        }
    }

    /// Executes, and watches meanwhile whether it should go on.
    async fn supervised(
        &mut self,
        work: Work,
        policy: &RetentionPolicy,
        allowed: Administrator,
        mut steps: watch::Receiver<Step>,
    ) -> (Result<Report, WorkError>, Option<String>) {
        let (mode, cancel) = (work.mode, work.cancel.clone());
        let mut cancelled = None;
        let mut reason = reason_to_stop(
            Arc::clone(self.operator),
            self.run.clone(),
            policy.clone(),
            mode,
            allowed,
        )
        .boxed();
        let mut working = work.begin();
        loop {
            tokio::select! {
                result = &mut working => return (result.unwrap_or(Err(WorkError::Defect)), cancelled),
                why = &mut reason, if cancelled.is_none() => {
                    cancel.cancel();
                    cancelled = Some(why);
                }
                Ok(()) = steps.changed() => {
                    let step = *steps.borrow_and_update();
                    if step == Step::Delete && self.status.phase == Some(Phase::Scanning) {
                        // A phase that cannot be shown is no reason to stop.
                        if let Err(error) = self.enter(Phase::Deleting).await {
                            tracing::warn!(%error, "could not write the phase of the run");
                        }
                    }
                }
            }
        }
    }

    async fn policy(&self) -> Result<Option<RetentionPolicy>, ExecutionError> {
        let namespace = self.run.namespace().unwrap_or_default();
        let api: Api<DeserializeGuard<RetentionPolicy>> = self.operator.in_namespace(&namespace);
        let found = api
            .get_opt(&self.run.spec.policy_ref.name)
            .await
            .map_err(api_server("get the RetentionPolicy"))?;
        match found {
            None => Ok(None),
            Some(DeserializeGuard(Ok(policy))) => Ok(Some(policy)),
            Some(DeserializeGuard(Err(invalid))) => {
                Err(PolicyError::Undecodable(invalid.error).into())
            }
        }
    }

    /// The stricter one of the run and its policy.
    fn mode(
        &self,
        judgement: &Judgement<'_>,
        policy: &RetentionPolicy,
    ) -> (engine::Mode, Option<String>) {
        let why = match (self.run.spec.mode, judgement.mode) {
            (Mode::DryRun, _) => return (engine::Mode::DryRun, None),
            (Mode::Enforce, Mode::Enforce) => return (engine::Mode::Enforce, None),
            (Mode::Enforce, Mode::DryRun) => match judgement.restrained {
                Some(Restraint::Suspended) => "the policy is suspended",
                Some(Restraint::PausedByAdministrator) => {
                    "the administrator has paused all deleting"
                }
                Some(Restraint::NotSupportedYet) => {
                    "the policy uses fields that are not honoured yet"
                }
                None => "the mode of the policy is DryRun",
            },
        };
        let why = format!("only reported, because {why} ({})", policy.name_any());
        (engine::Mode::DryRun, Some(why))
    }

    async fn enter(&mut self, phase: Phase) -> Result<(), ExecutionError> {
        self.status.phase = Some(phase);
        self.write(&self.status).await
    }

    async fn refuse(
        self,
        phase: Phase,
        words: &[&'static str],
        why: String,
    ) -> Result<(), ExecutionError> {
        let status = refused(&self.status, phase, words, why, &self.ending());
        self.finish(status).await
    }

    /// The next leader begins it anew: a plan is never resumed.
    async fn hand_over(mut self) -> Result<(), ExecutionError> {
        self.enter(Phase::Pending).await
    }

    async fn finish(&self, status: RetentionRunStatus) -> Result<(), ExecutionError> {
        self.write(&status).await?;
        let phase = status.phase.unwrap_or(Phase::Failed);
        self.operator
            .metrics
            .run_finished(phase.as_str(), self.begun.elapsed());
        if phase == Phase::Succeeded {
            self.operator
                .metrics
                .succeeded_at(self.operator.clock.now().as_second());
        }
        let note = status
            .conditions
            .first()
            .map(|condition| condition.message.clone())
            .unwrap_or_default();
        let news = News {
            warning: phase != Phase::Succeeded,
            reason: phase.as_str(),
            note,
        };
        self.operator
            .events
            .tell(&self.run.object_ref(&()), news)
            .await;
        self.operator.tell(Poke::RunFinished);
        Ok(())
    }

    async fn write(&self, status: &RetentionRunStatus) -> Result<(), ExecutionError> {
        write_status(&self.api, &self.run, status).await
    }

    fn ending(&self) -> Ending {
        Ending {
            cancelled: None,
            restrained: None,
            generation: self.run.metadata.generation,
            now: self.operator.clock.now(),
        }
    }

    fn count(&self, report: &Report, policy: &RetentionPolicy) {
        let deleted = report.outcome.deleted_amount();
        let namespace = policy.namespace().unwrap_or_default();
        self.operator
            .metrics
            .deleted(&namespace, &policy.name_any(), deleted.files, deleted.bytes);
        for summary in &report.summaries {
            for (guard, amount) in &summary.by_guard {
                self.operator
                    .metrics
                    .guard_hit(guard.as_str(), amount.files);
            }
        }
    }
}

/// Why nothing can be looked at, if that is so.
fn refusal(judgement: &Judgement<'_>, namespace: &str) -> Option<(Vec<&'static str>, String)> {
    let serious = |obstacle: &&Obstacle| match obstacle {
        Obstacle::NotSupportedYet { .. } | Obstacle::InvalidSelector { .. } => true,
        Obstacle::BaseNotGranted { .. } | Obstacle::BaseUnreachable { .. } => {
            judgement.bases.is_empty()
        }
        // A run by hand needs none.
        Obstacle::InvalidSchedule { .. } => false,
    };
    let obstacles: Vec<&Obstacle> = judgement.obstacles.iter().filter(serious).collect();
    let sentences: Vec<String> = obstacles
        .iter()
        .map(|obstacle| sentence(obstacle, namespace))
        .collect();
    let words: Vec<&'static str> = obstacles.iter().map(|obstacle| word(obstacle)).collect();
    (!words.is_empty()).then(|| (words, sentences.join(" ")))
}

fn category(error: &WorkError) -> &'static str {
    match error {
        WorkError::Run(RunError::Unreachable { .. }) => "BaseUnreachable",
        WorkError::Run(RunError::Storage(_)) => "StorageError",
        WorkError::Defect => "Defect",
    }
}
