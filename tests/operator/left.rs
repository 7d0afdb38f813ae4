//! A finished job's directory, as Flink 2.3.0 left it.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use testbed::corpus::{self, Times, Tree as Capture};

use crate::support::Cluster;
use crate::support::operator::Options;

pub(crate) const JOB: &str = "e33771b473a0b5535570e12532237ddb";

/// More orphans than one batch holds, so that a process can be stopped between two of them.
const MANY: usize = 8_000;

/// A finished job's directory, as Flink 2.3.0 left it.
pub(crate) struct Left {
    pub(crate) directory: TempDir,
    root: String,
    pub(crate) unreferenced: Vec<String>,
    pub(crate) unreferenced_bytes: u64,
}

impl Left {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let entry = corpus::entry("2.3.0", "rocksdb-incremental").unwrap();
        let times = Times::OlderBy(Duration::from_hours(1));
        let truth = entry
            .materialize(Capture::Left, directory.path(), times)
            .unwrap();
        let unreferenced = truth
            .tree_files
            .iter()
            .filter(|file| file.role == "unreferenced");
        Self {
            unreferenced: unreferenced.map(|file| file.path.clone()).collect(),
            unreferenced_bytes: truth.unreferenced_bytes,
            root: truth.root,
            directory,
        }
    }

    pub(crate) fn base(&self) -> String {
        format!("file:{}/ckp", self.root)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    pub(crate) fn options(&self) -> Options {
        Options::with_volume(&self.root, self.directory.path())
    }
}

impl Left {
    /// Adds files of the kind that killed `JobManager`s leave in masses.
    pub(crate) fn with_many_orphans(mut self) -> Self {
        let shared = format!("ckp/{JOB}/shared");
        let old = std::time::SystemTime::now() - Duration::from_hours(1);
        for number in 0..MANY {
            let path = format!("{shared}/00000000-0000-4000-8000-{number:012x}");
            let file = std::fs::File::create_new(self.directory.path().join(&path)).unwrap();
            file.set_len(7).unwrap();
            file.set_modified(old).unwrap();
            self.unreferenced.push(path);
            self.unreferenced_bytes += 7;
        }
        self
    }

    /// Waits until the operator knows that the job is over.
    pub(crate) fn wait_until_seen(cluster: &Cluster) {
        let inventory = "ckinv/orders.flinkdeployment";
        cluster.wait(inventory, "jsonpath={.status.ownerClass}=terminal");
    }
}
