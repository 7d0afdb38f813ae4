use super::shared_files::SharedFiles;
use crate::evidence::{Claim, Evidence, HighAvailability, JobManager};
use crate::inventory::{Inventory, Snapshot, SnapshotKind, SnapshotPlace};
use crate::layout::JobId;
use crate::mark::Baselines;
use crate::owner::{OwnerClass, Owners};
use crate::reference::DirectoryKey;
use crate::restorable::{WholeSnapshots, Wholeness};
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
    pub made: Made,
    /// The job that made it, where that is sure.
    pub job_id: Option<JobId>,
    /// The number inside the snapshot.
    pub checkpoint_id: u64,
    pub files: Wholeness,
    pub completed: Timestamp,
    pub class: OwnerClass,
    /// Its job has a high-availability map that was read, so all that Flink itself can go back to is known.
    pub map_was_read: bool,
    pub managed_by_flink: bool,
    pub named_by: Vec<String>,
    /// Another snapshot names files in its directory, or files of the same name.
    pub files_in_use: bool,
    pub succession: Succession,
    /// Since when the resource of its job is known to be deleted.
    pub deleted: Option<Timestamp>,
}

impl SnapshotFacts {
    #[must_use]
    pub fn is_restorable(&self) -> bool {
        self.files == Wholeness::Whole
    }
}

/// How a snapshot came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// By Flink's own rhythm.
    Checkpoint,
    /// By Flink, because somebody asked for it.
    Savepoint,
    /// Copied, moved or renamed by a person.
    ByHand,
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
    let shared_files = SharedFiles::of(inventory);
    inventory
        .snapshots
        .iter()
        .enumerate()
        .filter_map(|(position, snapshot)| {
            let place = snapshot.place.as_ref()?;
            let key = snapshot.directory_key();
            let (lineage, class, succession) = group(snapshot, place, owners, baselines);
            let owner = owners.at(place.base, &place.placement);
            Some(SnapshotFacts {
                snapshot: position,
                lineage,
                directory: match &place.placement.job {
                    Some(job) => format!("{}/{}", place.base.0, job.path),
                    None => key.to_string(),
                },
                made: made(snapshot, place),
                job_id: owners.made_by(place.base, &place.placement),
                checkpoint_id: snapshot.checkpoint_id,
                files: whole.state(position),
                completed: snapshot.completed,
                class,
                map_was_read: owner
                    .and_then(|owner| owner.job)
                    .is_some_and(|job| matches!(job.high_availability, HighAvailability::Map(_))),
                managed_by_flink: managed.contains(&key),
                named_by: evidence
                    .roots
                    .iter()
                    .filter(|root| root.snapshot == key)
                    .map(|root| root.named_by.clone())
                    .collect(),
                files_in_use: shared_files.in_use(&key),
                succession,
                deleted: owner.and_then(|owner| owner.deleted),
                key,
            })
        })
        .collect()
}

/// By its contents and by its place: where they disagree, a person has had a hand in it.
fn made(snapshot: &Snapshot, place: &SnapshotPlace) -> Made {
    let Some(directory) = &place.placement.snapshot else {
        return Made::ByHand;
    };
    match (snapshot.kind, directory.checkpoint_id) {
        (SnapshotKind::Checkpoint, Some(_)) => Made::Checkpoint,
        (SnapshotKind::Savepoint, None) => Made::Savepoint,
        (SnapshotKind::Savepoint, Some(_)) | (SnapshotKind::Checkpoint, None) => Made::ByHand,
    }
}

fn group(
    snapshot: &Snapshot,
    place: &SnapshotPlace,
    owners: &Owners<'_>,
    baselines: &[Baselines],
) -> (String, OwnerClass, Succession) {
    let Some(owner) = owners.at(place.base, &place.placement) else {
        let alone = snapshot.location.to_string();
        return (alone, OwnerClass::Unknown, Succession::NotNeeded);
    };
    let Some(job) = owner.job else {
        let lineage = match &place.placement.job {
            Some(directory) => format!("{}/{}", place.base.0, directory.path),
            None => snapshot.location.to_string(),
        };
        return (lineage, owner.class, Succession::NotNeeded);
    };
    let claim = owners
        .made_by(place.base, &place.placement)
        .and_then(|id| job.claims(id));
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
#[must_use]
pub fn managed_by_flink(evidence: &Evidence) -> BTreeSet<DirectoryKey> {
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
