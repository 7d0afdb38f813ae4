use super::names::{
    CHANGELOG_DIRECTORY, METADATA_FILE, SHARED_DIRECTORY, TASK_OWNED_DIRECTORY, checkpoint_id,
    is_data_file, is_forst_directory, is_merge_directory, is_savepoint_directory,
    is_temporary_metadata,
};
use super::{JOURNAL_DIRECTORY, JobId};
use std::sync::Arc;

/// What a file is, by the place where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileKind {
    /// `_metadata` of a checkpoint.
    CheckpointMetadata,
    /// A data file in `chk-N/`.
    Exclusive,
    /// A half-written `_metadata` in `chk-N/` or in a savepoint.
    TemporaryMetadata,
    /// A `chk-N/` with nothing in it: no file, but listed like one.
    EmptyCheckpoint,
    /// `shared/<uuid>`.
    Shared,
    /// `shared/job_…_op_…/<uuid>` or `taskowned/job_…_tm_…/<uuid>`.
    Merged,
    /// `shared/op_…_attempt_…/db/<uuid>`.
    ForSt,
    /// `taskowned/<uuid>`.
    TaskOwned,
    /// `dstl/<uuid>`.
    Changelog,
    /// `_metadata` of a savepoint.
    SavepointMetadata,
    /// A data file in a savepoint's directory.
    Savepoint,
    /// Our own marks and records.
    Journal,
    /// A name that Flink does not write at this place.
    Foreign,
}

/// A directory below a base that holds the state of one job.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobDirectory {
    /// The path relative to the base; empty where `create-subdir` is false.
    pub path: String,
    /// The id that the name states; none where the base itself is the job directory.
    pub job_id: Option<JobId>,
}

/// The directory of one snapshot, relative to the base.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SnapshotDirectory {
    pub path: String,
    /// The number of a `chk-N`; none for a savepoint.
    pub checkpoint_id: Option<u64>,
}

/// Where a file lies in Flink's layout.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Placement {
    pub kind: FileKind,
    /// The job directory that holds it; none for savepoints outside one, for our journal and for foreign files.
    pub job: Option<Arc<JobDirectory>>,
    /// The snapshot directory that holds it, for files in `chk-N` and in savepoints.
    pub snapshot: Option<Arc<SnapshotDirectory>>,
}

impl Placement {
    /// The same, with as much of a neighbour's memory as is the same: a directory may hold millions of files.
    #[must_use]
    pub fn beside(mut self, neighbour: &Self) -> Self {
        if self.job == neighbour.job {
            self.job.clone_from(&neighbour.job);
        }
        if self.snapshot == neighbour.snapshot {
            self.snapshot.clone_from(&neighbour.snapshot);
        }
        self
    }
}

/// Places a file by its path relative to a base.
#[must_use]
pub fn place(relative: &str) -> Placement {
    let segments: Vec<&str> = relative.split('/').collect();
    if segments.first() == Some(&JOURNAL_DIRECTORY) {
        return Placement {
            kind: FileKind::Journal,
            job: None,
            snapshot: None,
        };
    }
    let job = job_directory(&segments);
    if let Some(position) = segments
        .iter()
        .rposition(|segment| is_savepoint_directory(segment))
        && position + 1 < segments.len()
    {
        return in_savepoint(&segments, position, job.map(|(job, _)| job));
    }
    match job {
        Some((directory, depth)) => in_job(&segments, depth, directory),
        None => foreign(None),
    }
}

/// Places the directory of a checkpoint; none for any other directory.
#[must_use]
pub fn place_checkpoint_directory(relative: &str) -> Option<Placement> {
    checkpoint_id(relative.rsplit('/').next()?)?;
    let inside = place(&format!("{relative}/{METADATA_FILE}"));
    (inside.kind == FileKind::CheckpointMetadata).then_some(Placement {
        kind: FileKind::EmptyCheckpoint,
        ..inside
    })
}

/// The job directory of a path and the number of its segments: the innermost job id that is followed by a name of
/// Flink's layout, else (without any id in the path) what precedes such a name.
fn job_directory(segments: &[&str]) -> Option<(JobDirectory, usize)> {
    let with_id = segments
        .iter()
        .enumerate()
        .rev()
        .find_map(|(position, segment)| {
            let job_id = JobId::named(segment)?;
            (position + 1 < segments.len()).then_some((position + 1, Some(job_id)))
        });
    let (depth, job_id) = with_id.or_else(|| {
        let position = segments.iter().position(|segment| {
            checkpoint_id(segment).is_some()
                || *segment == SHARED_DIRECTORY
                || *segment == TASK_OWNED_DIRECTORY
        })?;
        (position + 1 < segments.len()).then_some((position, None))
    })?;
    let path = segments.get(..depth)?.join("/");
    Some((JobDirectory { path, job_id }, depth))
}

fn in_savepoint(segments: &[&str], position: usize, job: Option<JobDirectory>) -> Placement {
    let (directory, rest) = segments.split_at(position + 1);
    let snapshot = SnapshotDirectory {
        path: directory.join("/"),
        checkpoint_id: None,
    };
    let kind = match rest {
        [METADATA_FILE] => FileKind::SavepointMetadata,
        [file] if is_data_file(file) => FileKind::Savepoint,
        [file] if is_temporary_metadata(file) => FileKind::TemporaryMetadata,
        _ => FileKind::Foreign,
    };
    Placement {
        kind,
        job: job.map(Arc::new),
        snapshot: Some(Arc::new(snapshot)),
    }
}

