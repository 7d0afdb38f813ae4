use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::AsFd;

use bytes::Bytes;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::look::{kind_of, stat_at, version_of};
use super::resolve::Target;
use crate::port::{Contents, EntryKind, StorageError, Version};

pub(super) fn whole(target: &Target, limit: u64) -> Result<Contents, StorageError> {
    let too_large = |size| StorageError::TooLarge {
        path: target.location(),
        size,
        limit,
    };
    let (mut file, version) = open(target)?;
    if version.size > limit {
        return Err(too_large(version.size));
    }
    // One byte more, to notice a file that grows.
    let bytes = read_up_to(target, &mut file, limit.saturating_add(1), version.size)?;
    unchanged(target, &file, &version)?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if length > limit {
        Err(too_large(length))
    } else {
        Ok(Contents { bytes, version })
    }
}

pub(super) fn range(target: &Target, offset: u64, length: u64) -> Result<Contents, StorageError> {
    let (mut file, version) = open(target)?;
    let available = version.size.saturating_sub(offset).min(length);
    let bytes = if available == 0 {
        Bytes::new()
    } else {
        file.seek(SeekFrom::Start(offset))
            .map_err(|error| failure(target, &error))?;
        read_up_to(target, &mut file, available, available)?
    };
    unchanged(target, &file, &version)?;
    Ok(Contents { bytes, version })
}

/// Opens a regular file. Looks before opening, because opening alone can hang (a pipe) or act (a device), and again
/// after, because the name may have been given to something else in between; NONBLOCK lets that case not hang either.
fn open(target: &Target) -> Result<(File, Version), StorageError> {
    if target.key().is_root() {
        return Err(target.failure(Errno::ISDIR));
    }
    let place = target.place()?;
    let fail = |errno| target.failure(errno);
    let before = stat_at(place.directory.as_fd(), place.name).map_err(fail)?;
    require_file(target, kind_of(&before))?;
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file =
        rustix::fs::openat(&place.directory, place.name, flags, Mode::empty()).map_err(fail)?;
    let opened = rustix::fs::fstat(&file).map_err(fail)?;
    require_file(target, kind_of(&opened))?;
    Ok((File::from(file), version_of(&opened)))
}

pub(super) fn require_file(target: &Target, kind: EntryKind) -> Result<(), StorageError> {
    let (operation, path) = (target.operation(), target.location());
    match kind {
        EntryKind::File => Ok(()),
        EntryKind::Directory => Err(StorageError::IsADirectory { operation, path }),
        EntryKind::Symlink => Err(StorageError::SymlinkInPath {
            operation,
            link: path.clone(),
            path,
        }),
        EntryKind::Other => Err(StorageError::NotAFile { operation, path }),
    }
}

fn read_up_to(
    target: &Target,
    file: &mut File,
    limit: u64,
    expected: u64,
) -> Result<Bytes, StorageError> {
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| failure(target, &error))?;
    Ok(Bytes::from(bytes))
}

/// Bytes from before and after a change, taken together, were never a file.
fn unchanged(target: &Target, file: &File, version: &Version) -> Result<(), StorageError> {
    let now = rustix::fs::fstat(file).map_err(|errno| target.failure(errno))?;
    if version_of(&now) == *version {
        Ok(())
    } else {
        Err(StorageError::ChangedWhileRead {
            path: target.location(),
        })
    }
}

fn failure(target: &Target, error: &std::io::Error) -> StorageError {
    target.failure(Errno::from_io_error(error).unwrap_or(Errno::IO))
}
