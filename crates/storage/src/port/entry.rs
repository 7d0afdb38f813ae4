use jiff::Timestamp;

use super::Key;

/// One thing in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: Key,
    pub kind: EntryKind,
    pub version: Version,
}

impl Entry {
    /// Whether this is what an interrupted write of ours left behind, or is about to rename: never contents.
    #[must_use]
    pub fn is_partial_write(&self) -> bool {
        self.key.file_name().is_some_and(PartialWrite::is_name_of)
    }
}

/// What an entry is, by itself: a link is a link, whatever it points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryKind {
    File,
    /// A directory, also where another volume is mounted: what lies there is Flink's data just as well.
    Directory,
    Symlink,
    /// A pipe, socket or device, or an entry whose name a [`Key`] cannot hold (not UTF-8, or an object key with an
    /// empty segment). In the latter case the entry's key is a readable approximation and names nothing: such
    /// an entry can be neither read nor deleted, only reported.
    Other,
}

/// What must be unchanged when a file is deleted.
///
/// A modification time is a guard only. It may be missing (`None`), zero, in the future, coarse, or older than the
/// arrival of the file (`cp -p`, restored backups).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version {
    /// Length in bytes; for anything but a file it has no meaning.
    pub size: u64,
    /// Last modification by the store's clock.
    pub modified: Option<Timestamp>,
    /// The store's own mark of the contents; object stores have one, file systems do not.
    pub etag: Option<String>,
}

impl Version {
    /// Whether an unchanged version says anything: equal sizes alone do not.
    #[must_use]
    pub fn is_verifiable(&self) -> bool {
        let Self {
            size: _,
            modified,
            etag,
        } = self;
        modified.is_some() || etag.is_some()
    }
}

/// The names of files that are being written by [`Storage::put_if_absent`](super::Storage::put_if_absent) or
/// [`Storage::replace`](super::Storage::replace), or that a crash left in that state.
#[derive(Debug, Clone, Copy)]
pub enum PartialWrite {}

impl PartialWrite {
    /// No file of Flink and none of the journal begins so.
    pub const PREFIX: &str = ".partial-write-";

    /// Whether readers must ignore a file of this name.
    #[must_use]
    pub fn is_name_of(file_name: &str) -> bool {
        file_name.starts_with(Self::PREFIX)
    }
}
