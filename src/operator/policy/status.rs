//! The status of a `RetentionPolicy`.

use jiff::{SignedDuration, Timestamp};
use retention::policy::Policy;

use super::judgement::{Judgement, Obstacle, Restraint};
use super::obstacle::{listed, sentence, word};
use crate::api::checkpoint_inventory::condition as inventory_condition;
use crate::api::conditions::{ConditionStatus, Finding, find, merge};
use crate::api::quantity::{human, size};
use crate::api::retention_policy::{
    EffectiveRules, JobCounts, LastRun, RetentionPolicyDisplay, RetentionPolicyStatus, condition,
};
use crate::api::retention_run::condition as run_condition;
use crate::api::time::whole_seconds;
use crate::api::{
    Amount, CheckpointInventory, Duration, Mode, Reason, RetentionRun, StorageByClass,
};
use crate::operator::events::shortened;

const MAX_MESSAGE: usize = 2048;

/// Everything that a status depends on.
#[derive(Clone, Copy, Debug)]
pub(in crate::operator) struct Facts<'a> {
    pub(in crate::operator) namespace: &'a str,
    /// The operator's service account, as `namespace:name`.
    pub(in crate::operator) account: &'a str,
    pub(in crate::operator) generation: Option<i64>,
    pub(in crate::operator) existing: Option<&'a RetentionPolicyStatus>,
    pub(in crate::operator) mode: Mode,
    pub(in crate::operator) judgement: &'a Judgement<'a>,
    /// With the administrator's floors.
    pub(in crate::operator) effective: &'a Policy,
    pub(in crate::operator) administrator_file_valid: bool,
    /// Whether the policy pins anything.
    pub(in crate::operator) pins: bool,
    /// The run that finished last.
    pub(in crate::operator) last_run: Option<&'a RetentionRun>,
    /// The newest run that waits for a person.
    pub(in crate::operator) awaiting: Option<&'a RetentionRun>,
    pub(in crate::operator) next_run: Option<Timestamp>,
    /// By the last run, if this process did it.
    pub(in crate::operator) earliest_deletion: Option<Timestamp>,
    pub(in crate::operator) now: Timestamp,
}

/// Says what the policy does, and what keeps it from doing more.
#[must_use]
pub(in crate::operator) fn status(facts: Facts<'_>) -> RetentionPolicyStatus {
    let none = RetentionPolicyStatus::default();
    let existing = facts.existing.unwrap_or(&none);
    let storage = storage(&facts.judgement.selected);
    let last_run = facts
        .last_run
        .and_then(last_run)
        .or_else(|| existing.last_run.clone());
    let marked = storage.marked.is_some_and(|marked| marked.bytes > 0);
    let enforced = facts.judgement.mode == Mode::Enforce;
    let earliest = facts
        .earliest_deletion
        .map(whole_seconds)
        .or_else(|| existing.earliest_deletion_time.clone())
        .filter(|earliest| enforced && earliest.0 > facts.now);
    let findings = [
        ready(&facts),
        enforcing(
            &facts,
            &storage,
            marked
                .then_some(())
                .and(earliest.as_ref().map(|earliest| earliest.0)),
        ),
        overlapping(facts.judgement),
        unsupported(facts.judgement),
    ]
    .into_iter()
    .chain(pin_not_found(&facts, existing));
    let orphaned = storage
        .orphaned
        .map(|orphaned| u64::try_from(orphaned.bytes).unwrap_or(0));
    RetentionPolicyStatus {
        observed_generation: facts.generation,
        jobs: Some(job_counts(&facts.judgement.selected)),
        effective: Some(EffectiveRules {
            min_age: unsigned(facts.effective.min_age),
            grace_period: unsigned(facts.effective.grace_period),
            keep_checkpoints_within: facts
                .effective
                .checkpoints
                .and_then(|rules| rules.keep_within)
                .map(unsigned),
            deleted_jobs: facts.effective.deleted_jobs.map(unsigned),
            unrestorable: facts.effective.unrestorable.map(unsigned),
            adopt_idle: facts
                .effective
                .adopt
                .iter()
                .map(|adoption| adoption.idle_for)
                .min()
                .map(unsigned),
        }),
        next_run_time: facts.next_run.map(whole_seconds),
        earliest_deletion_time: earliest,
        display: Some(RetentionPolicyDisplay {
            reclaimable: orphaned.map(human),
            deleted: last_run
                .as_ref()
                .map(|run| human(u64::try_from(run.deleted_bytes).unwrap_or(0))),
        }),
        storage: Some(storage),
        last_run,
        conditions: merge(&existing.conditions, findings, facts.generation, facts.now),
    }
}

