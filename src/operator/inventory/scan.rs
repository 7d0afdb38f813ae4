//! What one run found, job by job.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use retention::evidence::JobName;
use retention::guard::Guard;
use retention::inventory::BaseId;
use retention::layout::JobDirectory;
use retention::plan::{Amount as Counted, Decision, JobSummary, Ripeness, Waiting};
use retention::policy::Policy;

use super::latest::{Judged, Verdict, judge};
use crate::api::checkpoint_inventory::{LatestRestorable, SnapshotCounts};
use crate::api::retention_run::ProtectedByGuard;
use crate::api::{Amount, StorageByClass};
use crate::engine::{Blocked, Mode, Report};
use crate::operator::events::shortened;

/// Bytes of a guard's reason; the definition allows as many characters.
const MAX_REASON: usize = 512;

/// What a run found for one job.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::operator) struct JobScan {
    /// When the scan was over.
    pub(in crate::operator) at: Timestamp,
    pub(in crate::operator) verdict: Verdict,
    pub(in crate::operator) latest: Option<LatestRestorable>,
    pub(in crate::operator) snapshots: SnapshotCounts,
    pub(in crate::operator) storage: StorageByClass,
    pub(in crate::operator) protected_by: Vec<ProtectedByGuard>,
    pub(in crate::operator) earliest: Option<Timestamp>,
}

/// What a run found, and left, for the jobs that it was for.
pub(in crate::operator) fn job_scans(
    report: &Report,
    jobs: &BTreeSet<JobName>,
    mode: Mode,
    policy: &Policy,
) -> Vec<(JobName, JobScan)> {
    let after = After::of(report, mode, policy);
    let of_run = report
        .evidence
        .jobs
        .iter()
        .filter(|job| jobs.contains(&job.name));
    of_run
        .map(|job| {
            let owner = job.name.to_string();
            let of_job = report
                .summaries
                .iter()
                .filter(|summary| summary.owner.as_ref() == Some(&owner));
            let sum = Sum::of(of_job.map(|summary| after.applied(summary)));
            let Judged {
                verdict,
                latest,
                counts,
            } = judge(job, &report.inventory, report.finished);
            let scan = JobScan {
                at: report.finished,
                verdict,
                latest,
                snapshots: counts,
                storage: sum.by_class(),
                protected_by: protected_by(&sum.by_guard, &reasons(report, &[owner].into())),
                earliest: sum.earliest,
            };
            (job.name.clone(), scan)
        })
        .collect()
}

type Directory<'a> = (BaseId, Option<&'a JobDirectory>);

/// What a run changed, by job directory: summaries are made before anything is marked or deleted.
#[derive(Debug)]
struct After<'a> {
    deleted: BTreeMap<Directory<'a>, Counted>,
    /// When files that were marked now can go at the earliest; empty if nothing was marked.
    marked_now: BTreeMap<Directory<'a>, Timestamp>,
    marks: bool,
}

impl<'a> After<'a> {
    fn of(report: &'a Report, mode: Mode, policy: &Policy) -> Self {
        let paths: BTreeSet<&str> = report
            .outcome
            .deleted
            .iter()
            .map(|deleted| deleted.path.as_str())
            .collect();
        let marks = mode == Mode::Enforce && report.outcome.blocked.iter().all(lets_mark);
        let mut after = Self {
            deleted: BTreeMap::new(),
            marked_now: BTreeMap::new(),
            marks,
        };
        for entry in report
            .plan
            .entries
            .iter()
            .filter(|entry| entry.decision.deletes())
        {
            let directory = (entry.base, entry.placement.job.as_ref());
            let location = report.inventory.location(entry.base, &entry.path);
            if location.is_some_and(|location| paths.contains(location.to_string().as_str())) {
                *after.deleted.entry(directory).or_default() += Counted {
                    files: 1,
                    bytes: entry.size,
                };
            } else if marks && entry.ripeness == Ripeness::Waiting(Waiting::Mark) {
                let grace = report
                    .finished
                    .checked_add(policy.grace_period)
                    .unwrap_or(Timestamp::MAX);
                let age = entry
                    .modified
                    .and_then(|modified| modified.checked_add(policy.min_age).ok());
                let ripe = age.unwrap_or(Timestamp::MAX).max(grace);
                let earliest = after.marked_now.entry(directory).or_insert(ripe);
                *earliest = (*earliest).min(ripe);
            }
        }
        after
    }

