use super::registry::Registry;
use super::snapshot::Snapshot;
use super::task::{Part, Task};
use crate::world::Millis;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The process that runs a job, with its tasks.
#[derive(Debug, Default)]
pub(crate) struct JobManager {
    pub(crate) started: Millis,
    /// The next checkpoint id, where no high-availability map has it.
    pub(crate) counter: u64,
    /// Which TaskManager the tasks are on.
    pub(crate) task_manager: String,
    pub(crate) registry: Registry,
    /// The completed checkpoints that it manages, oldest first.
    pub(crate) store: Vec<Arc<Snapshot>>,
    /// Those of them, by number, that its map does not name any more because somebody turned it back: it only remembers
    /// them to delete them.
    pub(crate) disowned: BTreeSet<usize>,
    pub(crate) pending: Vec<Pending>,
    /// Parts of aborted checkpoints whose tasks have not heard of that yet.
    pub(crate) late: Vec<Pending>,
    pub(crate) tasks: Vec<Task>,
    /// What is still to be done, in any order, and perhaps never.
    pub(crate) queue: Vec<Chore>,
    /// Confirmations under way: to which task, of which checkpoint.
    pub(crate) notices: Vec<(usize, u64)>,
    pub(crate) statistics: Vec<Statistic>,
    /// An answer of a moment ago, which REST may still give.
    pub(crate) cached: Option<(Millis, Vec<Statistic>)>,
    /// What it was restored from after its resource named it.
    pub(crate) restored: Option<Arc<Snapshot>>,
    pub(crate) restored_at: Millis,
    /// Snapshots of others, which it never deletes.
    pub(crate) unclaimed: BTreeSet<String>,
    /// Savepoints that it was started from and claimed.
    pub(crate) claimed: BTreeSet<String>,
    /// Until one completes, nothing is re-used.
    pub(crate) full_next: bool,
    /// Until when it goes on although Kubernetes does not see it any more.
    pub(crate) lingers: Option<Millis>,
    /// The terminal state, once the job is over.
    pub(crate) over: Option<&'static str>,
}

/// A checkpoint or savepoint that is not complete.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub(crate) id: u64,
    pub(crate) directory: String,
    pub(crate) savepoint: bool,
    pub(crate) triggered: Millis,
    pub(crate) parts: Vec<Part>,
    /// `_metadata` is there, and Flink's own store does not know yet.
    pub(crate) written: Option<Arc<Snapshot>>,
}

/// Something that is done asynchronously.
#[derive(Clone, Debug)]
pub(crate) enum Chore {
    Delete(String),
    /// Only if nothing is left in it.
    RemoveDirectory(String),
    /// An entry of the high-availability map that is marked already.
    RemoveEntry(u64),
}

/// An entry of the checkpoint statistics.
#[derive(Clone, Debug)]
pub(crate) struct Statistic {
    pub(crate) id: u64,
    pub(crate) directory: String,
    pub(crate) savepoint: bool,
    pub(crate) triggered: Millis,
    pub(crate) status: Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    InProgress,
    Completed { at: Millis, discarded: bool },
    Failed,
}

impl JobManager {
    pub(crate) fn set_status(&mut self, id: u64, status: Status) {
        for statistic in self.statistics.iter_mut().filter(|known| known.id == id) {
            statistic.status = status;
        }
    }
}
