use futures::stream::{self, BoxStream, StreamExt};
use hdfs_native::client::{FileStatus, ListStatusIterator};

use super::HdfsStorage;
use super::ask::question;
use super::look::entry;
use super::reserved::TRASH;
use crate::port::{Entry, EntryKind, Key, Operation, Storage, StorageError};

/// What is directly in `directory`, page by page, in the order of the names. A page is one look of the `NameNode` at the
/// directory as it is then; one that is gone by then is an error.
pub(super) fn level(
    store: &HdfsStorage,
    directory: Key,
) -> BoxStream<'_, Result<Entry, StorageError>> {
    let path = store.path(&directory);
    let listing = Listing {
        pages: store.client.list_status_iter(&path, false),
        store,
        directory,
        path,
    };
    stream::try_unfold(listing, |listing| async move {
        let next = listing.next().await?;
        Ok(next.map(|entry| (entry, listing)))
    })
    .boxed()
}

struct Listing<'store> {
    pages: ListStatusIterator,
    store: &'store HdfsStorage,
    directory: Key,
    path: String,
}

impl Listing<'_> {
    async fn next(&self) -> Result<Option<Entry>, StorageError> {
        let operation = Operation::List;
        let next = question(async { self.pages.next().await.transpose() }).await;
        match next {
            // The listing of a file is the file.
            Ok(Some(status)) if status.path == self.path => {
                let path = self.store.location(&self.directory);
                Err(StorageError::NotADirectory {
                    operation,
                    obstacle: path.clone(),
                    path,
                })
            }
            Ok(Some(status)) => {
                let entry = self.entry(&status)?;
                self.refuse_trash(&entry)?;
                Ok(Some(entry))
            }
            Ok(None) => Ok(None),
            Err(error) => Err(self.store.failure(operation, &self.directory, error).await),
        }
    }

    /// What is in a trash looks as it did before it was deleted: its snapshots would take the places of those that are to
    /// be kept, and what it holds would be judged. But somebody may take it back, so that what it names is needed, too.
    /// Whoever asks for all of this directory is told that it cannot be known.
    fn refuse_trash(&self, entry: &Entry) -> Result<(), StorageError> {
        if entry.kind != EntryKind::Directory || entry.key.file_name() != Some(TRASH) {
            return Ok(());
        }
        Err(StorageError::Reserved {
            operation: Operation::List,
            path: self.store.location(&self.directory),
            reserved: self.store.location(&entry.key),
        })
    }

    fn entry(&self, status: &FileStatus) -> Result<Entry, StorageError> {
        let name = status.path.rsplit('/').next().unwrap_or_default();
        let named = self.directory.join(name);
        let key = named.or_else(|_| self.directory.join(&name.replace('\0', "\u{fffd}")));
        let key = key.map_err(|why| {
            let why = why.to_string();
            self.store
                .unavailable(Operation::List, &self.directory, why)
        })?;
        let entry = entry(key, status);
        // No key has such a name.
        let kind = if name.contains('\0') {
            EntryKind::Other
        } else {
            entry.kind
        };
        Ok(Entry { kind, ..entry })
    }
}
