//! What was learned about jobs from outside their storage, each fact with its time. Lack of a fact is a fact too.

mod gap;
mod high_availability;
mod job;
mod rest;
mod root;

pub(crate) use gap::may_be_named_from;
pub use gap::{Gap, Radius};
pub use high_availability::{HaCheckpoint, HaEntry, HaMap, HaReference, HighAvailability};
pub use job::{
    Claim, JobEvidence, JobName, Lineage, LineageEntry, Phase, Processes, ResourceState,
};
pub use rest::{
    ClaimMode, ClusterConfiguration, JobManager, RestCheckpoint, RestCheckpoints, RestRestored,
    StateBackend,
};
pub use root::Root;

use crate::layout::JobId;
use crate::location::Location;
use jiff::Timestamp;

/// Everything that was observed at one moment.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// When the observation ended.
    pub taken_at: Timestamp,
    pub jobs: Vec<JobEvidence>,
    /// Evidence that a snapshot must stay, from wherever it came.
    pub roots: Vec<Root>,
    /// Every job id that has a high-availability map anywhere in sight.
    pub high_availability_ids: Vec<JobId>,
    /// What could not be learned, and what that protects.
    pub gaps: Vec<Gap>,
}

impl Evidence {
    /// The directories (of a job, or of savepoints) with the snapshots that a job was, or is to be, restored from: by what
    /// its resource names, and by its `JobManager`. In CLAIM mode its own snapshots go on naming files there when those
    /// are gone, and its resource still names them.
    pub fn restore_sources<'a>(&'a self, job: &'a JobEvidence) -> impl Iterator<Item = Location> {
        let name = job.name.to_string();
        let named = self.roots.iter();
        let named = named.filter(move |root| root.named_by.contains(&name));
        let named = named.filter_map(|root| root.location.as_ref());
        let answer = job.job_manager.answer();
        let restored = answer.and_then(|rest| rest.restored.as_ref()?.external_path.as_ref());
        named.chain(restored).map(Location::parent)
    }

    /// Every directory in which a known job keeps, or kept, its state.
    pub fn bases(&self) -> impl Iterator<Item = &Location> {
        self.jobs.iter().flat_map(|job| job.bases.iter())
    }
}
