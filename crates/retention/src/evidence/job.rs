use super::{HighAvailability, JobManager, StateBackend};
use crate::layout::JobId;
use crate::location::Location;
use jiff::{SignedDuration, Timestamp};
use std::fmt;

/// Everything observed about one Flink resource, or about one job that was named on the command line.
#[derive(Clone, Debug)]
pub struct JobEvidence {
    pub name: JobName,
    /// The id of the job that the resource runs now, or last ran.
    pub current: Option<JobId>,
    /// The ids that the resource had before, and where.
    pub lineage: Lineage,
    pub phase: Phase,
    pub processes: Processes,
    /// Checkpoint and savepoint directories of this job: as configured, as deployed, as really used, now and before.
    pub bases: Vec<Location>,
    pub high_availability: HighAvailability,
    pub job_manager: JobManager,
    /// `execution.checkpointing.timeout` as configured; none where that is not known.
    pub checkpoint_timeout: Option<SignedDuration>,
    /// `state.backend.type` as configured; none where that is not known. The JobManager's answer is better, if there is
    /// one: code may choose another.
    pub state_backend: Option<StateBackend>,
    /// Why this resource may not be acted upon at all, where somebody asked for that.
    pub suspended_by: Option<String>,
}

/// The name of a Flink resource; on the command line the job id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct JobName {
    pub kind: String,
    pub namespace: String,
    pub name: String,
}

/// The former job ids of a resource, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage {
    pub entries: Vec<LineageEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineageEntry {
    pub job_id: JobId,
    /// Where its state is; none where that was not known when it was recorded.
    pub base: Option<Location>,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// Whether the resource that had it exists.
    pub resource: ResourceState,
}

/// Whether the resource that had a job id exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceState {
    Exists,
    /// It was deleted; a present one of its name was made anew, and took nothing over from it.
    Deleted {
        /// Since when that is known for certain. None: it may have been overlooked.
        observed: Option<Timestamp>,
    },
}

/// What the resource is doing, as far as it can be said safely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Stable and running, as its resource says.
    Running,
    /// Asked to be suspended, and it is.
    Suspended,
    /// CANCELED, FAILED or FINISHED, for good.
    Terminal { state: String },
    /// Somebody with the right to know says that no process of this job runs (the command line's `--stopped`).
    Stopped,
    /// The resource is gone, and so are its processes. Its ids stay claimed.
    Gone,
    /// It has no job of its own: a session cluster, or a pair of deployments.
    NoJob { why: String },
    /// Anything else: in between, or not understood.
    Unclear { why: String },
}

/// Whether processes of the job exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Processes {
    /// None: neither pods nor deployments, as a complete listing showed.
    Absent,
    Present,
    Unknown {
        why: String,
    },
}

/// How a job id is tied to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    Current,
    Former,
    /// A resource that was deleted had it, and no successor took over from it.
    Deleted {
        /// Since when that is known for certain.
        observed: Option<Timestamp>,
    },
}

impl JobName {
    /// The kind of a job that runs in a cluster and that no resource describes.
    pub const WITHOUT_RESOURCE: &'static str = "Job";
}

impl JobEvidence {
    /// Whether it runs in a cluster although no resource describes it, so that nobody says what it was started from.
    #[must_use]
    pub fn has_no_resource(&self) -> bool {
        self.name.kind == JobName::WITHOUT_RESOURCE
    }

    /// Every id that this resource has had.
    pub fn ids(&self) -> impl Iterator<Item = JobId> {
        let former = self.lineage.entries.iter().map(|entry| entry.job_id);
        self.current.into_iter().chain(former)
    }

    /// How this resource claims a job id, if it does.
    #[must_use]
    pub fn claims(&self, job_id: JobId) -> Option<Claim> {
        if self.current == Some(job_id) {
            return Some(Claim::Current);
        }
        let entries = self.lineage.entries.iter();
        let mut had = entries.filter(|entry| entry.job_id == job_id).peekable();
        let mut claim = Claim::Deleted {
            observed: had.peek()?.resource.deletion(),
        };
        for entry in had {
            claim = match (claim, entry.resource) {
                (Claim::Deleted { observed }, ResourceState::Deleted { observed: other }) => {
                    Claim::Deleted {
                        // The last of them, once all are known.
                        observed: observed
                            .zip(other)
                            .map(|(observed, other)| observed.max(other)),
                    }
                }
                (_, ResourceState::Exists) | (Claim::Former | Claim::Current, _) => Claim::Former,
            };
        }
        Some(claim)
    }
}

impl ResourceState {
    fn deletion(self) -> Option<Timestamp> {
        match self {
            Self::Exists => None,
            Self::Deleted { observed } => observed,
        }
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            return write!(f, "{} {}", self.kind, self.name);
        }
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}
