//! Where high availability, JobManager and storage name different snapshots as the newest: which one Flink would use.

use retention::evidence::{HaMap, JobEvidence};
use retention::inventory::Snapshot;
use retention::location::Location;
use retention::reference::DirectoryKey;

/// `newest` is the newest snapshot on storage that is whole.
///
/// With high-availability data Flink restores the highest entry of it and looks at nothing else
/// (`DefaultCompletedCheckpointStoreUtils`); a checkpoint that was completed on storage and not entered there is an
/// orphan of a JobManager that died in between.
pub(super) fn disagreement(job: &JobEvidence, newest: Option<&Snapshot>) -> Option<String> {
    let map = job.high_availability.map();
    let by_map = map.and_then(HaMap::latest).map(|entry| {
        let checkpoint = &entry.checkpoint;
        (checkpoint.pointer.as_ref(), checkpoint.completed)
    });
    // A savepoint is no checkpoint to go back to, so none is in the store.
    let by_rest = job.job_manager.answer().and_then(|rest| {
        let made = rest.checkpoints.iter();
        made.filter(|made| made.status == "COMPLETED" && !made.is_savepoint && !made.discarded)
            .max_by_key(|made| made.id)
            .and_then(|made| Some((made.external_path.as_ref()?, made.latest_ack)))
    });
    let (used, since, source) = match (by_map, by_rest) {
        (Some((pointer, completed)), _) => {
            (pointer?, Some(completed), "its high-availability data")
        }
        (None, Some((path, completed))) => (path, completed, "its JobManager"),
        (None, None) => return None,
    };
    let of_rest = by_rest
        .filter(|(path, _)| by_map.is_some() && differ(path, used))
        .map(|(path, _)| format!("its JobManager names {}", path.name()));
    let of_storage = newest
        .filter(|newest| since.is_some_and(|since| newest.completed > since))
        .filter(|newest| differ(&newest.location, used))
        .map(|newest| format!("{} is newer on storage", newest.location.name()));
    let others: Vec<String> = of_rest.into_iter().chain(of_storage).collect();
    (!others.is_empty()).then(|| {
        format!(
            "Flink would start from {}, which {source} names; {}",
            used.name(),
            others.join(", and ")
        )
    })
}

fn differ(one: &Location, other: &Location) -> bool {
    DirectoryKey::of(one.path()) != DirectoryKey::of(other.path())
}
