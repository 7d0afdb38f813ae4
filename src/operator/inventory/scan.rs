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
use crate::operator::audience::Audience;
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
    /// Which snapshot Flink would use, where those who name the newest disagree.
    pub(in crate::operator) disagreement: Option<String>,
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
    // A policy selects jobs of its own namespace only.
    let namespace = jobs.first().map_or("", |job| &job.namespace);
    let audience = Audience::of(namespace, &report.evidence);
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
                disagreement,
                counts,
            } = judge(job, &report.inventory, report.finished);
            let scan = JobScan {
                at: report.finished,
                verdict,
                latest,
                disagreement,
                snapshots: counts,
                storage: sum.by_class(),
                protected_by: protected_by(
                    &sum.by_guard,
                    &reasons(report, &[owner].into(), &audience),
                ),
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
    /// When files that were marked now are old enough at the earliest; empty if nothing was marked.
    marked_now: BTreeMap<Directory<'a>, Timestamp>,
    /// When they were marked.
    at: Timestamp,
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
            at: report.finished,
            marks,
        };
        for entry in report
            .plan
            .entries
            .iter()
            .filter(|entry| entry.decision.deletes())
        {
            let directory = (entry.base, entry.placement.job.as_deref());
            let location = report.inventory.location(entry.base, &entry.path);
            if location.is_some_and(|location| paths.contains(location.to_string().as_str())) {
                *after.deleted.entry(directory).or_default() += Counted {
                    files: 1,
                    bytes: entry.size,
                };
            } else if marks && entry.ripeness == Ripeness::Waiting(Waiting::Mark) {
                let age = entry
                    .modified
                    .and_then(|modified| modified.checked_add(policy.min_age).ok());
                let age = age.unwrap_or(Timestamp::MAX);
                let earliest = after.marked_now.entry(directory).or_insert(age);
                *earliest = (*earliest).min(age);
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
        let grace = self.at.checked_add(summary.grace_period);
        let earliest = earliest.map(|age| age.max(grace.unwrap_or(Timestamp::MAX)));
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
                grace_period: _,
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
    reasons: &BTreeMap<Guard, String>,
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
                .map(|why| shortened(why.clone(), MAX_REASON)),
            bytes,
            files,
        }
    };
    guards.into_iter().map(entry).collect()
}

/// A reason of each guard, for files of these jobs.
pub(in crate::operator) fn reasons(
    report: &Report,
    jobs: &BTreeSet<String>,
    audience: &Audience<'_>,
) -> BTreeMap<Guard, String> {
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
        let directory = (entry.base, entry.placement.job.as_deref());
        if let Decision::Protected(protection) = &entry.decision
            && directories.contains(&directory)
        {
            reasons
                .entry(protection.guard)
                .or_insert_with(|| audience.told(&protection.why));
        }
    }
    reasons
}

/// Whether a base was marked all the same.
fn lets_mark(blocked: &Blocked) -> bool {
    match blocked {
        Blocked::VerificationTooSlow { .. }
        | Blocked::LimitReached { .. }
        | Blocked::Cancelled => true,
        Blocked::BaseOwnedByAnother { .. }
        | Blocked::JournalUnusable { .. }
        | Blocked::ClockSkew { .. }
        | Blocked::IncompleteListing { .. }
        // Nothing new is marked then, and after another approval all is looked at again.
        | Blocked::ReferencedShrank { .. }
        | Blocked::PlanNotFound { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::engine::Outcome;
    use jiff::SignedDuration;
    use retention::evidence::Evidence;
    use retention::inventory::Inventory;
    use retention::layout::place;
    use retention::owner::OwnerClass;
    use retention::plan::{OrphanKind, Plan, PlanEntry};

    /// One file, written an hour before the run that marked it.
    fn marked(grace_period: SignedDuration) -> Option<Timestamp> {
        let finished: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
        let path = "00000000000000000000000000000abc/shared/00000000-0000-4000-8000-000000000001";
        let entry = PlanEntry {
            base: BaseId(0),
            path: path.into(),
            placement: place(path),
            size: 1,
            modified: Some(finished - SignedDuration::from_hours(1)),
            class: OwnerClass::Running,
            decision: Decision::Orphan(OrphanKind::of(place(path).kind).unwrap()),
            since: None,
            ripeness: Ripeness::Waiting(Waiting::Mark),
        };
        let summary = JobSummary {
            base: BaseId(0),
            directory: entry.placement.job.as_deref().cloned(),
            class: OwnerClass::Running,
            owner: None,
            why: String::new(),
            live: Counted::default(),
            retained: Counted::default(),
            orphaned: Counted { files: 1, bytes: 1 },
            marked: Counted::default(),
            ripe: Counted::default(),
            protected: Counted::default(),
            by_guard: BTreeMap::new(),
            grace_period,
            earliest: None,
        };
        let report = Report {
            started: finished,
            finished,
            evidence: Evidence {
                taken_at: finished,
                jobs: Vec::new(),
                roots: Vec::new(),
                high_availability_ids: Vec::new(),
                gaps: Vec::new(),
            },
            inventory: Inventory::default(),
            marks: Vec::new(),
            baselines: Vec::new(),
            plan: Plan {
                now: finished,
                entries: vec![entry],
                snapshots: Vec::new(),
            },
            summaries: vec![summary],
            outcome: Outcome::default(),
        };
        let policy = Policy {
            min_age: SignedDuration::from_hours(3),
            ..Policy::default()
        };
        let after = After::of(&report, Mode::Enforce, &policy);
        after.applied(&report.summaries[0]).earliest
    }

    #[test]
    fn what_is_marked_now_waits_for_its_own_grace_and_age() {
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        // Twice the checkpoint timeout of a slow job.
        assert_eq!(
            marked(SignedDuration::from_hours(26)),
            at("2026-01-03T02:00:00Z")
        );
        assert_eq!(
            marked(SignedDuration::from_hours(1)),
            at("2026-01-02T02:00:00Z")
        );
    }
}
