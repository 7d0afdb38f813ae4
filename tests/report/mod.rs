//! A directory with everything that a report tells.
#![allow(dead_code, reason = "each test uses a part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use testbed::snapshot::SnapshotFile;

pub(crate) const OVER: &str = "4f1c0de2a9b84b6f9d3e5a7c1b2d3e4f";
pub(crate) const OTHER: &str = "b7e151628aed2a6abf7158809cf4f3c7";
/// The name of a file as a tenant may choose it.
pub(crate) const HOSTILE: &str = "<img src=x onerror=alert(1)>";
const HOUR: Duration = Duration::from_hours(1);

pub(crate) struct World(pub(crate) tempfile::TempDir);

pub(crate) fn flink_retention(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flink-retention"))
        .args(arguments)
        .output()
        .unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The page that `report` makes.
pub(crate) fn made(arguments: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let page = directory.path().join("out.html");
    let mut all = vec!["report", "--html", page.to_str().unwrap()];
    all.extend(arguments);
    let output = flink_retention(&all);
    assert!(page.exists(), "{output:?}");
    fs::read_to_string(page).unwrap()
}

impl World {
    /// One job with six checkpoints, a savepoint, and what crashes left; and another one.
    pub(crate) fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        for id in 4..=9 {
            let shared = [world.shared(OVER, id), world.shared(OVER, id + 1)];
            world.checkpoint(OVER, id, &shared);
        }
        for (number, megabytes) in [(100, 5), (101, 3), (102, 1)] {
            world.sparse(OVER, &format!("shared/{}", uuid(number)), megabytes << 20);
        }
        world.sparse(OVER, &format!("shared/{HOSTILE}"), 70_000);
        let savepoint = SnapshotFile {
            checkpoint_id: 6,
            ..SnapshotFile::default()
        };
        world.file(
            "savepoint-4f1c0d-26c7eb3afb70/_metadata",
            &savepoint.to_bytes(),
        );
        world.checkpoint(OTHER, 1, &[]);
        world.sparse(OTHER, &format!("shared/{}", uuid(200)), 2 << 20);
        world
    }

    /// The same, with a snapshot that nobody can read.
    pub(crate) fn unreadable(self) -> Self {
        let strange = SnapshotFile::default().with_version(99);
        self.file(&format!("{OTHER}/chk-2/_metadata"), &strange);
        self
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("ckp")
    }

    pub(crate) fn run(&self, command: &str, arguments: &[&str]) -> Output {
        let path = self.path();
        let mut all = vec![command, path.to_str().unwrap()];
        all.extend(arguments);
        flink_retention(&all)
    }

    pub(crate) fn page(&self, arguments: &[&str]) -> String {
        let path = self.path();
        let mut all = vec![path.to_str().unwrap()];
        all.extend(arguments);
        made(&all)
    }

    pub(crate) fn metadata(&self, job: &str, snapshot: &str) -> u64 {
        let path = self.path().join(job).join(snapshot).join("_metadata");
        fs::metadata(path).unwrap().len()
    }

    fn shared(&self, job: &str, number: u64) -> (String, u64) {
        let path = format!("shared/{}", uuid(number));
        self.sparse(job, &path, number << 20);
        let path = self.path().join(job).join(path);
        (path.to_str().unwrap().to_owned(), number << 20)
    }

    pub(crate) fn checkpoint(&self, job: &str, id: u64, shared: &[(String, u64)]) {
        // A file of the same name anywhere would keep it.
        let name = format!("{:08x}-{}-4f6e-8a40-5d2c7b9e1f63", 1000 + id, &job[28..]);
        let exclusive = vec![(name, id << 10)];
        let snapshot = SnapshotFile {
            checkpoint_id: id,
            shared: shared.to_vec(),
            exclusive: exclusive.clone(),
        };
        for (name, size) in exclusive {
            self.sparse(job, &format!("chk-{id}/{name}"), size);
        }
        let path = format!("{job}/chk-{id}/_metadata");
        self.file(&path, &snapshot.to_bytes());
        let age = HOUR * u32::try_from(100 - id).unwrap();
        set_age(&self.path().join(path), age);
    }

    /// A file of this size without contents.
    pub(crate) fn sparse(&self, job: &str, path: &str, size: u64) {
        let path = self.path().join(job).join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::File::create(&path).unwrap().set_len(size).unwrap();
        set_age(&path, HOUR * 200);
    }

    pub(crate) fn file(&self, path: &str, bytes: &[u8]) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        set_age(&path, HOUR * 150);
    }
}

fn set_age(path: &Path, age: Duration) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
}

fn uuid(number: u64) -> String {
    format!("{number:08x}-93b2-4f6e-8a40-5d2c7b9e1f63")
}
