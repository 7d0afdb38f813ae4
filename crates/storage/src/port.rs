//! The storage port: everything that this project ever asks of a file system or an object store.

mod capabilities;
mod entry;
mod error;
mod key;
mod outcome;

pub use capabilities::{Capabilities, ConditionalDelete};
pub use entry::{Entry, EntryKind, PartialWrite, Version};
pub(crate) use error::OnlyLookedAt;
pub use error::{Operation, StorageError};
pub use key::{InvalidKey, Key};
pub use outcome::{Contents, Deletion, Put, RemovedDirectory};

use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

/// A store, rooted at one directory or prefix.
///
/// Rules that hold for every method of every adapter:
///
/// - No symbolic link is followed at any segment of a key. The root itself may be one; it is resolved once, when the
///   store is opened.
/// - Absence is reported only where it is certain. What could not be looked at is an error.
/// - A call whose future is dropped may still take effect, once, as a request on its way to a server may.
/// - Nothing is opened but regular files, so a named pipe cannot hang a caller.
#[async_trait]
pub trait Storage: Send + Sync + Debug {
    /// What this store can promise.
    fn capabilities(&self) -> Capabilities;

    /// The full path or URL of `key` as a person would write it, for reports and errors. Not for parsing.
    fn location(&self, key: &Key) -> String;

    /// All entries directly in `directory`, hidden ones included, in no particular order.
    ///
    /// Memory stays bounded whatever the size of the directory. The stream ends after its first error, and a listing
    /// is complete only when the stream ended without one. An entry that vanishes while the listing runs is left out;
    /// one that is renamed meanwhile may be missing under both names or be there under both.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if the directory itself does not exist or is removed while it is listed: whether
    /// that is a gap or the truth, only the caller can know. Everything else that was not read completely is an
    /// error too. On stores without real directories ([`Capabilities::real_directories`]) a directory that does
    /// not exist is an empty one.
    fn list_level<'a>(&'a self, directory: &Key) -> BoxStream<'a, Result<Entry, StorageError>>;

    /// What is at `key`, not following a link there; `None` only if nothing is there for certain.
    async fn stat(&self, key: &Key) -> Result<Option<Entry>, StorageError>;

    /// The whole file, with the version that the bytes belong to.
    ///
    /// # Errors
    /// [`StorageError::TooLarge`] if it is longer than `limit` bytes; then nothing more than `limit` was read.
    async fn read(&self, key: &Key, limit: u64) -> Result<Contents, StorageError>;

    /// At most `length` bytes from byte `offset` on; fewer, or none, where the file ends before.
    async fn read_range(
        &self,
        key: &Key,
        offset: u64,
        length: u64,
    ) -> Result<Contents, StorageError>;

    /// Deletes one regular file if it is still the version that was decided on.
    ///
    /// # Errors
    /// [`StorageError::Unverifiable`] if `expected` holds neither time nor etag: a size alone proves nothing.
    async fn delete_if_unchanged(
        &self,
        key: &Key,
        expected: &Version,
    ) -> Result<Deletion, StorageError>;

    /// Removes one directory if it is empty. On stores without real directories: its empty marker object.
    async fn remove_empty_directory(&self, key: &Key) -> Result<RemovedDirectory, StorageError>;

    /// Creates a file with these contents, unless anything is at `key` already; makes missing directories.
    ///
    /// Of many concurrent callers exactly one gets [`Put::Created`]. Then the file survives a power cut. No reader
    /// ever sees a part of the contents.
    async fn put_if_absent(&self, key: &Key, contents: Bytes) -> Result<Put, StorageError>;

    /// Creates or replaces a file of our own; makes missing directories. As durable as [`Storage::put_if_absent`], and
    /// a reader sees all of the old or all of the new contents. Only for the journal: never for a file of Flink.
    async fn replace(&self, key: &Key, contents: Bytes) -> Result<(), StorageError>;
}
