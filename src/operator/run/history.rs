//! Which finished runs are deleted.

use jiff::{SignedDuration, Timestamp};

use crate::api::RetentionRun;
use crate::api::retention_policy::History;
use crate::api::retention_run::Phase;

/// Whoever waits for a run gets to read how it ended, however many runs end after it.
const STAYS_AT_LEAST: SignedDuration = SignedDuration::from_mins(1);

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::operator) struct FinishedRun {
    pub(in crate::operator) name: String,
    pub(in crate::operator) phase: Phase,
    pub(in crate::operator) completed: Completed,
    /// It says itself when it goes.
    pub(in crate::operator) has_ttl: bool,
}

impl FinishedRun {
    pub(in crate::operator) fn of(run: &RetentionRun) -> Option<Self> {
        let status = run.status.as_ref()?;
        let phase = status.phase.filter(|phase| phase.is_finished())?;
        Some(Self {
            name: run.metadata.name.clone()?,
            phase,
            completed: Completed::of(run),
            has_ttl: run.spec.ttl_seconds_after_finished.is_some(),
        })
    }
}

/// The order in which runs ended. Kubernetes writes times in whole seconds, in which several runs may end; then the one
/// that was written last is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::operator) struct Completed {
    time: Timestamp,
    resource_version: u64,
}

impl Completed {
    pub(in crate::operator) fn of(run: &RetentionRun) -> Self {
        let status = run.status.as_ref();
        let time = status.and_then(|status| status.completion_time.as_ref());
        let version = run.metadata.resource_version.as_deref();
        Self {
            time: time.map_or(Timestamp::MIN, |time| time.0),
            resource_version: version.and_then(|text| text.parse().ok()).unwrap_or(0),
        }
    }
}

/// The names of the runs beyond the policy's history, oldest first.
#[must_use]
pub(in crate::operator) fn superfluous(
    mut runs: Vec<FinishedRun>,
    history: History,
    now: Timestamp,
) -> Vec<String> {
    runs.sort_by_key(|run| std::cmp::Reverse(run.completed));
    let (mut successful, mut failed) = (history.successful, history.failed);
    let mut superfluous = Vec::new();
    for run in runs.into_iter().filter(|run| !run.has_ttl) {
        let left = if run.phase == Phase::Succeeded {
            &mut successful
        } else {
            &mut failed
        };
        match left.checked_sub(1) {
            Some(fewer) => *left = fewer,
            None if now.duration_since(run.completed.time) < STAYS_AT_LEAST => {}
            None => superfluous.push(run.name),
        }
    }
    superfluous.reverse();
    superfluous
}

/// When a finished run goes by its own wish.
#[must_use]
pub(in crate::operator) fn ttl_ends(run: &RetentionRun) -> Option<Timestamp> {
    let seconds = run.spec.ttl_seconds_after_finished?;
    let completed = run.status.as_ref()?.completion_time.as_ref()?.0;
    completed
        .checked_add(SignedDuration::from_secs(seconds.into()))
        .ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn run(number: i64, phase: Phase) -> FinishedRun {
        FinishedRun {
            name: format!("run-{number}"),
            phase,
            completed: completed(number, 0),
            has_ttl: false,
        }
    }

    fn completed(second: i64, resource_version: u64) -> Completed {
        Completed {
            time: Timestamp::from_second(second).unwrap(),
            resource_version,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn of_the_runs_of_one_second_the_last_stays() {
        let runs = [("run-10", 8), ("run-8", 6), ("run-9", 7)].map(|(name, version)| FinishedRun {
            name: name.to_owned(),
            completed: completed(5, version),
            ..run(0, Phase::Succeeded)
        });
        let history = History {
            successful: 1,
            failed: 0,
        };
        assert_eq!(
            superfluous(runs.to_vec(), history, at(1_000)),
            ["run-8", "run-9"]
        );
    }

    #[test]
    fn a_run_that_has_just_ended_can_still_be_read() {
        let history = History {
            successful: 0,
            failed: 0,
        };
        let runs = vec![run(5, Phase::Succeeded), run(6, Phase::Failed)];
        assert_eq!(superfluous(runs.clone(), history, at(64)), [""; 0]);
        assert_eq!(superfluous(runs.clone(), history, at(65)), ["run-5"]);
        assert_eq!(superfluous(runs, history, at(66)), ["run-5", "run-6"]);
    }

    #[test]
    fn the_newest_of_each_kind_stay() {
        let history = History {
            successful: 2,
            failed: 1,
        };
        let mut runs: Vec<_> = (1..=4)
            .map(|number| run(number, Phase::Succeeded))
            .collect();
        runs.extend([run(5, Phase::Blocked), run(6, Phase::Failed)]);
        runs.push(FinishedRun {
            has_ttl: true,
            ..run(0, Phase::Succeeded)
        });
        assert_eq!(
            superfluous(runs, history, at(1_000)),
            ["run-1", "run-2", "run-5"]
        );
    }
}