fn in_job(segments: &[&str], depth: usize, job: JobDirectory) -> Placement {
    let (_, rest) = segments.split_at(depth);
    match rest {
        [directory, file] if checkpoint_id(directory).is_some() => {
            in_checkpoint(directory, file, job)
        }
        &[SHARED_DIRECTORY, file] if is_data_file(file) => plain(FileKind::Shared, job),
        &[TASK_OWNED_DIRECTORY, file] if is_data_file(file) => plain(FileKind::TaskOwned, job),
        &[CHANGELOG_DIRECTORY, file] if is_data_file(file) => plain(FileKind::Changelog, job),
        &[SHARED_DIRECTORY | TASK_OWNED_DIRECTORY, directory, file]
            if is_merge_directory(directory) && is_data_file(file) =>
        {
            plain(FileKind::Merged, job)
        }
        &[SHARED_DIRECTORY, directory, "db", file]
            if is_forst_directory(directory) && is_data_file(file) =>
        {
            plain(FileKind::ForSt, job)
        }
        _ => foreign(Some(job)),
    }
}

fn in_checkpoint(directory: &str, file: &str, job: JobDirectory) -> Placement {
    let kind = match file {
        METADATA_FILE => FileKind::CheckpointMetadata,
        file if is_data_file(file) => FileKind::Exclusive,
        file if is_temporary_metadata(file) => FileKind::TemporaryMetadata,
        _ => FileKind::Foreign,
    };
    let path = if job.path.is_empty() {
        directory.to_owned()
    } else {
        format!("{}/{directory}", job.path)
    };
    Placement {
        kind,
        job: Some(Arc::new(job)),
        snapshot: Some(Arc::new(SnapshotDirectory {
            path,
            checkpoint_id: checkpoint_id(directory),
        })),
    }
}

fn plain(kind: FileKind, job: JobDirectory) -> Placement {
    Placement {
        kind,
        job: Some(Arc::new(job)),
        snapshot: None,
    }
}

fn foreign(job: Option<JobDirectory>) -> Placement {
    Placement {
        kind: FileKind::Foreign,
        job: job.map(Arc::new),
        snapshot: None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    const JOB: &str = "00000000000000000000000000000abc";
    const UUID: &str = "0a7e0a7e-1111-2222-3333-0123456789ab";

    #[rstest]
    #[case("J/chk-7/_metadata", FileKind::CheckpointMetadata)]
    #[case("J/chk-7/U", FileKind::Exclusive)]
    #[case("J/chk-7/._metadata.inprogress.U", FileKind::TemporaryMetadata)]
    #[case("J/chk-7/deeper/U", FileKind::Foreign)]
    #[case("J/shared/U", FileKind::Shared)]
    #[case("J/shared/notes.txt", FileKind::Foreign)]
    #[case("J/shared/job_J_op_x_0_2/U", FileKind::Merged)]
    #[case("J/taskowned/job_J_tm_x/U", FileKind::Merged)]
    #[case("J/shared/op_x_attempt_0/db/U", FileKind::ForSt)]
    #[case("J/taskowned/U", FileKind::TaskOwned)]
    #[case("J/dstl/U", FileKind::Changelog)]
    #[case("ckp/J/shared/U", FileKind::Shared)]
    #[case("J/chk-5.bak/U", FileKind::Foreign)]
    #[case("chk-3/U", FileKind::Exclusive)]
    #[case("shared/U", FileKind::Shared)]
    #[case("U", FileKind::Foreign)]
    #[case(
        "sp/savepoint-5d2ca4-26c7eb3afb70/_metadata",
        FileKind::SavepointMetadata
    )]
    #[case("J/savepoint-5d2ca4-26c7eb3afb70/U", FileKind::Savepoint)]
    #[case("savepoint-5d2ca4-26c7eb3afb70/notes.txt", FileKind::Foreign)]
    #[case("savepoint-5d2ca4-26c7eb3afb70/deeper/U", FileKind::Foreign)]
    #[case(
        "savepoint-5d2ca4-26c7eb3afb70/._metadata.inprogress.U",
        FileKind::TemporaryMetadata
    )]
    #[case(".flink-retention/format.json", FileKind::Journal)]
    fn every_place_has_a_kind(#[case] path: &str, #[case] kind: FileKind) {
        let path = path.replace('J', JOB).replace('U', UUID);
        assert_eq!(place(&path).kind, kind, "{path}");
    }

    #[rstest]
    #[case("J/chk-7", true)]
    #[case("chk-7", true)]
    #[case("J/chk-07", false)]
    #[case("J/shared", false)]
    #[case("J/taskowned", false)]
    #[case("J", false)]
    #[case("J/shared/chk-7", false)]
    #[case("savepoint-5d2ca4-26c7eb3afb70", false)]
    fn only_the_directory_of_a_checkpoint_is_listed(#[case] path: &str, #[case] expected: bool) {
        let placed = place_checkpoint_directory(&path.replace('J', JOB));
        assert_eq!(placed.is_some(), expected, "{path}");
    }

    #[test]
    fn a_job_directory_is_the_innermost_with_an_id() {
        let path = format!("{}/{JOB}/shared/{UUID}", "f".repeat(32));
        let job = place(&path).job.unwrap();
        assert_eq!(job.job_id, Some(JOB.parse().unwrap()));
        assert_eq!(job.path, format!("{}/{JOB}", "f".repeat(32)));
    }

    #[test]
    fn without_an_id_the_base_is_the_job_directory() {
        let job = place(&format!("shared/{UUID}")).job.unwrap();
        assert_eq!(
            *job,
            JobDirectory {
                path: String::new(),
                job_id: None
            }
        );
    }
}
