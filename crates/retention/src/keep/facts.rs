use crate::evidence::{Claim, Evidence, HighAvailability, JobManager};
use crate::inventory::{Inventory, Snapshot, SnapshotKind, SnapshotPlace};
use crate::mark::Baselines;
use crate::owner::{OwnerClass, Owners};
use crate::reference::DirectoryKey;
use crate::restorable::WholeSnapshots;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// What the keep rules need to know of one stored snapshot.
#[derive(Clone, Debug)]
pub struct SnapshotFacts {
    /// Its position in [`Inventory::snapshots`].
    pub snapshot: usize,
    /// The group that rules count in: the resource, or the job directory where none is known.
    pub lineage: String,
    /// The job directory, or the savepoint itself.
    pub directory: String,
    pub key: DirectoryKey,
    pub is_savepoint: bool,
    pub restorable: bool,
    pub completed: Timestamp,
    pub class: OwnerClass,
    pub managed_by_flink: bool,
    pub named_by: Vec<String>,
    pub succession: Succession,
    /// Since when the resource of its job is known to be deleted.
    pub deleted: Option<Timestamp>,
}

/// Whether another job has taken over from the one that made a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succession {
    /// It belongs to a current id, or to nobody known: nothing supersedes it.
    NotNeeded,
    /// It belongs to a former id whose successor is not known to have been restorable.
    NotYet,
    /// It belongs to a former id whose successor has been restorable since then.
    Since(Timestamp),
}

/// Gathers the facts of every snapshot that has a `_metadata`.
#[must_use]
pub fn facts(
    evidence: &Evidence,
    inventory: &Inventory,
    owners: &Owners<'_>,
    whole: &WholeSnapshots,
    baselines: &[Baselines],
) -> Vec<SnapshotFacts> {
    let managed = managed_by_flink(evidence);
    inventory
        .snapshots
        .iter()
        .enumerate()
        .filter_map(|(position, snapshot)| {
            let place = snapshot.place.as_ref()?;
            let key = snapshot.directory_key();
            let (lineage, class, succession) = group(snapshot, place, owners, baselines);
            let owner = place.placement.job.as_ref();
            let owner = owner.and_then(|job| owners.get(place.base, job));
            Some(SnapshotFacts {
                snapshot: position,
                lineage,
                directory: match &place.placement.job {
                    Some(job) => format!("{}/{}", place.base.0, job.path),
                    None => key.to_string(),
                },
                is_savepoint: is_savepoint(snapshot, place),
                restorable: whole.contains(position),
                completed: snapshot.completed,
                class,
                managed_by_flink: managed.contains(&key),
                named_by: evidence
                    .roots
                    .iter()
                    .filter(|root| root.snapshot == key)
                    .map(|root| root.named_by.clone())
                    .collect(),
                succession,
                deleted: owner.and_then(|owner| owner.deleted),
                key,
            })
        })
        .collect()
}

/// By its contents or by its place: what lies outside any `chk-N` was put there by a person.
fn is_savepoint(snapshot: &Snapshot, place: &SnapshotPlace) -> bool {
    let in_checkpoint = place
        .placement
        .snapshot
        .as_ref()
        .is_some_and(|directory| directory.checkpoint_id.is_some());
    snapshot.kind == SnapshotKind::Savepoint || !in_checkpoint
}

fn group(
    snapshot: &Snapshot,
    place: &SnapshotPlace,
    owners: &Owners<'_>,
    baselines: &[Baselines],
) -> (String, OwnerClass, Succession) {
    let alone = || {
        (
            snapshot.location.to_string(),
            OwnerClass::Unknown,
            Succession::NotNeeded,
        )
    };
    let Some(directory) = place.placement.job.as_ref() else {
        return alone();
    };
    let Some(owner) = owners.get(place.base, directory) else {
        return alone();
    };
    let Some(job) = owner.job else {
        let lineage = format!("{}/{}", place.base.0, directory.path);
        return (lineage, owner.class, Succession::NotNeeded);
    };
    let claim = directory.job_id.and_then(|id| job.claims(id));
    if let Some(Claim::Deleted { observed: _ }) = claim {
        // Whoever has the name now began without it: neither counts in the rules for the other.
        let lineage = format!("{}, deleted", job.name);
        return (lineage, owner.class, Succession::NotNeeded);
    }
    let former = claim == Some(Claim::Former);
    let succession = match (former, job.current) {
        (false, _) => Succession::NotNeeded,
        (true, Some(successor)) => baselines
            .iter()
            .filter_map(|baselines| baselines.restorable_since.get(&successor))
            // Of several records the latest: only since then has nothing broken it.
            .max()
            .map_or(Succession::NotYet, |&since| Succession::Since(since)),
        (true, None) => Succession::NotYet,
    };
    (job.name.to_string(), owner.class, succession)
}

/// The snapshots that a JobManager still has in its own store, by high-availability data and by REST.
fn managed_by_flink(evidence: &Evidence) -> BTreeSet<DirectoryKey> {
    let mut managed = BTreeSet::new();
    for job in &evidence.jobs {
        if let HighAvailability::Map(map) = &job.high_availability {
            let pointers = map
                .entries
                .iter()
                .filter_map(|entry| entry.checkpoint.pointer.as_ref());
            managed.extend(pointers.map(|pointer| DirectoryKey::of(pointer.path())));
        }
        if let JobManager::Answered(rest) = &job.job_manager {
            let kept = rest
                .checkpoints
                .iter()
                .filter(|checkpoint| !checkpoint.discarded);
            let paths = kept
                .filter_map(|checkpoint| checkpoint.external_path.as_ref())
                .chain(
                    rest.restored
                        .iter()
                        .filter_map(|restored| restored.external_path.as_ref()),
                );
            managed.extend(paths.map(|path| DirectoryKey::of(path.path())));
        }
    }
    managed
}
