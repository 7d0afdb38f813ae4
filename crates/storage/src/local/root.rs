use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, FileType, Mode, OFlags, Stat};

use crate::port::{Key, Operation, StorageError};

/// Which directory the store is: its real path, and the identity of what was there when it was opened.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Root {
    pub(super) fn open(given: &Path) -> Result<Self, StorageError> {
        let location = given.display().to_string();
        let fail = |errno| io_failure(Operation::Open, location.clone(), errno);
        let path = given.canonicalize().map_err(|error| {
            let errno = rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO);
            fail(errno)
        })?;
        // Reading rights are asked for at once, so that a forbidden root is found before any work starts.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(CWD, &path, flags, Mode::empty()).map_err(fail)?;
        let stat = rustix::fs::fstat(&directory).map_err(fail)?;
        Ok(Self {
            path,
            device: stat.st_dev,
            inode: stat.st_ino,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn location(&self, key: &Key) -> String {
        if key.is_root() {
            return self.path.display().to_string();
        }
        self.path.join(key.as_str()).display().to_string()
    }

    /// A handle to look up names in, not to list.
    ///
    /// Opened afresh each time and compared: a kept handle would show the old, perhaps empty, directory after a remount,
    /// and a path alone would show the bare mount point after an unmount. Both look like a complete listing of nothing.
    pub(super) fn handle(&self, operation: Operation, key: &Key) -> Result<OwnedFd, StorageError> {
        let changed = || StorageError::RootChanged {
            operation,
            path: self.location(key),
            root: self.location(&Key::root()),
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(CWD, &self.path, flags, Mode::empty()).map_err(
            |errno| match errno {
                rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP => {
                    changed()
                }
                other => io_failure(operation, self.location(key), other),
            },
        )?;
        let stat = rustix::fs::fstat(&directory)
            .map_err(|errno| io_failure(operation, self.location(key), errno))?;
        if self.is(&stat) {
            Ok(directory)
        } else {
            Err(changed())
        }
    }

    fn is(&self, stat: &Stat) -> bool {
        (stat.st_dev, stat.st_ino) == (self.device, self.inode)
            && FileType::from_raw_mode(stat.st_mode) == FileType::Directory
    }
}

/// The error for a failed system call on exactly this path.
pub(super) fn io_failure(
    operation: Operation,
    path: String,
    errno: rustix::io::Errno,
) -> StorageError {
    use rustix::io::Errno;
    match errno {
        Errno::NOENT => StorageError::NotFound { operation, path },
        Errno::ACCESS | Errno::PERM => StorageError::PermissionDenied { operation, path },
        Errno::NOTDIR => StorageError::NotADirectory {
            operation,
            obstacle: path.clone(),
            path,
        },
        Errno::ISDIR => StorageError::IsADirectory { operation, path },
        Errno::LOOP => StorageError::SymlinkInPath {
            operation,
            link: path.clone(),
            path,
        },
        other => StorageError::Unavailable {
            operation,
            path,
            cause: Arc::new(std::io::Error::from(other)),
        },
    }
}