/// True when the policy's work can be done, whatever that work will find.
fn ready(facts: &Facts<'_>) -> Finding {
    let Some(first) = facts.judgement.obstacles.first() else {
        let (jobs, bases) = (facts.judgement.selected.len(), facts.judgement.bases.len());
        let file = if facts.administrator_file_valid {
            ""
        } else {
            "; the administrator's file cannot be used, so nothing is deleted"
        };
        let message = format!(
            "{jobs} {}, {bases} {} reachable{file}",
            plural(jobs, "job"),
            plural(bases, "base")
        );
        return finding(
            condition::READY,
            ConditionStatus::True,
            Reason::Reconciled,
            message,
        );
    };
    let sentences: Vec<String> = facts
        .judgement
        .obstacles
        .iter()
        .map(|obstacle| sentence(obstacle, facts.namespace, facts.account))
        .collect();
    finding(
        condition::READY,
        ConditionStatus::False,
        word(first),
        sentences.join(" "),
    )
}

fn enforcing(facts: &Facts<'_>, storage: &StorageByClass, earliest: Option<Timestamp>) -> Finding {
    let no = |reason, message: &str| {
        finding(
            condition::ENFORCING,
            ConditionStatus::False,
            reason,
            message.to_owned(),
        )
    };
    if let Some(restraint) = facts.judgement.restrained {
        return match restraint {
            Restraint::Suspended => no(
                restraint.reason(),
                "the policy is suspended: set `suspend: false` to go on",
            ),
            Restraint::Paused(_) | Restraint::NotSupportedYet | Restraint::WorkerOnlyLooks => {
                no(restraint.reason(), restraint.why())
            }
        };
    }
    if facts.mode == Mode::DryRun {
        return no(
            Reason::DryRun,
            "nothing is deleted: set `mode: Enforce` to delete what a run reports",
        );
    }
    if facts.judgement.scope.is_empty() {
        return no(
            Reason::NoJobs,
            "there is no job that this policy alone selects",
        );
    }
    if facts.judgement.bases.is_empty() {
        return no(
            Reason::NoBases,
            "no directory of the selected jobs may be acted upon; see Ready",
        );
    }
    let marked = size(
        storage
            .marked
            .map_or(0, |marked| u64::try_from(marked.bytes).unwrap_or(0)),
    );
    if let Some(run) = facts.awaiting {
        let name = run.metadata.name.as_deref().unwrap_or_default();
        return finding(
            condition::ENFORCING,
            ConditionStatus::True,
            Reason::AwaitingApproval,
            format!(
                "{marked} marked; the plan of {name} waits for approval: its condition Complete says how"
            ),
        );
    }
    match earliest {
        Some(earliest) => {
            let message = format!(
                "{marked} marked; earliest deletion {}",
                earliest.strftime("%Y-%m-%d %H:%M UTC")
            );
            finding(
                condition::ENFORCING,
                ConditionStatus::True,
                Reason::WaitingForGrace,
                message,
            )
        }
        None => finding(
            condition::ENFORCING,
            ConditionStatus::True,
            Reason::Active,
            format!("{marked} marked"),
        ),
    }
}

fn overlapping(judgement: &Judgement<'_>) -> Finding {
    let Some(message) = overlap_sentence(judgement) else {
        return finding(
            condition::OVERLAPPING,
            ConditionStatus::False,
            Reason::NoOverlap,
            String::new(),
        );
    };
    finding(
        condition::OVERLAPPING,
        ConditionStatus::True,
        Reason::SelectedTwice,
        message,
    )
}

/// Which jobs are left alone because other policies select them too; none if there is no such job.
pub(in crate::operator) fn overlap_sentence(judgement: &Judgement<'_>) -> Option<String> {
    if judgement.overlaps.is_empty() {
        return None;
    }
    let jobs: Vec<String> = judgement
        .overlaps
        .iter()
        .map(|(job, others)| {
            let others: Vec<&str> = others.iter().map(String::as_str).collect();
            format!(
                "{} {} (also selected by {})",
                job.kind,
                job.name,
                others.join(", ")
            )
        })
        .collect();
    Some(format!(
        "not enforced for {}: let only one policy select a job",
        listed(&jobs)
    ))
}

fn unsupported(judgement: &Judgement<'_>) -> Finding {
    let fields = judgement
        .obstacles
        .iter()
        .find_map(|obstacle| match obstacle {
            Obstacle::NotSupportedYet { fields } => Some(fields.join(", ")),
            Obstacle::InvalidSelector { .. }
            | Obstacle::TooManyLabels { .. }
            | Obstacle::InvalidSchedule { .. }
            | Obstacle::BaseNotGranted { .. }
            | Obstacle::BaseUnreachable { .. }
            | Obstacle::NotAdopted { .. }
            | Obstacle::NoIdentity(_)
            | Obstacle::EndpointNotGranted { .. } => None,
        });
    match fields {
        Some(fields) => finding(
            condition::UNSUPPORTED,
            ConditionStatus::True,
            Reason::UnsupportedFields,
            fields,
        ),
        None => finding(
            condition::UNSUPPORTED,
            ConditionStatus::False,
            Reason::AllSupported,
            String::new(),
        ),
    }
}

