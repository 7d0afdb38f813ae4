//! From what a run found to the contents of a report: adds up, sorts, and leaves out what is too much to read.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use retention::guard::Guard;
use retention::inventory::{BaseId, Listing};
use retention::layout::JobDirectory;
use retention::plan::{Decision, JobSummary, PlanEntry, Ripeness, forgotten};

use super::contents::{
    Amount, Classes, Contents, Directory, FORMAT_VERSION, Guarded, Job, Orphan, Problem, Snapshot,
    Top, bounded,
};
use super::savings;
use super::snapshots;
use crate::cli::places::job_name;
use crate::engine::Report;

/// What a person still reads. Everything else is counted.
const JOBS: usize = 100;
const DIRECTORIES: usize = 20;
const SNAPSHOTS: usize = 30;
const ORPHANS: usize = 50;
const PROBLEMS: usize = 20;

/// Files that belong to no job.
const NO_JOB: &str = "(no job)";

#[derive(Default)]
struct Gathered {
    total: Classes,
    directories: Vec<Directory>,
    snapshots: Vec<Snapshot>,
}

pub(super) fn contents(report: &Report) -> Contents {
    let savings = savings::by_job(report);
    let mut jobs: BTreeMap<String, Gathered> = BTreeMap::new();
    let mut names: BTreeMap<(BaseId, Option<&JobDirectory>), String> = BTreeMap::new();
    let mut total = Classes::default();
    for summary in listed(report) {
        let name = name(summary);
        names.insert((summary.base, summary.directory.as_ref()), name.clone());
        let job = jobs.entry(name).or_default();
        let classes = classes(summary);
        total += classes;
        job.total += classes;
        job.directories.extend(directory(report, summary, classes));
    }
    for (base, job, snapshot) in snapshots::all(report) {
        if let Some(name) = names.get(&(base, job)) {
            jobs.entry(name.clone())
                .or_default()
                .snapshots
                .push(snapshot);
        }
    }
    let mut jobs: Vec<Job> = jobs
        .into_iter()
        .map(|(name, gathered)| {
            let Gathered {
                total,
                mut directories,
                mut snapshots,
            } = gathered;
            directories.sort_by_key(|directory| Reverse(directory.total.all().bytes));
            snapshots.sort_by(|a, b| (b.completed, &b.path).cmp(&(a.completed, &a.path)));
            Job {
                savings: savings.of_job(&name),
                name: bounded(&name),
                total,
                directories: Top::of(directories, DIRECTORIES),
                snapshots: Top::of(snapshots, SNAPSHOTS),
            }
        })
        .collect();
    jobs.sort_by_key(|job| Reverse(job.total.all().bytes));
    Contents {
        format_version: FORMAT_VERSION,
        made: report.plan.now,
        directories: report
            .inventory
            .bases
            .iter()
            .filter(|base| is_listed(&base.listing))
            .map(|base| bounded(&base.location))
            .collect(),
        savings: savings.all(),
        total,
        jobs: Top::of(jobs, JOBS),
        orphans_by_reason: by_reason(report),
        orphans: orphans(report),
        guards: guards(report),
        problems: Top::of(problems(report), PROBLEMS),
    }
}

/// Where only references were read, nothing is judged.
pub(super) fn is_listed(listing: &Listing) -> bool {
    match listing {
        Listing::NotAsked => false,
        Listing::Complete { .. } | Listing::Incomplete { .. } => true,
    }
}

pub(super) fn listed(report: &Report) -> impl Iterator<Item = &JobSummary> {
    report.summaries.iter().filter(|summary| {
        let base = report.inventory.base(summary.base);
        base.is_some_and(|base| is_listed(&base.listing))
    })
}

/// The resource, which may have had many directories; else the job.
pub(super) fn name(summary: &JobSummary) -> String {
    match (&summary.owner, &summary.directory) {
        (Some(owner), _) => owner.clone(),
        (None, Some(directory)) if directory.job_id.is_some() => {
            format!("job {}", job_name(directory))
        }
        (None, Some(directory)) => job_name(directory),
        (None, None) => NO_JOB.to_owned(),
    }
}

fn classes(summary: &JobSummary) -> Classes {
    Classes {
        live: summary.live.into(),
        retained: summary.retained.into(),
        orphaned: summary.orphaned.into(),
        protected: summary.protected.into(),
    }
}

