use bytes::Bytes;

use super::{Entry, Version};

/// Bytes of a file and the version that they were read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    pub bytes: Bytes,
    /// The version of the *whole* file, also when only a range was read.
    pub version: Version,
}

/// What became of a file that was to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletion {
    /// It is gone. Stores that compare for us may say so, too, where nothing was there any more.
    Deleted,
    /// Somebody else, Flink perhaps, was faster. As good as deleted.
    AlreadyGone,
    /// Something else is there now. Nothing was deleted.
    Changed { found: Entry },
}

/// What became of a directory that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovedDirectory {
    Removed,
    AlreadyGone,
    /// Something is in it. Nothing was removed.
    NotEmpty,
}

/// What became of a file that was to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    Created,
    /// Something is at that key; it was left as it is.
    Exists,
}
