use super::job_manager::JobManager;
use super::setup::Setup;
use super::snapshot::Snapshot;
use crate::world::{BASES, Millis, World};
use jiff::Timestamp;
use std::sync::Arc;

/// A Flink resource with its job, and what is left of its earlier ones.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) number: usize,
    pub(crate) name: String,
    /// Whether our operator can see it at all.
    pub(crate) visible: bool,
    pub(crate) setup: Setup,
    /// The base that it is to have from its next start on.
    pub(crate) next_base: Option<&'static str>,
    /// Where its jobs write, the present one last.
    pub(crate) bases: Vec<&'static str>,
    pub(crate) job: String,
    /// The job ids before, oldest first.
    pub(crate) former: Vec<Former>,
    pub(crate) stage: Stage,
    /// Of the resource itself, once it is gone.
    pub(crate) deletion: Option<Deletion>,
    pub(crate) job_manager: Option<JobManager>,
    pub(crate) map: Option<HaStore>,
    /// A copy of the map that somebody has.
    pub(crate) saved_map: Option<HaStore>,
    /// The snapshot that the resource names as its start.
    pub(crate) root: Option<Arc<Snapshot>>,
    pub(crate) claim: ClaimMode,
    /// Since when the current job has had a checkpoint of its own.
    pub(crate) own_since: Option<Millis>,
}

/// A job id of before.
#[derive(Clone, Debug)]
pub(crate) struct Former {
    pub(crate) job: String,
    /// The last base that it wrote to.
    pub(crate) base: &'static str,
    /// The resource that had it was deleted, and this one only has its name.
    pub(crate) deletion: Option<Deletion>,
}

/// The end of a resource.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deletion {
    /// When an operator of ours first saw it, by our clock.
    pub(crate) observed: Option<Timestamp>,
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
    /// The resource is being deleted, and its processes are.
    Deleting,
    /// The resource is gone, and so is all that ran.
    Gone,
}

/// `execution.state-recovery.claim-mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClaimMode {
    NoClaim,
    Claim,
    Legacy,
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
    pub(crate) fn any(world: &mut World, number: usize, setup: Setup) -> Self {
        let visible = number == 0 || !world.choices.one_in(6);
        let job = if setup.fixed_id && world.choices.one_in(4) {
            "0".repeat(32)
        } else {
            world.job_id(visible)
        };
        Self {
            number,
            name: format!("job-{number}"),
            visible,
            setup,
            next_base: None,
            bases: vec![if world.choices.one_in(8) {
                BASES[1]
            } else {
                BASES[0]
            }],
            job,
            former: Vec::new(),
            stage: Stage::Starting,
            deletion: None,
            job_manager: None,
            map: None,
            saved_map: None,
            root: None,
            claim: ClaimMode::NoClaim,
            own_since: None,
        }
    }

    /// Somebody configures another base for what comes.
    pub(crate) fn move_to(&mut self, base: &'static str) {
        self.bases.retain(|known| *known != base);
        self.bases.push(base);
    }

    /// The directory of the current job.
    pub(crate) fn home(&self) -> String {
        format!("{}/{}", self.base(), self.job)
    }

    pub(crate) fn base(&self) -> &'static str {
        self.bases.last().copied().unwrap_or(BASES[0])
    }

    /// Whether the resource that had a job is deleted, and what is known of that.
    pub(crate) fn deletion_of(&self, job: &str) -> Option<Deletion> {
        if self.job == job {
            return self.deletion;
        }
        let former = self.former.iter().rev().find(|former| former.job == job)?;
        former.deletion.or(self.deletion)
    }

    /// Somebody of ours sees it.
    pub(crate) fn note_deletion(&mut self, now: Timestamp) {
        let former = self
            .former
            .iter_mut()
            .filter_map(|former| former.deletion.as_mut());
        for deletion in former.chain(self.deletion.as_mut()) {
            deletion.observed.get_or_insert(now);
        }
    }

    pub(crate) fn has_had(&self, job: &str) -> bool {
        self.job == job || self.former.iter().any(|former| former.job == job)
    }
}

impl HaStore {
    pub(crate) fn put(&mut self, snapshot: &Arc<Snapshot>) {
        self.entries.retain(|entry| entry.id != snapshot.id);
        self.entries.push(Entry {
            id: snapshot.id,
            marked: false,
            snapshot: Arc::clone(snapshot),
        });
        self.entries.sort_by_key(|entry| entry.id);
    }
}
