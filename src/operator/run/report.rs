//! The status of a run that is over.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use retention::breaker::Shrink;
use retention::evidence::JobName;
use retention::owner::Owners;
use retention::plan::{Amount as Counted, Decision, JobSummary, PlanEntry, Ripeness};
use retention::restorable::WholeSnapshots;
use serde_json::json;

use super::pins;
use crate::api::Reason;
use crate::api::amount::int64;
use crate::api::conditions::{ConditionStatus, Finding, merge};
use crate::api::quantity::{count, human, size};
use crate::api::retention_run::{
    DecisionAmounts, JobOutcome, Phase, PlanReference, RetentionRunDisplay, RetentionRunStatus,
    SampleDecision, SampleFile, condition,
};
use crate::api::time::whole_seconds;
use crate::engine::journal::VALID_FOR;
use crate::engine::{Asked, Blocked, Report};
use crate::operator::audience::Audience;
use crate::operator::events::shortened;
use crate::operator::inventory::{Sum, amount, protected_by, reasons};

const JOBS: usize = 50;
const SAMPLE: usize = 20;
const BLOCKED: usize = 16;
const MAX_BLOCKED: usize = 128;
const MAX_REASON: usize = 256;
const MAX_PATH: usize = 1024;
const MAX_MESSAGE: usize = 2048;
const MAX_LOCATION: usize = 2048;
/// Leaves room for what can be done.
const MAX_WHY: usize = 1200;

/// How a run ended, apart from what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::operator) struct Ending {
    /// Why it was told to stop, if a person or the state of things did so.
    pub(in crate::operator) cancelled: Option<Stopped>,
    /// Why it did less than its spec asks for.
    pub(in crate::operator) restrained: Option<String>,
    /// The generation of the run.
    pub(in crate::operator) generation: Option<i64>,
    pub(in crate::operator) run: RunIdentity,
    /// The generation of the policy that was followed.
    pub(in crate::operator) policy_generation: Option<i64>,
    /// The pins of the policy.
    pub(in crate::operator) pins: Vec<String>,
    /// Directories that do not exist, and how many there are in all.
    pub(in crate::operator) absent: Absent,
    pub(in crate::operator) now: Timestamp,
}

/// Why a run was told to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::operator) struct Stopped {
    /// A stable word, where it was not for a person's sake.
    pub(in crate::operator) word: Option<Reason>,
    pub(in crate::operator) why: String,
}

/// The directories of a run that do not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::operator) struct Absent {
    pub(in crate::operator) directories: Vec<String>,
    /// How many directories there should be.
    pub(in crate::operator) of: usize,
}

impl Absent {
    /// Whether there was nothing to look at although there should be.
    pub(in crate::operator) fn is_all(&self) -> bool {
        self.of > 0 && self.directories.len() == self.of
    }

    fn sentence(&self) -> String {
        let Some(first) = self.directories.first() else {
            return String::new();
        };
        let which = match (self.of, self.directories.len()) {
            (1, _) => first.clone(),
            (of, absent) => format!("{absent} of {of} directories, such as {first},"),
        };
        let (verb, them) = match self.directories.len() {
            1 => ("does", "it"),
            _ => ("do", "them"),
        };
        format!(
            "; {which} {verb} not exist: Flink has not made {them} yet, or the volume is not mounted"
        )
    }
}

/// How a person names the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::operator) struct RunIdentity {
    pub(in crate::operator) namespace: String,
    pub(in crate::operator) name: String,
}

