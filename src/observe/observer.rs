//! Puts the evidence together: what the resources say, then what high availability and `JobManager`s say of each job.

use crate::api::flink::{FlinkConfiguration, FlinkDeployment, FlinkKind, FlinkSessionJob, options};
use crate::engine::{Clock, Observer, Stores};
use crate::observe::clusters::Cluster;
use crate::observe::draft::{Draft, Surroundings};
use crate::observe::finished::{Finished, with_answers};
use crate::observe::high_availability::{HaReader, PATIENCE};
use crate::observe::high_availability_map::MapName;
use crate::observe::in_sight::{all_roots, high_availability_ids, uids};
use crate::observe::job_manager::{ClusterAddress, JobManagers};
use crate::observe::jobs_overview::JobsOverview;
use crate::observe::lineage::{Record, gone, records};
use crate::observe::manifests::{Manifests, NamedStates};
use crate::observe::source::{ObjectName, Resources, Source};
use crate::observe::what_runs::{Listed, Overviews, WhatRuns, key, needs_proof};
use crate::observe::{
    deployment, gaps, pairs, roots, session_job, snapshot_requests, stray, undecodable,
};
use async_trait::async_trait;
use futures::stream::{self, StreamExt};
use kube::Resource;
use kube::api::{DynamicObject, ObjectMeta};
use retention::evidence::{
    Evidence, Gap, HighAvailability, JobEvidence, JobManager, JobName, Processes,
};
use retention::location::Origin;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Enough that a hundred silent JobManagers take seconds, not minutes: what a run verifies is good for two of them.
const JOBS_AT_ONCE: usize = 32;

/// Observes the jobs of an API server, or of whatever else answers as one: resources speak for themselves.
#[derive(Debug)]
pub struct KubernetesObserver {
    source: Arc<dyn Source>,
    job_managers: Arc<dyn JobManagers>,
    stores: Arc<Stores>,
    clock: Arc<dyn Clock>,
}

/// Observes the jobs of manifests. What they do is known only as far as somebody says so.
#[derive(Debug)]
pub struct ManifestObserver {
    manifests: Manifests,
    states: NamedStates,
    job_managers: Arc<dyn JobManagers>,
    stores: Arc<Stores>,
    clock: Arc<dyn Clock>,
}

impl KubernetesObserver {
    #[must_use]
    pub fn new(
        source: Arc<dyn Source>,
        job_managers: Arc<dyn JobManagers>,
        stores: Arc<Stores>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            source,
            job_managers,
            stores,
            clock,
        }
    }
}

impl ManifestObserver {
    /// Without `JobManager`s to ask, pass [`NoJobManagers`](crate::observe::NoJobManagers).
    #[must_use]
    pub fn new(
        manifests: Manifests,
        states: NamedStates,
        job_managers: Arc<dyn JobManagers>,
        stores: Arc<Stores>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            manifests,
            states,
            job_managers,
            stores,
            clock,
        }
    }
}

#[async_trait]
impl Observer for KubernetesObserver {
    async fn observe(&self) -> Evidence {
        Observation {
            source: self.source.as_ref(),
            job_managers: self.job_managers.as_ref(),
            stores: &self.stores,
            clock: self.clock.as_ref(),
            states: None,
        }
        .evidence()
        .await
    }
}

#[async_trait]
impl Observer for ManifestObserver {
    async fn observe(&self) -> Evidence {
        Observation {
            source: &self.manifests,
            job_managers: self.job_managers.as_ref(),
            stores: &self.stores,
            clock: self.clock.as_ref(),
            states: Some(&self.states),
        }
        .evidence()
        .await
    }
}

/// One observation, and whom it asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observation<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) job_managers: &'a dyn JobManagers,
    pub(super) stores: &'a Stores,
    pub(super) clock: &'a dyn Clock,
    /// Of manifests: what somebody says about the jobs. None where resources speak for themselves.
    pub(super) states: Option<&'a NamedStates>,
}

