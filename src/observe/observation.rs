//! Puts the evidence together: what the resources say, then what high availability and `JobManager`s say of each job.

use crate::api::flink::{FlinkConfiguration, FlinkKind, options};
use crate::api::names::inventory_name;
use crate::engine::{Clock, Stores};
use crate::observe::clusters::{Cluster, SessionHost};
use crate::observe::draft::{Draft, Surroundings};
use crate::observe::finished::{Finished, with_answers};
use crate::observe::flink_object::Says;
use crate::observe::high_availability::{HaReader, PATIENCE};
use crate::observe::high_availability_map::MapName;
use crate::observe::in_sight::{high_availability_ids, uids};
use crate::observe::job_manager::{ClusterAddress, JobManagers};
use crate::observe::jobs_overview::JobsOverview;
use crate::observe::lineage::{Record, gone, records};
use crate::observe::manifests::NamedStates;
use crate::observe::observer::{Listed, Sight};
use crate::observe::pairs::Pair;
use crate::observe::sketch::Sketch;
use crate::observe::snapshot_requests::SnapshotRequest;
use crate::observe::source::{ObjectName, Resources, Source};
use crate::observe::what_runs::{Overviews, Running, WhatRuns, key, needs_proof};
use crate::observe::{
    FlinkObject, FlinkResource, RawObject, deployment, gaps, pairs, session_job, snapshot_requests,
    stray, undecodable,
};
use futures::stream::{self, Stream, StreamExt};
use kube::ResourceExt;
use retention::evidence::{
    Evidence, Gap, HighAvailability, JobEvidence, JobManager, JobName, Processes, Root,
};
use retention::layout::JobId;
use retention::location::Origin;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::mpsc;

/// Enough that a hundred silent JobManagers take seconds, not minutes: what a run verifies is good for two of them.
const JOBS_AT_ONCE: usize = 32;

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

/// All that is known before anybody is asked about a single job.
struct InSight {
    jobs: Vec<(Draft, Processes)>,
    /// Maps of jobs that no resource runs now.
    strays: Vec<(ObjectName, MapName)>,
    roots: Vec<Root>,
    gaps: Vec<Gap>,
    high_availability_ids: Vec<JobId>,
    objects: BTreeMap<JobName, FlinkResource>,
    inventories: Vec<RawObject>,
    listed: Listed,
}

/// The resources in sight by what they say.
#[derive(Default)]
struct Sorted {
    deployments: Vec<deployment::Read>,
    session_jobs: Vec<session_job::Read>,
    unclear: Vec<Sketch>,
    requests: Vec<SnapshotRequest>,
    pairs: Vec<Pair>,
    roots: Vec<Root>,
    gaps: Vec<Gap>,
    objects: BTreeMap<JobName, FlinkResource>,
}

impl<'a> Observation<'a> {
    pub(super) async fn evidence(self) -> Evidence {
        let InSight {
            jobs,
            strays,
            mut roots,
            mut gaps,
            high_availability_ids,
            objects: _,
            inventories: _,
            listed: _,
        } = self.in_sight().await;
        let answered: Vec<Finished> = self.finished(jobs, strays).collect().await;
        let mut jobs: Vec<JobEvidence> = Vec::new();
        for finished in answered {
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
            high_availability_ids,
            gaps,
        }
    }

    /// Whoever is told decides how fast this goes.
    pub(super) async fn look(self, sights: mpsc::Sender<Sight>) -> Listed {
        let InSight {
            jobs,
            strays,
            roots: _,
            gaps: _,
            high_availability_ids: _,
            mut objects,
            inventories,
            listed,
        } = self.in_sight().await;
        let mut inventories: BTreeMap<(String, String), RawObject> = inventories
            .into_iter()
            .map(|object| {
                let name = object.name_any();
                ((object.namespace().unwrap_or_default(), name), object)
            })
            .collect();
        let mut finished = std::pin::pin!(self.finished(jobs, strays));
        while let Some(Finished { job, .. }) = finished.next().await {
            let JobName {
                kind,
                namespace,
                name,
            } = &job.name;
            if listed.unread.iter().any(|list| list.concerns(namespace)) {
                continue;
            }
            let recorded = inventory_name(kind, name)
                .and_then(|name| inventories.remove(&(namespace.clone(), name)));
            let sight = Sight {
                resource: objects.remove(&job.name),
                recorded,
                job,
            };
            if sights.send(sight).await.is_err() {
                break;
            }
        }
        listed
    }

