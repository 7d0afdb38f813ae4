use super::RunId;
use super::highly_available::HighlyAvailable;
use super::statistics::Statistics;
use crate::evidence::{HighAvailability, JobEvidence, JobManager, RestCheckpoints};
use crate::inventory::{Inventory, Snapshot, SnapshotKind};
use crate::location::Location;
use crate::policy::Margins;
use crate::restorable::WholeSnapshots;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// A running job whose run is proven, and what that run says of its checkpoints.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LiveRun<'a> {
    pub(crate) job: &'a JobEvidence,
    pub(crate) rest: &'a RestCheckpoints,
    pub(crate) numbers: Numbers<'a>,
}

/// Who hands out the checkpoint numbers, and knows the retained ones.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Numbers<'a> {
    Map(HighlyAvailable<'a>),
    Statistics(Statistics<'a>),
}

/// The checkpoints of a run that Flink holds in its own store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retained {
    /// When the oldest was triggered, by the JobManager's clock.
    pub(crate) oldest_trigger: Timestamp,
    pub(crate) latest: u64,
}

/// A completed checkpoint that can witness that a file is not needed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) triggered: Timestamp,
    /// When it was seen to be complete.
    pub(crate) seen: Timestamp,
}

/// Why nothing proves which run a running job is in, if so; for a person. What a silent JobManager leaves open is not
/// said here.
pub(crate) fn why_unproven(job: &JobEvidence) -> Option<String> {
    match &job.high_availability {
        HighAvailability::Map(_) => None,
        HighAvailability::NotConfigured => match &job.job_manager {
            JobManager::Answered(rest) => Statistics::of(rest).err(),
            JobManager::NotAsked | JobManager::Unreachable { .. } => None,
        },
        HighAvailability::NoMap { .. } => {
            Some("its job runs, but has no high-availability map yet".to_owned())
        }
        HighAvailability::Unreadable { why } => {
            Some(format!("the high-availability data cannot be read: {why}"))
        }
        HighAvailability::Unsupported { kind } => Some(format!(
            "high availability by {kind} cannot be read by this version"
        )),
    }
}

impl<'a> LiveRun<'a> {
    /// None where the JobManager does not answer, or the run is not proven.
    pub(crate) fn of(job: &'a JobEvidence) -> Option<Self> {
        let JobManager::Answered(rest) = &job.job_manager else {
            return None;
        };
        let numbers = match &job.high_availability {
            HighAvailability::Map(map) => Numbers::Map(HighlyAvailable { job, map }),
            HighAvailability::NotConfigured => Numbers::Statistics(Statistics::of(rest).ok()?),
            HighAvailability::NoMap { .. }
            | HighAvailability::Unreadable { .. }
            | HighAvailability::Unsupported { .. } => return None,
        };
        Some(Self { job, rest, numbers })
    }

    pub(crate) fn id(&self) -> RunId {
        match self.numbers {
            Numbers::Map(map) => map.id(),
            Numbers::Statistics(statistics) => statistics.id(),
        }
    }

    /// The first id that cannot have been handed out before a listing ended, if what was read proves one.
    pub(crate) fn counter_after(&self, listed: Timestamp, margins: &Margins) -> Option<u64> {
        match self.numbers {
            Numbers::Map(map) => map.counter_after(listed),
            Numbers::Statistics(statistics) => statistics.counter_after(listed, margins),
        }
    }

    /// Whether this run is still at or beyond a counter that was read before: numbers never go back.
    pub(crate) fn still_at(&self, counter: u64) -> bool {
        match self.numbers {
            // That a map went back is noticed by the baselines, for all its files at once.
            Numbers::Map(_) => true,
            Numbers::Statistics(statistics) => statistics.still_at(counter),
        }
    }

    /// Whether a checkpoint is complete that is as new as this one.
    pub(crate) fn has_completed(&self, checkpoint: u64) -> bool {
        match self.numbers {
            Numbers::Map(map) => map.has_completed(checkpoint),
            Numbers::Statistics(statistics) => statistics.has_completed(checkpoint),
        }
    }

    /// Whether a checkpoint that was triggered then was triggered after a listing ended, as far as numbers alone do not
    /// prove it.
    pub(crate) fn triggered_after(
        &self,
        triggered: Option<Timestamp>,
        listed: Timestamp,
        margins: &Margins,
    ) -> bool {
        match self.numbers {
            Numbers::Map(_) => true,
            Numbers::Statistics(_) => {
                triggered.is_some_and(|triggered| surely_after(triggered, listed, margins))
            }
        }
    }

    /// What Flink retains in this directory of the job; an error says for a person why that is not known.
    ///
    /// Checkpoints in another directory of the job say nothing about it, although a job keeps its id when its base is
    /// changed: whoever writes here now may be another cluster's job of the same id (H9).
    pub(crate) fn retained(&self, home: &Location) -> Result<Retained, String> {
        match self.numbers {
            Numbers::Map(map) => map.retained(home),
            Numbers::Statistics(statistics) => statistics.retained(home),
        }
    }

    /// The checkpoints of this run that are complete by REST, were parsed for this plan (so that they do not name what
    /// nobody names) and have all their files. Tied to the run; a savepoint proves nothing.
    pub(crate) fn witnesses(
        &self,
        home: &Location,
        inventory: &Inventory,
        whole: &WholeSnapshots,
        now: Timestamp,
        margins: &Margins,
    ) -> BTreeMap<u64, Passed> {
        // By the whole path: two directories of one id may both have a checkpoint of one number. And below this one:
        // another store may have the same path.
        let whole: BTreeMap<(&str, u64), &Snapshot> = whole
            .iter(inventory)
            .filter(|snapshot| snapshot.kind == SnapshotKind::Checkpoint)
            .filter(|snapshot| snapshot.location.relative_to(home).is_some())
            .map(|snapshot| {
                let key = (snapshot.location.path(), snapshot.checkpoint_id);
                (key, snapshot)
            })
            .collect();
        // Seen complete when the last of those who say so was asked.
        let seen = now.max(self.rest.read_at);
        match self.numbers {
            Numbers::Map(map) => map.witnesses(home, self.rest, &whole, seen),
            Numbers::Statistics(statistics) => statistics.witnesses(home, &whole, seen, margins),
        }
    }
}

/// Whether something that one clock dates happened after something that another one dates.
pub(super) fn surely_after(this: Timestamp, that: Timestamp, margins: &Margins) -> bool {
    this.duration_since(that) > margins.clock_skew
}
