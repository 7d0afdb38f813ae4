use super::ripeness::ripeness;
use super::{
    Candidate, Context, Decision, ExpireReason, OrphanKind, Plan, PlanEntry, Ripeness,
    SnapshotEntry,
};
use crate::guard;
use crate::inventory::{Inventory, ListedFile, Snapshot, SnapshotPlace};
use crate::keep::{Unrestorable, Verdict, facts, managed_by_flink, verdicts};
use crate::layout::{self, FileKind};
use crate::mark::MarkKind;
use crate::owner::OwnerClass;
use crate::reference::{DirectoryKey, FileId, FileName, Found, ReferenceTable};
use crate::restorable::Wholeness;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Decides every file that was listed.
#[must_use]
pub fn plan(context: &Context<'_>) -> Plan {
    let facts = facts(
        context.evidence,
        context.inventory,
        &context.owners,
        &context.whole,
        context.all_baselines(),
    );
    let unrestorable = Unrestorable::of(&facts, context.policy, context.now);
    let snapshots: Vec<SnapshotEntry> =
        verdicts(&facts, &unrestorable, context.policy, context.now)
            .into_iter()
            .map(|verdict| SnapshotEntry {
                snapshot: verdict.snapshot,
                verdict: verdict.verdict,
            })
            .collect();
    let listed = context.inventory.unreferenced.len() + context.inventory.named_elsewhere.len();
    let mut entries: Vec<PlanEntry> = Vec::with_capacity(listed);
    let mut said = Arc::from("");
    for file in &context.inventory.unreferenced {
        let entry = judge(context, &unrestorable, file);
        entries.extend(entry.map(|entry| sharing_words(entry, &mut said)));
    }
    for file in &context.inventory.named_elsewhere {
        let entry = keep(
            context,
            file,
            "a snapshot names a file of this name elsewhere",
        );
        entries.push(sharing_words(entry, &mut said));
    }
    entries.extend(expiring(context, &snapshots));
    entries.sort_by(|a, b| (a.base, &a.path).cmp(&(b.base, &b.path)));
    Plan {
        now: context.now,
        entries,
        snapshots,
    }
}

/// What is said of a file is mostly what was said of the one before, and there may be millions.
fn sharing_words(mut entry: PlanEntry, said: &mut Arc<str>) -> PlanEntry {
    if let Some(words) = entry.decision.words() {
        if words == said {
            words.clone_from(said);
        } else {
            said.clone_from(words);
        }
    }
    entry
}

/// The decision for a file whose name no snapshot has.
fn judge(
    context: &Context<'_>,
    unrestorable: &Unrestorable,
    file: &ListedFile,
) -> Option<PlanEntry> {
    let candidate = context.candidate(file)?;
    if named_now(context, &FileName::of(&file.path)) {
        return Some(keep(context, file, "a snapshot names a file of this name"));
    }
    let kind = match (file.placement.kind, OrphanKind::of(file.placement.kind)) {
        (FileKind::Journal, _) => {
            return Some(keep(context, file, "a record of this program"));
        }
        (FileKind::CheckpointMetadata | FileKind::SavepointMetadata, _) => {
            return Some(if may_go_torn(context, unrestorable, &candidate) {
                expire(context, &candidate, ExpireReason::Torn)
            } else {
                keep(context, file, &unreadable(context, &candidate))
            });
        }
        (_, kind) => kind,
    };
    if let Some(protection) = guard::check(context, &candidate) {
        let mut entry = entry(context, file, Decision::Protected(protection));
        entry.since = ripeness(context, &candidate, MarkKind::Orphan).0;
        return Some(entry);
    }
    let Some(kind) = kind else {
        let protection = guard::Protection {
            guard: guard::Guard::NotSupportedYet,
            why: "files of this kind are not deleted yet".into(),
        };
        return Some(entry(context, file, Decision::Protected(protection)));
    };
    let (since, ripeness) = ripeness(context, &candidate, MarkKind::Orphan);
    Some(PlanEntry {
        since,
        ripeness,
        ..entry(context, file, Decision::Orphan(kind))
    })
}

/// A `_metadata` that ends early is nobody's restore point: once it is gone, so is what it protects by being
/// unreadable, and its files are garbage like any other.
fn may_go_torn(
    context: &Context<'_>,
    unrestorable: &Unrestorable,
    candidate: &Candidate<'_>,
) -> bool {
    let file = candidate.file;
    let (Some(directory), Some(modified)) = (&file.placement.snapshot, file.modified) else {
        return false;
    };
    let key = DirectoryKey::of(candidate.location.path());
    let job = context.owners.made_by(file.base, &file.placement);
    context.inventory.torn.contains(&candidate.location)
        && unrestorable.may_go(job, directory.checkpoint_id, modified)
        && !context.policy.pinned.contains(&key)
        // From high-availability data Flink recovers without reading it.
        && !managed_by_flink(context.evidence).contains(&key)
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
    let names = NameCounts::of(inventory);
    expired
        .iter()
        .filter_map(|&position| {
            let snapshot = inventory.snapshots.get(position)?;
            Some(files_of(
                context,
                snapshot,
                snapshot.place.as_ref()?,
                &names,
                context.whole.state(position),
            ))
        })
        .flatten()
        .collect()
}

