//! Whose a file is, and whether somebody unseen may still need it.

use crate::layout::FileKind;
use crate::location::Location;
use crate::owner::OwnerClass;
use crate::plan::{Candidate, Context, Reads};
use crate::reference::DirectoryKey;
use jiff::Timestamp;

pub(super) fn unknown_owner(_: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    match &candidate.owner {
        None => Some("it lies in no job directory and no savepoint".to_owned()),
        Some(owner) if owner.class == OwnerClass::Unknown => Some(owner.why.clone()),
        Some(_) => None,
    }
}

/// People come back for what a resource left that they deleted.
pub(super) fn deleted_job(context: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    let deleted = candidate.owner?.deleted?;
    match context.policy.deleted_jobs {
        None => Some(format!(
            "its resource was deleted, as was seen at {deleted:.0}, and the policy has no deletedJobs"
        )),
        Some(_) if context.policy.lets_deleted_go(deleted, context.now) => None,
        Some(expire_after) => Some(format!(
            "its resource was deleted, as was seen at {deleted:.0}, and stays until {:.0}",
            deleted.checked_add(expire_after).unwrap_or(Timestamp::MAX)
        )),
    }
}

pub(super) fn suspend_annotation(_: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    candidate.owner?.job?.suspended_by.clone()
}

/// A resource names the snapshot directory, so all of it stays, readable or not.
pub(super) fn named_directory(context: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    let directory = candidate.file.placement.snapshot.as_deref()?;
    let base = context.inventory.base(candidate.file.base)?;
    let key = DirectoryKey::of(base.location.join(&directory.path).path());
    let named_by = context.survey().named.get(&key)?;
    Some(format!("{} is named by {named_by}", directory.path))
}

/// The directory of a snapshot goes as a whole or not at all: not while it has a `_metadata` (nothing that Flink does
/// explains a file in it that this one does not name), nor while another snapshot names a file in it, as after a restore
/// in CLAIM mode. A half-written `_metadata` is no part of any snapshot.
pub(super) fn kept_snapshot_directory(
    context: &Context<'_>,
    candidate: &Candidate<'_>,
) -> Option<String> {
    let file = candidate.file;
    let directory = file.placement.snapshot.as_deref()?;
    if file.placement.kind == FileKind::TemporaryMetadata {
        return None;
    }
    if context.has_metadata(file.base, &directory.path) {
        return Some(format!(
            "{} has a _metadata, so the directory goes as a whole or not at all",
            directory.path
        ));
    }
    let key = DirectoryKey::of(
        context
            .inventory
            .location(file.base, &directory.path)?
            .path(),
    );
    context.survey().names_file_in(&key).then(|| {
        format!(
            "a snapshot names another file in {}, so the directory goes as a whole or not at all",
            directory.path
        )
    })
}

/// Write-ahead sinks keep the names of `taskowned/` files in operator state that no parser can read
/// (`GenericWriteAheadSink`): while any snapshot is left, be it of another job that was restored from this one, such a
/// file may be needed. Also by a snapshot that a resource names and that could not be read.
pub(super) fn opaque_task_owned(
    context: &Context<'_>,
    candidate: &Candidate<'_>,
) -> Option<String> {
    let left = !context.inventory.snapshots.is_empty() || !context.evidence.roots.is_empty();
    let concerned = candidate.file.placement.kind == FileKind::TaskOwned && left;
    concerned
        .then(|| "snapshots are left whose operator state may name it without saying so".to_owned())
}

/// Some live jobs read files that no snapshot names: a `ForSt` database reads the files of the snapshot that it was
/// restored from in place, also those of another job (storage life cycle 6.4); a job without a checkpoint of its own
/// needs all that it was restored from, even if that snapshot is gone (generation two, H8).
pub(super) fn live_descendant(context: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    let owner = candidate.owner?;
    // A job may have been restored from a savepoint that it made itself.
    let own = owner
        .job
        .filter(|_| owner.class == OwnerClass::Running && !candidate.in_savepoint());
    let shared = match candidate.file.placement.kind {
        FileKind::Shared
        | FileKind::ForSt
        | FileKind::Merged
        | FileKind::Changelog
        | FileKind::SavepointMetadata
        | FileKind::Savepoint => true,
        FileKind::CheckpointMetadata
        | FileKind::Exclusive
        | FileKind::TemporaryMetadata
        | FileKind::EmptyCheckpoint
        | FileKind::TaskOwned
        | FileKind::Journal
        | FileKind::Foreign => false,
    };
    let of_snapshot = match candidate.file.placement.kind {
        FileKind::CheckpointMetadata
        | FileKind::Exclusive
        | FileKind::SavepointMetadata
        | FileKind::Savepoint => true,
        FileKind::Shared
        | FileKind::ForSt
        | FileKind::Merged
        | FileKind::Changelog
        | FileKind::TemporaryMetadata
        | FileKind::EmptyCheckpoint
        | FileKind::TaskOwned
        | FileKind::Journal
        | FileKind::Foreign => false,
    };
    let survey = context.survey();
    let known = survey
        .readers
        .iter()
        .filter(|reader| own.is_none_or(|own| own.name != *reader.job))
        .filter(|reader| match reader.what {
            Reads::InPlace => shared,
            Reads::UnknownRestore => true,
        })
        .find(|reader| {
            let is_ruled_out = |place: &Location| context.is_ruled_out(place, &candidate.location);
            reader.may_read(&candidate.location)
                || (of_snapshot && reader.may_start_from(&candidate.location, is_ruled_out))
        })
        .map(|reader| match reader.what {
            Reads::InPlace => format!(
                "{} may run with the ForSt backend and read it in place",
                reader.job
            ),
            Reads::UnknownRestore => format!(
                "{} may run without a checkpoint of its own, and what it was restored from cannot be read",
                reader.job
            ),
        });
    known.or_else(|| {
        let file = &candidate.location;
        let mut unknown = survey.unknown_forst.iter().filter(|_| shared);
        let may_read = |directory: &&Location| {
            directory.store().may_be(file.store()) && !context.is_ruled_out(directory, file)
        };
        unknown.find(may_read).map(|directory| {
            format!(
                "{directory} has a ForSt database of an unknown job, which may read it in place"
            )
        })
    })
}