impl Observation<'_> {
    pub(super) async fn evidence(self) -> Evidence {
        let mut resources = self.source.resources().await;
        let (records, unreadable) =
            records(&resources.inventories, &uids(&resources), &|namespace| {
                self.origin(namespace)
            });
        let mut gaps: Vec<Gap> = resources.unread.iter().map(gaps::unread).collect();
        gaps.extend(unreadable);
        gaps.extend(
            resources
                .flink
                .iter()
                .filter_map(|(kind, stored)| roots::undecodable(*kind, &stored.object())),
        );
        let mut roots = all_roots(&resources, &|namespace| self.origin(namespace));
        let deployments = names_of(&resources, FlinkKind::Deployment);
        let (mut drafts, clusters, gone) = self.drafts(&mut resources, records).await;
        let origin = |namespace: &str| self.origin(namespace);
        gaps.extend(snapshot_requests::apply(&resources, &mut drafts, &origin));
        pairs::settle(&resources, &mut drafts);
        gaps.extend(pairs::pending_savepoints(&resources));
        let overviews = self.overviews(&clusters).await;
        let seen = WhatRuns {
            processes: self.processes(&drafts, &clusters, &overviews, &gone).await,
            overviews,
            clusters: &clusters,
            deployments,
        };
        drafts.extend(self.gone(gone, &resources, &seen));
        if let Some(states) = self.states {
            for draft in &mut drafts {
                states.apply(draft);
            }
        }
        drafts.extend(seen.unnamed_jobs(&drafts));
        let claimed = claimed(&drafts);
        gaps.extend(clusters.iter().filter_map(|cluster| {
            let overview = seen.overview(&cluster.address);
            cluster.unknown_jobs(overview, &seen.of_cluster(&cluster.address))
        }));
        let drafts: Vec<(Draft, Processes)> = drafts
            .into_iter()
            .map(|draft| {
                let processes = seen.processes_of(&draft);
                (draft, processes)
            })
            .collect();
        drop(seen);
        drop(clusters);
        let answered = stream::iter(drafts)
            .map(|(draft, processes)| self.finish(draft, processes))
            .buffered(JOBS_AT_ONCE)
            .collect::<Vec<Finished>>()
            .await;
        let strays = self.strays(&resources, &claimed).await;
        let mut jobs: Vec<JobEvidence> = Vec::new();
        for finished in answered.into_iter().chain(strays) {
            let Finished {
                job,
                roots: named,
                gaps: open,
            } = finished;
            jobs.push(job);
            roots.extend(named);
            gaps.extend(open);
        }
        jobs.sort_by(|a, b| a.name.cmp(&b.name));
        Evidence {
            taken_at: self.clock.now(),
            jobs,
            roots,
            high_availability_ids: high_availability_ids(&resources),
            gaps,
        }
    }

    /// What the paths of a namespace leave out. On the command line the namespace of a mount may be left out.
    fn origin(self, namespace: &str) -> Origin {
        let own = self.stores.origin(Some(namespace));
        if self.states.is_some() && own.volumes.is_empty() {
            return self.stores.origin(None);
        }
        own
    }

    /// Of every resource that exists; and the records of those that do not. What jobs say is known then, and there may be
    /// thousands of them: each is given up as soon as it was read.
    async fn drafts(
        self,
        resources: &mut Resources,
        mut records: BTreeMap<JobName, Record>,
    ) -> (Vec<Draft>, Vec<Cluster>, BTreeMap<JobName, Record>) {
        let mut drafts = Vec::new();
        let mut clusters = Vec::new();
        let mut all_deployed = self.all_deployed(resources).await;
        for object in take(resources, FlinkKind::Deployment) {
            let surroundings =
                self.surroundings(FlinkKind::Deployment, &object, resources, &mut records);
            match FlinkDeployment::from_dynamic(object.clone()) {
                Err(error) => drafts.push(undecodable::draft(&object, &error, surroundings)),
                Ok(read) => {
                    let name = object_name(&object.metadata);
                    let deployed = all_deployed.remove(&name).unwrap_or(Ok(None));
                    let (configurations, _) = deployment::configurations(&read, &deployed);
                    let draft = deployment::draft(&read, &deployed, surroundings);
                    clusters.push(Cluster::of(&read, configurations, &draft));
                    drafts.push(draft);
                }
            }
        }
        for object in take(resources, FlinkKind::SessionJob) {
            let surroundings =
                self.surroundings(FlinkKind::SessionJob, &object, resources, &mut records);
            drafts.push(match FlinkSessionJob::from_dynamic(object.clone()) {
                Err(error) => undecodable::draft(&object, &error, surroundings),
                Ok(job) => {
                    let cluster = cluster_of(&job, &clusters);
                    session_job::draft(&job, cluster, surroundings)
                }
            });
        }
        (drafts, clusters, records)
    }

    /// Which jobs each cluster has. Nobody is asked at an address that somebody made up.
    async fn overviews(self, clusters: &[Cluster]) -> Overviews {
        let addresses: Vec<ClusterAddress> = clusters
            .iter()
            .map(|cluster| cluster.address.clone())
            .collect();
        let asked = addresses.into_iter().map(|address| async move {
            let overview = match address.problem() {
                Some(why) => JobsOverview::Unreachable { why },
                None => self.job_managers.jobs(&address).await,
            };
            (key(&address), overview)
        });
        stream::iter(asked)
            .buffer_unordered(JOBS_AT_ONCE)
            .collect()
            .await
    }

    fn surroundings(
        self,
        kind: FlinkKind,
        object: &DynamicObject,
        resources: &Resources,
        records: &mut BTreeMap<JobName, Record>,
    ) -> Surroundings {
        let name = deployment::job_name(kind.as_str(), &object.metadata);
        Surroundings {
            origin: self.origin(&name.namespace),
            namespace_suspended: resources.suspended_namespaces.get(&name.namespace).cloned(),
            record: records.remove(&name),
        }
    }

    /// The configurations of clusters as they were deployed, where there are any.
    async fn all_deployed(
        self,
        resources: &Resources,
    ) -> BTreeMap<ObjectName, deployment::Deployed> {
        let deployments = resources.flink.iter();
        let names = deployments
            .filter(|(kind, _)| *kind == FlinkKind::Deployment)
            .map(|(_, stored)| object_name(stored.meta()));
        let names: Vec<ObjectName> = names.collect();
        stream::iter(names)
            .map(|name| async move {
                let deployed = self.deployed(&name).await;
                (name, deployed)
            })
            .buffered(JOBS_AT_ONCE)
            .collect()
            .await
    }

    async fn deployed(self, cluster: &ObjectName) -> deployment::Deployed {
        let ObjectName { namespace, name } = cluster;
        let map = self
            .source
            .config_map(namespace, &format!("flink-config-{name}"))
            .await
            .map_err(|unread| format!("{}: {}", unread.what, unread.why))?;
        let Some(map) = map else {
            return Ok(None);
        };
        FlinkConfiguration::from_config_map(&map.data).map_err(|error| error.to_string())
    }

    fn gone(
        self,
        records: BTreeMap<JobName, Record>,
        resources: &Resources,
        seen: &WhatRuns<'_>,
    ) -> Vec<Draft> {
        let deployments: BTreeSet<ObjectName> = records
            .keys()
            .filter(|name| name.kind == FlinkKind::Deployment.as_str())
            .map(|name| ObjectName {
                namespace: name.namespace.clone(),
                name: name.name.clone(),
            })
            .collect();
        let gone = records.into_iter().map(|(name, record)| {
            let processes = seen.left_of(&name, &record.lineage, &deployments);
            let doubt = resources.absence_in_doubt(&name.kind, &name.namespace);
            let suspended = resources.suspended_namespaces.get(&name.namespace).cloned();
            let origin = self.origin(&name.namespace);
            gone(name, record, (&processes, doubt), (origin, suspended))
        });
        gone.collect()
    }

    /// Only of namespaces with a job whose end has to be proven, or with a session cluster that does not answer.
    async fn processes(
        self,
        drafts: &[Draft],
        clusters: &[Cluster],
        overviews: &Overviews,
        gone: &BTreeMap<JobName, Record>,
    ) -> Listed {
        let of_jobs = drafts
            .iter()
            .filter(|draft| needs_proof(draft))
            .map(|draft| &draft.name.namespace);
        let silent = clusters.iter().filter(|cluster| {
            let overview = overviews.get(&key(&cluster.address));
            cluster.is_session && !matches!(overview, Some(JobsOverview::Answered(_)))
        });
        let of_clusters = silent.map(|cluster| &cluster.address.namespace);
        let of_gone = gone.keys().map(|name| &name.namespace);
        let namespaces: BTreeSet<&String> = of_jobs.chain(of_clusters).chain(of_gone).collect();
        let mut listed = BTreeMap::new();
        for namespace in namespaces {
            listed.insert(namespace.clone(), self.source.processes(namespace).await);
        }
        listed
    }

    async fn finish(self, draft: Draft, processes: Processes) -> Finished {
        let high_availability = self.high_availability(&draft).await;
        let job_manager = self.job_manager(&draft).await;
        with_answers(draft, processes, high_availability, job_manager)
    }

    async fn high_availability(self, draft: &Draft) -> HighAvailability {
        let (Some(address), Some(current)) = (&draft.address, draft.current) else {
            return HighAvailability::NotConfigured;
        };
        if let Some(why) = address.problem() {
            return HighAvailability::Unreadable { why };
        }
        let configured = match &draft.high_availability {
            options::HighAvailability::ZooKeeper => {
                return HighAvailability::Unsupported {
                    kind: "ZooKeeper".to_owned(),
                };
            }
            options::HighAvailability::Other(kind) => {
                return HighAvailability::Unsupported { kind: kind.clone() };
            }
            options::HighAvailability::Kubernetes => true,
            // Perhaps by the defaults of the Flink operator, which are seen only while something is deployed.
            options::HighAvailability::None => false,
        };
        let found = self
            .reader()
            .job(&address.namespace, &address.cluster, current, &draft.origin)
            .await;
        match found {
            HighAvailability::NoMap { .. } if !configured => HighAvailability::NotConfigured,
            found => found,
        }
    }

    async fn job_manager(self, draft: &Draft) -> JobManager {
        match (&draft.address, draft.current) {
            (Some(address), Some(current)) if draft.may_run() => match address.problem() {
                Some(why) => JobManager::Unreachable { why },
                None => self.job_managers.ask(address, current, &draft.origin).await,
            },
            _ => JobManager::NotAsked,
        }
    }

    fn reader(&self) -> HaReader<'_> {
        HaReader {
            source: self.source,
            stores: self.stores,
            clock: self.clock,
            patience: PATIENCE,
        }
    }

    /// Maps of jobs that no resource runs now: their snapshots are needed until Flink removes the map.
    async fn strays(self, resources: &Resources, claimed: &BTreeSet<ObjectName>) -> Vec<Finished> {
        let stray: Vec<(ObjectName, MapName)> = resources
            .config_maps
            .iter()
            .filter(|name| !claimed.contains(name))
            .filter_map(|name| Some((name.clone(), MapName::parse(&name.name)?)))
            .collect();
        stream::iter(stray)
            .map(|(object, map)| async move {
                let origin = self.origin(&object.namespace);
                let found = self
                    .reader()
                    .map(&object.namespace, &object.name, &origin)
                    .await;
                stray::finished(&object, &map, found)
            })
            .buffered(JOBS_AT_ONCE)
            .filter_map(|finished| async move { finished })
            .collect()
            .await
    }
}

