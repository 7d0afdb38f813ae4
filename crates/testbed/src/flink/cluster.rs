use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};
use std::{fs, thread};

use super::{
    CompletedCheckpoint, FlinkClusterBuilder, FlinkDistribution, FlinkError, Hold, Progress, Rest,
    SavepointFormat, SequenceJob, log,
};
use crate::maven::JDK;
use crate::process::Process;

const POLL: Duration = Duration::from_millis(100);
/// Far longer than it takes when nothing is wrong.
const TO_SHUT_DOWN: Duration = Duration::from_mins(1);
/// `TaskManager`s that may crash before that is an error.
const CRASHES: u32 = 2;
const JOB_MANAGER: &str = "dev.flinkretention.sequence.JobManager";
const TASK_MANAGER: &str = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner";

/// One Flink cluster in application mode under Kubernetes HA. Dropping it kills its processes and leaves its files.
#[derive(Debug)]
pub struct FlinkCluster {
    pub(super) distribution: FlinkDistribution,
    pub(super) directory: PathBuf,
    /// Configuration, logs, temporary files and results of this job id.
    pub(super) run: PathBuf,
    pub(super) configuration_file: PathBuf,
    pub(super) job_id: String,
    pub(super) job: SequenceJob,
    pub(super) rest: Rest,
    /// Processes started so far; numbers the logs.
    pub(super) starts: u32,
    pub(super) job_manager: Option<Process>,
    pub(super) task_manager: Option<Process>,
    /// `TaskManager`s that a signal ended which nobody sent.
    pub(super) crashes: u32,
}

impl FlinkCluster {
    /// A cluster whose HA lives in the API server of `kubeconfig` and whose files live below `directory`, an absolute
    /// path: `checkpoints/`, `savepoints/`, `changelog/`, `ha/` (all shared by all clusters of the directory) and `runs/<job id>/` with logs.
    #[must_use]
    pub fn builder(
        distribution: &FlinkDistribution,
        kubeconfig: &Path,
        directory: &Path,
    ) -> FlinkClusterBuilder {
        FlinkClusterBuilder::new(distribution, kubeconfig, directory)
    }

    /// Stays the same when the `JobManager` is restarted.
    #[must_use]
    pub fn rest(&self) -> &Rest {
        &self.rest
    }

    #[must_use]
    pub fn job_id(&self) -> &str {
        &self.job_id
    }

    #[must_use]
    pub fn job(&self) -> &SequenceJob {
        &self.job
    }

    /// The configured `execution.checkpointing.dir`.
    #[must_use]
    pub fn checkpoints_directory(&self) -> PathBuf {
        self.directory.join("checkpoints")
    }

    /// The configured `execution.checkpointing.savepoint-dir`.
    #[must_use]
    pub fn savepoints_directory(&self) -> PathBuf {
        self.directory.join("savepoints")
    }

    /// `<base>/<job id>`.
    #[must_use]
    pub fn job_directory(&self) -> PathBuf {
        self.checkpoints_directory().join(&self.job_id)
    }

    /// Where files of the changelog are, if it is on.
    #[must_use]
    pub fn changelog_directory(&self) -> PathBuf {
        self.directory.join("changelog")
    }

    /// The `config.yaml` or `flink-conf.yaml` that its processes were started with.
    #[must_use]
    pub fn configuration_file(&self) -> &Path {
        &self.configuration_file
    }

    /// The ends of the logs of its processes, for whoever explains a failure.
    #[must_use]
    pub fn log_tails(&self) -> String {
        [&self.job_manager, &self.task_manager]
            .into_iter()
            .flatten()
            .map(|process| log::tail(process.log()))
            .collect::<Vec<_>>()
            .join("\n----\n")
    }

    /// `SIGKILL`; returns when the process is gone. The `TaskManager` lives on and waits for the next leader.
    pub fn kill_job_manager(&mut self) {
        self.job_manager
            .take()
            .map(Process::kill)
            .unwrap_or_default();
    }