/// The status of a run that looked at its bases: it has ended, or asks a person.
pub(in crate::operator) fn ended(
    before: &RetentionRunStatus,
    report: &Report,
    scope: &BTreeSet<JobName>,
    ending: &Ending,
) -> RetentionRunStatus {
    let audience = Audience::of(&ending.run.namespace, &report.evidence);
    let names: BTreeSet<String> = scope.iter().map(ToString::to_string).collect();
    let of_scope = |summary: &&JobSummary| {
        summary
            .owner
            .as_ref()
            .is_some_and(|owner| names.contains(owner))
    };
    let sum = Sum::of(report.summaries.iter().filter(of_scope).cloned());
    let deleted = report.outcome.deleted_amount();
    let planned = planned(report);
    let (phase, sentence) = phase(report, ending, deleted);
    let word = ending.cancelled.as_ref().and_then(|stopped| stopped.word);
    let finding = Finding {
        condition: condition::COMPLETE,
        status: phase.is_finished().into(),
        reason: word.unwrap_or(phase.into()),
        message: shortened(sentence, MAX_MESSAGE),
    };
    // A run that ended because of what became of a file says that.
    let told_to_stop =
        |blocked: &&Blocked| **blocked != Blocked::Cancelled || ending.cancelled.is_some();
    let mut blocked_by = blocked_by(report.outcome.blocked.iter().filter(told_to_stop));
    if let Some(word) = word {
        blocked_by.insert(0, word.to_string());
        blocked_by.truncate(BLOCKED);
    }
    let asked = report.outcome.asked.as_ref();
    let plan = asked.map(|asked| PlanReference {
        digest: asked.digest.to_string(),
        location: (asked.location.chars().count() <= MAX_LOCATION).then(|| asked.location.clone()),
        policy_generation: ending.policy_generation,
    });
    let deadline = ending.now.checked_add(VALID_FOR).ok();
    let superfluous = planned.orphan.bytes.saturating_add(planned.expire.bytes);
    RetentionRunStatus {
        observed_generation: ending.generation,
        phase: Some(phase),
        trigger: before.trigger,
        start_time: before.start_time.clone(),
        attempts: before.attempts,
        completion_time: phase.is_finished().then(|| whole_seconds(ending.now)),
        approval_deadline: asked.and(deadline).map(whole_seconds),
        // What was carried out stays named.
        plan: plan.or_else(|| before.plan.clone().filter(|_| phase != Phase::Blocked)),
        decisions: Some(DecisionAmounts {
            keep: Some(amount(Counted {
                files: sum.live.files.saturating_add(sum.retained.files),
                bytes: sum.live.bytes.saturating_add(sum.retained.bytes),
            })),
            expire: Some(amount(planned.expire)),
            orphan: Some(amount(planned.orphan)),
            protected: Some(amount(sum.protected)),
            marked: Some(amount(sum.marked)),
            deleted: Some(amount(deleted)),
        }),
        protected_by: protected_by(&sum.by_guard, &reasons(report, &names, &audience)),
        jobs: jobs(report, scope),
        sample: sample(report, scope, &audience),
        display: Some(RetentionRunDisplay {
            reclaimable: Some(human(superfluous.saturating_sub(deleted.bytes))),
            deleted: Some(human(deleted.bytes)),
            blocked_by: blocked_by.first().cloned(),
        }),
        blocked_by,
        conditions: merge(
            &before.conditions,
            [finding]
                .into_iter()
                .chain(pins::finding(&ending.pins, &report.inventory)),
            ending.generation,
            ending.now,
        ),
    }
}

/// The status of a run that could not begin, or ended without a report.
pub(in crate::operator) fn refused(
    before: &RetentionRunStatus,
    phase: Phase,
    words: &[Reason],
    why: String,
    ending: &Ending,
) -> RetentionRunStatus {
    let blocked_by: Vec<String> = words
        .iter()
        .take(BLOCKED)
        .map(ToString::to_string)
        .collect();
    let finding = Finding {
        condition: condition::COMPLETE,
        status: ConditionStatus::True,
        reason: words.first().copied().unwrap_or(phase.into()),
        message: shortened(why, MAX_MESSAGE),
    };
    RetentionRunStatus {
        observed_generation: ending.generation,
        phase: Some(phase),
        completion_time: Some(whole_seconds(ending.now)),
        // It asks for nothing any more.
        approval_deadline: None,
        plan: None,
        display: Some(RetentionRunDisplay {
            blocked_by: blocked_by.first().cloned(),
            ..RetentionRunDisplay::default()
        }),
        blocked_by,
        conditions: merge(&before.conditions, [finding], ending.generation, ending.now),
        ..before.clone()
    }
}

