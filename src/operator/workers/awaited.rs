//! The Jobs whose worker a run waits for. Nobody else is let in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use wire::Connection;

/// A Job by its namespace and uid: its name may be used again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::operator) struct AwaitedJob {
    pub(in crate::operator) namespace: String,
    pub(in crate::operator) uid: String,
}

/// Who is waited for. Its clones are the same.
#[derive(Clone, Debug, Default)]
pub(in crate::operator) struct Awaited {
    jobs: Arc<Mutex<Jobs>>,
    /// Held while a Job is made whose uid is not known yet.
    making: Arc<tokio::sync::Mutex<()>>,
}

type Jobs = BTreeMap<AwaitedJob, oneshot::Sender<Connection>>;

/// Waits for one worker, for as long as this is kept.
#[derive(Debug)]
pub(in crate::operator) struct Waiting {
    awaited: Awaited,
    job: AwaitedJob,
    arrival: oneshot::Receiver<Connection>,
}

impl Awaited {
    /// While this is kept nobody is judged: a pod can be faster than the answer about its Job.
    pub(super) async fn making(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.making.lock().await
    }

    /// From now on the worker of this Job is let in, once.
    pub(in crate::operator) fn wait_for(&self, job: AwaitedJob) -> Waiting {
        let (sender, arrival) = oneshot::channel();
        self.jobs().insert(job.clone(), sender);
        Waiting {
            awaited: self.clone(),
            job,
            arrival,
        }
    }

    /// Whether anybody of a namespace is waited for; without one, whether anybody is.
    pub(super) fn any(&self, namespace: Option<&str>) -> bool {
        let jobs = self.jobs();
        let mut namespaces = jobs.keys().map(|job| job.namespace.as_str());
        match namespace {
            None => !jobs.is_empty(),
            Some(namespace) => namespaces.any(|other| other == namespace),
        }
    }

    pub(super) fn contains(&self, job: &AwaitedJob) -> bool {
        self.jobs().contains_key(job)
    }

    /// False if nobody waits any more, or another pod of the Job was faster.
    pub(super) fn arrived(&self, job: &AwaitedJob, connection: Connection) -> bool {
        let waiting = self.jobs().remove(job);
        waiting.is_some_and(|sender| sender.send(connection).is_ok())
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// The connection of the worker. None if somebody else began to wait for the same Job.
    pub(in crate::operator) async fn connection(&mut self) -> Option<Connection> {
        (&mut self.arrival).await.ok()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.arrival.close();
        // Unless somebody else waits for it by now.
        let mut jobs = self.awaited.jobs();
        if jobs.get(&self.job).is_some_and(oneshot::Sender::is_closed) {
            jobs.remove(&self.job);
        }
    }
}
