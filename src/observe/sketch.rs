use crate::observe::configurations::Configurations;
use crate::observe::draft::{Half, Host, StartsFrom};
use retention::evidence::{JobName, Phase};

/// What a resource that has a job says of it, before anybody else was asked.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    pub(super) name: JobName,
    pub(super) host: Host,
    /// `status.jobStatus.jobId`, as it is written.
    pub(super) named_id: Option<String>,
    pub(super) phase: Phase,
    pub(super) starts_from: StartsFrom,
    pub(super) stateful: bool,
    /// Those in the resource.
    pub(super) configurations: Configurations,
    /// Configurations that could not be read, so that directories may be missing.
    pub(super) problems: Vec<String>,
    pub(super) half: Option<Half>,
    /// The annotation of the resource itself.
    pub(super) suspended_by: Option<String>,
}
