//! All that takes part, and what is done to it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::control_plane::ControlPlane;
use testbed::flink::{
    ClaimMode, FlinkCluster, FlinkClusterBuilder, FlinkDistribution, Hold, SavepointFormat,
    SequenceJob, StateBackend,
};
use testbed::object_store::{ACCESS_KEY, REGION, S3Server, SECRET_KEY};
use testbed::scratch::Scratch;

use crate::disk::{Disk, checkpoint_number, files};
use crate::flink_deployment;
use crate::leak::is_stalled;
use crate::scene::{Place, Scene};
use crate::support::cluster::{NAMESPACE, condition};
use crate::support::operator::Options;
use crate::support::{Cluster, OperatorProcess};

/// For one step of Flink, on a machine that is busy with other things.
const LIMIT: Duration = Duration::from_mins(4);
/// After so many checkpoints compaction has replaced the files that a restarted job began with.
const COMPACTED: u64 = 8;
const MORE_NUMBERS: u64 = 5000;
const INVENTORY: &str = "ckinv/orders.flinkdeployment";
const POLICY: &str = "all";
const BUCKET: &str = "state";
const SECRET: &str = "s3-credentials";
const LOG_LINES: usize = 60;

pub(crate) struct Stage {
    // The order of the fields is that of their end: whoever writes ends before what is written to.
    operator: OperatorProcess,
    pub(crate) flink: FlinkCluster,
    distribution: FlinkDistribution,
    pub(crate) cluster: Arc<Cluster>,
    /// Of the bucket, where there is one.
    server: Option<S3Server>,
    directory: Scratch,
    scene: Scene,
    jobs: u32,
    /// The newest checkpoint that was seen complete.
    newest: u64,
    /// By checkpoint number, which goes on from job to job.
    positions: BTreeMap<u64, u64>,
    runs: usize,
    /// A savepoint that a job claimed.
    pub(crate) claimed: Option<PathBuf>,
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

impl Stage {
    /// Flink with its resource, and the operator with a policy that enforces.
    pub(crate) fn set(scene: Scene) -> Self {
        let distribution = FlinkDistribution::prepare(scene.version).unwrap();
        let distribution = match scene.place {
            Place::Volume => distribution,
            Place::S3 => distribution.with_s3().unwrap(),
        };
        let directory = Scratch::new("flink-retention-real-flink-").unwrap();
        let server = (scene.place == Place::S3).then(|| {
            let server = S3Server::start().unwrap();
            server.make_bucket(BUCKET).unwrap();
            server
        });
        let cluster = Arc::new(Cluster::start_with(
            json!({"storageSecrets": [{"namespace": NAMESPACE, "names": [SECRET]}]}),
        ));
        let admin = cluster.control_plane.kubeconfig_for_admin();
        let kept = kept(&directory, server.as_ref());
        let builder = FlinkCluster::builder(&distribution, &admin, &kept);
        let builder = in_place(builder, &directory, server.as_ref());
        let flink = job(builder, scene, 1).start().unwrap();
        flink_deployment::apply(&cluster, &flink, scene.version);
        let mut rules = json!({
            "mode": "Enforce",
            "checkpoints": {"keepLast": 1, "keepWithin": "1s"},
            "savepoints": {"keepLast": 1},
            "limits": {"maxReferencedShrinkPercent": scene.may_shrink_by()},
        });
        let mut options = Options::with_volume(&kept.display().to_string(), &kept);
        if let Some(server) = &server {
            let endpoint = server.endpoint();
            cluster.apply(&json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": SECRET, "namespace": NAMESPACE},
                "stringData": {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY},
            }));
            rules["storage"] = json!({"secretRef": {"name": SECRET}, "s3": {"endpoint": endpoint}});
            options.mounts = Vec::new();
            options.administrator["grants"] =
                json!([{"namespace": NAMESPACE, "endpoints": [endpoint]}]);
        }
        cluster.apply_policy(POLICY, &rules);
        // Each Flink cluster has a port of its own here, and no service.
        options.rest_url = Some("http://127.0.0.1:{port}".to_owned());
        // Where several Java processes start at once the API server is silent for seconds.
        options.arguments = vec![
            "--observe-interval=2s".to_owned(),
            "--lease-duration=30s".to_owned(),
        ];
        let operator = OperatorProcess::start(&cluster, options);
        let mut stage = Self {
            operator,
            flink,
            distribution,
            cluster,
            server,
            directory,
            scene,
            jobs: 1,
            newest: 0,
            positions: BTreeMap::new(),
            runs: 0,
            claimed: None,
        };
        stage.wait_until_compacted();
        stage
    }

    pub(crate) fn wait_for_checkpoints(&mut self, more: u64) {
        let completed = self.flink.wait_for_checkpoint(self.newest + more, LIMIT);
        self.newest = completed.unwrap().id;
    }

    pub(crate) fn wait_until_compacted(&mut self) {
        self.wait_for_checkpoints(COMPACTED);
    }

    pub(crate) fn wait_for(&mut self, goal: &str, reached: impl Fn(&FlinkCluster) -> bool) {
        let waited = self
            .flink
            .wait_for(goal, LIMIT, |flink| Ok(reached(flink).then_some(())));
        waited.unwrap();
    }

    /// Kills it and waits until the next one has leaked what this one held.
    pub(crate) fn kill_job_manager(&mut self) {
        self.flink.restart_job_manager().unwrap();
        self.wait_until_compacted();
    }

    /// Returns in the middle of a checkpoint, which goes on when checkpoints are released.
    pub(crate) fn stall_a_checkpoint(&mut self) {
        self.flink.hold_checkpoints(Hold::Stall).unwrap();
        let path = format!("/jobs/{}/checkpoints", self.flink.job_id());
        self.wait_for("a checkpoint in its middle", |flink| {
            flink
                .rest()
                .get(&path)
                .is_ok_and(|answer| is_stalled(&answer))
        });
    }

    pub(crate) fn native_savepoint(&mut self) -> String {
        let target = format!("file://{}", self.flink.savepoints_directory().display());
        self.flink
            .savepoint(&target, SavepointFormat::Native, LIMIT)
            .unwrap()
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
        self.positions
            .extend(self.flink.progress().unwrap().positions);
        flink_deployment::say_cancelled(&self.cluster);
        self.wait_for_owner_class("terminal");
    }

    /// Starts the job anew under the next id, as an upgrade does.
    pub(crate) fn upgrade(&mut self, from: &str, mode: ClaimMode) {
        self.flink = self.next_job().restore_from(from, mode).start().unwrap();
        flink_deployment::apply(&self.cluster, &self.flink, self.scene.version);
        self.wait_for_owner_class("running");
        self.wait_until_compacted();
    }

    /// As the inventory says it once it knows what the last run has seen.
    pub(crate) fn latest_restorable(&self) -> LatestRestorable {
        let newest = self.newest_on_storage();
        let until = format!("jsonpath={{.status.latestRestorable.checkpointId}}={newest}");
        let inventory = self.cluster.wait(INVENTORY, &until);
        assert_eq!(self.restorable()["status"], "True");
        let latest = &inventory["status"]["latestRestorable"];
        LatestRestorable {
            path: latest["path"].as_str().unwrap().to_owned(),
            checkpoint_id: latest["checkpointId"].as_u64().unwrap(),
        }
    }

    /// What the inventory says about whether the current job can be restored.
    pub(crate) fn restorable(&self) -> Value {
        condition(&self.cluster.get(INVENTORY), "Restorable").clone()
    }

    /// The number of the newest complete checkpoint of the current job.
    pub(crate) fn newest_on_storage(&self) -> u64 {
        let metadata = files(&self.flink.job_directory());
        metadata
            .iter()
            .filter_map(|path| checkpoint_number(path))
            .max()
            .unwrap()
    }

    /// Lets Flink start from the snapshot, read on for a while and end; then every key must hold what it would hold had
    /// nothing ever been killed or deleted.
    pub(crate) fn restore_and_compare(&mut self, latest: &LatestRestorable, mode: ClaimMode) {
        let LatestRestorable {
            path,
            checkpoint_id,
        } = latest;
        assert!(
            *checkpoint_id >= self.newest,
            "{checkpoint_id}, though {} was complete",
            self.newest
        );
        let start = self.positions[checkpoint_id];
        let job = SequenceJob {
            numbers_per_second: None,
            numbers: Some(MORE_NUMBERS),
            ..self.flink.job().clone()
        };
        self.flink = self
            .next_job()
            .job(job)
            .restore_from(path, mode)
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

    /// The same job once more, in a Kubernetes and a directory of which the operator knows nothing.
    pub(crate) fn another_job(&self, kubernetes: &ControlPlane) -> FlinkCluster {
        let admin = kubernetes.kubeconfig_for_admin();
        let elsewhere = self.directory.path().join("elsewhere");
        let builder = FlinkCluster::builder(&self.distribution, &admin, &elsewhere);
        let builder = job(builder, self.scene, self.jobs).namespace("default");
        let mut flink = builder.start().unwrap();
        flink.wait_for_checkpoint(COMPACTED, LIMIT).unwrap();
        flink
    }

    /// Where any file of any job may be.
    pub(crate) fn roots(&self) -> Vec<PathBuf> {
        let kept = kept(&self.directory, self.server.as_ref());
        ["checkpoints", "changelog", "savepoints"]
            .map(|name| kept.join(name))
            .into()
    }

    /// How Flink names what it keeps, and the directory that is.
    pub(crate) fn kept(&self) -> (String, PathBuf) {
        match &self.server {
            None => ("file:".to_owned(), PathBuf::from("/")),
            Some(server) => (bucket_url(), server.directory(BUCKET)),
        }
    }

    pub(crate) fn disk(&self) -> Disk {
        Disk::measure(&self.roots())
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

    fn next_job(&mut self) -> FlinkClusterBuilder {
        self.jobs += 1;
        let admin = self.cluster.control_plane.kubeconfig_for_admin();
        let kept = kept(&self.directory, self.server.as_ref());
        let builder = FlinkCluster::builder(&self.distribution, &admin, &kept);
        let builder = in_place(builder, &self.directory, self.server.as_ref());
        job(builder, self.scene, self.jobs)
    }

    fn wait_for_owner_class(&self, class: &str) {
        let until = format!("jsonpath={{.status.ownerClass}}={class}");
        self.cluster.wait(INVENTORY, &until);
    }
}

fn bucket_url() -> String {
    format!("s3://{BUCKET}")
}

/// The directory of all that Flink keeps.
fn kept(directory: &Scratch, server: Option<&S3Server>) -> PathBuf {
    match server {
        None => directory.path().join("volume"),
        Some(server) => server.directory(BUCKET),
    }
}

fn in_place(
    builder: FlinkClusterBuilder,
    directory: &Scratch,
    server: Option<&S3Server>,
) -> FlinkClusterBuilder {
    let Some(server) = server else {
        return builder;
    };
    builder
        .in_bucket(&bucket_url(), &directory.path().join("runs"))
        .configure("s3.endpoint", &server.endpoint())
        .configure("s3.endpoint.region", REGION)
        .configure("s3.path.style.access", "true")
        // This server lets no directory go that has anything in it, and the client tries again for a minute.
        .configure("s3.directory.marker.retention", "keep")
        .configure("s3.access-key", ACCESS_KEY)
        .configure("s3.secret-key", SECRET_KEY)
}

/// The first six digits differ: savepoints tell by them whose they are.
pub(crate) fn job_id(number: u32) -> String {
    format!("{number:02x}ab{number:028x}")
}

fn job(builder: FlinkClusterBuilder, scene: Scene, number: u32) -> FlinkClusterBuilder {
    builder
        .namespace(NAMESPACE)
        .cluster_id("orders")
        .job_id(&job_id(number))
        .state_backend(scene.backend)
        .job(SequenceJob {
            asynchronous: scene.backend == StateBackend::ForSt,
            idles: scene.leak.idles(),
            ..SequenceJob::default()
        })
        .configure("execution.checkpointing.interval", "500 ms")
        // A file of a running job stays marked for at least twice as long.
        .configure("execution.checkpointing.timeout", "5 s")
        // A busy machine must not restart the job.
        .configure(
            "execution.checkpointing.tolerable-failed-checkpoints",
            "1000",
        )
        .configure("heartbeat.timeout", "60000")
        // ForSt of 2.3.0 may wait for itself when it is cancelled; then Flink ends the TaskManager.
        .configure("task.cancellation.timeout", "20000")
        .configure(
            "high-availability.type",
            if scene.high_availability {
                "kubernetes"
            } else {
                "NONE"
            },
        )
}

impl Run {
    pub(crate) fn deleted_bytes(&self) -> u64 {
        self.status["decisions"]["deleted"]["bytes"]
            .as_u64()
            .unwrap_or_default()
    }

    /// Bytes that this guard kept.
    fn protected_by(&self, guard: &str) -> u64 {
        let guards = self.status["protectedBy"].as_array();
        let of_guard = guards
            .into_iter()
            .flatten()
            .filter(|entry| entry["guard"] == guard);
        of_guard.filter_map(|entry| entry["bytes"].as_u64()).sum()
    }

    /// Those of these guards that kept anything, with their bytes.
    pub(crate) fn keepers(&self, guards: &[&'static str]) -> Vec<(&'static str, u64)> {
        let kept = guards
            .iter()
            .map(|&guard| (guard, self.protected_by(guard)));
        kept.filter(|(_, bytes)| *bytes > 0).collect()
    }

    /// Bytes that may go, or may once something has passed.
    pub(crate) fn waiting_bytes(&self) -> u64 {
        let bytes = |decision: &str| {
            self.status["decisions"][decision]["bytes"]
                .as_u64()
                .unwrap_or_default()
        };
        bytes("orphan") + bytes("expire")
    }

    pub(crate) fn guards(&self) -> &Value {
        &self.status["protectedBy"]
    }
}

/// A failed test tells all that it knows: the machine that it ran on may be gone.
impl Drop for Stage {
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
