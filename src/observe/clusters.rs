//! The clusters of all `FlinkDeployment`s, and the jobs that run in them although no resource names them: submitted
//! over REST, by a SQL gateway, or by a program that executes several.

use crate::api::flink::options;
use crate::observe::configurations::Configurations;
use crate::observe::deployment::address;
use crate::observe::draft::{Draft, Host, StartsFrom};
use crate::observe::job_manager::ClusterAddress;
use crate::observe::jobs_overview::{JobsOverview, is_over};
use jiff::SignedDuration;
use retention::evidence::{Gap, JobName, Lineage, Phase, Processes, Radius};
use retention::guard::Guard;
use retention::layout::JobId;
use retention::location::{Location, Origin};
use std::collections::{BTreeMap, BTreeSet};

/// The cluster of a `FlinkDeployment`.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    pub(super) of: JobName,
    pub(super) address: ClusterAddress,
    pub(super) is_session: bool,
    /// Why nothing can be said of the session jobs in it.
    pub(super) doubt: Option<String>,
    pub(super) suspended_by: Option<String>,
    pub(super) origin: Origin,
    /// What its configurations say of any job in it.
    bases: Vec<Location>,
    high_availability: options::HighAvailability,
    checkpoint_timeout: Option<SignedDuration>,
}

/// The cluster that session jobs name, whose settings are below theirs.
#[derive(Clone, Debug)]
pub(super) struct SessionHost {
    pub(super) cluster: Cluster,
    pub(super) configurations: Configurations,
}

impl Cluster {
    pub(super) fn of(
        (is_session, is_being_deleted): (bool, bool),
        configurations: &Configurations,
        draft: &Draft,
    ) -> Self {
        let of = draft.name.clone();
        let doubt = if !is_session {
            Some(format!(
                "{of} is the cluster of a job of its own, no session cluster"
            ))
        } else if is_being_deleted {
            Some(format!("its session cluster {of} is being deleted"))
        } else {
            None
        };
        Self {
            address: address(&of, configurations),
            is_session,
            doubt,
            suspended_by: draft.suspended_by.clone(),
            origin: draft.origin.clone(),
            bases: configurations.directories(&draft.origin).bases,
            high_availability: configurations.high_availability(),
            checkpoint_timeout: configurations.checkpoint_timeout(),
            of,
        }
    }

    /// Jobs that run in it and that no resource has.
    pub(super) fn unnamed_jobs(
        &self,
        jobs: &BTreeMap<JobId, String>,
        named: &BTreeSet<JobId>,
    ) -> Vec<Draft> {
        let unnamed = jobs
            .iter()
            .filter(|(id, state)| !named.contains(*id) && !is_over(state));
        unnamed.map(|(id, _)| self.unnamed_job(*id)).collect()
    }

    fn unnamed_job(&self, id: JobId) -> Draft {
        let ClusterAddress {
            cluster, namespace, ..
        } = &self.address;
        Draft {
            name: JobName {
                kind: JobName::WITHOUT_RESOURCE.to_owned(),
                namespace: namespace.clone(),
                name: format!("{cluster}/{id}"),
            },
            address: Some(self.address.clone()),
            host: Host::Session,
            half: None,
            current: Some(id),
            starts_from: StartsFrom::NotSaid,
            phase: Phase::Unclear {
                why: format!(
                    "it runs in the cluster of {}, and no Flink resource names it",
                    self.of
                ),
            },
            lineage: Lineage::default(),
            bases: self.bases.clone(),
            high_availability: self.high_availability.clone(),
            checkpoint_timeout: self.checkpoint_timeout,
            // It may have been submitted with another one than its cluster has.
            state_backend: None,
            suspended_by: self.suspended_by.clone(),
            origin: self.origin.clone(),
            stateful: true,
            roots: Vec::new(),
            gaps: Vec::new(),
        }
    }

    /// A session cluster of which nobody says what runs in it may run any job, with its state in any of its directories.
    pub(super) fn unknown_jobs(
        &self,
        overview: &JobsOverview,
        processes: &Processes,
    ) -> Option<Gap> {
        let why = match overview {
            JobsOverview::Answered(_) => return None,
            JobsOverview::NotAsked => "its JobManager was not asked".to_owned(),
            JobsOverview::Unreachable { why } => why.clone(),
        };
        if !self.is_session || *processes == Processes::Absent {
            return None;
        }
        // Any of them may have been started from a snapshot in any store a moment ago, and have none of its own yet.
        let radius = vec![Radius::StartedIn {
            namespace: self.address.namespace.clone(),
            bases: self.bases.clone(),
        }];
        Some(Gap {
            guard: Guard::JobManagerUnreachable,
            what: format!("the jobs of the session cluster {}", self.of),
            why,
            radius,
        })
    }
}

/// Whether anything of a job of a session cluster is left.
pub(super) fn processes_of_session_job(
    job: JobId,
    overview: &JobsOverview,
    of_cluster: &Processes,
) -> Processes {
    match overview {
        JobsOverview::Answered(jobs) => match jobs.get(&job) {
            Some(state) if !is_over(state) => Processes::Present,
            Some(_) | None => Processes::Absent,
        },
        // Without any process of its cluster nothing of it runs.
        JobsOverview::NotAsked | JobsOverview::Unreachable { .. }
            if *of_cluster == Processes::Absent =>
        {
            Processes::Absent
        }
        JobsOverview::NotAsked => Processes::Unknown {
            why: "the JobManager of its session cluster was not asked".to_owned(),
        },
        JobsOverview::Unreachable { why } => Processes::Unknown {
            why: format!("the JobManager of its session cluster does not answer: {why}"),
        },
    }
}
