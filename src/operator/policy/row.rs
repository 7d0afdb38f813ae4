//! What metrics show of a policy. From its objects alone, so that a new leader shows the same.

use crate::api::conditions::find;
use crate::api::retention_policy::{RetentionPolicyStatus, condition};
use crate::api::retention_run::Phase;
use crate::api::time::Time;
use crate::api::{Reason, RetentionRun};
use crate::operator::run::{Completed, FinishedRun};
use crate::telemetry::{LastRun, NextRun, PolicyRow};

/// `status` is the newest, and `runs` are those of the policy that still exist.
#[must_use]
pub(in crate::operator) fn row(
    status: &RetentionPolicyStatus,
    runs: &[RetentionRun],
    overlapping_jobs: usize,
    next_run: Option<NextRun>,
) -> PolicyRow {
    let ready = find(&status.conditions, condition::READY);
    let finished = runs.iter().filter(|run| FinishedRun::of(run).is_some());
    let last = finished.clone().max_by_key(|run| Completed::of(run));
    // What is not kept among the runs is still told in the status.
    let told = status.last_run.as_ref();
    let last_run = last.and_then(last_run).or_else(|| {
        told.and_then(|told| {
            Some(LastRun {
                result: told.phase.as_str().to_owned(),
                completed: told.completion_time.as_ref()?.0,
                ..LastRun::default()
            })
        })
    });
    let last_success = finished
        .filter_map(|run| run.status.as_ref())
        .filter(|status| status.phase == Some(Phase::Succeeded))
        .map(|status| status.completion_time.as_ref())
        .chain(told.map(|told| {
            let succeeded = told.phase == Phase::Succeeded;
            told.completion_time.as_ref().filter(|_| succeeded)
        }))
        .flatten()
        .map(|Time(at)| *at)
        .max();
    PolicyRow {
        ready: ready.is_some_and(|ready| ready.status == "True"),
        ready_reason: ready.map(|ready| ready.reason.clone()).unwrap_or_default(),
        overlapping_jobs,
        last_run,
        last_success,
        next_run,
    }
}

/// Of a policy that cannot be read.
#[must_use]
pub(in crate::operator) fn unreadable_row() -> PolicyRow {
    PolicyRow {
        ready_reason: Reason::Unreadable.as_str().to_owned(),
        ..PolicyRow::default()
    }
}

fn last_run(run: &RetentionRun) -> Option<LastRun> {
    let status = run.status.as_ref()?;
    let phase = status.phase?;
    let blocked = status.blocked_by.iter().filter(|_| phase == Phase::Blocked);
    Some(LastRun {
        result: phase.as_str().to_owned(),
        completed: status.completion_time.as_ref()?.0,
        blocked: blocked.filter_map(|line| word(line)).collect(),
        protected: status
            .protected_by
            .iter()
            .map(|kept| (kept.guard.clone(), kept.bytes))
            .collect(),
    })
}

/// Lines begin with a word of ours; the last one may say how many more there are.
fn word(line: &str) -> Option<String> {
    let word = line.split(':').next()?;
    word.chars()
        .all(|c| c.is_ascii_alphanumeric())
        .then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::{Value, json};

    fn run(name: &str, phase: &str, second: u32, more: &Value) -> RetentionRun {
        let mut status =
            json!({"phase": phase, "completionTime": format!("2026-11-22T00:00:{second:02}Z")});
        status
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        serde_json::from_value(json!({
            "apiVersion": "flink-retention.dev/v1alpha1",
            "kind": "RetentionRun",
            "metadata": {"name": name},
            "spec": {"policyRef": {"name": "payments"}},
            "status": status,
        }))
        .unwrap()
    }

    fn of(runs: &[RetentionRun], status: Value) -> PolicyRow {
        row(&serde_json::from_value(status).unwrap(), runs, 0, None)
    }

    #[test]
    fn the_last_run_says_in_words_why_it_was_blocked_and_by_which_guard() {
        let more = json!({
            "blockedBy": ["ClockSkew: s3://a is behind", "BaseNotGranted", "and 3 more"],
            "protectedBy": [{"guard": "in-flight", "bytes": 5, "files": 1}],
        });
        let runs = [
            run("a", "Succeeded", 5, &json!({})),
            run("b", "Blocked", 9, &more),
            run("c", "Scanning", 0, &json!({"completionTime": null})),
        ];
        let row = of(&runs, json!({}));
        let last = row.last_run.unwrap();
        assert_eq!(last.result, "Blocked");
        assert_eq!(
            last.blocked.into_iter().collect::<Vec<_>>(),
            ["BaseNotGranted", "ClockSkew"]
        );
        assert_eq!(last.protected, [("in-flight".to_owned(), 5)].into());
        assert_eq!(
            row.last_success.unwrap().to_string(),
            "2026-11-22T00:00:05Z"
        );
        assert!(!row.ready);
    }

    #[test]
    fn what_blocked_a_run_that_ended_well_in_the_end_blocks_nothing() {
        let more = json!({"blockedBy": ["LimitReached: the limit of 5 bytes"]});
        let row = of(&[run("a", "Succeeded", 5, &more)], json!({}));
        assert!(row.last_run.unwrap().blocked.is_empty());
    }

    #[test]
    fn a_policy_that_keeps_no_runs_still_tells_of_its_last() {
        let told = json!({"lastRun": {
            "name": "x", "phase": "Succeeded", "completionTime": "2026-11-22T00:00:07Z", "deletedBytes": 0, "wouldDeleteBytes": 0,
        }});
        let row = of(&[], told);
        assert_eq!(row.last_run.unwrap().result, "Succeeded");
        assert_eq!(
            row.last_success.unwrap().to_string(),
            "2026-11-22T00:00:07Z"
        );
    }
}
