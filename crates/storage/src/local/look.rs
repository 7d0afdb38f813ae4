use std::os::fd::BorrowedFd;

use jiff::Timestamp;
use rustix::fs::{AtFlags, FileType, Stat};
use rustix::io::Errno;

use super::resolve::Target;
use crate::port::{Entry, EntryKind, StorageError, Version};

/// What is at the target, if anything.
pub(super) fn entry(target: &Target) -> Result<Option<Entry>, StorageError> {
    if target.key().is_root() {
        let stat = rustix::fs::fstat(target.directory()?).map_err(|errno| target.failure(errno))?;
        return Ok(Some(entry_of(target, &stat)));
    }
    let place = match target.place() {
        Ok(place) => place,
        Err(StorageError::NotFound { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    entry_at(target, &place.directory, place.name)
}

/// What `name` is in `directory`, which the target's key is in.
pub(super) fn entry_at(
    target: &Target,
    directory: &impl std::os::fd::AsFd,
    name: &str,
) -> Result<Option<Entry>, StorageError> {
    match stat_at(directory.as_fd(), name) {
        Ok(stat) => Ok(Some(entry_of(target, &stat))),
        Err(Errno::NOENT) => Ok(None),
        Err(other) => Err(target.failure(other)),
    }
}

pub(super) fn stat_at<Name: rustix::path::Arg>(
    directory: BorrowedFd<'_>,
    name: Name,
) -> Result<Stat, Errno> {
    rustix::fs::statat(
        directory,
        name,
        AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT,
    )
}

fn entry_of(target: &Target, stat: &Stat) -> Entry {
    Entry {
        key: target.key().clone(),
        kind: kind_of(stat),
        version: version_of(stat),
    }
}

pub(super) fn kind_of(stat: &Stat) -> EntryKind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        FileType::Symlink => EntryKind::Symlink,
        FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => EntryKind::Other,
    }
}

/// Size and time. Not the change time, which a recursive `chown` by the kubelet (`fsGroup`) renews at each pod start, and
/// not the inode number, which some network file systems make up at each mount.
pub(super) fn version_of(stat: &Stat) -> Version {
    let modified = i32::try_from(stat.st_mtime_nsec)
        .ok()
        .and_then(|nanoseconds| Timestamp::new(stat.st_mtime, nanoseconds).ok());
    Version {
        size: u64::try_from(stat.st_size).unwrap_or(0),
        modified,
        etag: None,
    }
}
