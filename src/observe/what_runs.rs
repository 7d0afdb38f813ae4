//! What runs, as far as the API server and the JobManagers say.

use crate::observe::clusters::processes_of_session_job;
use crate::observe::draft::{Draft, Host};
use crate::observe::job_manager::ClusterAddress;
use crate::observe::jobs_overview::JobsOverview;
use crate::observe::processes;
use crate::observe::source::{ObjectName, Process, Unread};
use retention::evidence::{Phase, Processes};
use std::collections::BTreeMap;

/// The pods and Deployments of namespaces.
pub(super) type Listed = BTreeMap<String, Result<Vec<Process>, Unread>>;

pub(super) fn needs_proof(draft: &Draft) -> bool {
    match draft.phase {
        Phase::Suspended | Phase::Terminal { .. } => true,
        Phase::Running
        | Phase::Stopped
        | Phase::Gone
        | Phase::NoJob { .. }
        | Phase::Unclear { .. } => false,
    }
}

/// By namespace and cluster.
pub(super) type Overviews = BTreeMap<ObjectName, JobsOverview>;

pub(super) fn key(address: &ClusterAddress) -> ObjectName {
    ObjectName {
        namespace: address.namespace.clone(),
        name: address.cluster.clone(),
    }
}

/// What runs, as the API server and the JobManagers say.
pub(super) struct WhatRuns {
    pub(super) processes: Listed,
    pub(super) overviews: Overviews,
}

impl WhatRuns {
    pub(super) fn overview(&self, address: &ClusterAddress) -> &JobsOverview {
        self.overviews
            .get(&key(address))
            .unwrap_or(&JobsOverview::NotAsked)
    }

    pub(super) fn of_cluster(&self, address: &ClusterAddress) -> Processes {
        match self.processes.get(&address.namespace) {
            Some(listed) => processes::of(&address.cluster, listed.as_deref()),
            None => nobody_looked(),
        }
    }

    pub(super) fn processes_of(&self, draft: &Draft) -> Processes {
        match (&draft.address, draft.host, draft.current) {
            (Some(address), Host::Own, _) if needs_proof(draft) => self.of_cluster(address),
            (Some(address), Host::Session, Some(job)) if needs_proof(draft) => {
                processes_of_session_job(job, self.overview(address), &self.of_cluster(address))
            }
            _ => nobody_looked(),
        }
    }
}

fn nobody_looked() -> Processes {
    Processes::Unknown {
        why: "nobody looked".to_owned(),
    }
}
