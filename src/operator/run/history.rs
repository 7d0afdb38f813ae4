//! Which finished runs are deleted.

use jiff::{SignedDuration, Timestamp};

use crate::api::RetentionRun;
use crate::api::retention_policy::History;
use crate::api::retention_run::Phase;

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::operator) struct FinishedRun {
    pub(in crate::operator) name: String,
    pub(in crate::operator) phase: Phase,
    pub(in crate::operator) completed: Timestamp,
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
            completed: status
                .completion_time
                .as_ref()
                .map_or(Timestamp::MIN, |time| time.0),
            has_ttl: run.spec.ttl_seconds_after_finished.is_some(),
        })
    }
}

/// The names of the runs beyond the policy's history, oldest first.
#[must_use]
pub(in crate::operator) fn superfluous(
    mut runs: Vec<FinishedRun>,
    history: History,
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
            completed: Timestamp::from_second(number).unwrap(),
            has_ttl: false,
        }
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
        assert_eq!(superfluous(runs, history), ["run-1", "run-2", "run-5"]);
    }
}
