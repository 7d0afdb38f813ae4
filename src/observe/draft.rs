use crate::api::flink::options;
use crate::observe::job_manager::ClusterAddress;
use jiff::SignedDuration;
use retention::evidence::{Gap, JobName, Lineage, Phase, Root, StateBackend};
use retention::layout::JobId;
use retention::location::{Location, Origin};

/// What the resource of a job says, before its high-availability data and its JobManager were asked.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) name: JobName,
    /// Where its cluster is; none where it is not worth asking.
    pub(super) address: Option<ClusterAddress>,
    pub(super) current: Option<JobId>,
    pub(super) phase: Phase,
    pub(super) starts_from: StartsFrom,
    pub(super) lineage: Lineage,
    pub(super) bases: Vec<Location>,
    pub(super) high_availability: options::HighAvailability,
    pub(super) checkpoint_timeout: Option<SignedDuration>,
    pub(super) state_backend: Option<StateBackend>,
    pub(super) suspended_by: Option<String>,
    pub(super) host: Host,
    /// The half of a pair that it is, if it is one.
    pub(super) half: Option<Half>,
    /// What the paths of this job leave out.
    pub(super) origin: Origin,
    /// Its upgrade mode keeps state, so it has a base, known or not.
    pub(super) stateful: bool,
    /// Snapshots that its configurations name; those of the resource itself are found in its text.
    pub(super) roots: Vec<Root>,
    pub(super) gaps: Vec<Gap>,
}

/// From what a suspended job starts again, as far as its resource says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StartsFrom {
    /// From the savepoint with which it was stopped, under another id.
    Savepoint,
    /// From whatever its high-availability data names.
    HighAvailability,
    NotSaid,
}

/// Whose the processes of a job are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// A cluster of its own: without its processes it is over.
    Own,
    /// A session cluster, whose processes stay: that a job of it is over only its `JobManager` can say.
    Session,
}

/// What a `FlinkDeployment` says of the `FlinkBlueGreenDeployment` that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Half {
    pub(super) colour: Option<Colour>,
    /// Name and uid.
    pub(super) pair: Option<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    Blue,
    Green,
}

/// What a resource does not say itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    pub(super) origin: Origin,
    /// From the resource's `CheckpointInventory`.
    pub(super) record: Option<super::lineage::Record>,
    /// Why nothing may be deleted in its namespace, where somebody asked for that.
    pub(super) namespace_suspended: Option<String>,
}

impl Draft {
    pub(super) fn may_run(&self) -> bool {
        match self.phase {
            Phase::Running | Phase::Unclear { .. } => true,
            Phase::Suspended
            | Phase::Terminal { .. }
            | Phase::Stopped
            | Phase::Gone
            | Phase::NoJob { .. } => false,
        }
    }
}
