use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::configuration::Configuration;
use super::{
    ClaimMode, FlinkCluster, FlinkDistribution, FlinkError, Rest, SequenceJob, StateBackend,
};
use crate::control_plane::port;

/// What to run where; see [`FlinkCluster::builder`].
#[derive(Debug, Clone)]
pub struct FlinkClusterBuilder {
    distribution: FlinkDistribution,
    kubeconfig: PathBuf,
    directory: PathBuf,
    /// How Flink names `directory`.
    url: String,
    runs: PathBuf,
    cluster_id: String,
    namespace: String,
    job_id: String,
    job: SequenceJob,
    configuration: Configuration,
}

impl FlinkClusterBuilder {
    pub(super) fn new(
        distribution: &FlinkDistribution,
        kubeconfig: &Path,
        directory: &Path,
    ) -> Self {
        Self {
            distribution: distribution.clone(),
            kubeconfig: kubeconfig.to_path_buf(),
            directory: directory.to_path_buf(),
            url: format!("file://{}", directory.display()),
            runs: directory.join("runs"),
            cluster_id: "orders".to_owned(),
            namespace: "default".to_owned(),
            job_id: "00000000000000000000000000000abc".to_owned(),
            job: SequenceJob::default(),
            configuration: Configuration::small(),
        }
        .state_backend(StateBackend::RocksDb)
    }

    /// For a directory in which an object store keeps a bucket: Flink reaches it under this URL, and what only the
    /// processes need is in `runs`.
    #[must_use]
    pub fn in_bucket(mut self, url: &str, runs: &Path) -> Self {
        url.clone_into(&mut self.url);
        self.runs = runs.to_path_buf();
        self
    }

    /// `kubernetes.cluster-id`, the `FlinkDeployment`'s name. Default `orders`.
    #[must_use]
    pub fn cluster_id(mut self, cluster_id: &str) -> Self {
        cluster_id.clone_into(&mut self.cluster_id);
        self
    }

    /// Default `default`.
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// 32 hex digits. Default `00000000000000000000000000000abc`.
    #[must_use]
    pub fn job_id(mut self, job_id: &str) -> Self {
        job_id.clone_into(&mut self.job_id);
        self
    }

    #[must_use]
    pub fn job(mut self, job: SequenceJob) -> Self {
        self.job = job;
        self
    }

    /// Default [`StateBackend::RocksDb`].
    #[must_use]
    pub fn state_backend(mut self, backend: StateBackend) -> Self {
        for (key, value) in backend.options() {
            self.configuration.set(key, *value);
        }
        self
    }

    /// A `chk-N` or savepoint directory, as path or URI.
    #[must_use]
    pub fn restore_from(self, snapshot: &str, mode: ClaimMode) -> Self {
        self.configure("execution.state-recovery.path", snapshot)
            .configure("execution.state-recovery.claim-mode", mode.name())
    }

    /// Sets one key of Flink's configuration, for instance `execution.checkpointing.interval`.
    #[must_use]
    pub fn configure(mut self, key: &str, value: &str) -> Self {
        self.configuration.set(key, value);
        self
    }

    /// Starts a `JobManager`, which runs the job, and a `TaskManager`. Returns at once: wait for what you need.
    pub fn start(self) -> Result<FlinkCluster, FlinkError> {
        let Self {
            distribution,
            kubeconfig,
            directory,
            url,
            runs,
            cluster_id,
            namespace,
            job_id,
            job,
            mut configuration,
        } = self;
        let port = || free_port().map_err(FlinkError::io("find a free port for", &directory));
        let rest_port = port()?;
        let run = runs.join(&job_id);
        configuration.set("kubernetes.cluster-id", cluster_id);
        configuration.set("kubernetes.namespace", namespace);
        configuration.set("kubernetes.config.file", kubeconfig.display().to_string());
        for (key, place) in [
            ("execution.checkpointing.dir", "checkpoints"),
            ("execution.checkpointing.savepoint-dir", "savepoints"),
            ("state.changelog.dstl.dfs.base-path", "changelog"),
            ("high-availability.storageDir", "ha"),
        ] {
            configuration.set(key, format!("{url}/{place}"));
        }
        configuration.set("rest.port", rest_port.to_string());
        // With high availability it is found, wherever it is; without, TaskManagers look here.
        configuration.set("jobmanager.rpc.port", port()?.to_string());
        configuration.set("io.tmp.dirs", run.join("tmp").display().to_string());
        let configuration_file = configuration.write(&run.join("conf"), distribution.version())?;
        let temporary = run.join("tmp");
        fs::create_dir_all(&temporary).map_err(FlinkError::io("create", &temporary))?;

        let mut cluster = FlinkCluster {
            rest: Rest::new(format!("http://127.0.0.1:{rest_port}")),
            distribution,
            directory,
            run,
            configuration_file,
            job_id,
            job,
            starts: 0,
            job_manager: None,
            task_manager: None,
            crashes: 0,
        };
        cluster.start_job_manager()?;
        cluster.start_task_manager()?;
        Ok(cluster)
    }
}

/// Of those that the kernel gives to nobody: not before the `JobManager` binds it, nor while a killed one is followed by
/// the next.
fn free_port() -> io::Result<u16> {
    port::free().map_err(io::Error::other)
}