fn directory(report: &Report, summary: &JobSummary, total: Classes) -> Option<Directory> {
    let base = &report.inventory.base(summary.base)?.location;
    let path = match &summary.directory {
        Some(directory) if !directory.path.is_empty() => base.join(&directory.path),
        Some(_) | None => base.clone(),
    };
    let guards = summary.by_guard.iter();
    Some(Directory {
        path: bounded(&path),
        class: summary.class.as_str().to_owned(),
        why: bounded(&summary.why),
        total,
        guards: guards
            .map(|(guard, amount)| (guard.to_string(), (*amount).into()))
            .collect(),
    })
}

fn by_reason(report: &Report) -> BTreeMap<String, Amount> {
    let mut reasons: BTreeMap<String, Amount> = BTreeMap::new();
    for entry in superfluous(report) {
        *reasons.entry(entry.decision.reason()).or_default() += amount(entry);
    }
    reasons
}

fn superfluous(report: &Report) -> impl Iterator<Item = &PlanEntry> {
    let entries = report.plan.entries.iter();
    entries.filter(|entry| entry.decision.deletes())
}

pub(super) fn amount(entry: &PlanEntry) -> Amount {
    Amount {
        files: 1,
        bytes: entry.size,
    }
}

/// The largest, without sorting millions.
fn orphans(report: &Report) -> Top<Orphan> {
    let mut largest = BinaryHeap::new();
    let mut count = 0_u64;
    for (position, entry) in report.plan.entries.iter().enumerate() {
        if entry.decision.deletes() {
            count += 1;
            largest.push(Reverse((entry.size, Reverse(position))));
            if largest.len() > ORPHANS {
                largest.pop();
            }
        }
    }
    let first: Vec<Orphan> = largest
        .into_sorted_vec()
        .into_iter()
        .filter_map(|Reverse((_, Reverse(position)))| {
            orphan(report, report.plan.entries.get(position)?)
        })
        .collect();
    Top {
        more: count.saturating_sub(first.len() as u64),
        first,
    }
}

fn orphan(report: &Report, entry: &PlanEntry) -> Option<Orphan> {
    Some(Orphan {
        path: bounded(&report.inventory.location(entry.base, &entry.path)?),
        bytes: entry.size,
        modified: entry.modified,
        reason: entry.decision.reason(),
        goes: match &entry.ripeness {
            Ripeness::Ripe => "now".to_owned(),
            Ripeness::Waiting(waiting) => waiting.to_string(),
            Ripeness::NotApplicable => "-".to_owned(),
        },
    })
}

/// By bytes, with what each says of its largest file: one sentence for thousands.
fn guards(report: &Report) -> Vec<Guarded> {
    let mut guards: BTreeMap<Guard, (Amount, &PlanEntry)> = BTreeMap::new();
    for entry in &report.plan.entries {
        let Decision::Protected(protection) = &entry.decision else {
            continue;
        };
        let first = (Amount::default(), entry);
        let (sum, largest) = guards.entry(protection.guard).or_insert(first);
        *sum += amount(entry);
        if entry.size > largest.size {
            *largest = entry;
        }
    }
    let mut guards: Vec<Guarded> = guards
        .into_iter()
        .filter_map(|(guard, (amount, entry))| {
            let Decision::Protected(protection) = &entry.decision else {
                return None;
            };
            Some(Guarded {
                guard: guard.to_string(),
                amount,
                example: bounded(&report.inventory.location(entry.base, &entry.path)?),
                why: bounded(&protection.why),
            })
        })
        .collect();
    guards.sort_by_key(|guarded| Reverse(guarded.amount.bytes));
    guards
}

fn problems(report: &Report) -> Vec<Problem> {
    let blocked = report.outcome.blocked.iter().map(|blocked| Problem {
        what: blocked.word().to_owned(),
        why: bounded(&blocked),
    });
    let incomplete = report.inventory.bases.iter().filter_map(|base| {
        let Listing::Incomplete { why } = &base.listing else {
            return None;
        };
        Some(Problem {
            what: bounded(&base.location),
            why: bounded(&format_args!("it was not listed to its end: {why}")),
        })
    });
    let forgotten = forgotten(&report.inventory, &report.baselines);
    let gaps = report.evidence.gaps.iter();
    let gaps = gaps.chain(&report.inventory.gaps).chain(&forgotten);
    let gaps = gaps.map(|gap| Problem {
        what: bounded(&gap.what),
        why: bounded(&gap.why),
    });
    blocked.chain(incomplete).chain(gaps).collect()
}
