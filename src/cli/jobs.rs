//! What is said about jobs on the command line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::str::FromStr;

use retention::evidence::StateBackend;
use retention::layout::{JobId, NotAJobId};

use super::bases::Bases;
use super::exit::note;
use super::homes::Homes;
use super::{UsageError, said_to_run};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct JobArguments {
    /// This job runs: nothing that it may need is touched; repeatable. Jobs that are not named may be running. Name a job
    /// that was just started from a snapshot: in a bucket it has no directory, and is not seen, before its first checkpoint
    #[arg(long, value_name = "JOBID")]
    running: Vec<JobId>,
    /// The state backend of all jobs named as running. Unless it is said, they may have ForSt databases, which read
    /// files of other jobs in place, so no shared file of any job goes
    #[arg(long, value_name = "BACKEND", requires = "running")]
    running_backend: Option<PlainBackend>,
    /// No process of this job runs, and none will be started without -s; repeatable. `all`: every job that has a
    /// directory here when the command begins and is not named as running
    #[arg(long, value_name = "JOBID|all")]
    stopped: Vec<Stopped>,
    /// Read the jobs, their directories and restore sources from the YAML manifests in this directory. A job that is not
    /// over by the status of its manifest is not stopped, whatever --stopped says
    #[arg(long, value_name = "DIR")]
    pub(super) manifests: Option<PathBuf>,
}

/// A state backend whose jobs read nothing but what their snapshots name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum PlainBackend {
    Rocksdb,
    Hashmap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopped {
    All,
    Job(JobId),
}

impl FromStr for Stopped {
    type Err = NotAJobId;

    fn from_str(text: &str) -> Result<Self, NotAJobId> {
        if text == "all" {
            return Ok(Self::All);
        }
        text.parse().map(Self::Job)
    }
}

/// What is said, without contradictions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct JobStates {
    pub(super) running: BTreeSet<JobId>,
    /// Of all that run; none where it was not said.
    pub(super) running_backend: Option<StateBackend>,
    pub(super) stopped: BTreeSet<JobId>,
    /// Where directories of jobs lay when the command began. None where nobody had to know, because no job is said to be
    /// stopped.
    pub(super) homes: Option<BTreeMap<JobId, Homes>>,
}

impl JobStates {
    /// Of these, the jobs of which nobody says anything and that had no checkpoint of their own when the command began: they
    /// may need any file that they may have been restored from. The checkpoints of all others tell what they need.
    pub(super) fn unnamed<'h>(
        &'h self,
        homes: &'h BTreeMap<JobId, Homes>,
    ) -> impl Iterator<Item = JobId> + 'h {
        let without = homes.iter().filter(|(_, homes)| !homes.has_checkpoint);
        without
            .map(|(&job, _)| job)
            .filter(|job| !self.running.contains(job) && !self.stopped.contains(job))
    }
}

impl JobArguments {
    pub(super) async fn states(&self, bases: &Bases) -> anyhow::Result<JobStates> {
        let mut states = self.named()?;
        if self.stopped.is_empty() {
            return Ok(states);
        }
        let known = bases.jobs().await?;
        let unknown = |job: &&JobId| !known.contains_key(*job);
        if let Some(unknown) = states.stopped.iter().find(unknown) {
            return Err(UsageError(format!(
                "--stopped {unknown}: no directory here belongs to this job; check the id and the directories"
            ))
            .into());
        }
        if self.stopped.contains(&Stopped::All) {
            let ids = known.keys().copied();
            states.stopped = ids.filter(|id| !states.running.contains(id)).collect();
        }
        self.heed_manifests(&mut states)?;
        states.homes = Some(known);
        Ok(states)
    }

    /// Manifests may be older than what is said here, or somebody may have named the wrong job: whoever is sure takes the
    /// manifest away.
    fn heed_manifests(&self, states: &mut JobStates) -> Result<(), UsageError> {
        let Some(manifests) = &self.manifests else {
            return Ok(());
        };
        for (job, who) in said_to_run::read(manifests) {
            if self.stopped.contains(&Stopped::Job(job)) {
                return Err(UsageError(format!(
                    "--stopped {job}: by {who} it may run; stop it, or write the manifest as it is now, or remove it"
                )));
            }
            if states.stopped.remove(&job) {
                note(&format!(
                    "--stopped all does not cover {job}: by {who} it may run"
                ));
            }
        }
        Ok(())
    }

    fn named(&self) -> Result<JobStates, UsageError> {
        let mut states = JobStates {
            running_backend: self.running_backend.map(|backend| match backend {
                PlainBackend::Rocksdb => StateBackend::RocksDb,
                PlainBackend::Hashmap => StateBackend::HashMap,
            }),
            ..JobStates::default()
        };
        for &job in &self.running {
            if !states.running.insert(job) {
                return Err(UsageError(format!(
                    "--running {job} is given twice; once is enough"
                )));
            }
        }
        let all = self.stopped.contains(&Stopped::All);
        if all && self.stopped.len() > 1 {
            return Err(UsageError(
                "--stopped all covers every job; leave out the other --stopped".to_owned(),
            ));
        }
        for stopped in &self.stopped {
            let Stopped::Job(job) = stopped else { continue };
            if states.running.contains(job) {
                return Err(UsageError(format!(
                    "job {job} is given as --running and as --stopped; it can be one of them only"
                )));
            }
            if !states.stopped.insert(*job) {
                return Err(UsageError(format!(
                    "--stopped {job} is given twice; once is enough"
                )));
            }
        }
        Ok(states)
    }
}