/// Takes the objects of a kind out, to be read one after the other.
fn take(
    resources: &mut Resources,
    wanted: FlinkKind,
) -> impl Iterator<Item = DynamicObject> + use<> {
    let all = std::mem::take(&mut resources.flink);
    let (taken, left): (Vec<_>, Vec<_>) = all.into_iter().partition(|(kind, _)| *kind == wanted);
    resources.flink = left;
    taken.into_iter().map(|(_, stored)| stored.object())
}

fn names_of(resources: &Resources, wanted: FlinkKind) -> BTreeSet<ObjectName> {
    let of_kind = resources.flink.iter().filter(|(kind, _)| *kind == wanted);
    of_kind
        .map(|(_, stored)| object_name(stored.meta()))
        .collect()
}

fn object_name(metadata: &ObjectMeta) -> ObjectName {
    ObjectName {
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
    }
}

fn cluster_of<'a>(job: &FlinkSessionJob, clusters: &'a [Cluster]) -> Option<&'a Cluster> {
    let namespace = job.metadata.namespace.as_deref().unwrap_or_default();
    let name = job.spec.deployment_name.as_deref()?;
    clusters
        .iter()
        .find(|cluster| cluster.of.namespace == namespace && cluster.of.name == name)
}

/// The maps that are read together with a job.
fn claimed(drafts: &[Draft]) -> BTreeSet<ObjectName> {
    let addressed = drafts
        .iter()
        .filter_map(|draft| Some((draft.address.as_ref()?, draft.current?)));
    addressed
        .flat_map(|(address, current)| {
            MapName::spellings(&address.cluster, current).map(|name| ObjectName {
                namespace: address.namespace.clone(),
                name,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
