//! What keeps a file: the names that snapshots refer to, and where they say it is.

mod chunked;
mod collect;
mod directory_key;
mod file_name;
mod found;
mod short_found;
mod table;

pub use collect::{CollectError, ParsedSnapshot, deduplicate};
pub use directory_key::DirectoryKey;
pub use file_name::FileName;
pub use found::Found;
pub use table::{FileId, ReferenceTable};

/// How many bytes a referenced file must at least have for its snapshot to be restorable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Required(pub u64);

impl Required {
    /// It must exist; the stored size says nothing (changelog files may be compressed, a size of -1 is unknown).
    pub const PRESENT: Self = Self(0);
}

/// One reference of a snapshot, without a gap between its parts: there may be ten million of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(Rust, packed(4))]
pub struct Reference {
    pub file: FileId,
    pub required: Required,
}
