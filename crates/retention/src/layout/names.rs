use super::{JOURNAL_DIRECTORY, JobId};

/// The name of a snapshot's metadata file, in every version.
pub const METADATA_FILE: &str = "_metadata";
pub const SHARED_DIRECTORY: &str = "shared";
pub const TASK_OWNED_DIRECTORY: &str = "taskowned";
/// Changelog increments, `<base>/<job id>/dstl` (`StateChangeFsUploader`, 1.16 and later).
pub const CHANGELOG_DIRECTORY: &str = "dstl";

/// Whether Flink keeps only data files in a directory, perhaps millions: `shared`, `taskowned` and `dstl` right below a
/// job id. Elsewhere the same words are just names, of a directory that holds other bases perhaps. (Nor are there
/// snapshots in our own journal.)
#[must_use]
pub fn holds_data_files_only(relative: &str) -> bool {
    let mut innermost = relative.rsplit('/');
    match innermost.next() {
        Some(JOURNAL_DIRECTORY) => true,
        Some(SHARED_DIRECTORY | TASK_OWNED_DIRECTORY | CHANGELOG_DIRECTORY) => innermost
            .next()
            .is_some_and(|parent| parent.parse::<JobId>().is_ok()),
        Some(_) | None => false,
    }
}

/// Whether a path is such a directory, or in one.
#[must_use]
pub fn is_among_data_files(relative: &str) -> bool {
    let ends = relative.match_indices('/').map(|(position, _)| position);
    ends.chain([relative.len()])
        .filter_map(|end| relative.get(..end))
        .any(holds_data_files_only)
}

/// The number of a `chk-<decimal>` directory, as Flink writes it (no leading zeros).
#[must_use]
pub fn checkpoint_id(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("chk-")?;
    let id: u64 = digits.parse().ok()?;
    (id.to_string() == digits).then_some(id)
}

/// `savepoint-<6 hex of the job id>-<12 hex>`.
#[must_use]
pub fn is_savepoint_directory(name: &str) -> bool {
    name.strip_prefix("savepoint-")
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(job, random)| is_hex(job, 6) && is_hex(random, 12))
}

/// The six digits of a job id in the name of a savepoint directory.
#[must_use]
pub fn savepoint_prefix(name: &str) -> Option<&str> {
    let (job, _) = name.strip_prefix("savepoint-")?.split_once('-')?;
    is_savepoint_directory(name).then_some(job)
}

/// A lower-case UUID: the name of every data file that Flink writes.
#[must_use]
pub fn is_data_file(name: &str) -> bool {
    let mut parts = name.split('-');
    [8, 4, 4, 4, 12]
        .iter()
        .all(|&length| parts.next().is_some_and(|part| is_hex(part, length)))
        && parts.next().is_none()
}

/// What a killed JobManager leaves of a `_metadata` that it was writing (hidden on local file systems and HDFS).
#[must_use]
pub fn is_temporary_metadata(name: &str) -> bool {
    name.strip_prefix("._metadata.inprogress.")
        .is_some_and(is_data_file)
        || name
            .strip_prefix("__metadata_tmp_")
            .is_some_and(is_data_file)
}

/// `job_<job id>_op_…` below `shared/`, `job_<job id>_tm_…` below `taskowned/` (file merging, 1.20 and later).
#[must_use]
pub fn is_merge_directory(name: &str) -> bool {
    name.strip_prefix("job_")
        .and_then(|rest| rest.split_at_checked(32))
        .is_some_and(|(job, rest)| {
            JobId::named(job).is_some() && (rest.starts_with("_op_") || rest.starts_with("_tm_"))
        })
}

/// `op_<operator>_attempt_<n>` below `shared/`: the working directory of a `ForSt` database.
#[must_use]
pub fn is_forst_directory(name: &str) -> bool {
    name.strip_prefix("op_")
        .and_then(|rest| rest.rsplit_once("_attempt_"))
        .is_some_and(|(_, attempt)| {
            !attempt.is_empty() && attempt.bytes().all(|b| b.is_ascii_digit())
        })
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("chk-0", Some(0))]
    #[case("chk-8812", Some(8812))]
    #[case("chk-", None)]
    #[case("chk-07", None)]
    #[case("chk-5.bak", None)]
    #[case("CHK-7", None)]
    #[case("chk-99999999999999999999", None)]
    fn checkpoint_directories(#[case] name: &str, #[case] id: Option<u64>) {
        assert_eq!(checkpoint_id(name), id);
    }

    #[rstest]
    #[case("0a7e0a7e-1111-2222-3333-0123456789ab", true)]
    #[case("0A7E0a7e-1111-2222-3333-0123456789ab", false)]
    #[case("0a7e0a7e-1111-2222-3333-0123456789ab-1", false)]
    #[case("0a7e0a7e-1111-2222-3333", false)]
    #[case("notes.txt", false)]
    fn data_files(#[case] name: &str, #[case] expected: bool) {
        assert_eq!(is_data_file(name), expected);
    }

    #[test]
    fn directories_of_special_back_ends() {
        assert!(is_savepoint_directory("savepoint-5d2ca4-26c7eb3afb70"));
        assert!(!is_savepoint_directory("savepoint-5d2ca4"));
        assert!(is_merge_directory(
            "job_00000000000000000000000000000abc_tm_localhost-1"
        ));
        assert!(!is_merge_directory("job_abc_tm_localhost"));
        assert!(is_forst_directory("op_KeyedProcess_1_2__attempt_0"));
        assert!(!is_forst_directory("op_attempt"));
    }
}
