use super::ripeness::ripeness;
use super::{
    Candidate, Context, Decision, ExpireReason, OrphanKind, Plan, PlanEntry, Ripeness,
    SnapshotEntry,
};
use crate::guard;
use crate::inventory::{ListedFile, Snapshot, SnapshotPlace};
use crate::keep::{Verdict, facts, verdicts};
use crate::layout::{FileKind, Placement};
use crate::mark::MarkKind;
use crate::reference::{FileId, Found};
use std::collections::BTreeSet;

/// Decides every file that was listed.
#[must_use]
pub fn plan(context: &Context<'_>) -> Plan {
    let snapshots = judge_snapshots(context);
    let mut entries: Vec<PlanEntry> = Vec::new();
    for file in &context.inventory.unreferenced {
        entries.extend(judge(context, file));
    }
    for file in &context.inventory.named_elsewhere {
        entries.push(keep(
            file,
            "a snapshot names a file of this name elsewhere".to_owned(),
        ));
    }
    entries.extend(expiring(context, &snapshots));
    entries.sort_by(|a, b| (a.base, &a.path).cmp(&(b.base, &b.path)));
    Plan {
        now: context.now,
        entries,
        snapshots,
    }
}

fn judge_snapshots(context: &Context<'_>) -> Vec<SnapshotEntry> {
    let facts = facts(
        context.evidence,
        context.inventory,
        &context.owners,
        context.all_baselines(),
    );
    verdicts(&facts, context.policy, context.now)
        .into_iter()
        .map(|verdict| SnapshotEntry {
            snapshot: verdict.snapshot,
            verdict: verdict.verdict,
        })
        .collect()
}

/// The decision for a file whose name no snapshot has.
fn judge(context: &Context<'_>, file: &ListedFile) -> Option<PlanEntry> {
    let candidate = context.candidate(file)?;
    let kind = match (file.placement.kind, OrphanKind::of(file.placement.kind)) {
        (FileKind::Journal, _) => return Some(keep(file, "a record of this program".to_owned())),
        (FileKind::CheckpointMetadata | FileKind::SavepointMetadata, _) => {
            return Some(keep(file, unreadable(context, &candidate)));
        }
        (_, kind) => kind,
    };
    if let Some(protection) = guard::check(context, &candidate) {
        let mut entry = entry(file, Decision::Protected(protection));
        entry.since = ripeness(context, &candidate, MarkKind::Orphan).0;
        return Some(entry);
    }
    let Some(kind) = kind else {
        let protection = guard::Protection {
            guard: guard::Guard::NotSupportedYet,
            why: "files of this kind are not deleted yet".to_owned(),
        };
        return Some(entry(file, Decision::Protected(protection)));
    };
    let (since, ripeness) = ripeness(context, &candidate, MarkKind::Orphan);
    Some(PlanEntry {
        since,
        ripeness,
        ..entry(file, Decision::Orphan(kind))
    })
}

/// A `_metadata` that is no snapshot of the inventory could not be read.
fn unreadable(context: &Context<'_>, candidate: &Candidate<'_>) -> String {
    let name = candidate.location.to_string();
    context
        .inventory
        .gaps
        .iter()
        .find(|gap| gap.what.contains(&name))
        .map_or_else(|| "it could not be read".to_owned(), |gap| gap.why.clone())
}

/// The `_metadata` and the exclusive files of every snapshot that no rule keeps.
fn expiring(context: &Context<'_>, snapshots: &[SnapshotEntry]) -> Vec<PlanEntry> {
    let inventory = context.inventory;
    let expired: BTreeSet<usize> = snapshots
        .iter()
        .filter(|entry| entry.verdict == Verdict::Expire)
        .map(|entry| entry.snapshot)
        .collect();
    if expired.is_empty() {
        return Vec::new();
    }
    let kept: BTreeSet<FileId> = inventory
        .snapshots
        .iter()
        .enumerate()
        .filter(|(position, _)| !expired.contains(position))
        .flat_map(|(_, snapshot)| snapshot.references.iter().map(|reference| reference.file))
        .collect();
    expired
        .iter()
        .filter_map(|&position| {
            let snapshot = inventory.snapshots.get(position)?;
            Some(files_of(context, snapshot, snapshot.place.as_ref()?, &kept))
        })
        .flatten()
        .collect()
}

fn files_of(
    context: &Context<'_>,
    snapshot: &Snapshot,
    place: &SnapshotPlace,
    kept: &BTreeSet<FileId>,
) -> Vec<PlanEntry> {
    let metadata = ListedFile {
        base: place.base,
        path: place.metadata_path.clone(),
        placement: place.placement.clone(),
        size: place.metadata_size,
        modified: place.modified,
        regular: true,
    };
    let exclusive = snapshot.references.iter().filter_map(|reference| {
        let table = &context.inventory.references;
        let location = table.location(reference.file)?;
        let inside = location
            .relative_to(&snapshot.location)
            .is_some_and(|path| !path.contains('/'));
        let named_by_another = kept.contains(&reference.file)
            || table
                .with_name(table.name(reference.file)?)
                .any(|other| other != reference.file && kept.contains(&other));
        let Found::Present { size, modified } = table.state(reference.file) else {
            return None;
        };
        let base = context.inventory.base(place.base)?;
        (inside && !named_by_another).then(|| ListedFile {
            base: place.base,
            path: location
                .relative_to(&base.location)
                .unwrap_or_default()
                .into(),
            placement: Placement {
                kind: FileKind::Exclusive,
                ..place.placement.clone()
            },
            size,
            modified,
            regular: true,
        })
    });
    let files: Vec<ListedFile> = std::iter::once(metadata).chain(exclusive).collect();
    files
        .iter()
        .filter_map(|file| expire(context, file))
        .collect()
}

fn expire(context: &Context<'_>, file: &ListedFile) -> Option<PlanEntry> {
    let candidate = context.candidate(file)?;
    if let Some(protection) = guard::check_expiring(context, &candidate) {
        return Some(entry(file, Decision::Protected(protection)));
    }
    let (since, ripeness) = ripeness(context, &candidate, MarkKind::Expired);
    Some(PlanEntry {
        since,
        ripeness,
        ..entry(file, Decision::Expire(ExpireReason::BeyondRules))
    })
}

fn keep(file: &ListedFile, why: String) -> PlanEntry {
    entry(file, Decision::Keep(why))
}

fn entry(file: &ListedFile, decision: Decision) -> PlanEntry {
    let ListedFile {
        base,
        path,
        placement,
        size,
        modified,
        regular: _,
    } = file;
    PlanEntry {
        base: *base,
        path: path.clone(),
        placement: placement.clone(),
        size: *size,
        modified: *modified,
        decision,
        since: None,
        ripeness: Ripeness::NotApplicable,
    }
}
