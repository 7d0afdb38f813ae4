//! Stops a run when what must not shrink has shrunk: then the evidence may be wrong, whatever each single guard says.
//!
//! The amount of garbage is no alarm, for a leak may be large. That snapshots vanish, or what they name, is one.

use crate::guard::Guard;
use crate::inventory::{BaseId, Inventory, Snapshot, SnapshotKind, SnapshotPlace};
use crate::plan::{Context, Decision, Plan};
use crate::reference::Found;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a base holds that must not shrink. Of each job directory only the newest snapshot counts: Flink makes and
/// discards the others all the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extent {
    /// Job directories with a checkpoint, and savepoints.
    pub roots: u64,
    /// What the newest snapshot of each of them consists of: files that exist, and state inside `_metadata`.
    pub referenced_bytes: u64,
}

/// A base that has shrunk by more than the policy allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shrink {
    /// At the last completed run, or as a person has accepted it.
    pub before: Extent,
    pub now: Extent,
    pub max_percent: u8,
}

/// Compares a base with what its last completed run found. A base that nobody has completed a run on, or that is not
/// known well enough to compare, has not shrunk: in the latter a guard keeps everything anyway.
#[must_use]
pub fn check(context: &Context<'_>, base: BaseId) -> Option<Shrink> {
    let max_percent = context.policy.limits.max_referenced_shrink_percent?;
    let before = context.baselines(base)?.extent?;
    let now = found(context, base)?;
    let shrunk = is_less(before.roots, now.roots, max_percent)
        || is_less(before.referenced_bytes, now.referenced_bytes, max_percent);
    shrunk.then_some(Shrink {
        before,
        now,
        max_percent,
    })
}

/// All that a base holds. None where something that covers the base could not be read.
fn found(context: &Context<'_>, base: BaseId) -> Option<Extent> {
    is_known(context, base).then(|| extent(context.inventory, base, |_, _| true))
}

/// What the next run is to be compared with: all but what this run lets go. None where that is not known.
pub(crate) fn staying(context: &Context<'_>, plan: &Plan, base: BaseId) -> Option<Extent> {
    let going: BTreeSet<&str> = plan
        .entries
        .iter()
        .filter(|entry| entry.base == base && matches!(entry.decision, Decision::Expire(_)))
        .map(|entry| entry.path.as_ref())
        .collect();
    is_known(context, base).then(|| {
        extent(context.inventory, base, |_, place| {
            !going.contains(place.metadata_path.as_ref())
        })
    })
}

/// Whether nothing is open that makes a guard keep all of the base. What keeps less must not silence the breaker.
fn is_known(context: &Context<'_>, base: BaseId) -> bool {
    let inventory = context.inventory;
    let Some(location) = inventory.base(base).map(|base| &base.location) else {
        return false;
    };
    let ruled_out = |directory: &_| context.is_ruled_out(directory, location);
    // A savepoint in the making keeps unfinished savepoints alone.
    !context.gaps().any(|gap| {
        gap.guard != Guard::PendingSavepoint && gap.covers_unless(location, None, ruled_out)
    })
}

fn extent(
    inventory: &Inventory,
    base: BaseId,
    counts: impl Fn(&Snapshot, &SnapshotPlace) -> bool,
) -> Extent {
    let mut newest: BTreeMap<&str, &Snapshot> = BTreeMap::new();
    let here = inventory
        .stored()
        .filter(|(snapshot, place)| place.base == base && counts(snapshot, place));
    for (snapshot, place) in here {
        let age = |snapshot: &Snapshot| (snapshot.completed, snapshot.checkpoint_id);
        let known = newest.entry(root(snapshot, place)).or_insert(snapshot);
        if age(snapshot) > age(known) {
            *known = snapshot;
        }
    }
    Extent {
        roots: newest.len() as u64,
        referenced_bytes: newest
            .values()
            .map(|snapshot| bytes(inventory, snapshot))
            .fold(0, u64::saturating_add),
    }
}

/// What a snapshot stands for: its job directory, or itself if it is a savepoint.
fn root<'i>(snapshot: &'i Snapshot, place: &'i SnapshotPlace) -> &'i str {
    match (snapshot.kind, &place.placement.job) {
        (SnapshotKind::Checkpoint, Some(job)) => &job.path,
        (SnapshotKind::Checkpoint, None) | (SnapshotKind::Savepoint, _) => &place.metadata_path,
    }
}

fn bytes(inventory: &Inventory, snapshot: &Snapshot) -> u64 {
    let files = snapshot.references.iter().filter_map(|reference| {
        match inventory.references.state(reference.file) {
            Found::Present { size, modified: _ } => Some(size),
            Found::Unknown | Found::Absent => None,
        }
    });
    files.fold(snapshot.inline_bytes, u64::saturating_add)
}

fn is_less(before: u64, now: u64, max_percent: u8) -> bool {
    let left = 100_u128.saturating_sub(u128::from(max_percent));
    u128::from(now) * 100 < u128::from(before) * left
}

impl fmt::Display for Shrink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            before,
            now,
            max_percent,
        } = self;
        write!(
            f,
            "referenced bytes: {} (at the last completed run {}); job directories with a checkpoint, and savepoints: {} ({}); a run stops where either has shrunk by more than {max_percent} %",
            now.referenced_bytes, before.referenced_bytes, now.roots, before.roots
        )
    }
}
