//! What runs, as far as the API server and the JobManagers say.

use crate::api::flink::FlinkKind;
use crate::observe::clusters::{Cluster, processes_of_session_job};
use crate::observe::draft::{Draft, Host};
use crate::observe::job_manager::ClusterAddress;
use crate::observe::jobs_overview::JobsOverview;
use crate::observe::processes;
use crate::observe::source::{ObjectName, Process, Unread};
use retention::evidence::{JobName, Lineage, Phase, Processes};
use retention::layout::JobId;
use std::collections::{BTreeMap, BTreeSet};

/// The pods and Deployments of namespaces.
pub(super) type Running = BTreeMap<String, Result<Vec<Process>, Unread>>;

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
pub(super) struct WhatRuns<'a> {
    pub(super) processes: Running,
    pub(super) overviews: Overviews,
    pub(super) clusters: &'a [Cluster],
    /// Every `FlinkDeployment` that exists, also one that cannot be decoded and so is no cluster that is known.
    pub(super) deployments: BTreeSet<ObjectName>,
}

impl WhatRuns<'_> {
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

    /// Jobs that run in any cluster and that no resource has there. Who names the same id for another cluster does not
    /// speak for this one: then two have it, and what either says of itself proves nothing.
    pub(super) fn unnamed_jobs(&self, drafts: &[Draft]) -> Vec<Draft> {
        let named = NamedJobs::by(drafts);
        let unnamed = self
            .clusters
            .iter()
            .map(|cluster| match self.overview(&cluster.address) {
                JobsOverview::Answered(jobs) => {
                    cluster.unnamed_jobs(jobs, &named.in_cluster(&cluster.address))
                }
                JobsOverview::NotAsked | JobsOverview::Unreachable { .. } => Vec::new(),
            });
        unnamed.flatten().collect()
    }

    /// What is left of a resource that is gone. Which session cluster ran its job is not recorded, so every one of its
    /// namespace must prove that it does not; of `gone` ones, and of those that no resource describes, no process may be
    /// left.
    pub(super) fn left_of(
        &self,
        name: &JobName,
        lineage: &Lineage,
        gone: &BTreeSet<ObjectName>,
    ) -> Processes {
        let listed = match self.processes.get(&name.namespace) {
            Some(listed) => listed.as_deref(),
            None => return nobody_looked(),
        };
        let of_name = |cluster: &str| processes::of(cluster, listed);
        if name.kind != FlinkKind::SessionJob.as_str() || listed.is_err() {
            return of_name(&name.name);
        }
        if let Some(process) = self.unknown_cluster(&name.namespace) {
            return Processes::Unknown {
                why: format!("{process} is of a Flink cluster that no FlinkDeployment describes"),
            };
        }
        let here = |of: &ObjectName| of.namespace == name.namespace;
        let known = |of: &ObjectName| {
            let mut clusters = self.clusters.iter();
            clusters
                .any(|cluster| cluster.of.namespace == of.namespace && cluster.of.name == of.name)
        };
        let mut unreadable = self.deployments.iter().filter(|of| here(of) && !known(of));
        if let Some(of) = unreadable.next() {
            return Processes::Unknown {
                why: format!(
                    "FlinkDeployment {}/{} cannot be read",
                    of.namespace, of.name
                ),
            };
        }
        let sessions = self
            .clusters
            .iter()
            .filter(|cluster| cluster.is_session && cluster.of.namespace == name.namespace)
            .flat_map(|cluster| {
                let overview = self.overview(&cluster.address);
                let of_cluster = self.of_cluster(&cluster.address);
                let ids = lineage.entries.iter().map(|entry| entry.job_id);
                ids.map(move |id| processes_of_session_job(id, overview, &of_cluster))
            });
        let of_gone = gone
            .iter()
            .filter(|of| here(of))
            .map(|of| of_name(&of.name));
        let mut left = sessions
            .chain(of_gone)
            .filter(|processes| *processes != Processes::Absent);
        left.next().unwrap_or(Processes::Absent)
    }

    /// A process of a Flink cluster of which there is no resource.
    fn unknown_cluster(&self, namespace: &str) -> Option<&str> {
        let known = |process: &Process| {
            let mut clusters = self.clusters.iter().map(|cluster| &cluster.address);
            clusters.any(|known| {
                known.namespace == namespace
                    && processes::of(&known.cluster, Ok(std::slice::from_ref(process)))
                        == Processes::Present
            })
        };
        let listed = self.processes.get(namespace)?.as_deref().ok()?;
        let unknown = listed
            .iter()
            .find(|process| processes::is_of_flink(process) && !known(process));
        unknown.map(|process| process.name.as_str())
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

/// The jobs of clusters by the word of resources. One whose cluster is not known may be in any of its namespace.
struct NamedJobs<'a> {
    of_clusters: BTreeMap<ObjectName, BTreeSet<JobId>>,
    anywhere_in: BTreeMap<&'a str, BTreeSet<JobId>>,
}

impl<'a> NamedJobs<'a> {
    fn by(drafts: &'a [Draft]) -> Self {
        let mut named = Self {
            of_clusters: BTreeMap::new(),
            anywhere_in: BTreeMap::new(),
        };
        for draft in drafts {
            let ids = if let Some(address) = &draft.address {
                named.of_clusters.entry(key(address)).or_default()
            } else {
                let namespace = draft.name.namespace.as_str();
                named.anywhere_in.entry(namespace).or_default()
            };
            ids.extend(draft.current);
        }
        named
    }

    fn in_cluster(&self, cluster: &ClusterAddress) -> BTreeSet<JobId> {
        let of_cluster = self.of_clusters.get(&key(cluster));
        let anywhere = self.anywhere_in.get(cluster.namespace.as_str());
        let ids = of_cluster.into_iter().chain(anywhere).flatten();
        ids.copied().collect()
    }
}

fn nobody_looked() -> Processes {
    Processes::Unknown {
        why: "nobody looked".to_owned(),
    }
}
