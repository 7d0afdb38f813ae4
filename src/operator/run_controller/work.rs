//! The engine's part of a run.

use std::sync::Arc;

use retention::location::Location;
use retention::policy::Policy;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::engine::run::Scope;
use crate::engine::{Consent, Mode, Progress, Report, Run, RunError, Step, Stores};
use crate::operator::context::Operator;

/// What the engine needs for a run.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) operator: Arc<Operator>,
    pub(super) rules: Policy,
    pub(super) bases: Vec<Location>,
    pub(super) scope: Scope,
    pub(super) mode: Mode,
    pub(super) consent: Consent,
    pub(super) progress: Steps,
    pub(super) cancel: CancellationToken,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum WorkError {
    #[error(transparent)]
    Run(#[from] RunError),
    #[error("a defect of this program ended the run; its log says where")]
    Defect,
}

impl Work {
    /// On a thread of its own: planning can compute for long, and the lease must be renewed and probes answered
    /// meanwhile.
    pub(super) fn begin(self) -> JoinHandle<Result<Report, WorkError>> {
        let runtime = Handle::current();
        tokio::task::spawn_blocking(move || {
            let Self {
                operator,
                rules,
                bases,
                scope,
                mode,
                consent,
                progress,
                cancel,
            } = self;
            let run = Run {
                observer: operator.observer.as_ref(),
                stores: &operator.stores,
                clock: operator.clock.as_ref(),
                progress: &progress,
                cache: &operator.cache,
                policy: &rules,
                bases: runtime.block_on(existing(&operator.stores, bases)),
                scope: Some(scope),
                mode,
                consent,
                owner: Some(operator.owner.clone()),
                cancel,
            };
            Ok(runtime.block_on(run.execute())?)
        })
    }
}

/// Without the directories that Flink has not made yet: there is nothing in them to judge, and an incomplete listing
/// would ask for a person. What is mounted in the place of one is a base again at the next run.
async fn existing(stores: &Stores, bases: Vec<Location>) -> Vec<Location> {
    let mut existing = Vec::new();
    for base in bases {
        let absent = match stores.resolve(&base) {
            Some((storage, key)) if storage.capabilities().real_directories => {
                matches!(storage.stat(&key).await, Ok(None))
            }
            Some(_) | None => false,
        };
        if !absent {
            existing.push(base);
        }
    }
    existing
}

/// Tells how far a run is.
#[derive(Debug)]
pub(super) struct Steps(watch::Sender<Step>);

impl Steps {
    pub(super) fn new() -> (Self, watch::Receiver<Step>) {
        let (sender, receiver) = watch::channel(Step::Observe);
        (Self(sender), receiver)
    }
}

impl Progress for Steps {
    fn step(&self, step: Step) {
        self.0.send_replace(step);
    }

    fn advance(&self, _: u64) {}
}
