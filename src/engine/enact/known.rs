use retention::inventory::Inventory;
use retention::keep::{KeepReason, Verdict};
use retention::location::Location;
use retention::owner::OwnerClass;
use retention::plan::{Context, Decision, Plan, PlanEntry};
use retention::reference::{FileId, Found, ReferenceTable};
use std::collections::HashSet;

/// Tells a fresh inventory which referenced files this run has found already, or not found, so that a batch does not
/// look for millions of them again: a verification holds for two minutes only.
///
/// Where the decision leans on a snapshot being whole, its files are looked for again: those of the snapshots that stay
/// in place of the ones that go.
pub(super) fn carry_over_found(
    context: &Context<'_>,
    plan: &Plan,
    chosen: &[PlanEntry],
    fresh: &mut Inventory,
) {
    let relied_on = if chosen
        .iter()
        .any(|entry| leans_on_snapshots(context, entry))
    {
        relied_on(context.inventory, plan)
    } else {
        HashSet::new()
    };
    let again: HashSet<FileId> = fresh
        .snapshots
        .iter()
        .filter(|snapshot| relied_on.contains(&snapshot.location))
        .flat_map(|snapshot| snapshot.references.iter().map(|reference| reference.file))
        .collect();
    let files: Vec<FileId> = fresh.references.files().collect();
    for file in files.into_iter().filter(|file| !again.contains(file)) {
        let known = state_in(&context.inventory.references, &fresh.references, file);
        fresh.references.set(file, known);
    }
}

fn leans_on_snapshots(context: &Context<'_>, entry: &PlanEntry) -> bool {
    let superseded = || {
        let owner = context.owners.at(entry.base, &entry.placement);
        owner.is_some_and(|owner| owner.class == OwnerClass::Former || owner.deleted.is_some())
    };
    matches!(entry.decision, Decision::Expire(_)) || superseded()
}

/// The snapshots whose being whole lets others go.
fn relied_on<'i>(inventory: &'i Inventory, plan: &Plan) -> HashSet<&'i Location> {
    let counts = |reason: &KeepReason| {
        matches!(
            reason,
            KeepReason::NewestRestorable
                | KeepReason::AwaitsSuccessor
                | KeepReason::KeepLast
                | KeepReason::ManagedByFlink
        )
    };
    plan.snapshots
        .iter()
        .filter(|entry| match &entry.verdict {
            Verdict::Keep(reasons) => reasons.iter().any(counts),
            Verdict::Expire => false,
        })
        .filter_map(|entry| inventory.snapshots.get(entry.snapshot))
        .map(|snapshot| &snapshot.location)
        .collect()
}

/// What one table knows of a file of another.
fn state_in(known: &ReferenceTable, table: &ReferenceTable, file: FileId) -> Found {
    let (Some(name), Some(directory)) = (table.name(file), table.directory_of(file)) else {
        return Found::Unknown;
    };
    known
        .with_name(name)
        .find(|&other| known.directory_of(other) == Some(directory))
        .map_or(Found::Unknown, |other| known.state(other))
}
