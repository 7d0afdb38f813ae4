//! Every snapshot of the directories: what keeps it, and what only it holds.

use std::collections::{BTreeMap, HashMap};

use retention::inventory::{self, BaseId, Inventory, SnapshotKind};
use retention::keep::{KeepReason, Verdict};
use retention::layout::{JobDirectory, checkpoint_id};
use retention::location::Location;
use retention::plan::{Decision, SnapshotEntry};
use retention::reference::{FileId, Found};
use retention::restorable::Restorable;

use super::contents::{Amount, Fate, Snapshot, bounded};
use super::savings::{decision, snapshot_decision};
use crate::engine::Report;

/// Each with its base and the job directory that it lies in.
pub(super) fn all(report: &Report) -> Vec<(BaseId, Option<&JobDirectory>, Snapshot)> {
    let holders = Holders::of(&report.inventory);
    let readable = report.plan.snapshots.iter().filter_map(|entry| {
        let snapshot = report.inventory.snapshots.get(entry.snapshot)?;
        let place = snapshot.place.as_ref()?;
        let shown = readable(report, &holders, entry)?;
        Some((place.base, place.placement.job.as_deref(), shown))
    });
    let unreadable = report.inventory.unreadable().map(|(file, location)| {
        let (fate, because) = match decision(report, file.base, &file.path) {
            Some(decision) => (fate(decision), decision.reason()),
            None => (Fate::Protected, "it cannot be read".to_owned()),
        };
        let alone = Amount {
            files: 1,
            bytes: file.size,
        };
        let shown = Snapshot {
            name: bounded(&location.name()),
            path: bounded(&location),
            kind: if checkpoint_id(location.name()).is_some() {
                "checkpoint"
            } else {
                "savepoint"
            }
            .to_owned(),
            completed: file.modified,
            fate,
            because: bounded(&because),
            state: "unreadable".to_owned(),
            holds: alone,
            alone,
        };
        (file.base, file.placement.job.as_deref(), shown)
    });
    readable.chain(unreadable).collect()
}

fn fate(decision: &Decision) -> Fate {
    match decision {
        Decision::Keep(_) | Decision::Protected(_) => Fate::Protected,
        Decision::Expire(_) | Decision::Orphan(_) => Fate::Expires,
    }
}

fn readable(report: &Report, holders: &Holders<'_>, entry: &SnapshotEntry) -> Option<Snapshot> {
    let inventory = &report.inventory;
    let snapshot = inventory.snapshots.get(entry.snapshot)?;
    let place = snapshot.place.as_ref()?;
    let (fate, because) = match &entry.verdict {
        Verdict::Keep(reasons) => (kept(reasons), entry.verdict.to_string()),
        Verdict::Expire => match snapshot_decision(report, entry) {
            Some(decision) => (fate(decision), decision.reason()),
            None => (Fate::Expires, entry.verdict.to_string()),
        },
    };
    let state = match Restorable::of(snapshot, inventory) {
        Restorable::Yes { .. } => "restorable",
        Restorable::No { .. } => "not-restorable",
        Restorable::Unverified { .. } => "unverified",
    };
    let (holds, alone) = holders.amounts(inventory, snapshot, place.metadata_size);
    Some(Snapshot {
        name: bounded(&snapshot.location.name()),
        path: bounded(&snapshot.location),
        kind: match snapshot.kind {
            SnapshotKind::Checkpoint => "checkpoint",
            SnapshotKind::Savepoint => "savepoint",
        }
        .to_owned(),
        completed: place.modified,
        fate,
        because: bounded(&because),
        state: state.to_owned(),
        holds,
        alone,
    })
}

/// As in the sums by class: what Flink uses, and what a job would be started from, is live.
fn kept(reasons: &[KeepReason]) -> Fate {
    let is_live = |reason: &KeepReason| {
        matches!(
            reason,
            KeepReason::ManagedByFlink | KeepReason::NewestRestorable
        )
    };
    if reasons.iter().any(is_live) {
        Fate::Live
    } else {
        Fate::Retained
    }
}

/// Which snapshot names each file, if only one does. What high availability keeps of a snapshot is the same snapshot.
struct Holders<'i> {
    snapshots: BTreeMap<&'i Location, usize>,
    files: HashMap<FileId, Option<usize>>,
}

impl<'i> Holders<'i> {
    fn of(inventory: &'i Inventory) -> Self {
        let mut snapshots = BTreeMap::new();
        let mut files: HashMap<FileId, Option<usize>> =
            HashMap::with_capacity(inventory.references.len());
        for snapshot in &inventory.snapshots {
            let next = snapshots.len();
            let number = *snapshots.entry(&snapshot.location).or_insert(next);
            for reference in &snapshot.references {
                let holder = files.entry(reference.file).or_insert(Some(number));
                if *holder != Some(number) {
                    *holder = None;
                }
            }
        }
        Self { snapshots, files }
    }

    /// All files of a snapshot that are there, and those that it alone names, both with its `_metadata`.
    fn amounts(
        &self,
        inventory: &Inventory,
        snapshot: &inventory::Snapshot,
        metadata: u64,
    ) -> (Amount, Amount) {
        let number = self.snapshots.get(&snapshot.location).copied();
        let own = Amount {
            files: 1,
            bytes: metadata,
        };
        let (mut holds, mut alone) = (own, own);
        for reference in &snapshot.references {
            let Found::Present { size, modified: _ } = inventory.references.state(reference.file)
            else {
                continue;
            };
            let file = Amount {
                files: 1,
                bytes: size,
            };
            holds += file;
            if self.files.get(&reference.file) == Some(&number) {
                alone += file;
            }
        }
        (holds, alone)
    }
}
