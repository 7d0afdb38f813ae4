//! What keeps a file: the names that snapshots refer to, and where they say it is.

mod collect;
mod directory_key;
mod file_name;
mod table;

pub use collect::{CollectError, ParsedSnapshot, deduplicate};
pub use directory_key::DirectoryKey;
pub use file_name::FileName;
pub use table::{FileId, Found, ReferenceTable};

/// How long a referenced file must at least be for its snapshot to be restorable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Required {
    /// It must exist; the stored size says nothing (changelog files may be compressed, a size of -1 is unknown).
    Present,
    /// It must have at least so many bytes.
    AtLeast(u64),
}

/// One reference of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    pub file: FileId,
    pub required: Required,
}