    fn applied(&self, summary: &JobSummary) -> JobSummary {
        let mut summary = summary.clone();
        let directory = (summary.base, summary.directory.as_ref());
        let (deleted, earliest) = (
            self.deleted.get(&directory).copied(),
            self.marked_now.get(&directory).copied(),
        );
        let deleted = deleted.unwrap_or_default();
        for amount in [&mut summary.orphaned, &mut summary.marked] {
            amount.files = amount.files.saturating_sub(deleted.files);
            amount.bytes = amount.bytes.saturating_sub(deleted.bytes);
        }
        if self.marks {
            summary.marked = summary.orphaned;
        }
        summary.earliest = match (summary.earliest, earliest) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        summary
    }
}

/// Several job directories added up.
#[derive(Clone, Debug, Default)]
pub(in crate::operator) struct Sum {
    pub(in crate::operator) live: Counted,
    pub(in crate::operator) retained: Counted,
    pub(in crate::operator) orphaned: Counted,
    pub(in crate::operator) marked: Counted,
    pub(in crate::operator) protected: Counted,
    pub(in crate::operator) by_guard: BTreeMap<Guard, Counted>,
    pub(in crate::operator) earliest: Option<Timestamp>,
}

impl Sum {
    pub(in crate::operator) fn of(summaries: impl IntoIterator<Item = JobSummary>) -> Self {
        let mut sum = Self::default();
        for summary in summaries {
            let JobSummary {
                base: _,
                directory: _,
                class: _,
                owner: _,
                why: _,
                live,
                retained,
                orphaned,
                marked,
                // A part of what is marked.
                ripe: _,
                protected,
                by_guard,
                earliest,
            } = summary;
            sum.live += live;
            sum.retained += retained;
            sum.orphaned += orphaned;
            sum.marked += marked;
            sum.protected += protected;
            for (guard, amount) in by_guard {
                *sum.by_guard.entry(guard).or_default() += amount;
            }
            sum.earliest = match (sum.earliest, earliest) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        sum
    }

    pub(in crate::operator) fn by_class(&self) -> StorageByClass {
        StorageByClass {
            live: Some(amount(self.live)),
            retained: Some(amount(self.retained)),
            orphaned: Some(amount(self.orphaned)),
            marked: Some(amount(self.marked)),
            protected: Some(amount(self.protected)),
        }
    }
}

pub(in crate::operator) fn amount(counted: Counted) -> Amount {
    Amount::new(counted.bytes, counted.files)
}

/// The guards that kept something, the one that kept most first, each with one of its reasons.
pub(in crate::operator) fn protected_by(
    by_guard: &BTreeMap<Guard, Counted>,
    reasons: &BTreeMap<Guard, &str>,
) -> Vec<ProtectedByGuard> {
    let mut guards: Vec<(&Guard, &Counted)> = by_guard
        .iter()
        .filter(|(_, amount)| amount.files > 0)
        .collect();
    guards.sort_by_key(|(_, amount)| std::cmp::Reverse(amount.bytes));
    let entry = |(guard, counted): (&Guard, &Counted)| {
        let Amount { bytes, files } = amount(*counted);
        ProtectedByGuard {
            guard: guard.as_str().to_owned(),
            message: reasons
                .get(guard)
                .map(|&why| shortened(why.to_owned(), MAX_REASON)),
            bytes,
            files,
        }
    };
    guards.into_iter().map(entry).collect()
}

/// A reason of each guard, for files of these jobs.
pub(in crate::operator) fn reasons<'a>(
    report: &'a Report,
    jobs: &BTreeSet<String>,
) -> BTreeMap<Guard, &'a str> {
    let directories: BTreeSet<Directory<'_>> = report
        .summaries
        .iter()
        .filter(|summary| {
            summary
                .owner
                .as_ref()
                .is_some_and(|owner| jobs.contains(owner))
        })
        .map(|summary| (summary.base, summary.directory.as_ref()))
        .collect();
    let mut reasons = BTreeMap::new();
    for entry in &report.plan.entries {
        let directory = (entry.base, entry.placement.job.as_ref());
        if let Decision::Protected(protection) = &entry.decision
            && directories.contains(&directory)
        {
            reasons
                .entry(protection.guard)
                .or_insert(protection.why.as_str());
        }
    }
    reasons
}

/// Whether a base was marked all the same.
fn lets_mark(blocked: &Blocked) -> bool {
    match blocked {
        Blocked::LimitReached { .. } | Blocked::Cancelled => true,
        Blocked::BaseOwnedByAnother { .. }
        | Blocked::JournalUnusable { .. }
        | Blocked::IncompleteListing { .. }
        // Nothing new is marked then, and after another approval all is looked at again.
        | Blocked::ReferencedShrank { .. }
        | Blocked::PlanNotFound { .. } => false,
    }
}
