//! The engine's part of a run.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use retention::location::Location;
use retention::policy::Policy;
use storage::Requests;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::reach::Reach;
use super::unknown_outcome::UnknownOutcome;
use crate::engine::run::Scope;
use crate::engine::{Consent, Mode, Pace, Progress, Report, Run, RunError, Step, Stores};
use crate::operator::context::Operator;
use crate::operator::run::Absent;

/// What the engine needs for a run.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) operator: Arc<Operator>,
    pub(super) reach: Reach,
    pub(super) rules: Policy,
    pub(super) bases: Vec<Location>,
    pub(super) scope: Scope,
    pub(super) mode: Mode,
    pub(super) consent: Consent,
    pub(super) progress: Steps,
    /// How fast the storage may be asked.
    pub(super) requests_per_second: Option<NonZeroU32>,
    pub(super) cancel: CancellationToken,
}

/// What a run came to.
#[derive(Debug)]
pub(super) struct Worked {
    pub(super) report: Report,
    pub(super) absent: Absent,
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
    pub(super) fn begin(self) -> JoinHandle<Result<Worked, WorkError>> {
        let runtime = Handle::current();
        tokio::task::spawn_blocking(move || {
            let Self {
                operator,
                reach,
                rules,
                bases,
                scope,
                mode,
                consent,
                progress,
                requests_per_second,
                cancel,
            } = self;
            let unknown: Arc<dyn Requests> = Arc::new(UnknownOutcome(cancel.clone()));
            let stores = paced(&reach.stores, requests_per_second).observed_by(&unknown);
            let of = bases.len();
            let (bases, absent) = runtime.block_on(existing(&stores, bases));
            let absent = Absent {
                directories: absent.iter().map(ToString::to_string).collect(),
                of,
            };
            let run = Run {
                observer: reach.observer.as_ref(),
                stores: &stores,
                clock: operator.clock.as_ref(),
                progress: &progress,
                cache: &reach.cache,
                policy: &rules,
                bases,
                scope: Some(scope),
                mode,
                consent,
                owner: Some(operator.owner.clone()),
                term: operator.term.clone(),
                cancel,
            };
            let result = runtime.block_on(run.execute());
            for (step, took) in progress.durations() {
                operator.metrics.step_took(step.as_str(), took);
            }
            Ok(Worked {
                report: result?,
                absent,
            })
        })
    }
}

/// The stores of a run at the pace that a policy asks for.
fn paced(stores: &Stores, requests_per_second: Option<NonZeroU32>) -> Stores {
    match requests_per_second {
        None => stores.clone(),
        Some(rate) => {
            let pace: Arc<dyn Requests> = Arc::new(Pace::new(rate));
            stores.observed_by(&pace)
        }
    }
}

/// The directories, and apart from them those that Flink has not made yet: there is nothing in them to judge, and an
/// incomplete listing would ask for a person. What is mounted in the place of one is a base again at the next run.
async fn existing(stores: &Stores, bases: Vec<Location>) -> (Vec<Location>, Vec<Location>) {
    let (mut existing, mut without) = (Vec::new(), Vec::new());
    for base in bases {
        let absent = match stores.resolve(&base) {
            Some((storage, key)) if storage.capabilities().real_directories => {
                matches!(storage.stat(&key).await, Ok(None))
            }
            Some(_) | None => false,
        };
        if absent {
            without.push(base);
        } else {
            existing.push(base);
        }
    }
    (existing, without)
}

/// Tells how far a run is, and remembers how long it took to come there.
#[derive(Debug)]
pub(super) struct Steps {
    current: watch::Sender<Step>,
    spent: Mutex<Spent>,
}

#[derive(Debug)]
struct Spent {
    since: Instant,
    /// A step can come more than once.
    durations: BTreeMap<Step, Duration>,
}

impl Steps {
    pub(super) fn new() -> (Self, watch::Receiver<Step>) {
        let (current, receiver) = watch::channel(Step::Observe);
        let spent = Mutex::new(Spent {
            since: Instant::now(),
            durations: BTreeMap::new(),
        });
        (Self { current, spent }, receiver)
    }

    /// How long each step took until now.
    fn durations(&self) -> BTreeMap<Step, Duration> {
        // A borrow that lasted longer would be in the way of the step.
        let current = *self.current.borrow();
        self.step(current);
        let spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.durations.clone()
    }
}

impl Progress for Steps {
    fn step(&self, step: Step) {
        let before = self.current.send_replace(step);
        let now = Instant::now();
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let took = now.duration_since(spent.since);
        spent.since = now;
        *spent.durations.entry(before).or_default() += took;
    }

    fn advance(&self, _: u64) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_parts_of_a_step_are_added_up() {
        let (steps, _watched) = Steps::new();
        for (step, seconds) in [
            (Step::Observe, 1),
            (Step::Verify, 2),
            (Step::Delete, 3),
            (Step::Verify, 4),
        ] {
            steps.step(step);
            tokio::time::advance(Duration::from_secs(seconds)).await;
        }
        let expected = [(Step::Observe, 1), (Step::Verify, 6), (Step::Delete, 3)];
        let expected = expected.map(|(step, seconds)| (step, Duration::from_secs(seconds)));
        assert_eq!(steps.durations(), expected.into());
    }
}
