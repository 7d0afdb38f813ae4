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
    /// Every directory in which a known job keeps, or kept, its state.
    pub fn bases(&self) -> impl Iterator<Item = &Location> {
        self.jobs.iter().flat_map(|job| job.bases.iter())
    }
}
