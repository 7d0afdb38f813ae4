use super::live::surely_after;
use super::{JobStart, Passed, RestoredOnce, Retained, RunId};
use crate::evidence::{RestCheckpoint, RestCheckpoints};
use crate::inventory::Snapshot;
use crate::location::Location;
use crate::policy::Margins;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Answers may be this old, whatever was configured.
const LEAST_WAIT: SignedDuration = SignedDuration::from_secs(10);

/// The checkpoint statistics of a JobManager that is alone and keeps its numbers in memory.
///
/// Every checkpoint enters them before its tasks hear of it (`CheckpointCoordinator.createPendingCheckpoint`), so an
/// answer that was made after a listing knows every id that was handed out before it. But an answer may come from a cache
/// (`AbstractCheckpointStatsHandler`), and the tracker gives its previous snapshot while it is busy
/// (`DefaultCheckpointStatsTracker.createSnapshot`), which may be hours old if nobody asked meanwhile. Waiting proves
/// nothing against that; what the answer itself dates does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statistics<'a> {
    rest: &'a RestCheckpoints,
    started: Timestamp,
}

impl<'a> Statistics<'a> {
    /// An error says for a person what is missing.
    pub(super) fn of(rest: &'a RestCheckpoints) -> Result<Self, String> {
        let cluster = rest.cluster.as_ref().map_err(|why| {
            format!(
                "its job runs without high availability, and its JobManager does not tell its configuration: {why}"
            )
        })?;
        if let Some(kind) = &cluster.high_availability {
            return Err(format!(
                "its JobManager runs with high availability by {kind}, of which its resource says nothing"
            ));
        }
        if cluster.job_managers != 1 {
            return Err(format!(
                "its job has {} JobManagers without high availability, and any of them may answer",
                cluster.job_managers
            ));
        }
        let started = rest
            .started
            .ok_or("its JobManager does not say when this run of the job started")?;
        Ok(Self { rest, started })
    }

    pub(super) fn id(self) -> RunId {
        let restored = self.rest.restored.as_ref();
        RunId::Start(JobStart {
            started: self.started,
            restored: restored.map(|restored| RestoredOnce {
                id: restored.id,
                at: restored.at,
            }),
        })
    }

    /// The answer is surely newer than the listing: no cache reaches back so far, and something in it was triggered later.
    pub(super) fn counter_after(self, listed: Timestamp, margins: &Margins) -> Option<u64> {
        let cache = self.rest.cluster.as_ref().ok()?.statistics_cache;
        let wait = cache.checked_mul(2)?.max(LEAST_WAIT);
        let waited = self.rest.read_at.duration_since(listed) >= wait;
        let mut checkpoints = self.rest.checkpoints.iter();
        let newer = checkpoints.any(|known| surely_after(known.triggered, listed, margins));
        let highest = self.rest.highest_id().filter(|_| waited && newer)?;
        highest.checked_add(1)
    }

    pub(super) fn still_at(self, counter: u64) -> bool {
        let next = self.rest.highest_id().map_or(0, |id| id.saturating_add(1));
        next >= counter
    }

    pub(super) fn has_completed(self, checkpoint: u64) -> bool {
        let mut completed = self.completed();
        completed.any(|known| known.id >= checkpoint)
    }

    /// The oldest is known only if the history reaches beyond it: Flink drops checkpoints strictly in the order of their
    /// ids (`CheckpointSubsumeHelper`), so one that was dropped says that all before it were.
    pub(super) fn retained(self, home: &Location) -> Result<Retained, String> {
        let own = || self.completed().filter(|known| is_below(known, home));
        let kept = || own().filter(|known| !known.discarded);
        let (Some(oldest), Some(latest)) = (
            kept().min_by_key(|known| known.id),
            kept().map(|known| known.id).max(),
        ) else {
            return Err(
                "this run of its job has no completed checkpoint of its own yet".to_owned(),
            );
        };
        let dropped_before = own().any(|known| known.discarded && known.id < oldest.id);
        let shown = self.rest.checkpoints.iter();
        let shown = shown.filter(|known| known.status == "COMPLETED").count();
        let all_shown = self.rest.completed.is_some_and(|all| all <= shown as u64);
        if !dropped_before && !all_shown {
            return Err(
                "its JobManager does not show the oldest checkpoint that it retains; set web.checkpoints.history above the number of retained checkpoints"
                    .to_owned(),
            );
        }
        let oldest_trigger = kept().map(|known| known.triggered).min();
        Ok(Retained {
            oldest_trigger: oldest_trigger.unwrap_or(oldest.triggered),
            latest,
        })
    }

    /// A `_metadata` of the same number may be of an earlier run of the job: it was written after the trigger.
    pub(super) fn witnesses(
        self,
        home: &Location,
        whole: &BTreeMap<(&str, u64), &Snapshot>,
        seen: Timestamp,
        margins: &Margins,
    ) -> BTreeMap<u64, Passed> {
        let own = self.completed().filter(|known| is_below(known, home));
        let found = own.filter(|known| {
            let path = known.external_path.as_ref();
            let snapshot = path.and_then(|path| whole.get(&(path.path(), known.id)));
            snapshot
                .is_some_and(|snapshot| !surely_after(known.triggered, snapshot.completed, margins))
        });
        let passed = |known: &RestCheckpoint| Passed {
            triggered: known.triggered,
            seen,
        };
        found.map(|known| (known.id, passed(known))).collect()
    }

    fn completed(self) -> impl Iterator<Item = &'a RestCheckpoint> {
        let known = self.rest.checkpoints.iter();
        known.filter(|known| known.status == "COMPLETED" && !known.is_savepoint)
    }
}

fn is_below(known: &RestCheckpoint, home: &Location) -> bool {
    let path = known.external_path.as_ref();
    path.is_some_and(|path| path.relative_to(home).is_some())
}
