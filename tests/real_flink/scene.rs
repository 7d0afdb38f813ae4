//! All that takes part, and what is done to it.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::flink::{FlinkCluster, FlinkDistribution, FlinkVersion, SequenceJob};
use testbed::scratch::Scratch;

use crate::flink_deployment;
use crate::kubernetes::Kubernetes;
use crate::operator::Operator;

/// For one step of Flink, on a machine that is busy with other things.
const LIMIT: Duration = Duration::from_mins(2);
const FIRST_JOB: &str = "00000000000000000000000000000abc";
const SECOND_JOB: &str = "00000000000000000000000000000abd";
/// After so many checkpoints compaction has replaced the files that a restarted job began with.
const COMPACTED: u64 = 8;
const MORE_NUMBERS: u64 = 5000;
const INVENTORY: &str = "orders.flinkdeployment";

pub(crate) struct Scene {
    // The order of the fields is that of their end: whoever writes ends before what is written to.
    pub(crate) operator: Operator,
    pub(crate) flink: FlinkCluster,
    distribution: FlinkDistribution,
    kubernetes: Kubernetes,
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
        let kubernetes = Kubernetes::start(&volume);
        let admin = kubernetes.control_plane.kubeconfig_for_admin();
        let flink = FlinkCluster::builder(&distribution, &admin, &volume)
            .namespace("flink")
            .cluster_id("orders")
            .job_id(FIRST_JOB)
            // A file of a running job stays marked for at least twice as long.
            .configure("execution.checkpointing.timeout", "10 s")
            .start()
            .unwrap();
        flink_deployment::apply(&kubernetes, &flink);
        kubernetes.apply(&policy().to_string());
        let operator = Operator::start(&kubernetes, &directory.path().join("operator"));
        let mut scene = Self {
            operator,
            flink,
            distribution,
            kubernetes,
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
        let run = json!({
            "apiVersion": "flink-retention.dev/v1alpha1",
            "kind": "RetentionRun",
            "metadata": {"name": name, "namespace": "flink"},
            "spec": {"policyRef": {"name": "all"}, "mode": "Enforce"},
        });
        self.kubernetes.apply(&run.to_string());
        self.kubernetes
            .wait_for("retentionrun", &name, "{.status.completionTime}");
        let status = self.kubernetes.get("retentionrun", &name)["status"].take();
        assert_eq!(status["phase"], "Succeeded", "{name}: {status:#}");
        Run {
            number: self.runs,
            status,
        }
    }

    /// Cancels the job in Flink, and says so in its resource.
    pub(crate) fn cancel(&mut self) {
        self.flink.cancel(LIMIT).unwrap();
        flink_deployment::say_cancelled(&self.kubernetes);
        self.kubernetes.wait_for(
            "checkpointinventory",
            INVENTORY,
            "{.status.ownerClass}=terminal",
        );
    }

    pub(crate) fn latest_restorable(&self) -> LatestRestorable {
        let inventory = self.kubernetes.get("checkpointinventory", INVENTORY);
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
        let admin = self.kubernetes.control_plane.kubeconfig_for_admin();
        let volume = self.directory.path().join("volume");
        self.flink = FlinkCluster::builder(&self.distribution, &admin, &volume)
            .namespace("flink")
            .cluster_id("orders")
            .job_id(SECOND_JOB)
            .job(SequenceJob {
                numbers_per_second: None,
                numbers: Some(MORE_NUMBERS),
                ..self.flink.job().clone()
            })
            .restore_from(path)
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
        self.kubernetes
            .kubectl(["--namespace=flink", "get", "checkpointinventories"])
    }
}

impl Run {
    pub(crate) fn deleted_bytes(&self) -> u64 {
        self.status["decisions"]["deleted"]["bytes"]
            .as_u64()
            .unwrap_or_default()
    }
}

/// Every job of the namespace; runs only by hand.
fn policy() -> Value {
    json!({
        "apiVersion": "flink-retention.dev/v1alpha1",
        "kind": "RetentionPolicy",
        "metadata": {"name": "all", "namespace": "flink"},
        "spec": {
            "selector": {},
            "mode": "Enforce",
            "schedule": "0 0 1 1 *",
            "orphans": {"minAge": "1s", "gracePeriod": "1s"},
            "storage": {"operatorIdentity": {}},
        },
    })
}

/// A failed test tells all that it knows: the machine that it ran on may be gone.
impl Drop for Scene {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        eprintln!("==== Flink\n{}", self.flink.log_tails());
        eprintln!("==== operator\n{}", self.operator.log_tail());
        let arguments = [
            "--namespace=flink",
            "get",
            "retentionpolicies,retentionruns,checkpointinventories",
            "--output=yaml",
        ];
        match self.kubernetes.control_plane.kubectl(arguments) {
            Ok(objects) => eprintln!("==== resources\n{objects}"),
            Err(error) => eprintln!("==== resources\n{error}"),
        }
    }
}
