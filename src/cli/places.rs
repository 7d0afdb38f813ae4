//! Directories as people think of them: the job that a file belongs to, and what kind of file it is.

use retention::layout::{
    CHANGELOG_DIRECTORY, FileKind, JobDirectory, JobId, SHARED_DIRECTORY, TASK_OWNED_DIRECTORY,
    checkpoint_id, is_savepoint_directory, place,
};
use retention::location::Location;

/// What would have to stay for the file to stay: the job directory that it lies in, else its savepoint, else (a flat
/// changelog directory, a moved file) the directory itself.
pub(super) fn home(file: &Location) -> Location {
    let mut directory = file.parent();
    while !directory.name().is_empty() {
        let name = directory.name();
        if is_savepoint_directory(name) {
            return directory;
        }
        let in_job_directory = checkpoint_id(name).is_some()
            || matches!(
                name,
                SHARED_DIRECTORY | TASK_OWNED_DIRECTORY | CHANGELOG_DIRECTORY
            );
        if in_job_directory {
            return directory.parent();
        }
        if name.parse::<JobId>().is_ok() {
            return directory;
        }
        directory = directory.parent();
    }
    file.parent()
}

/// Who a [`home`] belongs to: a job id or the name of a savepoint.
pub(super) fn owner(home: &Location) -> Option<&str> {
    let name = home.name();
    (name.parse::<JobId>().is_ok() || is_savepoint_directory(name)).then_some(name)
}

/// What a job directory is called: its id, where its path has one.
pub(super) fn job_name(directory: &JobDirectory) -> String {
    match directory.job_id {
        Some(id) => id.to_string(),
        None if directory.path.is_empty() => "(no job id)".to_owned(),
        None => directory.path.clone(),
    }
}

/// The kind of a file by its place below its [`home`].
pub(super) fn kind(file: &Location) -> FileKind {
    let home = home(file);
    let from = if owner(&home).is_some() {
        home.parent()
    } else {
        home
    };
    place(file.relative_to(&from).unwrap_or_default()).kind
}

/// The word for a kind, in tables and JSON.
pub(super) fn kind_word(kind: FileKind) -> &'static str {
    match kind {
        FileKind::CheckpointMetadata | FileKind::SavepointMetadata => "metadata",
        FileKind::Exclusive => "exclusive",
        FileKind::TemporaryMetadata => "temporary-metadata",
        FileKind::EmptyCheckpoint => "empty-directory",
        FileKind::Shared => "shared",
        FileKind::Merged => "merged",
        FileKind::ForSt => "forst",
        FileKind::TaskOwned => "task-owned",
        FileKind::Changelog => "changelog",
        FileKind::Savepoint => "savepoint",
        FileKind::Journal => "journal",
        FileKind::Foreign => "other",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use retention::location::Origin;

    const JOB: &str = "00000000000000000000000000000abc";
    const UUID: &str = "0a7e0a7e-1111-2222-3333-0123456789ab";

    #[test]
    fn every_file_has_a_home() {
        for (file, expected) in [
            ("/ckp/J/chk-7/U", "file:/ckp/J"),
            ("/ckp/J/shared/op_x_attempt_0/db/U", "file:/ckp/J"),
            ("/ckp/J/taskowned/job_J_tm_x/U", "file:/ckp/J"),
            ("/ckp/J/dstl/U", "file:/ckp/J"),
            ("/ckp/shared/U", "file:/ckp"),
            ("/shared/ckp/chk-3/U", "file:/shared/ckp"),
            (
                "/ckp/J/savepoint-5d2ca4-26c7eb3afb70/U",
                "file:/ckp/J/savepoint-5d2ca4-26c7eb3afb70",
            ),
            ("/dstl-base/U", "file:/dstl-base"),
            ("s3://b/ckp/J/shared/U", "s3://b/ckp/J"),
        ] {
            let with_names = |text: &str| text.replace('J', JOB).replace('U', UUID);
            let file = Location::parse(&with_names(file), &Origin::default()).unwrap();
            assert_eq!(home(&file).to_string(), with_names(expected));
        }
    }

    #[test]
    fn every_file_has_a_kind() {
        for (file, expected) in [
            ("/ckp/J/chk-7/U", "exclusive"),
            ("/shared/ckp/chk-3/U", "exclusive"),
            ("/shared/ckp/shared/U", "shared"),
            ("/shared/sp/savepoint-5d2ca4-26c7eb3afb70/U", "savepoint"),
            ("s3://b/ckp/J/taskowned/U", "task-owned"),
            ("/dstl-base/U", "other"),
        ] {
            let file = file.replace('J', JOB).replace('U', UUID);
            let file = Location::parse(&file, &Origin::default()).unwrap();
            assert_eq!(kind_word(kind(&file)), expected, "{file}");
        }
    }
}
