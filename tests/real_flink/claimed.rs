//! A native savepoint that a job claimed, and one of whose files it uses for ever.
//!
//! Flink names such files wrongly: as if they lay in the directory of each later checkpoint (FLINK-39964). The
//! `JobManager` recovers all the same, since high-availability data has the right place. But once the job is over nobody
//! can start from its last checkpoint, unless the files are still where they were, and somebody puts them where Flink
//! looks for them.

use std::fs;

use crate::disk::files;
use crate::stage::{LatestRestorable, Stage};

/// Puts the files that the last checkpoint names wrongly where it names them; gives that checkpoint.
pub(crate) fn repair(stage: &Stage) -> LatestRestorable {
    let restorable = stage.restorable();
    assert_eq!(restorable["reason"], "FilesMissing", "{restorable:#}");

    let checkpoint_id = stage.newest_on_storage();
    let directory = stage.flink.job_directory();
    let directory = directory.join(format!("chk-{checkpoint_id}"));
    let metadata = fs::read(directory.join("_metadata")).unwrap();
    let metadata = String::from_utf8_lossy(&metadata);
    let claimed = stage.claimed.as_ref().unwrap();
    let mut copied = 0;
    for file in files(claimed) {
        let name = file.file_name().unwrap();
        let wanted = directory.join(name);
        if metadata.contains(name.to_str().unwrap()) && !wanted.exists() {
            fs::copy(&file, &wanted).unwrap();
            copied += 1;
        }
    }
    assert!(
        copied > 0,
        "{} has nothing that chk-{checkpoint_id} names: either Flink names the files rightly now, or they are gone",
        claimed.display()
    );
    LatestRestorable {
        path: format!("file:{}", directory.display()),
        checkpoint_id,
    }
}
