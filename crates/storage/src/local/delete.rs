use std::os::fd::AsFd;

use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::look::{entry_at, kind_of, stat_at};
use super::resolve::{Place, Target};
use crate::port::{Deletion, EntryKind, RemovedDirectory, StorageError, Version};

/// Compares, then unlinks the name in the same open directory.
///
/// No system call does both at once. A file that is renamed onto this name in the microseconds between would be deleted
/// unseen. Flink does not do that to its data files (their names are random and written once), and `_metadata` of a
/// checkpoint number is only written again after its job restarted, which the evidence of a batch excludes.
/// A link cannot be followed (`unlinkat` removes the name itself), and a directory cannot be removed by this call.
pub(super) fn file_if_unchanged(
    target: &Target,
    expected: &Version,
) -> Result<Deletion, StorageError> {
    if !expected.is_verifiable() {
        return Err(StorageError::Unverifiable {
            path: target.location(),
        });
    }
    let Some(Place { directory, name }) = place_if_any(target)? else {
        return Ok(Deletion::AlreadyGone);
    };
    let Some(found) = entry_at(target, &directory, name)? else {
        return Ok(Deletion::AlreadyGone);
    };
    if found.kind != EntryKind::File || found.version != *expected {
        return Ok(Deletion::Changed { found });
    }
    target.in_time()?;
    match rustix::fs::unlinkat(&directory, name, AtFlags::empty()) {
        Ok(()) => Ok(Deletion::Deleted),
        Err(Errno::NOENT) => Ok(Deletion::AlreadyGone),
        Err(other) => Err(target.failure(other)),
    }
}

/// The kernel refuses a directory that is not empty, so there is nothing to check before and no race.
pub(super) fn empty_directory(target: &Target) -> Result<RemovedDirectory, StorageError> {
    let Some(Place { directory, name }) = place_if_any(target)? else {
        return Ok(RemovedDirectory::AlreadyGone);
    };
    target.in_time()?;
    match rustix::fs::unlinkat(&directory, name, AtFlags::REMOVEDIR) {
        Ok(()) => Ok(RemovedDirectory::Removed),
        Err(Errno::NOENT) => Ok(RemovedDirectory::AlreadyGone),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(RemovedDirectory::NotEmpty),
        Err(Errno::NOTDIR) => {
            let is_link = stat_at(directory.as_fd(), name)
                .is_ok_and(|stat| kind_of(&stat) == EntryKind::Symlink);
            Err(target.failure(if is_link { Errno::LOOP } else { Errno::NOTDIR }))
        }
        Err(other) => Err(target.failure(other)),
    }
}

fn place_if_any(target: &Target) -> Result<Option<Place<'_>>, StorageError> {
    match target.place() {
        Ok(place) => Ok(Some(place)),
        Err(StorageError::NotFound { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}
