use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use rustix::fs::{FileType, RawDir};
use rustix::io::Errno;

use super::blocking::on_blocking_thread;
use super::look::{kind_of, stat_at, version_of};
use super::resolve::{Target, open_for_reading};
use crate::port::{Entry, EntryKind, StorageError, Version};

/// Room for about a thousand names of Flink's length: one `getdents` and its `stat` calls per hop to a blocking thread.
const BUFFER_BYTES: usize = 64 * 1024;

pub(super) fn stream<'a>(
    target: Target,
    vanished: Arc<AtomicU64>,
) -> BoxStream<'a, Result<Entry, StorageError>> {
    let listing = Listing {
        target,
        directory: None,
        vanished,
    };
    stream::try_unfold(listing, |listing| async move {
        let (operation, location) = (listing.target.operation(), listing.target.location());
        on_blocking_thread(operation, &location, move || listing.next_batch()).await
    })
    .map_ok(|batch| stream::iter(batch).map(Ok))
    .try_flatten()
    .boxed()
}

struct Listing {
    target: Target,
    /// Opened at the first batch; its position in the kernel says what was read so far.
    directory: Option<OwnedFd>,
    vanished: Arc<AtomicU64>,
}

impl Listing {
    /// The next entries, and how to go on; `None` when all were read.
    fn next_batch(mut self) -> Result<Option<(Vec<Entry>, Self)>, StorageError> {
        let directory = match self.directory.take() {
            Some(directory) => directory,
            None => open_for_reading(self.target.directory()?.as_fd())
                .map_err(|errno| self.target.failure(errno))?,
        };
        let mut buffer = Vec::with_capacity(BUFFER_BYTES);
        // RawDir and not Dir: the latter takes ENOENT from the kernel for the end, and a directory that is removed
        // while we read it would look completely listed.
        let mut names = RawDir::new(&directory, buffer.spare_capacity_mut());
        let mut entries = Vec::new();
        let mut at_end = true;
        while let Some(name) = names.next() {
            at_end = false;
            let name = name.map_err(|errno| self.target.failure(errno))?;
            if !matches!(name.file_name().to_bytes(), b"." | b"..") {
                let may_be_directory =
                    matches!(name.file_type(), FileType::Directory | FileType::Unknown);
                let name = name.file_name();
                entries.extend(self.look_at(directory.as_fd(), name, may_be_directory)?);
            }
            if names.is_buffer_empty() {
                break;
            }
        }
        if at_end {
            return Ok(None);
        }
        self.directory = Some(directory);
        Ok(Some((entries, self)))
    }

    fn look_at(
        &self,
        directory: BorrowedFd<'_>,
        name: &CStr,
        may_be_directory: bool,
    ) -> Result<Option<Entry>, StorageError> {
        let (kind, version) = match stat_at(directory, name) {
            Ok(stat) => (kind_of(&stat), version_of(&stat)),
            // Whoever enters it finds it gone. Without a word it would look as if it had never been.
            Err(Errno::NOENT) if may_be_directory => (EntryKind::Directory, unknown()),
            Err(Errno::NOENT) => {
                self.vanished.fetch_add(1, Ordering::Relaxed);
                return Ok(None);
            }
            Err(other) => return Err(self.target.failure(other)),
        };
        let kind = if name.to_str().is_ok() {
            kind
        } else {
            EntryKind::Other
        };
        let key = self
            .target
            .key()
            .join(&name.to_string_lossy())
            .map_err(|cause| StorageError::Unavailable {
                operation: self.target.operation(),
                path: self.target.location(),
                cause: Arc::new(cause),
            })?;
        Ok(Some(Entry { key, kind, version }))
    }
}

/// Of what is not there any more.
fn unknown() -> Version {
    Version {
        size: 0,
        modified: None,
        etag: None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::local::LocalStorage;
    use crate::port::{Key, Operation};

    /// Between its name and the look at it, nobody can hold the kernel up.
    #[tokio::test]
    async fn a_directory_that_goes_before_it_is_looked_at_is_shown() {
        let directory = tempfile::tempdir().unwrap();
        let storage = LocalStorage::open(directory.path()).await.unwrap();
        let root = Arc::clone(&storage.root);
        let listing = Listing {
            target: Target::new(root, Operation::List, Key::root()),
            directory: None,
            vanished: Arc::default(),
        };
        let opened = listing.target.directory().unwrap();
        let look = |may_be_directory| {
            let entry = listing.look_at(opened.as_fd(), c"chk-5", may_be_directory);
            entry
                .unwrap()
                .map(|entry| (entry.key.to_string(), entry.kind))
        };
        assert_eq!(look(true), Some(("chk-5".to_owned(), EntryKind::Directory)));
        assert_eq!(look(false), None);
    }
}
