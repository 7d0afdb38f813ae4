//! Who observes: an API server, or manifests.

use crate::api::flink::FlinkKind;
use crate::engine::{Clock, Observer, Stores};
use crate::observe::FlinkResource;
use crate::observe::RawObject;
use crate::observe::job_manager::JobManagers;
use crate::observe::manifests::{Manifests, NamedStates};
use crate::observe::observation::Observation;
use crate::observe::source::{Source, Unread};
use async_trait::async_trait;
use retention::evidence::{Evidence, JobEvidence};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::mpsc;

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

/// One job, for whoever records it.
#[derive(Clone, Debug)]
pub struct Sight {
    pub job: JobEvidence,
    /// Its resource, as it was listed before anybody was asked about the job: what is seen of the job is never older than
    /// this. None if the resource is not there.
    pub resource: Option<FlinkResource>,
    /// Its `CheckpointInventory`, as it was listed.
    pub recorded: Option<RawObject>,
}

/// What the lists behind all sights were like.
#[derive(Clone, Debug)]
pub struct Listed {
    pub not_installed: BTreeSet<FlinkKind>,
    /// What could not be listed of the resources that have jobs, and of their records.
    pub unread: Vec<Unread>,
}

impl KubernetesObserver {
    /// The same observer, which reads files of Flink as somebody else.
    #[must_use]
    pub fn through(&self, stores: Arc<Stores>) -> Self {
        Self {
            source: Arc::clone(&self.source),
            job_managers: Arc::clone(&self.job_managers),
            stores,
            clock: Arc::clone(&self.clock),
        }
    }

    /// Tells of one job after the other, as soon as everything is known of it, so that never all are in memory. Nothing
    /// is told of a namespace of which something could not be listed: what is missing there says nothing.
    pub async fn look(&self, sights: mpsc::Sender<Sight>) -> Listed {
        self.observation().look(sights).await
    }

    fn observation(&self) -> Observation<'_> {
        Observation {
            source: self.source.as_ref(),
            job_managers: self.job_managers.as_ref(),
            stores: &self.stores,
            clock: self.clock.as_ref(),
            states: None,
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
        self.observation().evidence().await
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
