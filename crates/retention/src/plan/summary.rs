use super::ripeness::effective_grace;
use super::{Context, Decision, Plan, Ripeness, Waiting};
use crate::guard::Guard;
use crate::inventory::BaseId;
use crate::keep::{KeepReason, Verdict};
use crate::layout::{JobDirectory, place};
use crate::owner::OwnerClass;
use crate::reference::{FileId, Found};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::AddAssign;

/// A number of files and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Amount {
    pub files: u64,
    pub bytes: u64,
}

/// What a job directory holds, by class. The directory may be none: savepoints and foreign files of a base.
#[derive(Clone, Debug)]
pub struct JobSummary {
    pub base: BaseId,
    pub directory: Option<JobDirectory>,
    pub class: OwnerClass,
    /// The resource that owns it.
    pub owner: Option<String>,
    /// Why it has its class.
    pub why: String,
    /// Named by what Flink manages or by the newest restorable snapshot.
    pub live: Amount,
    /// Named by other kept snapshots.
    pub retained: Amount,
    /// Superfluous, marked or not.
    pub orphaned: Amount,
    /// Superfluous and marked by an earlier run.
    pub marked: Amount,
    /// Superfluous, and may go now.
    pub ripe: Amount,
    /// Named by nobody, kept by guards.
    pub protected: Amount,
    pub by_guard: BTreeMap<Guard, Amount>,
    /// How long its files must have been marked: for a running job at least twice its checkpoint timeout.
    pub grace_period: SignedDuration,
    /// The earliest time at which the clock allows a superfluous file to go.
    pub earliest: Option<Timestamp>,
}

/// Adds up a plan by job directory.
#[must_use]
pub fn summarise(context: &Context<'_>, plan: &Plan) -> Vec<JobSummary> {
    let mut summaries = Summaries {
        context,
        by_directory: BTreeMap::new(),
    };
    for (base, directory, _) in context.owners.iter() {
        summaries.of(base, Some(directory));
    }
    referenced(context, plan, &mut summaries);
    for entry in &plan.entries {
        let summary = summaries.of(entry.base, entry.placement.job.as_deref());
        let amount = Amount {
            files: 1,
            bytes: entry.size,
        };
        match &entry.decision {
            Decision::Keep(_) => summary.retained += amount,
            Decision::Protected(protection) => {
                summary.protected += amount;
                *summary.by_guard.entry(protection.guard).or_default() += amount;
            }
            Decision::Orphan(_) | Decision::Expire(_) => {
                summary.orphaned += amount;
                match &entry.ripeness {
                    Ripeness::Ripe => {
                        summary.marked += amount;
                        summary.ripe += amount;
                    }
                    Ripeness::Waiting(Waiting::Mark) | Ripeness::NotApplicable => {}
                    Ripeness::Waiting(waiting) => {
                        summary.marked += amount;
                        summary.earliest = match (summary.earliest, waiting.earliest()) {
                            (Some(a), Some(b)) => Some(a.min(b)),
                            (a, b) => a.or(b),
                        };
                    }
                }
            }
        }
    }
    summaries.by_directory.into_values().collect()
}

/// Adds every referenced file that exists, once, and every `_metadata` that stays.
fn referenced(context: &Context<'_>, plan: &Plan, summaries: &mut Summaries<'_, '_>) {
    let inventory = context.inventory;
    let live = live_files(context, plan);
    for file in inventory.references.files() {
        let Found::Present { size, modified: _ } = inventory.references.state(file) else {
            continue;
        };
        let Some(location) = inventory.references.location(file) else {
            continue;
        };
        let innermost = inventory
            .bases
            .iter()
            .enumerate()
            .filter_map(|(position, base)| {
                Some((BaseId(position), location.relative_to(&base.location)?))
            })
            .min_by_key(|(_, path)| path.len());
        let Some((base, path)) = innermost.filter(|&(base, path)| !plan.has(base, path)) else {
            continue;
        };
        let summary = summaries.of(base, place(path).job.as_deref());
        let amount = Amount {
            files: 1,
            bytes: size,
        };
        if live.get(file.index()) == Some(&true) {
            summary.live += amount;
        } else {
            summary.retained += amount;
        }
    }
    for entry in &plan.snapshots {
        let Some(place) = inventory
            .snapshots
            .get(entry.snapshot)
            .and_then(|snapshot| snapshot.place.as_ref())
        else {
            continue;
        };
        if plan.has(place.base, &place.metadata_path) {
            continue;
        }
        let summary = summaries.of(place.base, place.placement.job.as_deref());
        let amount = Amount {
            files: 1,
            bytes: place.metadata_size,
        };
        if is_live(&entry.verdict) {
            summary.live += amount;
        } else {
            summary.retained += amount;
        }
    }
}

/// By the position of each referenced file.
fn live_files(context: &Context<'_>, plan: &Plan) -> Vec<bool> {
    let stored_live = plan
        .snapshots
        .iter()
        .filter(|entry| is_live(&entry.verdict))
        .filter_map(|entry| context.inventory.snapshots.get(entry.snapshot));
    let managed = context
        .inventory
        .snapshots
        .iter()
        .filter(|snapshot| snapshot.place.is_none());
    let mut live = vec![false; context.inventory.references.len()];
    let named = stored_live
        .chain(managed)
        .flat_map(|snapshot| &snapshot.references);
    for reference in named {
        let file: FileId = reference.file;
        if let Some(live) = live.get_mut(file.index()) {
            *live = true;
        }
    }
    live
}

fn is_live(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Expire => false,
        Verdict::Keep(reasons) => reasons.iter().any(|reason| {
            matches!(
                reason,
                KeepReason::ManagedByFlink | KeepReason::NewestRestorable
            )
        }),
    }
}

struct Summaries<'c, 'a> {
    context: &'c Context<'a>,
    by_directory: BTreeMap<(BaseId, Option<JobDirectory>), JobSummary>,
}

impl Summaries<'_, '_> {
    fn of(&mut self, base: BaseId, directory: Option<&JobDirectory>) -> &mut JobSummary {
        let owner = directory.and_then(|directory| self.context.owners.get(base, directory));
        self.by_directory
            .entry((base, directory.cloned()))
            .or_insert_with(|| JobSummary {
                base,
                directory: directory.cloned(),
                class: owner.map_or(OwnerClass::Unknown, |owner| owner.class),
                owner: owner
                    .and_then(|owner| owner.job)
                    .map(|job| job.name.to_string()),
                why: owner.map_or_else(
                    || "it is no job directory".to_owned(),
                    |owner| owner.why.clone(),
                ),
                live: Amount::default(),
                retained: Amount::default(),
                orphaned: Amount::default(),
                marked: Amount::default(),
                ripe: Amount::default(),
                protected: Amount::default(),
                by_guard: BTreeMap::new(),
                grace_period: effective_grace(self.context.policy, owner),
                earliest: None,
            })
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.files = self.files.saturating_add(other.files);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}
