use super::job_manager::JobManager;
use super::snapshot::Snapshot;
use crate::world::{BASE, Millis, World};
use std::sync::Arc;

/// A Flink resource with its job, and what is left of its earlier ones.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) name: String,
    /// Whether our operator can see it at all.
    pub(crate) visible: bool,
    pub(crate) job: String,
    /// The job ids before, oldest first.
    pub(crate) former: Vec<String>,
    pub(crate) stage: Stage,
    pub(crate) job_manager: Option<JobManager>,
    pub(crate) map: Option<HaStore>,
    /// The snapshot that the resource names as its start.
    pub(crate) root: Option<Arc<Snapshot>>,
    pub(crate) claim: bool,
    pub(crate) retained: usize,
    pub(crate) max_concurrent: usize,
    pub(crate) tasks: usize,
    /// Since when the current job has had a checkpoint of its own.
    pub(crate) own_since: Option<Millis>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The resource was changed, and its job is not up yet.
    Starting,
    /// The job is to run, whether or not its processes are up.
    Running,
    Suspended,
    /// Over for good.
    Terminal(&'static str),
}

/// The ConfigMap of a job.
#[derive(Clone, Debug)]
pub(crate) struct HaStore {
    pub(crate) uid: String,
    pub(crate) counter: u64,
    /// By id, ascending.
    pub(crate) entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    pub(crate) marked: bool,
    pub(crate) snapshot: Arc<Snapshot>,
}

impl Resource {
    pub(crate) fn any(world: &mut World, number: u32) -> Self {
        let choices = &mut world.choices;
        let retained = 1 + choices.index(3);
        let tasks = 1 + choices.index(2);
        let max_concurrent = if choices.one_in(8) { 2 } else { 1 };
        let visible = number == 0 || !choices.one_in(4);
        let claim = choices.one_in(3);
        Self {
            name: format!("job-{number}"),
            visible,
            job: world.job_id(),
            former: Vec::new(),
            stage: Stage::Starting,
            job_manager: None,
            map: None,
            root: None,
            claim,
            retained,
            max_concurrent,
            tasks,
            own_since: None,
        }
    }

    /// The directory of the current job.
    pub(crate) fn home(&self) -> String {
        format!("{BASE}/{}", self.job)
    }

    pub(crate) fn has_had(&self, job: &str) -> bool {
        self.job == job || self.former.iter().any(|former| former == job)
    }
}

impl HaStore {
    pub(crate) fn put(&mut self, snapshot: &Arc<Snapshot>) {
        self.entries.push(Entry {
            id: snapshot.id,
            marked: false,
            snapshot: Arc::clone(snapshot),
        });
        self.entries.sort_by_key(|entry| entry.id);
    }
}