    /// Kills the `JobManager`, if it runs, and starts the next, which recovers from the HA `ConfigMaps`.
    pub fn restart_job_manager(&mut self) -> Result<(), FlinkError> {
        self.kill_job_manager();
        self.start_job_manager()
    }

    /// `SIGKILL`; returns when the process is gone.
    pub fn kill_task_manager(&mut self) {
        self.task_manager
            .take()
            .map(Process::kill)
            .unwrap_or_default();
    }

    /// Kills the `TaskManager`, if it runs, and starts another.
    pub fn restart_task_manager(&mut self) -> Result<(), FlinkError> {
        self.kill_task_manager();
        self.start_task_manager()
    }

    /// Waits until REST reports a completed checkpoint with this number or a higher one.
    pub fn wait_for_checkpoint(
        &mut self,
        at_least: u64,
        limit: Duration,
    ) -> Result<CompletedCheckpoint, FlinkError> {
        self.wait_for(
            &format!("checkpoint {at_least} or later"),
            limit,
            |cluster| {
                let latest = cluster.rest.latest_completed(&cluster.job_id)?;
                Ok(latest.filter(|checkpoint| checkpoint.id >= at_least))
            },
        )
    }

    /// Polls `probe` until it gives a value. An error of REST counts as "not yet", since there is none while no
    /// `JobManager` leads; a process that ended is an error at once, but a `TaskManager` that crashed is replaced, as
    /// Kubernetes does: the native code of a state backend can crash where its task is cancelled (seen with `ForSt` of
    /// 2.3.0, in the middle of a failover).
    pub fn wait_for<T>(
        &mut self,
        goal: &str,
        limit: Duration,
        mut probe: impl FnMut(&Self) -> Result<Option<T>, FlinkError>,
    ) -> Result<T, FlinkError> {
        let started = Instant::now();
        loop {
            if let Some(process) = &mut self.job_manager
                && let Some(status) = exit_status(process)?
            {
                return Err(FlinkError::ended(process, status));
            }
            if let Some(process) = &mut self.task_manager
                && let Some(status) = exit_status(process)?
            {
                if status.signal().is_none() || self.crashes == CRASHES {
                    return Err(FlinkError::ended(process, status));
                }
                self.crashes += 1;
                self.restart_task_manager()?;
            }
            let last = match probe(self) {
                Ok(Some(value)) => return Ok(value),
                Ok(None) => "not yet".to_owned(),
                Err(error @ FlinkError::Rest { .. }) => error.to_string(),
                Err(error) => return Err(error),
            };
            if started.elapsed() > limit {
                return Err(self.timed_out(goal, limit, last));
            }
            thread::sleep(POLL);
        }
    }

    /// Lets checkpoints fail from now on; see [`Hold`].
    pub fn hold_checkpoints(&self, how: Hold) -> Result<(), FlinkError> {
        let gate = self.gate();
        let draft = gate.with_extension("draft");
        // The job must never read half a word.
        fs::write(&draft, how.word())
            .and_then(|()| fs::rename(&draft, &gate))
            .map_err(FlinkError::io("write", &gate))
    }

    /// Lets checkpoints complete again.
    pub fn release_checkpoints(&self) -> Result<(), FlinkError> {
        let gate = self.gate();
        fs::remove_file(&gate).map_err(FlinkError::io("remove", &gate))
    }

    fn gate(&self) -> PathBuf {
        self.run.join("gate")
    }

    /// Makes a savepoint below `target` (a URI); the job runs on. Gives the savepoint's location.
    pub fn savepoint(
        &mut self,
        target: &str,
        format: SavepointFormat,
        limit: Duration,
    ) -> Result<String, FlinkError> {
        let request = self.rest.trigger_savepoint(&self.job_id, target, format)?;
        self.wait_for("the savepoint", limit, |cluster| {
            cluster.rest.savepoint(&cluster.job_id, &request)
        })
    }

    /// Cancels the job; its checkpoints are retained, its HA data is cleaned up by Flink. Returns when the `JobManager`
    /// has shut down by itself.
    pub fn cancel(&mut self, limit: Duration) -> Result<(), FlinkError> {
        self.rest.cancel(&self.job_id)?;
        self.wait_for_shutdown("shutdown after the cancellation", limit)
    }

