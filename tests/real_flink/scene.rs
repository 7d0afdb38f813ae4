//! All that takes part, and what is done to it.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::flink::{ClaimMode, FlinkCluster, FlinkDistribution, FlinkVersion, SequenceJob};
use testbed::scratch::Scratch;

use crate::flink_deployment;
use crate::support::cluster::NAMESPACE;
use crate::support::operator::Options;
use crate::support::{Cluster, OperatorProcess};

/// For one step of Flink, on a machine that is busy with other things.
const LIMIT: Duration = Duration::from_mins(2);
const FIRST_JOB: &str = "00000000000000000000000000000abc";
const SECOND_JOB: &str = "00000000000000000000000000000abd";
/// After so many checkpoints compaction has replaced the files that a restarted job began with.
const COMPACTED: u64 = 8;
const MORE_NUMBERS: u64 = 5000;
const INVENTORY: &str = "ckinv/orders.flinkdeployment";
const POLICY: &str = "all";
const LOG_LINES: usize = 60;

pub(crate) struct Scene {
    // The order of the fields is that of their end: whoever writes ends before what is written to.
    operator: OperatorProcess,
    pub(crate) flink: FlinkCluster,
    distribution: FlinkDistribution,
    cluster: Cluster,
    directory: Scratch,
    /// The newest checkpoint that was seen complete.
    newest: u64,
    runs: usize,
}

/// A `RetentionRun` that is over.
pub(crate) struct Run {
    pub(crate) number: usize,
    status: Value,
}

/// What the inventory says about where to start from.
pub(crate) struct LatestRestorable {
    pub(crate) path: String,
    pub(crate) checkpoint_id: u64,
}

impl Scene {
    /// Flink with its resource, and the operator with a policy that enforces.
    pub(crate) fn start(version: FlinkVersion) -> Self {
        let distribution = FlinkDistribution::prepare(version).unwrap();
        let directory = Scratch::new("flink-retention-real-flink-").unwrap();
        let volume = directory.path().join("volume");
        let cluster = Cluster::start();
        let admin = cluster.control_plane.kubeconfig_for_admin();
        let flink = FlinkCluster::builder(&distribution, &admin, &volume)
            .namespace(NAMESPACE)
            .cluster_id("orders")
            .job_id(FIRST_JOB)
            // A file of a running job stays marked for at least twice as long.
            .configure("execution.checkpointing.timeout", "10 s")
            // A busy machine must not restart the job.
            .configure(
                "execution.checkpointing.tolerable-failed-checkpoints",
                "1000",
            )
            .configure("heartbeat.timeout", "60000")
            .start()
            .unwrap();
        flink_deployment::apply(&cluster, &flink);
        cluster.apply_policy(POLICY, &json!({"mode": "Enforce"}));
        let mut options = Options::with_volume(&volume.display().to_string(), &volume);
        // Each Flink cluster has a port of its own here, and no service.
        options.rest_url = Some("http://127.0.0.1:{port}".to_owned());
        let operator = OperatorProcess::start(&cluster, options);
        let mut scene = Self {
            operator,
            flink,
            distribution,
            cluster,
            directory,
            newest: 0,
            runs: 0,
        };
        scene.wait_for_checkpoints(COMPACTED);
        scene
    }

    pub(crate) fn wait_for_checkpoints(&mut self, more: u64) {
        let completed = self.flink.wait_for_checkpoint(self.newest + more, LIMIT);
        self.newest = completed.unwrap().id;
    }

    /// Kills it and waits until the next one has leaked what this one held.
    pub(crate) fn kill_job_manager(&mut self) {
        self.flink.restart_job_manager().unwrap();
        self.wait_for_checkpoints(COMPACTED);
    }

    /// Creates a run by hand, as a person would, and waits until it is over.
    pub(crate) fn run(&mut self) -> Run {
        self.runs += 1;
        let name = format!("run-{}", self.runs);
        let status = self.cluster.run(&name, POLICY, "Enforce")["status"].take();
        assert_eq!(status["phase"], "Succeeded", "{name}: {status:#}");
        Run {
            number: self.runs,
            status,
        }
    }

    /// Cancels the job in Flink, and says so in its resource.
    pub(crate) fn cancel(&mut self) {
        self.flink.cancel(LIMIT).unwrap();
        flink_deployment::say_cancelled(&self.cluster);
        self.cluster
            .wait(INVENTORY, "jsonpath={.status.ownerClass}=terminal");
    }

    pub(crate) fn latest_restorable(&self) -> LatestRestorable {
        let inventory = self.cluster.get(INVENTORY);
        let latest = &inventory["status"]["latestRestorable"];
        LatestRestorable {
            path: latest["path"].as_str().unwrap().to_owned(),
            checkpoint_id: latest["checkpointId"].as_u64().unwrap(),
        }
    }

    /// Lets Flink start from the snapshot, read on for a while and end; then every key must hold what it would hold had
    /// nothing ever been killed or deleted.
    pub(crate) fn restore_and_compare(&mut self, path: &str, checkpoint_id: u64) {
        assert!(
            checkpoint_id >= self.newest,
            "{checkpoint_id}, though {} was complete",
            self.newest
        );
        let start = self.flink.progress().unwrap().positions[&checkpoint_id];
        let admin = self.cluster.control_plane.kubeconfig_for_admin();
        let volume = self.directory.path().join("volume");
        self.flink = FlinkCluster::builder(&self.distribution, &admin, &volume)
            .namespace(NAMESPACE)
            .cluster_id("orders")
            .job_id(SECOND_JOB)
            .job(SequenceJob {
                numbers_per_second: None,
                numbers: Some(MORE_NUMBERS),
                ..self.flink.job().clone()
            })
            .restore_from(path, ClaimMode::NoClaim)
            // State that cannot be restored must end the job, not be tried again and again.
            .configure("restart-strategy.type", "none")
            .start()
            .unwrap();
        self.flink.wait_until_finished(LIMIT).unwrap();
        let end = start + MORE_NUMBERS;
        let progress = self.flink.progress().unwrap();
        assert_eq!(progress.end, Some(end));
        assert_eq!(progress.totals, self.flink.job().totals_at(end));
    }

    /// What `kubectl get` shows of the inventory.
    pub(crate) fn inventory_row(&self) -> String {
        let arguments = ["get", INVENTORY, "--namespace", NAMESPACE];
        self.cluster.control_plane.kubectl(arguments).unwrap()
    }

    /// Those about the job and what was done.
    pub(crate) fn metrics(&self) -> String {
        let wanted = ["job_", "deleted_", "runs_", "observations_"]
            .map(|name| format!("flink_retention_{name}"));
        let metrics = self.operator.metrics();
        let lines = metrics
            .lines()
            .filter(|line| wanted.iter().any(|prefix| line.starts_with(prefix)));
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Run {
    pub(crate) fn deleted_bytes(&self) -> u64 {
        self.status["decisions"]["deleted"]["bytes"]
            .as_u64()
            .unwrap_or_default()
    }
}

/// A failed test tells all that it knows: the machine that it ran on may be gone.
impl Drop for Scene {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        eprintln!("==== Flink\n{}", self.flink.log_tails());
        let log = self.operator.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(LOG_LINES)..];
        eprintln!("==== operator\n{}", tail.join("\n"));
        let arguments = [
            "get",
            "frp,frr,ckinv",
            "--output=yaml",
            "--namespace",
            NAMESPACE,
        ];
        match self.cluster.control_plane.kubectl(arguments) {
            Ok(objects) => eprintln!("==== resources\n{objects}"),
            Err(error) => eprintln!("==== resources\n{error}"),
        }
    }
}