fn phase(report: &Report, ending: &Ending, deleted: Counted) -> (Phase, String) {
    let done = format!(
        "deleted {}, {}",
        count(deleted.files, "file", "files"),
        size(deleted.bytes)
    );
    let restrained = ending
        .restrained
        .as_ref()
        .map(|why| format!("; {why}"))
        .unwrap_or_default();
    if let Some(Stopped { word: _, why }) = &ending.cancelled {
        return (Phase::Cancelled, format!("{why}; {done}"));
    }
    let asks: Vec<String> = report
        .outcome
        .blocked
        .iter()
        .filter(|blocked| asks_for_a_person(blocked))
        .map(told)
        .collect();
    let approve = report.outcome.asked.as_ref().map(|asked| {
        let (files, bytes) = (asked.files.files, asked.files.bytes);
        let what = format!("{}, {}", count(files, "file", "files"), size(bytes));
        (what, command(&ending.run, asked))
    });
    match (asks.is_empty(), approve) {
        (false, Some((what, command))) => {
            let why = shortened(asks.join("; "), MAX_WHY);
            let sentence = format!(
                "{why}. If that is right, say so, which also lets {what} go: {command} ({done})"
            );
            return (Phase::Blocked, sentence);
        }
        (false, None) => return (Phase::Blocked, format!("{}; {done}", asks.join("; "))),
        (true, Some((what, command))) => {
            let sentence = format!("{what} can be deleted; approve with: {command}");
            return (Phase::AwaitingApproval, sentence);
        }
        (true, None) => {}
    }
    if let Some(first) = report.outcome.failed.first() {
        let failed = count(report.outcome.failed.len() as u64, "file", "files");
        return (
            Phase::Failed,
            format!(
                "{failed} could not be deleted, such as {}: {}; {done}",
                first.path, first.why
            ),
        );
    }
    let absent = ending.absent.sentence();
    (Phase::Succeeded, format!("{done}{restrained}{absent}"))
}

fn asks_for_a_person(blocked: &Blocked) -> bool {
    match blocked {
        Blocked::BaseOwnedByAnother { .. }
        | Blocked::JournalUnusable { .. }
        | Blocked::ClockSkew { .. }
        | Blocked::IncompleteListing { .. }
        | Blocked::ReferencedShrank { .. }
        | Blocked::PlanNotFound { .. }
        | Blocked::VerificationTooSlow { .. } => true,
        Blocked::LimitReached { .. } | Blocked::Cancelled => false,
    }
}

/// What a person can copy into a shell.
fn command(run: &RunIdentity, asked: &Asked) -> String {
    let RunIdentity { namespace, name } = run;
    let patch = json!({"spec": {"approval": {"planDigest": asked.digest.to_string()}}});
    format!("kubectl -n {namespace} patch frr {name} --type merge -p '{patch}'")
}

/// With sizes as people read them.
fn told(blocked: &Blocked) -> String {
    let Blocked::ReferencedShrank { base, shrink } = blocked else {
        return blocked.to_string();
    };
    let Shrink {
        before,
        now,
        max_percent,
    } = shrink;
    format!(
        "{base} has shrunk: snapshots reference {} now and {} at the last completed run, in {} and {} places (job directories with a checkpoint, and savepoints); the limit is {max_percent} %",
        size(now.referenced_bytes),
        size(before.referenced_bytes),
        now.roots,
        before.roots
    )
}

/// At most as many lines as the API takes, the last of which says how many there would be.
fn blocked_by<'b>(blocked: impl Iterator<Item = &'b Blocked>) -> Vec<String> {
    let mut lines: Vec<String> = blocked.map(blocked_line).collect();
    if lines.len() > BLOCKED {
        let more = lines.len() - (BLOCKED - 1);
        lines.truncate(BLOCKED - 1);
        lines.push(format!("and {more} more"));
    }
    lines
}

fn blocked_line(blocked: &Blocked) -> String {
    shortened(
        format!("{}: {}", reason(blocked), told(blocked)),
        MAX_BLOCKED,
    )
}