/// References that were read after the listing began count as well.
fn named_now(context: &Context<'_>, name: &FileName) -> bool {
    context.inventory.references.protects(name) || context.survey().named_late(name)
}

/// How many snapshots name each file, expired ones too: what another snapshot names is not exclusive, whatever becomes
/// of that one. Two means two or more.
struct NameCounts(Vec<u8>);

impl NameCounts {
    fn of(inventory: &Inventory) -> Self {
        let mut counts = vec![0_u8; inventory.references.len()];
        for reference in inventory
            .snapshots
            .iter()
            .flat_map(|snapshot| &snapshot.references)
        {
            if let Some(count) = counts.get_mut(reference.file.index()) {
                *count = count.saturating_add(1).min(2);
            }
        }
        Self(counts)
    }

    /// Whether only one snapshot names the file, and nobody one of the same name.
    fn once(&self, table: &ReferenceTable, file: FileId) -> bool {
        let count = |file: FileId| self.0.get(file.index()).copied().unwrap_or(2);
        let Some(name) = table.name(file) else {
            return false;
        };
        count(file) == 1
            && table
                .with_name(&name)
                .all(|other| other == file || count(other) == 0)
    }
}

/// `_metadata` first; if a guard objects to that, to all of them.
fn files_of(
    context: &Context<'_>,
    snapshot: &Snapshot,
    place: &SnapshotPlace,
    names: &NameCounts,
    state: Wholeness,
) -> Vec<PlanEntry> {
    let metadata = ListedFile {
        base: place.base,
        path: Arc::from(&*place.metadata_path),
        placement: place.placement.clone(),
        size: place.metadata_size,
        modified: place.modified,
        regular: true,
    };
    let files = std::iter::once(metadata).chain(
        snapshot
            .references
            .iter()
            .filter(|reference| names.once(&context.inventory.references, reference.file))
            .filter_map(|reference| exclusive(context, snapshot, place, reference.file)),
    );
    let reason = match state {
        Wholeness::Whole | Wholeness::NotVerified => ExpireReason::BeyondRules,
        Wholeness::Hollow => ExpireReason::Hollow,
    };
    let mut entries: Vec<PlanEntry> = files
        .filter_map(|file| Some(expire(context, &context.candidate(&file)?, reason)))
        .collect();
    let objection = entries.first().and_then(|first| match &first.decision {
        Decision::Protected(protection) => Some(protection.clone()),
        Decision::Keep(_) | Decision::Expire(_) | Decision::Orphan(_) => None,
    });
    if let Some(protection) = objection {
        for entry in &mut entries {
            entry.decision = Decision::Protected(protection.clone());
            entry.ripeness = Ripeness::NotApplicable;
        }
    }
    entries
}

/// A file of an expiring snapshot, if it lies directly in its directory.
fn exclusive(
    context: &Context<'_>,
    snapshot: &Snapshot,
    place: &SnapshotPlace,
    file: FileId,
) -> Option<ListedFile> {
    let table = &context.inventory.references;
    if context.survey().named_late(&table.name(file)?) {
        return None;
    }
    let location = table.location(file)?;
    let inside = location.relative_to(&snapshot.location)?;
    let base = context.inventory.base(place.base)?;
    let path = location.relative_to(&base.location)?;
    let Found::Present { size, modified } = table.state(file) else {
        return None;
    };
    (!inside.is_empty() && !inside.contains('/')).then(|| ListedFile {
        base: place.base,
        path: path.into(),
        placement: layout::place(path),
        size,
        modified,
        regular: true,
    })
}

fn expire(context: &Context<'_>, candidate: &Candidate<'_>, reason: ExpireReason) -> PlanEntry {
    let file = candidate.file;
    if let Some(protection) = guard::check_expiring(context, candidate) {
        return entry(context, file, Decision::Protected(protection));
    }
    let (since, ripeness) = ripeness(context, candidate, MarkKind::Expired);
    PlanEntry {
        since,
        ripeness,
        ..entry(context, file, Decision::Expire(reason))
    }
}

fn keep(context: &Context<'_>, file: &ListedFile, why: &str) -> PlanEntry {
    entry(context, file, Decision::Keep(why.into()))
}

fn entry(context: &Context<'_>, file: &ListedFile, decision: Decision) -> PlanEntry {
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
        class: context
            .owners
            .at(*base, placement)
            .map_or(OwnerClass::Unknown, |owner| owner.class),
        decision,
        since: None,
        ripeness: Ripeness::NotApplicable,
    }
}
