use retention::inventory::Inventory;
use retention::keep::{KeepReason, Verdict};
use retention::location::Location;
use retention::owner::OwnerClass;
use retention::plan::{Context, Decision, ExpireReason, Plan, PlanEntry};
use retention::reference::{FileId, Found, ReferenceTable};
use std::collections::HashSet;

/// The snapshots on whose being whole, or not, a verification leans. Their files are looked for again: those of the
/// snapshots that stay in place of the ones that go, because Flink deletes snapshots at any time, and those of the
/// snapshots that go because a file is missing, because somebody may have brought it back.
#[derive(Debug)]
pub(super) struct ReliedOn {
    /// None where what was chosen goes whatever is whole.
    snapshots: Option<HashSet<Location>>,
}

impl ReliedOn {
    /// What the decision for the chosen entries leaned on.
    pub(super) fn of(context: &Context<'_>, plan: &Plan, chosen: &[PlanEntry]) -> Self {
        let leans = chosen
            .iter()
            .any(|entry| leans_on_snapshots(context, entry));
        Self {
            snapshots: leans.then(|| {
                relied_on(context.inventory, plan)
                    .cloned()
                    .chain(hollow(context, chosen))
                    .collect()
            }),
        }
    }

    /// Adds what a fresh plan leans on instead, where one of them turned out not to be whole. False if that is nothing
    /// new.
    pub(super) fn extend(&mut self, fresh: &Inventory, plan: &Plan) -> bool {
        let Some(known) = &mut self.snapshots else {
            return false;
        };
        let before = known.len();
        known.extend(relied_on(fresh, plan).cloned());
        known.len() > before
    }

    fn contains(&self, snapshot: &Location) -> bool {
        let known = self.snapshots.as_ref();
        known.is_some_and(|known| known.contains(snapshot))
    }
}

/// Tells a fresh inventory which referenced files this run has found already, or not found, so that a batch does not
/// look for millions of them again: a verification holds for two minutes only. Not those that it leans on.
pub(super) fn carry_over_found(context: &Context<'_>, relied_on: &ReliedOn, fresh: &mut Inventory) {
    let again: HashSet<FileId> = fresh
        .snapshots
        .iter()
        .filter(|snapshot| relied_on.contains(&snapshot.location))
        .flat_map(|snapshot| snapshot.references.iter().map(|reference| reference.file))
        .collect();
    let files: Vec<FileId> = fresh.references.files().collect();
    for file in files {
        let known = if again.contains(&file) {
            Found::Unknown
        } else {
            state_in(&context.inventory.references, &fresh.references, file)
        };
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
fn relied_on<'i>(inventory: &'i Inventory, plan: &'i Plan) -> impl Iterator<Item = &'i Location> {
    let counts = |reason: &KeepReason| {
        matches!(
            reason,
            KeepReason::NewestRestorable
                | KeepReason::AwaitsSuccessor
                | KeepReason::KeepLast
                | KeepReason::KeepEach(_)
                | KeepReason::ManagedByFlink
        )
    };
    plan.snapshots
        .iter()
        .filter(move |entry| match &entry.verdict {
            Verdict::Keep(reasons) => reasons.iter().any(counts),
            Verdict::Expire => false,
        })
        .filter_map(|entry| inventory.snapshots.get(entry.snapshot))
        .map(|snapshot| &snapshot.location)
}

/// The snapshots that go because a file of them is missing.
fn hollow<'c>(
    context: &'c Context<'_>,
    chosen: &'c [PlanEntry],
) -> impl Iterator<Item = Location> + 'c {
    chosen
        .iter()
        .filter(|entry| entry.decision == Decision::Expire(ExpireReason::Hollow))
        .filter_map(|entry| {
            let directory = entry.placement.snapshot.as_deref()?;
            context.inventory.location(entry.base, &directory.path)
        })
}

/// What one table knows of a file of another.
fn state_in(known: &ReferenceTable, table: &ReferenceTable, file: FileId) -> Found {
    let (Some(name), Some(directory)) = (table.name(file), table.directory_of(file)) else {
        return Found::Unknown;
    };
    known
        .with_name(&name)
        .find(|&other| known.directory_of(other) == Some(directory))
        .map_or(Found::Unknown, |other| known.state(other))
}