    /// Waits until a job with an end has finished and the `JobManager` has shut down.
    pub fn wait_until_finished(&mut self, limit: Duration) -> Result<(), FlinkError> {
        self.wait_for_shutdown("end of the sequence", limit)
    }

    /// What the job has written about its positions and totals so far.
    pub fn progress(&self) -> Result<Progress, FlinkError> {
        Progress::read(&self.results())
    }

    fn results(&self) -> PathBuf {
        self.run.join("results.txt")
    }

    pub(super) fn start_job_manager(&mut self) -> Result<(), FlinkError> {
        let mut command = self.java();
        command
            .arg(JOB_MANAGER)
            .arg(self.configuration_directory())
            .arg(&self.job_id)
            .args(self.job.arguments(&self.results(), &self.gate()));
        self.job_manager = Some(self.spawn("JobManager", &mut command)?);
        Ok(())
    }

    pub(super) fn start_task_manager(&mut self) -> Result<(), FlinkError> {
        let mut command = self.java();
        command
            .args([TASK_MANAGER, "--configDir"])
            .arg(self.configuration_directory());
        self.task_manager = Some(self.spawn("TaskManager", &mut command)?);
        Ok(())
    }

    fn configuration_directory(&self) -> PathBuf {
        self.run.join("conf")
    }

    fn java(&self) -> Command {
        let temporary = self.run.join("tmp");
        let mut command = self.distribution.java();
        command
            .arg("-Xmx256m")
            .arg(format!("-Djava.io.tmpdir={}", temporary.display()))
            // Else a crash leaves its report in the directory of whoever runs the test.
            .arg(format!(
                "-XX:ErrorFile={}",
                self.run.join("crash-%p.log").display()
            ));
        command
    }

    fn spawn(&mut self, name: &'static str, command: &mut Command) -> Result<Process, FlinkError> {
        self.starts += 1;
        let log = self
            .run
            .join(format!("{}-{}.log", name.to_lowercase(), self.starts));
        Process::spawn(name, command, &log).map_err(|source| FlinkError::MissingTool {
            tool: "java",
            install: JDK,
            variable: "JAVA_HOME",
            source,
        })
    }

    /// A `JobManager` that has closed its REST endpoint and still does not end is killed: in 1.20 its cleaning up may
    /// lose a race against its own end ("the scheduled executor service is shutdown"), and then it hangs for ever.
    fn wait_for_shutdown(&mut self, goal: &str, limit: Duration) -> Result<(), FlinkError> {
        let started = Instant::now();
        // When REST last answered; a JobManager that has not opened it yet is busy starting.
        let mut heard: Option<Instant> = None;
        while let Some(job_manager) = &mut self.job_manager {
            match exit_status(job_manager)? {
                Some(status) if status.success() => self.job_manager = None,
                Some(status) => return Err(FlinkError::ended(job_manager, status)),
                None if heard.is_some_and(|last| last.elapsed() > TO_SHUT_DOWN) => {
                    self.kill_job_manager();
                }
                None if started.elapsed() > limit => {
                    return Err(self.timed_out(goal, limit, "still running".to_owned()));
                }
                None => {
                    if self.rest.get("/config").is_ok() {
                        heard = Some(Instant::now());
                    }
                    thread::sleep(POLL);
                }
            }
        }
        // In standalone mode nobody stops the TaskManagers.
        self.kill_task_manager();
        Ok(())
    }

    fn timed_out(&self, goal: &str, limit: Duration, last: String) -> FlinkError {
        FlinkError::TimedOut {
            goal: goal.to_owned(),
            limit,
            last,
            logs: self.log_tails(),
        }
    }
}

fn exit_status(process: &mut Process) -> Result<Option<ExitStatus>, FlinkError> {
    let status = process.try_wait();
    status.map_err(FlinkError::io(
        "watch the process that logs to",
        process.log(),
    ))
}
