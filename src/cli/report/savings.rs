//! What a policy frees once it is enforced, and what becomes superfluous by that.

use std::collections::{BTreeMap, HashSet};

use retention::inventory::BaseId;
use retention::keep::Verdict;
use retention::layout::{JobDirectory, place};
use retention::plan::{Decision, SnapshotEntry};
use retention::reference::{FileId, Found};

use super::contents::{Amount, Savings};
use super::gather::{is_listed, listed, name};
use crate::cli::output::{count, size};
use crate::engine::Report;

/// By the name of the job.
#[derive(Debug, Default)]
pub(in crate::cli) struct SavingsByJob(BTreeMap<String, Savings>);

impl SavingsByJob {
    pub(in crate::cli) fn all(&self) -> Savings {
        let mut all = Savings::default();
        for savings in self.0.values() {
            all += *savings;
        }
        all
    }

    pub(super) fn of_job(&self, name: &str) -> Savings {
        self.0.get(name).copied().unwrap_or_default()
    }
}

impl Savings {
    /// One line, the first that is said.
    pub(in crate::cli) fn line(&self) -> String {
        let Self {
            reclaimable,
            ripe,
            later,
        } = self;
        let more = if later.files == 0 {
            String::new()
        } else {
            format!(
                "; then up to {} more, which only snapshots name that expire",
                size(later.bytes)
            )
        };
        format!(
            "reclaimable: {} in {}, of which {} may go now{more}",
            size(reclaimable.bytes),
            count(reclaimable.files, "file", "files"),
            size(ripe.bytes),
        )
    }
}

pub(in crate::cli) fn by_job(report: &Report) -> SavingsByJob {
    let mut jobs: BTreeMap<String, Savings> = BTreeMap::new();
    let mut names: BTreeMap<(BaseId, Option<&JobDirectory>), String> = BTreeMap::new();
    for summary in listed(report) {
        let name = name(summary);
        *jobs.entry(name.clone()).or_default() += Savings {
            reclaimable: summary.orphaned.into(),
            ripe: summary.ripe.into(),
            later: Amount::default(),
        };
        names.insert((summary.base, summary.directory.as_ref()), name);
    }
    for (base, job, bytes) in freed_later(report) {
        let Some(name) = names.get(&(base, job.as_ref())) else {
            continue;
        };
        jobs.entry(name.clone()).or_default().later += Amount { files: 1, bytes };
    }
    SavingsByJob(jobs)
}

/// Files that are there and that only snapshots name which go, and that do not go with them: shared ones. They become
/// orphans in the run after, if no guard objects then.
fn freed_later(report: &Report) -> Vec<(BaseId, Option<JobDirectory>, u64)> {
    let inventory = &report.inventory;
    let going: HashSet<usize> = report
        .plan
        .snapshots
        .iter()
        .filter(|entry| goes(report, entry))
        .map(|entry| entry.snapshot)
        .collect();
    if going.is_empty() {
        return Vec::new();
    }
    let (going, staying): (Vec<_>, Vec<_>) = inventory
        .snapshots
        .iter()
        .enumerate()
        .partition(|(position, _)| going.contains(position));
    let mut files: HashSet<FileId> = going
        .iter()
        .flat_map(|(_, snapshot)| &snapshot.references)
        .map(|reference| reference.file)
        .collect();
    for (_, snapshot) in staying {
        for reference in &snapshot.references {
            files.remove(&reference.file);
        }
    }
    let table = &inventory.references;
    files
        .into_iter()
        .filter_map(|file| {
            let Found::Present { size, modified: _ } = table.state(file) else {
                return None;
            };
            let location = table.location(file)?;
            let (base, path) = inventory
                .bases
                .iter()
                .enumerate()
                .filter(|(_, base)| is_listed(&base.listing))
                .filter_map(|(position, base)| {
                    Some((BaseId(position), location.relative_to(&base.location)?))
                })
                .min_by_key(|(_, path)| path.len())?;
            let job = place(path).job.map(|job| JobDirectory::clone(&job));
            (!report.plan.has(base, path)).then_some((base, job, size))
        })
        .collect()
}

/// By the decision for its `_metadata`: a guard may object to what no rule keeps.
fn goes(report: &Report, entry: &SnapshotEntry) -> bool {
    entry.verdict == Verdict::Expire
        && snapshot_decision(report, entry).is_some_and(Decision::deletes)
}

/// What is decided about the `_metadata` of a stored snapshot, if it is not plainly kept.
pub(super) fn snapshot_decision<'r>(
    report: &'r Report,
    entry: &SnapshotEntry,
) -> Option<&'r Decision> {
    let snapshot = report.inventory.snapshots.get(entry.snapshot)?;
    let place = snapshot.place.as_ref()?;
    decision(report, place.base, &place.metadata_path)
}

pub(super) fn decision<'r>(report: &'r Report, base: BaseId, path: &str) -> Option<&'r Decision> {
    let entries = &report.plan.entries;
    let found = entries.binary_search_by(|entry| (entry.base, &*entry.path).cmp(&(base, path)));
    entries.get(found.ok()?).map(|entry| &entry.decision)
}
