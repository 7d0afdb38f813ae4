//! The names that Flink gives to files and directories: the single source of layout knowledge.
//!
//! Sources: `AbstractFsCheckpointStorageAccess`, `FsCheckpointStorageAccess`, `FileMergingSnapshotManager`,
//! `ForStPathContainer`, `StateChangeFsUploader`.

mod job_id;
mod names;
mod placement;

pub use job_id::{JobId, NotAJobId};
pub use names::{
    CHANGELOG_DIRECTORY, METADATA_FILE, SHARED_DIRECTORY, TASK_OWNED_DIRECTORY, checkpoint_id,
    holds_data_files_only, is_among_data_files, is_data_file, is_forst_directory,
    is_merge_directory, is_savepoint_directory, is_temporary_metadata, savepoint_prefix,
};
pub use placement::{
    FileKind, JobDirectory, Placement, SnapshotDirectory, place, place_checkpoint_directory,
};

/// The operator's own directory beside the data of a base.
pub const JOURNAL_DIRECTORY: &str = ".flink-retention";
