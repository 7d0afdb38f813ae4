use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::look::{kind_of, stat_at};
use super::resolve::{Place, Target, open_for_reading};
use crate::port::{EntryKind, PartialWrite, Put, StorageError};

/// Makes the file under another name, then gives it the right name if that is free.
pub(super) fn if_absent(target: &Target, contents: &[u8]) -> Result<Put, StorageError> {
    let place = place(target)?;
    let directory = place.directory.as_fd();
    match stat_at(directory, place.name) {
        Ok(_) => return Ok(Put::Exists),
        Err(Errno::NOENT) => {}
        Err(other) => return Err(target.failure(other)),
    }
    let partial = Partial::write(directory, contents).map_err(|errno| target.failure(errno))?;
    let put = partial
        .publish_if_absent(place.name)
        .map_err(|errno| match errno {
            Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP => StorageError::Unsupported {
                operation: target.operation(),
                path: target.location(),
                cause: Arc::new(std::io::Error::from(errno)),
            },
            other => target.failure(other),
        })?;
    sync_directory(directory).map_err(|errno| target.failure(errno))?;
    Ok(put)
}

/// Makes the file under another name, then renames it onto the right one.
pub(super) fn replacing(target: &Target, contents: &[u8]) -> Result<(), StorageError> {
    let place = place(target)?;
    let directory = place.directory.as_fd();
    if stat_at(directory, place.name).is_ok_and(|stat| kind_of(&stat) == EntryKind::Directory) {
        return Err(target.failure(Errno::ISDIR));
    }
    Partial::write(directory, contents)
        .and_then(|partial| partial.publish(place.name))
        .and_then(|()| sync_directory(directory))
        .map_err(|errno| target.failure(errno))
}

fn place(target: &Target) -> Result<Place<'_>, StorageError> {
    target.place_with(|directory, name| {
        match rustix::fs::mkdirat(directory, name, Mode::from_raw_mode(0o755)) {
            // Somebody else made it at the same time; it is looked at next.
            Ok(()) | Err(Errno::EXIST) => sync_directory(directory),
            Err(other) => Err(other),
        }
    })
}

/// A complete, synced file under a name that readers ignore. Removed when it is dropped before it was renamed.
struct Partial<'directory> {
    directory: BorrowedFd<'directory>,
    name: String,
    file: File,
    /// After a rename the name may already be another writer's.
    remove_on_drop: bool,
}

impl<'directory> Partial<'directory> {
    fn write(directory: BorrowedFd<'directory>, contents: &[u8]) -> Result<Self, Errno> {
        let mut partial = Self::create(directory)?;
        partial
            .file
            .write_all(contents)
            .and_then(|()| partial.file.sync_all())
            .map_err(|error| errno(&error))?;
        Ok(partial)
    }

    /// Process and counter need not be unique, for other machines may share the volume: creation decides.
    fn create(directory: BorrowedFd<'directory>) -> Result<Self, Errno> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let name = format!("{}{}-{count}", PartialWrite::PREFIX, std::process::id());
            match rustix::fs::openat(directory, &*name, flags, Mode::from_raw_mode(0o644)) {
                Ok(file) => {
                    return Ok(Self {
                        directory,
                        name,
                        file: File::from(file),
                        remove_on_drop: true,
                    });
                }
                Err(Errno::EXIST) => {}
                Err(other) => return Err(other),
            }
        }
    }

    fn publish(mut self, name: &str) -> Result<(), Errno> {
        rustix::fs::renameat(self.directory, &*self.name, self.directory, name)?;
        self.remove_on_drop = false;
        Ok(())
    }

    /// A hard link fails if the name is taken, on every file system that has hard links; the rename flag does the same
    /// on some that have none.
    fn publish_if_absent(mut self, name: &str) -> Result<Put, Errno> {
        match rustix::fs::linkat(
            self.directory,
            &*self.name,
            self.directory,
            name,
            AtFlags::empty(),
        ) {
            Ok(()) => Ok(Put::Created),
            // NFS repeats a request whose answer was lost, and then reports that our own link exists.
            Err(_) if rustix::fs::fstat(&self.file)?.st_nlink > 1 => Ok(Put::Created),
            Err(Errno::EXIST) => Ok(Put::Exists),
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK) => {
                let flags = RenameFlags::NOREPLACE;
                match rustix::fs::renameat_with(
                    self.directory,
                    &*self.name,
                    self.directory,
                    name,
                    flags,
                ) {
                    Ok(()) => {
                        self.remove_on_drop = false;
                        Ok(Put::Created)
                    }
                    Err(Errno::EXIST) => Ok(Put::Exists),
                    Err(other) => Err(other),
                }
            }
            Err(other) => Err(other),
        }
    }
}

impl Drop for Partial<'_> {
    fn drop(&mut self) {
        if self.remove_on_drop {
            // What cannot be removed is ignored by its name.
            let _ = rustix::fs::unlinkat(self.directory, &*self.name, AtFlags::empty());
        }
    }
}

/// Without this a power cut can lose the name of a file whose contents are safe.
fn sync_directory(directory: BorrowedFd<'_>) -> Result<(), Errno> {
    match rustix::fs::fsync(open_for_reading(directory)?) {
        // Some network and FUSE file systems know no sync of directories; their servers order names themselves.
        Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) | Ok(()) => Ok(()),
        Err(other) => Err(other),
    }
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
