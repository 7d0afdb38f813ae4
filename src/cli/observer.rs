//! Evidence from what the command line says.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use retention::evidence::{
    Evidence, Gap, HighAvailability, JobEvidence, JobManager, JobName, Lineage, Phase, Processes,
    Radius,
};
use retention::guard::Guard;
use retention::layout::JobId;
use retention::location::Location;
use storage::StorageError;

use super::bases::Bases;
use super::homes::Homes;
use super::jobs::JobStates;
use super::unnamed;
use crate::engine::{Clock, Observer};

/// Says of each job what the command line said; others it does not know.
#[derive(Debug)]
pub(super) struct CommandLineObserver {
    pub(super) states: JobStates,
    /// The directories that the command works on: whoever names a job names it for them.
    pub(super) bases: Bases,
    /// What manifests say. A job that they describe is described by them alone.
    pub(super) manifests: Option<Box<dyn Observer>>,
    pub(super) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Observer for CommandLineObserver {
    async fn observe(&self) -> Evidence {
        let (homes, unseen) = self.homes().await;
        let mut evidence = match &self.manifests {
            Some(manifests) => manifests.observe().await,
            None => Evidence {
                taken_at: self.clock.now(),
                jobs: Vec::new(),
                roots: Vec::new(),
                high_availability_ids: Vec::new(),
                gaps: Vec::new(),
            },
        };
        let running = self.states.running.iter().map(|&job| (job, Phase::Running));
        let stopped = self.states.stopped.iter().map(|&job| (job, Phase::Stopped));
        let unnamed = self.states.unnamed(&homes).map(|job| {
            let why = format!(
                "it is not named, may run, and had no checkpoint of its own when this command began; say --running {job} or \
                 --stopped {job}"
            );
            (job, Phase::Unclear { why })
        });
        for (job, phase) in running.chain(stopped).chain(unnamed) {
            let described = evidence
                .jobs
                .iter()
                .any(|known| known.claims(job).is_some());
            if !described {
                evidence.jobs.push(self.job(job, phase, homes.get(&job)));
            }
        }
        evidence.gaps.extend(unseen);
        evidence
    }
}

impl CommandLineObserver {
    /// Where directories of jobs lie, also of those that came after the command began: whatever checkpoints these have by
    /// now may have been made after the references were read.
    async fn homes(&self) -> (BTreeMap<JobId, Homes>, Option<Gap>) {
        let Some(mut homes) = self.states.homes.clone() else {
            return (BTreeMap::new(), None);
        };
        let now = match self.bases.job_directories().await {
            Ok(now) => now,
            Err(error) => return (homes, Some(unseen(&error))),
        };
        for (job, places) in now {
            homes.entry(job).or_insert_with(|| Homes::unread(places));
        }
        (homes, None)
    }

    /// Also where its directory lies, if that is deeper and there is no other one: of several, which one Flink made and
    /// which are copies cannot be told.
    fn bases_of(&self, homes: Option<&Homes>) -> Vec<Location> {
        let bases = &self.bases.locations;
        let deeper = homes
            .into_iter()
            .flat_map(
                |Homes {
                     checkpoints,
                     changelog,
                     has_checkpoint: _,
                 }| [checkpoints, changelog],
            )
            .filter(|homes| homes.len() == 1)
            .flatten()
            .filter(|home| !bases.contains(home));
        bases.iter().chain(deeper).cloned().collect()
    }

    fn job(&self, id: JobId, phase: Phase, homes: Option<&Homes>) -> JobEvidence {
        let runs = phase == Phase::Running;
        let is_over = phase == Phase::Stopped;
        JobEvidence {
            name: JobName {
                kind: unnamed::KIND.to_owned(),
                namespace: String::new(),
                name: id.to_string(),
            },
            current: Some(id),
            lineage: Lineage::default(),
            phase,
            processes: if is_over {
                Processes::Absent
            } else {
                Processes::Present
            },
            bases: self.bases_of(homes),
            high_availability: HighAvailability::NotConfigured,
            job_manager: JobManager::NotAsked,
            checkpoint_timeout: None,
            state_backend: self.states.running_backend.clone().filter(|_| runs),
            suspended_by: None,
        }
    }
}

/// Whoever has come since may need anything.
fn unseen(error: &StorageError) -> Gap {
    Gap {
        guard: Guard::MissingEvidence,
        what: "the list of job directories".to_owned(),
        why: error.to_string(),
        radius: vec![Radius::All],
    }
}
