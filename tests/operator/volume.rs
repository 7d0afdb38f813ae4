//! A volume of Flink's pods, with job directories that a test writes itself.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use tempfile::TempDir;
use testbed::snapshot::SnapshotFile;

use crate::support::operator::Options;
use crate::support::{Cluster, Tree};

/// Where Flink's pods see the volume.
pub(crate) const REMOTE: &str = "/data";
/// `execution.checkpointing.dir` of every job that a test does not give another one.
pub(crate) const BASE: &str = "file:/data/ckp";
/// Requests to the storage in a second, where a test needs to be there while a run deletes.
const SLOW: u32 = 300;
/// Grace period of the administrator's file and of the policies.
const GRACE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(2);
const LIMIT: Duration = Duration::from_mins(5);

pub(crate) struct Volume {
    directory: TempDir,
}

impl Volume {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("ckp")).unwrap();
        Self { directory }
    }

    /// Mounted and granted.
    pub(crate) fn options(&self, name: &str) -> Options {
        Options {
            name: name.to_owned(),
            ..Options::with_volume(REMOTE, self.directory.path())
        }
    }

    /// Where it is here.
    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    /// A place in the base.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.directory.path().join("ckp").join(relative)
    }

    /// A file in the base that was written an hour ago.
    pub(crate) fn write(&self, relative: &str, bytes: &[u8]) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        let an_hour_ago = SystemTime::now() - Duration::from_hours(1);
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(an_hour_ago)
            .unwrap();
    }

    /// A whole checkpoint of a job: `_metadata`, a file of its own and a shared one.
    pub(crate) fn checkpoint(&self, job_id: &str, number: u64) {
        let shared = format!("{job_id}/shared/{}", uuid(job_id, 0xc000 + number));
        self.write(&shared, b"needed by the checkpoint");
        self.write_checkpoint(job_id, number, (shared, 24));
    }

    /// The same, which names one of the [`Volume::orphans`]: that is none any more.
    pub(crate) fn checkpoint_naming(&self, job_id: &str, number: u64, orphan: &str) {
        let shared = orphan.strip_prefix("ckp/").unwrap().to_owned();
        self.write_checkpoint(job_id, number, (shared, 11));
    }

    fn write_checkpoint(&self, job_id: &str, number: u64, (shared, size): (String, u64)) {
        let own = uuid(job_id, 0xe000 + number);
        self.write(&format!("{job_id}/chk-{number}/{own}"), b"needed as well");
        let snapshot = SnapshotFile {
            checkpoint_id: number,
            shared: vec![(format!("{BASE}/{shared}"), size)],
            exclusive: vec![(own, 14)],
        };
        self.write(
            &format!("{job_id}/chk-{number}/_metadata"),
            &snapshot.to_bytes(),
        );
    }

    /// Shared files of a job that no checkpoint names, by their paths in [`Volume::tree`].
    pub(crate) fn orphans(&self, job_id: &str, count: u64) -> Vec<String> {
        let paths = (0..count)
            .map(|number| format!("{job_id}/shared/{}", uuid(job_id, 0x10_0000 + number)));
        let written = paths.map(|path| {
            self.write(&path, b"left behind");
            format!("ckp/{path}")
        });
        written.collect()
    }

    pub(crate) fn tree(&self) -> Tree {
        Tree::read(self.directory.path())
    }

    /// Waits until the first of these files is gone, and no longer.
    pub(crate) fn wait_until_one_is_gone(&self, files: &[String]) {
        let files: Vec<PathBuf> = files
            .iter()
            .map(|file| self.directory.path().join(file))
            .collect();
        until("a file to go", || {
            (!files.iter().all(|file| file.exists())).then_some(())
        });
    }

    /// Those of these files that are gone.
    pub(crate) fn gone<'a>(&self, files: &'a [String]) -> Vec<&'a str> {
        let gone = files
            .iter()
            .filter(|file| !self.directory.path().join(file).exists());
        gone.map(String::as_str).collect()
    }

    /// Those of these files that are still there.
    pub(crate) fn left(&self, files: &[String]) -> Vec<String> {
        let left = files
            .iter()
            .filter(|file| self.directory.path().join(file).exists());
        left.cloned().collect()
    }

    /// Who acted on the base, in this order.
    pub(crate) fn epochs(&self) -> Vec<Value> {
        documents(&self.path(".flink-retention/owner"))
    }

    /// The records of all batches that were begun.
    pub(crate) fn batches(&self) -> Vec<Value> {
        let Ok(runs) = fs::read_dir(self.path(".flink-retention/runs")) else {
            return Vec::new();
        };
        runs.flat_map(|run| documents(&run.unwrap().path()))
            .collect()
    }
}

/// The documents of a directory of the journal by their names, without what a writer that was killed has not finished.
fn documents(directory: &Path) -> Vec<Value> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is_whole = |path: &PathBuf| path.extension().is_some_and(|name| name == "json");
    let mut paths: Vec<PathBuf> = entries.filter(is_whole).collect();
    paths.sort();
    let read = |path: &PathBuf| serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    paths.iter().map(read).collect()
}

/// From now on runs of this policy take their time, on a fast machine as on a slow one: whoever wants to be there in the
/// middle of one need not hurry.
pub(crate) fn slow_down(cluster: &Cluster, policy: &str) {
    set_pace(cluster, policy, &json!(SLOW));
}

/// The next runs of this policy are as fast as they can be again.
pub(crate) fn speed_up(cluster: &Cluster, policy: &str) {
    set_pace(cluster, policy, &Value::Null);
}

pub(crate) fn set_pace(cluster: &Cluster, policy: &str, requests_per_second: &Value) {
    let storage = json!({"requestsPerSecond": requests_per_second});
    cluster.patch(
        &format!("frp/{policy}"),
        &json!({"spec": {"storage": storage}}),
    );
}

/// Applies an enforced policy, lets a run mark what it finds, and waits until the grace period of these marks is over.
pub(crate) fn mark(cluster: &Cluster, policy: &str) {
    cluster.apply_policy(policy, &json!({"mode": "Enforce"}));
    cluster.wait(&format!("frp/{policy}"), "condition=Ready");
    let marking = cluster.run(&format!("{policy}-marks"), policy, "Enforce");
    assert_eq!(marking["status"]["phase"], "Succeeded", "{marking}");
    assert_eq!(deleted_files(&marking), 0, "{marking}");
    grace_is_over();
}

/// Time itself is the event: nobody tells of the end of a grace period.
pub(crate) fn grace_is_over() {
    let over = Instant::now() + GRACE + Duration::from_millis(50);
    until("the grace period to end", || {
        (Instant::now() >= over).then_some(())
    });
}

pub(crate) fn deleted_files(run: &Value) -> u64 {
    run["status"]["decisions"]["deleted"]["files"]
        .as_u64()
        .unwrap_or(0)
}

/// Asks until there is an answer.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "waited {} s for {what}",
            LIMIT.as_secs()
        );
        std::thread::sleep(POLL);
    }
}

/// A name as Flink gives to files: another one for each job and number.
fn uuid(job_id: &str, number: u64) -> String {
    format!("{}-0000-4000-8000-{number:012x}", &job_id[24..])
}
