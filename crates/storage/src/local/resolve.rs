use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::root::{Root, io_failure};
use crate::port::{Key, Operation, StorageError};

/// After so long nothing is deleted any more: what hung for hours on the way to it was decided hours ago.
pub(super) const DELETED_WITHIN: Duration = Duration::from_mins(1);

/// One key, and what is about to be done to it.
#[derive(Debug)]
pub(super) struct Target {
    root: Arc<Root>,
    operation: Operation,
    key: Key,
    pub(super) asked: Instant,
}

/// A directory that is held open, and a name in it. Whatever happens to the path, calls act on this directory.
#[derive(Debug)]
pub(super) struct Place<'target> {
    pub(super) directory: OwnedFd,
    pub(super) name: &'target str,
}

impl Target {
    pub(super) fn new(root: Arc<Root>, operation: Operation, key: Key) -> Self {
        Self {
            root,
            operation,
            key,
            asked: Instant::now(),
        }
    }

    /// To be asked right before what cannot be undone.
    pub(super) fn in_time(&self) -> Result<(), StorageError> {
        if self.asked.elapsed() <= DELETED_WITHIN {
            return Ok(());
        }
        Err(StorageError::TooLate {
            operation: self.operation,
            path: self.location(),
            within: DELETED_WITHIN,
        })
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    pub(super) fn operation(&self) -> Operation {
        self.operation
    }

    pub(super) fn location(&self) -> String {
        self.root.location(&self.key)
    }

    pub(super) fn failure(&self, errno: Errno) -> StorageError {
        io_failure(self.operation, self.location(), errno)
    }

    /// The place of the key in its parent; every directory above is there and none is a link.
    pub(super) fn place(&self) -> Result<Place<'_>, StorageError> {
        self.place_with(|_, _| Err(Errno::NOENT))
    }

    /// Like [`Target::place`], calling `make` for a directory that is missing.
    pub(super) fn place_with(
        &self,
        make: impl Fn(BorrowedFd<'_>, &str) -> Result<(), Errno>,
    ) -> Result<Place<'_>, StorageError> {
        let (Some(parent), Some(name)) = (self.key.parent(), self.key.file_name()) else {
            return Err(StorageError::IsRoot {
                operation: self.operation,
                path: self.location(),
            });
        };
        Ok(Place {
            directory: self.descend(&parent, make)?,
            name,
        })
    }

    /// The directory that the key names, for looking up names.
    pub(super) fn directory(&self) -> Result<OwnedFd, StorageError> {
        self.descend(&self.key, |_, _| Err(Errno::NOENT))
    }

    fn descend(
        &self,
        to: &Key,
        make: impl Fn(BorrowedFd<'_>, &str) -> Result<(), Errno>,
    ) -> Result<OwnedFd, StorageError> {
        let mut directory = self.root.handle(self.operation, &self.key)?;
        let mut reached = Key::root();
        for name in to.segments() {
            reached = reached
                .join(name)
                .map_err(|cause| StorageError::Unavailable {
                    operation: self.operation,
                    path: self.location(),
                    cause: Arc::new(cause),
                })?;
            let step = match open_directory(directory.as_fd(), name) {
                Err(Errno::NOENT) => make(directory.as_fd(), name)
                    .and_then(|()| open_directory(directory.as_fd(), name)),
                opened => opened,
            };
            directory =
                step.map_err(|errno| self.obstacle(directory.as_fd(), name, &reached, errno))?;
        }
        Ok(directory)
    }

    /// Why `name` could not be entered. A link and a file give the same error number: look which one it was.
    fn obstacle(
        &self,
        directory: BorrowedFd<'_>,
        name: &str,
        reached: &Key,
        errno: Errno,
    ) -> StorageError {
        let obstacle = self.root.location(reached);
        match errno {
            Errno::NOTDIR | Errno::LOOP => {
                let (operation, path) = (self.operation, self.location());
                match rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => {
                        StorageError::SymlinkInPath {
                            operation,
                            path,
                            link: obstacle,
                        }
                    }
                    Ok(_) => StorageError::NotADirectory {
                        operation,
                        path,
                        obstacle,
                    },
                    Err(errno) => self.failure(errno),
                }
            }
            other => self.failure(other),
        }
    }
}

fn open_directory(directory: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    // A PATH handle needs no reading rights: directories that may only be passed through stay passable.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(directory, name, flags, Mode::empty())
}

/// The same directory, opened for listing or for `fsync`.
pub(super) fn open_for_reading(directory: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(
        directory,
        ".",
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
}