    /// What is left is to ask about each job by itself.
    fn finished(
        self,
        jobs: Vec<(Draft, Processes)>,
        strays: Vec<(ObjectName, MapName)>,
    ) -> impl Stream<Item = Finished> + use<'a> {
        let jobs = stream::iter(jobs)
            .map(move |(draft, processes)| self.finish(draft, processes))
            .buffered(JOBS_AT_ONCE);
        let strays = stream::iter(strays)
            .map(move |(object, map)| self.stray(object, map))
            .buffered(JOBS_AT_ONCE)
            .filter_map(|finished| async move { finished });
        jobs.chain(strays)
    }

    async fn in_sight(self) -> InSight {
        let mut resources = self.source.resources().await;
        let (records, unreadable) =
            records(&resources.inventories, &uids(&resources), &|namespace| {
                self.origin(namespace)
            });
        let mut gaps: Vec<Gap> = resources.unread.iter().map(gaps::unread).collect();
        gaps.extend(unreadable);
        let deployments = names_of(&resources, FlinkKind::Deployment);
        let Sorted {
            deployments: read,
            session_jobs,
            unclear,
            requests,
            pairs,
            roots,
            gaps: undecodable,
            objects,
        } = self.sorted(std::mem::take(&mut resources.flink));
        gaps.extend(undecodable);
        let (mut drafts, clusters, gone) = self
            .drafts((read, session_jobs, unclear), &resources, records)
            .await;
        let origin = |namespace: &str| self.origin(namespace);
        gaps.extend(snapshot_requests::apply(&requests, &mut drafts, &origin));
        pairs::settle(&pairs, &mut drafts);
        gaps.extend(pairs::pending_savepoints(&pairs));
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
        gaps.extend(clusters.iter().filter_map(|cluster| {
            let overview = seen.overview(&cluster.address);
            cluster.unknown_jobs(overview, &seen.of_cluster(&cluster.address))
        }));
        let claimed = claimed(&drafts);
        let jobs = drafts.into_iter().map(|draft| {
            let processes = seen.processes_of(&draft);
            (draft, processes)
        });
        InSight {
            jobs: jobs.collect(),
            strays: strays(&resources, &claimed),
            roots,
            gaps,
            high_availability_ids: high_availability_ids(&resources),
            objects,
            listed: Listed {
                unread: resources.hidden_jobs,
                not_installed: resources.not_installed,
            },
            inventories: resources.inventories,
        }
    }

    fn sorted(self, objects: Vec<FlinkObject>) -> Sorted {
        let mut sorted = Sorted::default();
        for object in objects {
            let FlinkObject {
                kind: _,
                name,
                resource,
                named,
                says,
            } = object;
            sorted
                .roots
                .extend(named.roots(&self.origin(&name.namespace)));
            match says {
                Says::Deployment(read) => sorted.deployments.push(*read),
                Says::SessionJob(read) => sorted.session_jobs.push(*read),
                Says::Unclear(sketch) => sorted.unclear.push(*sketch),
                Says::Snapshot(request) => sorted.requests.push(request),
                Says::Pair(pair) => {
                    sorted.gaps.extend(pair.gap());
                    sorted.pairs.push(*pair);
                }
                Says::Unreadable(gap) => sorted.gaps.push(gap),
            }
            sorted.objects.insert(name, resource);
        }
        sorted
    }

    /// What the paths of a namespace leave out. On the command line the namespace of a mount may be left out.
    fn origin(self, namespace: &str) -> Origin {
        let own = self.stores.origin(Some(namespace));
        if self.states.is_some() && own.volumes.is_empty() {
            return self.stores.origin(None);
        }
        own
    }

    /// Of every resource that exists; and the records of those that do not. There may be thousands, each with a large
    /// configuration: only those of clusters that session jobs name outlive the draft.
    async fn drafts(
        self,
        (deployments, session_jobs, unclear): (
            Vec<deployment::Read>,
            Vec<session_job::Read>,
            Vec<Sketch>,
        ),
        resources: &Resources,
        mut records: BTreeMap<JobName, Record>,
    ) -> (Vec<Draft>, Vec<Cluster>, BTreeMap<JobName, Record>) {
        let mut drafts = Vec::new();
        let mut clusters = Vec::new();
        let wanted: BTreeSet<ObjectName> = session_jobs
            .iter()
            .filter_map(session_job::Read::host)
            .collect();
        let mut hosts: BTreeMap<ObjectName, SessionHost> = BTreeMap::new();
        let mut all_deployed = stream::iter(deployments)
            .map(|read| async move {
                let name = object_name(&read.sketch.name);
                (self.deployed(&name).await, name, read)
            })
            .buffered(JOBS_AT_ONCE);
        while let Some((deployed, name, read)) = all_deployed.next().await {
            let deployment::Read {
                sketch,
                is_session,
                is_being_deleted,
            } = read;
            let surroundings = self.surroundings(&sketch.name, resources, &mut records);
            let (draft, configurations) = deployment::draft(sketch, deployed, surroundings);
            let cluster = Cluster::of((is_session, is_being_deleted), &configurations, &draft);
            if wanted.contains(&name) {
                let host = SessionHost {
                    cluster: cluster.clone(),
                    configurations,
                };
                hosts.insert(name, host);
            }
            clusters.push(cluster);
            drafts.push(draft);
        }
        for read in session_jobs {
            let surroundings = self.surroundings(read.name(), resources, &mut records);
            let host = read.host().and_then(|host| hosts.get(&host));
            drafts.push(session_job::draft(read, host, surroundings));
        }
        for sketch in unclear {
            let surroundings = self.surroundings(&sketch.name, resources, &mut records);
            drafts.push(undecodable::draft(sketch, surroundings));
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
        name: &JobName,
        resources: &Resources,
        records: &mut BTreeMap<JobName, Record>,
    ) -> Surroundings {
        Surroundings {
            origin: self.origin(&name.namespace),
            namespace_suspended: resources.suspended_namespaces.get(&name.namespace).cloned(),
            record: records.remove(name),
        }
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
    ) -> Running {
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

    async fn stray(self, object: ObjectName, map: MapName) -> Option<Finished> {
        let origin = self.origin(&object.namespace);
        let reader = self.reader();
        let found = reader.map(&object.namespace, &object.name, &origin).await;
        stray::finished(&object, &map, found)
    }
}

/// Maps of jobs that no resource runs now: their snapshots are needed until Flink removes the map.
fn strays(resources: &Resources, claimed: &BTreeSet<ObjectName>) -> Vec<(ObjectName, MapName)> {
    let unclaimed = resources
        .config_maps
        .iter()
        .filter(|name| !claimed.contains(name));
    unclaimed
        .filter_map(|name| Some((name.clone(), MapName::parse(&name.name)?)))
        .collect()
}

fn names_of(resources: &Resources, wanted: FlinkKind) -> BTreeSet<ObjectName> {
    let of_kind = resources
        .flink
        .iter()
        .filter(|object| object.kind == wanted);
    of_kind.map(|object| object_name(&object.name)).collect()
}

fn object_name(name: &JobName) -> ObjectName {
    ObjectName {
        namespace: name.namespace.clone(),
        name: name.name.clone(),
    }
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
