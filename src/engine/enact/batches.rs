use retention::inventory::BaseId;
use retention::layout::FileKind;
use retention::plan::{Decision, Plan, PlanEntry, Ripeness};

/// How many files one verification covers: deleting them must fit into its two minutes.
const FILES: usize = 2000;

/// The ripe entries of a base in batches. The files of one expiring snapshot are never split, and its `_metadata` is the
/// first of them.
pub(super) fn batches(plan: &Plan, base: BaseId) -> Vec<Vec<&PlanEntry>> {
    let mut ripe: Vec<&PlanEntry> = plan
        .entries
        .iter()
        .filter(|entry| {
            entry.base == base && entry.decision.deletes() && entry.ripeness == Ripeness::Ripe
        })
        .collect();
    let is_data = |entry: &PlanEntry| {
        !matches!(
            entry.placement.kind,
            FileKind::CheckpointMetadata | FileKind::SavepointMetadata
        )
    };
    ripe.sort_by_key(|entry| (group(entry), is_data(entry)));
    let mut batches: Vec<Vec<&PlanEntry>> = Vec::new();
    for same in ripe.chunk_by(|a, b| group(a) == group(b) && group(a).is_some()) {
        match batches.last_mut() {
            Some(batch) if batch.len() + same.len() <= FILES => batch.extend(same),
            _ => batches.push(same.to_vec()),
        }
    }
    batches
}

/// The snapshot that an expiring file belongs to; orphans stand alone.
fn group(entry: &PlanEntry) -> Option<&str> {
    match &entry.decision {
        Decision::Expire(_) => Some(entry.placement.snapshot.as_deref()?.path.as_str()),
        Decision::Orphan(_) | Decision::Keep(_) | Decision::Protected(_) => None,
    }
}
