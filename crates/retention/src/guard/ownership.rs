//! Whose a file is, and whether somebody unseen may still need it.

use crate::evidence::{JobEvidence, JobManager, Phase, StateBackend};
use crate::inventory::{Inventory, Source};
use crate::layout::FileKind;
use crate::location::Store;
use crate::owner::OwnerClass;
use crate::plan::{Candidate, Context};
use crate::reference::DirectoryKey;

pub(super) fn unknown_owner(_: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    match &candidate.owner {
        None => Some("it lies in no job directory".to_owned()),
        Some(owner) if owner.class == OwnerClass::Unknown => Some(owner.why.clone()),
        Some(_) => None,
    }
}

pub(super) fn suspend_annotation(_: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    candidate.owner?.job?.suspended_by.clone()
}

/// A suspended job will restore through its high-availability data: its directory is left whole for now.
pub(super) fn suspended_job(_: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    (candidate.owner?.class == OwnerClass::Suspended).then(|| {
        "its job is suspended; directories of suspended jobs are not pruned yet".to_owned()
    })
}

/// A resource names the snapshot directory, so all of it stays, readable or not.
pub(super) fn named_directory(context: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    let directory = candidate.file.placement.snapshot.as_ref()?;
    let base = context.inventory.base(candidate.file.base)?;
    let key = DirectoryKey::of(base.location.join(&directory.path).path());
    let root = context
        .evidence
        .roots
        .iter()
        .find(|root| root.snapshot == key)?;
    Some(format!("{} is named by {}", directory.path, root.named_by))
}

/// A file that a whole snapshot's directory holds and no snapshot names: nothing that Flink does explains it.
pub(super) fn kept_snapshot_directory(
    context: &Context<'_>,
    candidate: &Candidate<'_>,
) -> Option<String> {
    let directory = candidate.file.placement.snapshot.as_ref()?;
    context
        .has_metadata(candidate.file.base, &directory.path)
        .then(|| {
            format!(
                "{} has a _metadata, so the directory goes as a whole or not at all",
                directory.path
            )
        })
}

/// Write-ahead sinks keep the names of `taskowned/` files in operator state that no parser can read
/// (`GenericWriteAheadSink`): while any snapshot of the job is left, such a file may be needed.
pub(super) fn opaque_task_owned(
    context: &Context<'_>,
    candidate: &Candidate<'_>,
) -> Option<String> {
    if candidate.file.placement.kind != FileKind::TaskOwned {
        return None;
    }
    let job = candidate.owner?.job?;
    let left = context
        .inventory
        .snapshots
        .iter()
        .any(|snapshot| match snapshot.source {
            Source::HighAvailability => true,
            Source::Metadata => match snapshot.job().and_then(|directory| directory.job_id) {
                Some(id) => job.claims(id).is_some(),
                None => true,
            },
        });
    left.then(|| "snapshots are left whose operator state may name it without saying so".to_owned())
}

/// A live `ForSt` database reads the files of the snapshot that it was restored from in place, also those of another
/// job, and no `_metadata` need name them (storage life cycle 6.4).
pub(super) fn live_descendant(context: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    match candidate.file.placement.kind {
        FileKind::Shared | FileKind::ForSt => {}
        FileKind::CheckpointMetadata
        | FileKind::Exclusive
        | FileKind::TemporaryMetadata
        | FileKind::Merged
        | FileKind::TaskOwned
        | FileKind::Changelog
        | FileKind::SavepointMetadata
        | FileKind::Savepoint
        | FileKind::Journal
        | FileKind::Foreign => return None,
    }
    let own = candidate.owner?.job.map(|job| &job.name);
    let running = candidate.owner?.class == OwnerClass::Running;
    let known = context
        .evidence
        .jobs
        .iter()
        .filter(|job| !(running && Some(&job.name) == own))
        .find(|job| may_read_in_place(job, candidate.location.store(), context.inventory))
        .map(|job| {
            format!(
                "{} may run with the ForSt backend and read it in place",
                job.name
            )
        });
    known.or_else(|| {
        context.owners.iter().find_map(|(base, directory, owner)| {
            let facts = context
                .inventory
                .job_directories
                .get(&(base, directory.clone()))?;
            (owner.class == OwnerClass::Unknown && facts.has_forst).then(|| {
                format!(
                    "{} has a ForSt database of an unknown job, which may read it in place",
                    directory.path
                )
            })
        })
    })
}

fn may_read_in_place(job: &JobEvidence, store: &Store, inventory: &Inventory) -> bool {
    match &job.phase {
        // A suspended job will open what its high-availability data names, and that is referenced.
        Phase::Terminal { .. } | Phase::Stopped | Phase::Suspended | Phase::Gone => return false,
        Phase::Running | Phase::Unclear { .. } => {}
    }
    if !job.bases.is_empty() && !job.bases.iter().any(|base| base.store() == store) {
        return false;
    }
    match &job.job_manager {
        JobManager::Answered(rest) => match rest.backend {
            StateBackend::HashMap | StateBackend::RocksDb | StateBackend::NoCheckpoints => {
                return false;
            }
            StateBackend::Other(_) => return true,
        },
        JobManager::NotAsked | JobManager::Unreachable { .. } => {}
    }
    // Without an answer: its own checkpoints tell, if there are any.
    let own = inventory.snapshots.iter().filter(|snapshot| {
        snapshot.source == Source::Metadata
            && snapshot.job().is_some_and(|directory| {
                directory.job_id.is_some() && directory.job_id == job.current
            })
    });
    let mut seen = false;
    for snapshot in own {
        seen = true;
        if snapshot.contents.forst {
            return true;
        }
    }
    !seen
}
