//! One run from its start to its end, or to a question.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use kube::core::DeserializeGuard;
use kube::{Api, Resource, ResourceExt};
use retention::location::Location;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::reach::{Reach, Unreached};
use super::refusal::{failed, refusal};
use super::supervision::reason_to_stop;
use super::turns::{Claim, Place, Turn, Turns, WaitsFor};
use super::work::{Steps, Work, WorkError, Worked};
use super::{ExecutionError, Executor, api_server, supersede, write_status};
use crate::api::conditions::{ConditionStatus, Finding, find, merge};
use crate::api::names::is_object_name;
use crate::api::retention_policy::ApprovalMode;
use crate::api::retention_run::{Phase, RetentionRunStatus, Trigger, condition};
use crate::api::time::whole_seconds;
use crate::api::{Mode, Reason, RetentionPolicy, RetentionRun};
use crate::engine::run::Scope;
use crate::engine::{self, Consent, Report, Step};
use crate::operator::administrator::Administrator;
use crate::operator::context::{News as Poke, Operator};
use crate::operator::events::{News, shortened};
use crate::operator::identity::Identity;
use crate::operator::inventory::job_scans;
use crate::operator::policy::{Judgement, Restraint, overlap_sentence};
use crate::operator::policy_controller::World;
use crate::operator::run::{Absent, End, Ending, RunIdentity, Stopped, attempt, ended, refused};
use crate::operator::workers::{Hired, Limits, NotWorking};

/// How long the end of a run waits for its inventories.
const SHOWN_WITHIN: Duration = Duration::from_secs(30);

/// How long the end of a run is tried to be written. Who cannot reach the API server loses his lease before.
const WRITTEN_WITHIN: Duration = Duration::from_mins(2);
const WRITE_AGAIN: Duration = Duration::from_secs(1);
/// Of the words of a decoder, in bytes: they can hold what they could not read.
const MAX_ERROR: usize = 512;

/// What became of a run.
#[derive(Debug)]
pub(super) enum Carried<'a> {
    /// It came to its end, or to a question.
    Out,
    /// It has not begun. When its turn comes, all that it is judged by may have changed.
    Waits(Place<'a>),
}

/// A run, and how far it is.
#[derive(Debug)]
pub(super) struct Execution<'a> {
    operator: &'a Arc<Operator>,
    turns: &'a Turns,
    looks: &'a Semaphore,
    stop: &'a CancellationToken,
    api: Api<RetentionRun>,
    run: RetentionRun,
    status: RetentionRunStatus,
    begun: Instant,
}

