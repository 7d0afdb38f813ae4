//! What all controllers share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::NamespaceResourceScope;
use kube::core::Resource;
use kube::{Api, Client};
use retention::evidence::JobName;
use storage::{MemoryBudget, Patience};
use tokio::sync::{broadcast, watch};

use super::administrator::{AdministratorFile, Current};
use super::events::Events;
use super::inventory::JobScan;
use super::workers::Workers;
use crate::engine::journal::{LeaseTerm, OwnerId};
use crate::engine::{Clock, MetadataCache, Stores};
use crate::observe::{KubernetesObserver, Namespaces};
use crate::telemetry::Metrics;

/// The ports of the controllers and what they remember in memory. Nothing in here decides about deleting: after a
/// restart it is all learned anew.
#[derive(Debug)]
pub(super) struct Operator {
    pub(super) client: DebugClient,
    pub(super) namespaces: Namespaces,
    pub(super) observer: Arc<KubernetesObserver>,
    /// The volumes that are mounted here, none of which is waited for without end; of their requests nobody is told.
    pub(super) mounted: Stores,
    /// How much of all tenants' files is in memory at once.
    pub(super) memory: MemoryBudget,
    /// How long buckets are waited for.
    pub(super) patience: Arc<Patience>,
    /// The volumes again: what the operator itself reaches.
    pub(super) stores: Arc<Stores>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) administrator: AdministratorFile,
    pub(super) metrics: Metrics,
    pub(super) events: Events,
    pub(super) owner: OwnerId,
    /// The lease by which this process acts.
    pub(super) term: Option<LeaseTerm>,
    /// None where no worker can dial in.
    pub(super) workers: Option<Workers>,
    /// Of what the operator itself has read.
    pub(super) cache: Arc<MetadataCache>,
    /// Our service account, as `namespace:name`, for people who allow it something.
    pub(super) account: String,
    pub(super) scans: Scans,
    pub(super) news: broadcast::Sender<News>,
    /// How often something was said to have changed.
    pub(super) told: AtomicU64,
    pub(super) looks: watch::Sender<Looks>,
}

/// The client has no `Debug` of its own.
#[derive(Clone)]
pub(super) struct DebugClient(pub(super) Client);

impl std::fmt::Debug for DebugClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

/// Why another controller should look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Inventories may have changed: policies are judged again.
    Inventories,
    /// A run has found something: inventories say so before it is complete.
    Scanned,
}

/// The looks at all jobs, counted from the first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Looks {
    pub(super) begun: u64,
    /// The last that ended.
    pub(super) ended: u64,
}

/// What the last run of this process found for each job.
#[derive(Debug, Default)]
pub(super) struct Scans(Mutex<BTreeMap<JobName, JobScan>>);

impl Scans {
    pub(super) fn replace(&self, scans: impl IntoIterator<Item = (JobName, JobScan)>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(scans);
    }

    pub(super) fn of(&self, job: &JobName) -> Option<JobScan> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(job)
            .cloned()
    }

    /// Forgets all jobs but these, and those of namespaces of which nothing is known now.
    pub(super) fn retain(&self, jobs: &BTreeSet<JobName>, is_unread: impl Fn(&str) -> bool) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|job, _| jobs.contains(job) || is_unread(&job.namespace));
    }
}

impl Operator {
    /// The objects of one namespace.
    pub(super) fn in_namespace<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.0.clone(), namespace)
    }

    /// One API for all namespaces, or one for each that is watched.
    pub(super) fn everywhere<K>(&self) -> Vec<Api<K>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        let scopes = self.scopes();
        scopes
            .iter()
            .map(|scope| self.within(scope.as_deref()))
            .collect()
    }

    /// All namespaces at once (none), or each that is watched.
    pub(super) fn scopes(&self) -> Vec<Option<String>> {
        match &self.namespaces {
            Namespaces::All => vec![None],
            Namespaces::Only(names) => names.iter().cloned().map(Some).collect(),
        }
    }

    /// The objects of one of these.
    pub(super) fn within<K>(&self, scope: Option<&str>) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match scope {
            None => Api::all(self.client.0.clone()),
            Some(namespace) => self.in_namespace(namespace),
        }
    }

    /// Nobody listens while the process stops; that is fine.
    pub(super) fn tell(&self, news: News) {
        self.heard();
        let _ = self.news.send(news);
    }

    /// Something has changed: what was read before is no answer to it.
    pub(super) fn heard(&self) {
        self.told.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn told(&self) -> u64 {
        self.told.load(Ordering::SeqCst)
    }

    /// What the administrator allows now. What is wrong with the file is for the log, which tenants do not read.
    pub(super) async fn administrator(&self) -> Current {
        let current = self.administrator.current().await;
        self.metrics
            .set_administrator_file_valid(current.problem.is_none());
        if let Some(problem) = &current.problem {
            tracing::warn!(%problem, "nothing is deleted until the administrator's file can be used again");
        }
        current
    }
}
