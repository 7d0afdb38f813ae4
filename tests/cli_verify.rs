//! `flink-retention verify` on what must not be called well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use testbed::snapshot::SnapshotFile;

const JOB: &str = "00000000000000000000000000000abc";
const OTHER: &str = "00000000000000000000000000000def";
const UUID: &str = "0a7e0a7e-1111-2222-3333-0123456789ab";

struct Base(tempfile::TempDir);

impl Base {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, path: &str, bytes: &[u8], hours_ago: u64) {
        let file = self.0.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, bytes).unwrap();
        let file = fs::File::options().write(true).open(file).unwrap();
        let modified = SystemTime::now() - Duration::from_hours(hours_ago);
        file.set_modified(modified).unwrap();
    }

    fn snapshot(&self, directory: &str, checkpoint_id: u64, hours_ago: u64) {
        let snapshot = SnapshotFile {
            checkpoint_id,
            ..SnapshotFile::default()
        };
        let metadata = format!("{directory}/_metadata");
        self.write(&metadata, &snapshot.to_bytes(), hours_ago);
    }

    fn verify(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_flink-retention"))
            .arg("verify")
            .arg(self.0.path())
            .args(arguments)
            .output()
            .unwrap()
    }

    /// The verdict on each job, and the exit code.
    fn verdicts(&self) -> (Vec<Value>, Option<i32>) {
        let output = self.verify(&["--output", "json"]);
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        (lines.collect(), output.status.code())
    }

    /// What a person is told.
    fn told(&self) -> String {
        let output = self.verify(&[]);
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    }
}

#[test]
fn a_job_without_any_snapshot_left_is_told() {
    let base = Base::new();
    base.write(&format!("{OTHER}/shared/{UUID}"), b"state", 1);
    for with_another in [false, true] {
        if with_another {
            base.snapshot(&format!("{JOB}/chk-4"), 4, 1);
            // A job that never wrote anything has lost nothing.
            fs::create_dir_all(
                base.0
                    .path()
                    .join("0000000000000000000000000000000f/shared"),
            )
            .unwrap();
        }
        let (verdicts, code) = base.verdicts();
        assert_eq!(code, Some(3), "{verdicts:?}");
        assert_eq!(verdicts.len(), 1 + usize::from(with_another));
        let lost = verdicts.iter().find(|verdict| verdict["job"] == OTHER);
        let lost = lost.unwrap();
        assert_eq!(lost["state"], "no-snapshot");
        assert!(lost["newest"].is_null() && lost["restore_from"].is_null());
        let told = base.told();
        assert!(
            told.contains("no-snapshot") && told.contains(OTHER),
            "{told}"
        );
    }
}

#[test]
fn the_newest_checkpoint_is_named_where_time_and_number_agree() {
    let base = Base::new();
    base.snapshot(&format!("{JOB}/chk-9"), 9, 3);
    base.snapshot(&format!("{JOB}/chk-11"), 11, 2);
    // One that took long was triggered before the newest checkpoint and completed after it.
    let savepoint = format!("{JOB}/savepoint-000000-0123456789ab");
    base.snapshot(&savepoint, 10, 1);
    let (verdicts, code) = base.verdicts();
    assert_eq!(code, Some(0), "{verdicts:?}");
    let restore_from = verdicts[0]["restore_from"].as_str().unwrap();
    assert!(restore_from.ends_with(&savepoint), "{verdicts:?}");
}

/// A copy may have been written in any order.
#[test]
fn where_time_and_number_disagree_nobody_guesses_which_checkpoint_is_the_newest() {
    let base = Base::new();
    base.snapshot(&format!("{JOB}/chk-9"), 9, 1);
    base.snapshot(&format!("{JOB}/chk-10"), 10, 3);
    base.snapshot(&format!("{JOB}/chk-11"), 11, 2);
    let (verdicts, code) = base.verdicts();
    assert_eq!(code, Some(3), "{verdicts:?}");
    let verdict = &verdicts[0];
    assert_eq!(verdict["state"], "ambiguous");
    assert!(verdict["restore_from"].is_null(), "{verdict}");
    let ends = |field: &str, name: &str| verdict[field].as_str().unwrap().ends_with(name);
    assert!(ends("newest", "/chk-9"), "{verdict}");
    assert!(ends("newest_by_number", "/chk-11"), "{verdict}");
    let told = base.told();
    assert!(!told.contains("-s "), "{told}");
    assert!(
        told.contains("/chk-9") && told.contains("/chk-11"),
        "{told}"
    );
}