impl<'a> Execution<'a> {
    pub(super) fn new(executor: &'a Executor, api: Api<RetentionRun>, run: RetentionRun) -> Self {
        let by_schedule = run
            .owner_references()
            .iter()
            .any(|owner| owner.kind == RetentionPolicy::kind(&()));
        let before = run.status.clone().unwrap_or_default();
        let attempts = Some(attempt(&before));
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
            attempts,
            // What a person was asked, and may have answered.
            plan: before.plan,
            conditions: before.conditions,
            ..RetentionRunStatus::default()
        };
        Self {
            operator: &executor.operator,
            turns: &executor.turns,
            looks: &executor.looks,
            stop: &executor.stop,
            api,
            run,
            status,
            begun: Instant::now(),
        }
    }

    /// With the turn for which it waited, if it did.
    pub(super) async fn carry_out(
        mut self,
        turn: Option<Turn<'a>>,
    ) -> Result<Carried<'a>, ExecutionError> {
        // Observe: the policy and all that it means now. Only few at once, for each lists all there is.
        let looks = self.looks;
        let look = looks.acquire().await;
        let policy = match self.policy().await? {
            Ok(policy) => policy,
            Err((word, why)) => return self.refuse(Phase::Failed, &[word], why).await,
        };
        let world = World::observe(self.operator, &policy).await?;
        let judgement = world.judge(self.operator, &policy);
        let account = &self.operator.account;
        if let Some((words, why)) = refusal(&judgement, world.namespace(), account) {
            return self.refuse(Phase::Blocked, &words, why).await;
        }
        drop(look);
        let (mode, restrained) = self.mode(&judgement, &policy);
        let turn = match self.turn(turn, &policy, judgement.bases.clone(), mode) {
            Ok(turn) => turn,
            Err((place, why)) => {
                self.queue(&why).await?;
                return Ok(Carried::Waits(place));
            }
        };
        let restrained = restrained.or_else(|| overlap_sentence(&judgement));
        self.enter(Phase::Scanning).await?;

        // Scan, plan, enact.
        let rules = world.rules(&policy);
        let scope = judgement.scope.clone();
        let allowed = world.administrator().clone();
        let (namespace, bases) = (world.namespace().to_owned(), judgement.bases.clone());
        let consent = self.consent(&policy);
        let identity = world.into_identity();
        let reach = self.reach(&namespace, identity, mode, &bases).boxed();
        let (worker, reach) = match self.stop.run_until_cancelled(reach).await {
            None => return self.hand_over().await,
            Some(Ok(reached)) => reached,
            Some(Err(unreached)) => {
                let (reason, phase, why) = unreached.told(&namespace, &self.operator.account);
                return self.refuse(phase, &[reason], why).await;
            }
        };
        let (progress, steps) = Steps::new();
        let work = Work {
            operator: Arc::clone(self.operator),
            reach,
            rules: rules.clone(),
            bases,
            scope: Scope {
                jobs: scope.clone(),
            },
            mode,
            consent,
            progress,
            requests_per_second: policy
                .spec
                .storage
                .requests_per_second
                .and_then(NonZeroU32::new),
            cancel: self.stop.child_token(),
        };
        let limits = worker.as_ref().map(Hired::limits);
        let (result, cancelled) = self.supervised(work, &policy, allowed, limits, steps).await;
        drop(worker);
        if self.stop.is_cancelled() {
            return self.hand_over().await;
        }

        // Report.
        let pins = policy.spec.savepoints.iter();
        let ending = Ending {
            cancelled,
            restrained,
            policy_generation: policy.metadata.generation,
            pins: pins.flat_map(|rules| rules.pinned.clone()).collect(),
            ..self.ending()
        };
        match result {
            Ok(Worked { report, absent }) => {
                let ending = Ending { absent, ..ending };
                self.count(&report, &policy);
                self.operator
                    .scans
                    .replace(job_scans(&report, &scope, mode, &rules));
                self.show().await;
                let status = ended(&self.status, &report, &scope, &ending);
                // To have looked at nothing is no success on which an alert may rely.
                if status.phase == Some(Phase::Succeeded) && !ending.absent.is_all() {
                    let now = self.operator.clock.now();
                    self.operator.metrics.succeeded_at(now.as_second());
                }
                self.write_end(status).await?;
                self.supersede(mode, &report).await?;
                drop(turn);
                Ok(Carried::Out)
            }
            Err(error) => {
                let (phase, reason, why) = failed(&error, ending.cancelled.as_ref());
                let status = refused(&self.status, phase, &[reason], why, &ending);
                self.finish(status).await
            }
        }
    }

    /// Its turn on these directories, if that can be now.
    fn turn(
        &self,
        held: Option<Turn<'a>>,
        policy: &RetentionPolicy,
        bases: Vec<Location>,
        mode: engine::Mode,
    ) -> Result<Turn<'a>, (Place<'a>, WaitsFor)> {
        let endpoints = policy.spec.storage.endpoints();
        let claim = Claim {
            namespace: self.run.namespace().unwrap_or_default(),
            bases,
            endpoints: endpoints
                .filter_map(|endpoint| endpoint.parse().ok())
                .collect(),
            mode,
            alone: self.status.attempts.is_some_and(|attempts| attempts > 1),
        };
        match held {
            Some(turn) if turn.covers(&claim) => Ok(turn),
            // What it has is in the way of what it is to have.
            held => {
                drop(held);
                self.turns.queue(claim)
            }
        }
    }

    /// The ports of this run, with the worker that they need, if they need one.
    async fn reach(
        &self,
        namespace: &str,
        identity: Identity,
        mode: engine::Mode,
        bases: &[Location],
    ) -> Result<(Option<Hired>, Reach), Unreached> {
        let worker = match (&identity, &self.operator.workers) {
            (Identity::Worker(plan), Some(workers)) if !bases.is_empty() => {
                let client = self.operator.client.0.clone();
                let plan = plan.as_ref().clone();
                let hired = Hired::hire(client, workers, &self.run, plan, mode).await;
                Some(hired.map_err(Unreached::Worker)?)
            }
            _ => None,
        };
        let reach = Reach::of(self.operator, namespace, identity, worker.as_ref(), bases).await?;
        Ok((worker, reach))
    }

    /// Whoever sees that the run is complete is to see in the inventories what it found: waits for a look at the jobs that
    /// begins now.
    async fn show(&self) {
        let mut looks = self.operator.looks.subscribe();
        let next = looks.borrow_and_update().begun + 1;
        self.operator.tell(Poke::Scanned);
        let shown = looks.wait_for(|looks| looks.ended >= next);
        tokio::select! {
            // A look that takes long, as in a large cluster, must not hold up the runs that wait.
            _ = timeout(SHOWN_WITHIN, shown) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Ends it without any work.
    pub(super) async fn end(mut self, end: End) -> Result<Carried<'a>, ExecutionError> {
        let End { phase, reason, why } = end;
        // What an earlier look found is still worth reading.
        self.status = self.run.status.clone().unwrap_or(self.status);
        self.refuse(phase, &[reason], why).await
    }

    /// Says that it waits for its turn.
    async fn queue(mut self, why: &WaitsFor) -> Result<(), ExecutionError> {
        let (phase, message) = (
            self.run.status.as_ref().and_then(|status| status.phase),
            why.to_string(),
        );
        let told = find(&self.status.conditions, condition::COMPLETE);
        match phase {
            None => {}
            Some(Phase::Pending) if told.is_none_or(|told| told.message != message) => {}
            // Or what it was before it waited is worth more: a question, or that it was begun already.
            Some(_) => return Ok(()),
        }
        let waiting = Finding {
            condition: condition::COMPLETE,
            status: ConditionStatus::False,
            reason: Reason::Waiting,
            message,
        };
        let (generation, now) = (self.run.metadata.generation, self.operator.clock.now());
        self.status.start_time = None;
        self.status.attempts = None;
        self.status.conditions = merge(&self.status.conditions, [waiting], generation, now);
        self.enter(Phase::Pending).await
    }

    /// Whether a person has to agree, or has agreed. Once a run has asked, it does nothing without an answer, whatever
    /// its policy says by then.
    fn consent(&self, policy: &RetentionPolicy) -> Consent {
        let has_asked = self.status.plan.is_some();
        match &self.run.spec.approval {
            // What the API server let through and is none can name no plan; it is asked for anew.
            Some(approval) => approval
                .plan_digest
                .parse()
                .map_or(Consent::Asked, Consent::Approved),
            None if has_asked || policy.spec.approval == ApprovalMode::Manual => Consent::Asked,
            None => Consent::Given,
        }
    }

    /// A scheduled run that has looked at everything is the newer question.
    async fn supersede(&self, mode: engine::Mode, report: &Report) -> Result<(), ExecutionError> {
        let cancelled = report.outcome.blocked.contains(&engine::Blocked::Cancelled);
        if self.status.trigger != Some(Trigger::Schedule)
            || mode != engine::Mode::Enforce
            || cancelled
        {
            return Ok(());
        }
        supersede::supersede(self.operator, &self.api, &self.run).await
    }

    /// Executes, and watches meanwhile whether it should go on.
    async fn supervised(
        &mut self,
        work: Work,
        policy: &RetentionPolicy,
        allowed: Administrator,
        limits: Option<Limits>,
        mut steps: watch::Receiver<Step>,
    ) -> (Result<Worked, WorkError>, Option<Stopped>) {
        let (mode, cancel) = (work.mode, work.cancel.clone());
        let scope = work.scope.jobs.clone();
        let mut cancelled: Option<Stopped> = None;
        let mut reason = reason_to_stop(
            Arc::clone(self.operator),
            self.run.clone(),
            policy.clone(),
            mode,
            allowed,
            scope,
        )
        .boxed();
        let mut limit = reached(limits).boxed();
        let mut working = work.begin();
        loop {
            tokio::select! {
                result = &mut working => return (result.unwrap_or(Err(WorkError::Defect)), cancelled),
                why = &mut reason, if cancelled.is_none() => {
                    cancel.cancel();
                    cancelled = Some(Stopped { word: None, why });
                }
                // Whatever it was told to do meanwhile: nobody is asked any more.
                why = &mut limit, if cancelled.as_ref().is_none_or(|stopped| stopped.word.is_none()) => {
                    cancel.cancel();
                    cancelled = Some(Stopped { word: Some(why.word()), why: why.to_string() });
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

    /// The policy, or a stable word and why there is none to follow.
    async fn policy(&self) -> Result<Result<RetentionPolicy, (Reason, String)>, ExecutionError> {
        let name = &self.run.spec.policy_ref.name;
        let namespace = self.run.namespace().unwrap_or_default();
        let api: Api<DeserializeGuard<RetentionPolicy>> = self.operator.in_namespace(&namespace);
        // An older definition let any text through.
        let found = if is_object_name(name) {
            let found = api.get_opt(name).await;
            found.map_err(api_server("get the RetentionPolicy"))?
        } else {
            None
        };
        Ok(match found {
            Some(DeserializeGuard(read)) => read.map_err(|invalid| {
                let error = shortened(invalid.error, MAX_ERROR);
                (
                    Reason::PolicyUnreadable,
                    format!(
                        "RetentionPolicy {name:?} cannot be read: {error}. Repair it, or use a version of the operator that knows it; then create a new run"
                    ),
                )
            }),
            None => Err((
                Reason::NoPolicy,
                format!(
                    "there is no RetentionPolicy {name:?} in this namespace: create it, then a new run"
                ),
            )),
        })
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
            (Mode::Enforce, Mode::DryRun) => judgement
                .restrained
                .map_or("the mode of the policy is DryRun", Restraint::why),
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
        words: &[Reason],
        why: String,
    ) -> Result<Carried<'a>, ExecutionError> {
        let status = refused(&self.status, phase, words, why, &self.ending());
        self.finish(status).await
    }

    /// The next leader begins it anew: a plan is never resumed.
    async fn hand_over(mut self) -> Result<Carried<'a>, ExecutionError> {
        self.status.attempts = None;
        self.enter(Phase::Pending).await?;
        Ok(Carried::Out)
    }

    async fn finish(&self, status: RetentionRunStatus) -> Result<Carried<'a>, ExecutionError> {
        self.write_end(status).await?;
        Ok(Carried::Out)
    }

    async fn write_end(&self, status: RetentionRunStatus) -> Result<(), ExecutionError> {
        self.write_in_the_end(&status).await?;
        let phase = status.phase.unwrap_or(Phase::Failed);
        if phase.is_finished() {
            self.operator
                .metrics
                .run_finished(phase.as_str(), self.begun.elapsed());
        }
        let note = status
            .conditions
            .first()
            .map(|condition| condition.message.clone())
            .unwrap_or_default();
        let news = News {
            warning: !matches!(phase, Phase::Succeeded | Phase::AwaitingApproval),
            reason: phase.into(),
            note,
        };
        self.operator
            .events
            .tell(&self.run.object_ref(&()), news)
            .await;
        Ok(())
    }

    /// What was deleted is counted here and nowhere else: executed once more, the run would say that it found nothing to
    /// delete.
    async fn write_in_the_end(&self, status: &RetentionRunStatus) -> Result<(), ExecutionError> {
        let deadline = Instant::now() + WRITTEN_WITHIN;
        loop {
            let error = match self.write(status).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if !error.may_pass() || Instant::now() >= deadline {
                return Err(error);
            }
            tracing::warn!(run = self.run.name_any(), %error, "could not write the end of the run; trying again");
            tokio::select! {
                () = sleep(WRITE_AGAIN) => {}
                () = self.stop.cancelled() => return Err(error),
            }
        }
    }

    async fn write(&self, status: &RetentionRunStatus) -> Result<(), ExecutionError> {
        write_status(&self.api, &self.run, status).await
    }

    fn ending(&self) -> Ending {
        Ending {
            cancelled: None,
            restrained: None,
            generation: self.run.metadata.generation,
            run: RunIdentity {
                namespace: self.run.namespace().unwrap_or_default(),
                name: self.run.name_any(),
            },
            policy_generation: None,
            pins: Vec::new(),
            absent: Absent::default(),
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

/// Ends when a worker has to; without one never.
async fn reached(limits: Option<Limits>) -> NotWorking {
    match limits {
        Some(limits) => limits.reached().await,
        None => std::future::pending().await,
    }
}