/// What the last run has said. One that did not look leaves what is said, until nothing is pinned any more.
fn pin_not_found(facts: &Facts<'_>, existing: &RetentionPolicyStatus) -> Option<Finding> {
    let told = facts.last_run.and_then(|run| {
        let status = run.status.as_ref()?;
        find(&status.conditions, run_condition::PIN_NOT_FOUND)
    });
    let (status, reason, message) = match (facts.pins, told) {
        (false, _) => {
            find(&existing.conditions, condition::PIN_NOT_FOUND)?;
            (ConditionStatus::False, Reason::NothingPinned, String::new())
        }
        (true, None) => return None,
        (true, Some(told)) if told.status == "True" => (
            ConditionStatus::True,
            Reason::NoSuchSnapshot,
            told.message.clone(),
        ),
        (true, Some(_)) => (ConditionStatus::False, Reason::AllFound, String::new()),
    };
    Some(finding(condition::PIN_NOT_FOUND, status, reason, message))
}

fn finding(
    condition: &'static str,
    status: ConditionStatus,
    reason: Reason,
    message: String,
) -> Finding {
    Finding {
        condition,
        status,
        reason,
        message: shortened(message, MAX_MESSAGE),
    }
}

fn job_counts(selected: &[&CheckpointInventory]) -> JobCounts {
    let restorable = |wanted: &str| {
        count(selected, |inventory| {
            let conditions = inventory
                .status
                .iter()
                .flat_map(|status| &status.conditions);
            let mut of_type =
                conditions.filter(|condition| condition.type_ == inventory_condition::RESTORABLE);
            of_type
                .next()
                .is_some_and(|condition| condition.status == wanted)
        })
    };
    JobCounts {
        selected: count(selected, |_| true),
        restorable: restorable("True"),
        not_restorable: restorable("False"),
        protected: count(selected, |inventory| {
            let storage = inventory
                .status
                .as_ref()
                .and_then(|status| status.storage.as_ref());
            storage
                .and_then(|storage| storage.protected)
                .is_some_and(|protected| protected.files > 0)
        }),
    }
}

fn count(selected: &[&CheckpointInventory], wanted: impl Fn(&CheckpointInventory) -> bool) -> i32 {
    let number = selected
        .iter()
        .filter(|inventory| wanted(inventory))
        .count();
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn storage(selected: &[&CheckpointInventory]) -> StorageByClass {
    let of = |class: fn(&StorageByClass) -> Option<Amount>| {
        let stored = selected
            .iter()
            .filter_map(|inventory| inventory.status.as_ref()?.storage.as_ref());
        stored.filter_map(class).reduce(|a, b| Amount {
            bytes: a.bytes.saturating_add(b.bytes),
            files: a.files.saturating_add(b.files),
        })
    };
    StorageByClass {
        live: of(|storage| storage.live),
        retained: of(|storage| storage.retained),
        orphaned: of(|storage| storage.orphaned),
        marked: of(|storage| storage.marked),
        protected: of(|storage| storage.protected),
    }
}

fn last_run(run: &RetentionRun) -> Option<LastRun> {
    let status = run.status.as_ref()?;
    let decisions = status.decisions.unwrap_or_default();
    let bytes = |amount: Option<Amount>| amount.map_or(0, |amount| amount.bytes);
    let superfluous = bytes(decisions.orphan).saturating_add(bytes(decisions.expire));
    Some(LastRun {
        name: run.metadata.name.clone()?,
        phase: status.phase?,
        completion_time: status.completion_time.clone(),
        deleted_bytes: bytes(decisions.deleted),
        would_delete_bytes: superfluous.saturating_sub(bytes(decisions.deleted)).max(0),
    })
}

fn unsigned(duration: SignedDuration) -> Duration {
    Duration::from_seconds(u64::try_from(duration.as_secs()).unwrap_or(0))
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 {
        word.to_owned()
    } else {
        format!("{word}s")
    }
}

/// Whether a condition of a policy has another status than before, and which.
pub(in crate::operator) fn changed<'a>(
    before: Option<&RetentionPolicyStatus>,
    after: &'a RetentionPolicyStatus,
    condition: &str,
) -> Option<&'a k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition> {
    let after = find(&after.conditions, condition)?;
    let before = before.and_then(|before| find(&before.conditions, condition));
    let same =
        before.is_some_and(|before| before.status == after.status && before.reason == after.reason);
    (!same).then_some(after)
}

#[cfg(test)]
mod tests;
