use super::{Passed, Retained, RunId};
use crate::evidence::{HaEntry, HaMap, JobEvidence, RestCheckpoints};
use crate::inventory::Snapshot;
use crate::location::Location;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// The job's map, read consistently.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HighlyAvailable<'a> {
    pub(super) job: &'a JobEvidence,
    pub(crate) map: &'a HaMap,
}

impl<'a> HighlyAvailable<'a> {
    pub(super) fn id(self) -> RunId {
        RunId::MapUid(self.map.uid.clone())
    }

    /// The counter counts only if it was read after the listing.
    pub(super) fn counter_after(self, listed: Timestamp) -> Option<u64> {
        let counter = self.map.usable_counter()?;
        (self.map.read_at >= listed).then_some(counter)
    }

    pub(super) fn has_completed(self, checkpoint: u64) -> bool {
        let highest = self.map.highest_id();
        highest.is_some_and(|highest| highest >= checkpoint)
    }

    pub(super) fn retained(self, home: &Location) -> Result<Retained, String> {
        let own = || self.own(home).map(|entry| &entry.checkpoint);
        let oldest_trigger = own().map(|checkpoint| checkpoint.triggered).min();
        let latest = self.own(home).map(|entry| entry.checkpoint_id).max();
        match (oldest_trigger, latest) {
            (Some(oldest_trigger), Some(latest)) => Ok(Retained {
                oldest_trigger,
                latest,
            }),
            _ => Err("this run of its job has no completed checkpoint of its own yet".to_owned()),
        }
    }

    pub(super) fn witnesses(
        self,
        home: &Location,
        rest: &RestCheckpoints,
        whole: &BTreeMap<(&str, u64), &Snapshot>,
        seen: Timestamp,
    ) -> BTreeMap<u64, Passed> {
        let found = self.own(home).filter(|entry| {
            let pointer = entry.checkpoint.pointer.as_ref();
            rest.completed(entry.checkpoint_id).is_some()
                && pointer.is_some_and(|pointer| {
                    whole.contains_key(&(pointer.path(), entry.checkpoint_id))
                })
        });
        let passed = |entry: &HaEntry| Passed {
            triggered: entry.checkpoint.triggered,
            seen: seen.max(self.map.read_at),
        };
        found
            .map(|entry| (entry.checkpoint_id, passed(entry)))
            .collect()
    }

    /// The entries of this job's own checkpoints.
    ///
    /// One that is marked for deletion has left Flink's store. It can stay in the map for ever after a kill, and would
    /// hold back everything younger than itself; what it names is referenced all the same.
    fn own(self, home: &Location) -> impl Iterator<Item = &'a HaEntry> {
        let entries = self.map.entries.iter();
        entries
            .filter(|entry| !entry.marked_for_deletion)
            .filter(move |entry| Some(entry.checkpoint.job_id) == self.job.current)
            .filter(move |entry| {
                let pointer = entry.checkpoint.pointer.as_ref();
                pointer.is_some_and(|at| at.relative_to(home).is_some())
            })
    }
}