fn reason(blocked: &Blocked) -> Reason {
    match blocked {
        Blocked::BaseOwnedByAnother { .. } => Reason::BaseOwnedByAnother,
        Blocked::JournalUnusable { .. } => Reason::JournalUnusable,
        Blocked::ClockSkew { .. } => Reason::ClockSkew,
        Blocked::IncompleteListing { .. } => Reason::IncompleteListing,
        Blocked::ReferencedShrank { .. } => Reason::ReferencedShrank,
        Blocked::PlanNotFound { .. } => Reason::PlanNotFound,
        Blocked::VerificationTooSlow { .. } => Reason::VerificationTooSlow,
        Blocked::LimitReached { .. } => Reason::LimitReached,
        Blocked::Cancelled => Reason::Cancelled,
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Planned {
    expire: Counted,
    orphan: Counted,
}

fn planned(report: &Report) -> Planned {
    let mut planned = Planned::default();
    for entry in &report.plan.entries {
        let sum = match &entry.decision {
            Decision::Expire(_) => &mut planned.expire,
            Decision::Orphan(_) => &mut planned.orphan,
            Decision::Keep(_) | Decision::Protected(_) => continue,
        };
        *sum += Counted {
            files: 1,
            bytes: entry.size,
        };
    }
    planned
}

/// The jobs with the most superfluous bytes.
fn jobs(report: &Report, scope: &BTreeSet<JobName>) -> Vec<JobOutcome> {
    let mut by_owner: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for summary in &report.summaries {
        if let Some(owner) = &summary.owner {
            let (orphaned, protected) = by_owner.entry(owner).or_default();
            *orphaned = orphaned.saturating_add(summary.orphaned.bytes);
            *protected = protected.saturating_add(summary.protected.bytes);
        }
    }
    let mut jobs: Vec<JobOutcome> = scope
        .iter()
        .map(|job| {
            let (orphaned, protected) = by_owner
                .get(job.to_string().as_str())
                .copied()
                .unwrap_or_default();
            JobOutcome {
                kind: job.kind.clone(),
                name: job.name.clone(),
                orphan_bytes: int64(orphaned),
                message: (protected > 0)
                    .then(|| format!("{} protected by guards", size(protected))),
            }
        })
        .collect();
    jobs.sort_by_key(|job| std::cmp::Reverse(job.orphan_bytes));
    jobs.truncate(JOBS);
    jobs
}

/// First what can go now, then what will, then what a guard keeps. Files of jobs that the policy does not select are not told.
fn sample(report: &Report, scope: &BTreeSet<JobName>, audience: &Audience<'_>) -> Vec<SampleFile> {
    let owners = Owners::of(
        &report.evidence,
        &report.inventory,
        &WholeSnapshots::of(&report.inventory),
    );
    let ours = |entry: &&PlanEntry| {
        let owner = entry
            .placement
            .job
            .as_deref()
            .and_then(|job| owners.get(entry.base, job)?.job);
        owner.is_some_and(|job| scope.contains(&job.name))
    };
    let of = |wanted: fn(&PlanEntry) -> bool| {
        report
            .plan
            .entries
            .iter()
            .filter(move |entry| wanted(entry))
            .filter(ours)
            .filter_map(|entry| described(report, entry, audience))
    };
    of(|entry| entry.ripeness == Ripeness::Ripe)
        .chain(of(|entry| {
            entry.decision.deletes() && entry.ripeness != Ripeness::Ripe
        }))
        .chain(of(|entry| matches!(entry.decision, Decision::Protected(_))))
        .take(SAMPLE)
        .collect()
}

fn described(report: &Report, entry: &PlanEntry, audience: &Audience<'_>) -> Option<SampleFile> {
    let path = report
        .inventory
        .location(entry.base, &entry.path)?
        .to_string();
    if path.chars().count() > MAX_PATH {
        return None;
    }
    Some(SampleFile {
        path,
        decision: match &entry.decision {
            Decision::Keep(_) => SampleDecision::Keep,
            Decision::Expire(_) => SampleDecision::Expire,
            Decision::Orphan(_) => SampleDecision::Orphan,
            Decision::Protected(_) => SampleDecision::Protected,
        },
        reason: shortened(audience.told(&entry.decision.reason()), MAX_REASON),
        bytes: int64(entry.size),
    })
}

#[cfg(test)]
mod tests;
