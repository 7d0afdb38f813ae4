use std::time::Duration;

/// What a store can promise beyond the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    pub conditional_delete: ConditionalDelete,
    /// Whether directories exist by themselves (file systems, HDFS) or are only common prefixes of keys.
    pub real_directories: bool,
    /// The smallest difference between two modification times that the store can show: two writes within it may
    /// have the same [`Version`](super::Version).
    pub modified_resolution: Duration,
}

/// How [`Storage::delete_if_unchanged`](super::Storage::delete_if_unchanged) is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionalDelete {
    /// The store compares and deletes in one step.
    Atomic,
    /// We compare, then delete at once; a writer in between is not noticed: microseconds on a file system, a request over a
    /// network. Harmless for Flink's data files, which have unique names and never change.
    CompareThenDelete,
}
