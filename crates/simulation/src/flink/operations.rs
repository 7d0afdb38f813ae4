//! What people and the Flink operator do to jobs: ends, upgrades, deletions, restores of old copies.

use super::corner::Corner;
use super::job_manager::{Chore, JobManager};
use super::resource::{ClaimMode, Deletion, Former, HaStore, Stage};
use super::setup::Version;
use super::snapshot::Snapshot;
use crate::world::{BASES, MINUTE, World};
use std::sync::Arc;

impl World {
    /// Canceled with its checkpoints retained, finished (they are deleted) or failed.
    pub(super) fn end(&mut self, resource: usize) {
        let state = self
            .choices
            .pick(&["CANCELED", "CANCELED", "FINISHED", "FAILED"]);
        self.end_as(resource, state);
    }

    fn end_as(&mut self, resource: usize, state: &'static str) {
        self.with_job_manager(resource, |world, jm| {
            world.say(|| format!("job {resource} is {state}"));
            while let Some(pending) = jm.pending.pop() {
                world.fail(resource, jm, pending);
            }
            jm.over = Some(state);
            // `CheckpointProperties`: with RETAIN_ON_CANCELLATION a finished job deletes all the same.
            let finished = state == "FINISHED";
            let lowest = jm.store.iter().map(|snapshot| snapshot.id).min();
            let lowest = lowest.filter(|_| !finished).unwrap_or(u64::MAX);
            let unused = jm.registry.unregister_unused(lowest);
            jm.queue.extend(unused.into_iter().map(Chore::Delete));
            for snapshot in std::mem::take(&mut jm.store) {
                if finished {
                    jm.discard(&snapshot);
                }
            }
            world.resources[resource].stage = Stage::Terminal(state);
        });
    }

    /// The high-availability data of a job that is over goes, then its processes, when most deletions are done.
    pub(super) fn exit(&mut self, resource: usize) {
        self.with_job_manager(resource, |world, jm| {
            world.finish_chores(resource, jm);
        });
        if self.resources[resource].map.take().is_none() {
            self.say(|| format!("job {resource}: its processes are gone"));
            self.resources[resource].job_manager = None;
        }
    }

    pub(super) fn finish_chores(&mut self, resource: usize, jm: &mut JobManager) {
        for chore in std::mem::take(&mut jm.queue) {
            let lost = self.choices.one_in(400);
            self.carry_out(resource, &chore, lost);
        }
    }

    /// Last-state where there is high availability, else with a savepoint.
    pub(super) fn suspend(&mut self, resource: usize) {
        if self.resources[resource].job_manager.is_none() {
            return;
        }
        let with_map = self.resources[resource].setup.high_availability;
        if with_map && (self.corner == Corner::Lingering || !self.choices.one_in(4)) {
            self.say(|| format!("job {resource} is suspended"));
            self.resources[resource].stage = Stage::Suspended;
            let often = if self.corner == Corner::Lingering {
                2
            } else {
                12
            };
            if self.choices.one_in(often) {
                // Longer than any heartbeat timeout it does not go on without a leader lock.
                let until = self.now() + i64::from(self.choices.below(19)) * MINUTE;
                self.with_job_manager(resource, |world, jm| {
                    world.say(|| format!("job {resource}: its JobManager lingers"));
                    jm.lingers = Some(until);
                });
            } else {
                self.kill_job_manager(resource);
            }
        } else if let Some(savepoint) = self.stop_with_savepoint(resource) {
            let of = &mut self.resources[resource];
            of.stage = Stage::Suspended;
            of.root = Some(savepoint);
        }
    }

    pub(super) fn resume(&mut self, resource: usize) {
        if self.resources[resource].map.is_some() {
            self.kill_job_manager(resource);
            self.resources[resource].stage = Stage::Starting;
        } else {
            let root = self.resources[resource].root.clone();
            self.become_new(resource, root);
        }
    }

    /// To a new job id: with a savepoint, or by cancelling.
    pub(super) fn upgrade(&mut self, resource: usize) {
        if self.resources[resource].job_manager.is_none() {
            return;
        }
        if self.choices.one_in(2) {
            if let Some(savepoint) = self.stop_with_savepoint(resource) {
                self.become_new(resource, Some(savepoint));
            }
            return;
        }
        let jm = self.resources[resource].job_manager.as_ref();
        let newest = jm.and_then(|jm| jm.store.last().cloned());
        self.end_as(resource, "CANCELED");
        self.resources[resource].map = None;
        self.exit(resource);
        self.resources[resource].job_manager = None;
        self.become_new(resource, newest);
    }

    /// The job is over and gone; its resource does not name the savepoint yet.
    fn stop_with_savepoint(&mut self, resource: usize) -> Option<Arc<Snapshot>> {
        let mut savepoint = None;
        self.with_job_manager(resource, |world, jm| {
            while let Some(pending) = jm.pending.pop() {
                world.fail(resource, jm, pending);
            }
            world.trigger(resource, jm, true);
            let before = world.snapshots.len();
            while !jm.pending.is_empty() {
                let last = jm.pending.len() - 1;
                world.advance(resource, jm, last);
            }
            let made = world.snapshots.get(before..).unwrap_or_default();
            savepoint = made.first().filter(|made| world.is_whole(made)).cloned();
        });
        let savepoint = savepoint?;
        self.end_as(resource, "FINISHED");
        self.resources[resource].map = None;
        self.exit(resource);
        self.resources[resource].job_manager = None;
        Some(savepoint)
    }

    /// The resource goes, then everything that ran for it. Its storage stays.
    pub(super) fn delete(&mut self, resource: usize) {
        if self.resources[resource].stage == Stage::Deleting {
            self.say(|| format!("job {resource}: nothing of it runs any more"));
            let of = &mut self.resources[resource];
            of.stage = Stage::Gone;
            of.deletion = Some(Deletion::default());
            of.job_manager = None;
            of.map = None;
        } else if self.choices.one_in(3) {
            self.say(|| format!("job {resource} is deleted"));
            self.end_as(resource, "CANCELED");
            self.resources[resource].stage = Stage::Deleting;
            self.resources[resource].root = None;
        }
    }

    /// Another resource of the same name.
    pub(super) fn recreate(&mut self, resource: usize) {
        self.say(|| format!("job {resource} is made anew"));
        let root = self.any_start(resource, 3);
        let of = &mut self.resources[resource];
        let deletion = of.deletion.take();
        for former in &mut of.former {
            former.deletion = former.deletion.or(deletion);
        }
        self.become_new(resource, root);
        let of = &mut self.resources[resource];
        if !of.setup.fixed_id
            && let Some(last) = of.former.last_mut()
        {
            last.deletion = deletion;
        }
    }

    /// Somebody applies an old copy of the high-availability map (generation two, H5).
    pub(super) fn turn_back(&mut self, resource: usize) {
        let old = self.resources[resource].saved_map.clone();
        let of = &mut self.resources[resource];
        let Some((old, map)) = old.zip(of.map.as_mut()) else {
            return;
        };
        if map.uid == old.uid && map.counter > old.counter {
            *map = old;
            self.say(|| format!("job {resource}: its map is turned back"));
            let entries = self.resources[resource].map.iter();
            let snapshots: Vec<usize> = entries
                .flat_map(|map| &map.entries)
                .map(|entry| entry.snapshot.number)
                .collect();
            self.surprise(&snapshots);
            if let Some(jm) = &mut self.resources[resource].job_manager {
                let gone = jm.store.iter().map(|stored| stored.number);
                jm.disowned
                    .extend(gone.filter(|stored| !snapshots.contains(stored)));
            }
        }
    }

    /// Whoever edits a resource may take out where its job was started from.
    pub(super) fn forget_start(&mut self, resource: usize) {
        let of = &mut self.resources[resource];
        if of.own_since.is_some() || of.setup.high_availability {
            of.root = None;
            self.say(|| format!("job {resource} does not say any more where it began"));
        }
    }

    /// The next start writes to another base, perhaps as the same job (storage life cycle 10, 44).
    pub(super) fn choose_base(&mut self, resource: usize) {
        let base = self.choices.pick(&BASES);
        let of = &mut self.resources[resource];
        if of.base() != base {
            of.next_base = Some(base);
        }
    }

    pub(super) fn save_map(&mut self, resource: usize) {
        let of = &mut self.resources[resource];
        let map: Option<HaStore> = of.map.clone();
        of.saved_map = map.or_else(|| of.saved_map.take());
    }

    /// What becomes needed again by an act that nobody could foresee, no run has to have known.
    fn surprise(&mut self, snapshots: &[usize]) {
        for told in self.told.values_mut() {
            told.surprises.extend(snapshots);
        }
    }

    /// The resource gets a new job: an upgrade, or somebody goes back to an old snapshot.
    pub(super) fn replace(&mut self, resource: usize) {
        let root = self.any_start(resource, 10);
        self.become_new(resource, root);
    }

    /// Mostly the newest of its own; one time in `odd` any snapshot at all, one time none.
    fn any_start(&mut self, resource: usize, odd: u32) -> Option<Arc<Snapshot>> {
        let whole = self.whole.clone();
        let own = |&&known: &&usize| self.snapshots[known].resource == resource;
        let mine = whole.iter().rev().find(own).copied();
        let chosen = match self.choices.below(odd) {
            0 => None,
            1 if !whole.is_empty() => Some(self.choices.pick(&whole)),
            _ => mine,
        };
        chosen.map(|known| Arc::clone(&self.snapshots[known]))
    }

    pub(super) fn become_new(&mut self, resource: usize, root: Option<Arc<Snapshot>>) {
        let fresh = self.job_id(self.resources[resource].visible);
        if let Some(root) = &root {
            self.surprise(&[root.number]);
        }
        let claim = self.choices.pick(&[
            ClaimMode::NoClaim,
            ClaimMode::NoClaim,
            ClaimMode::Claim,
            ClaimMode::Legacy,
        ]);
        let of = &mut self.resources[resource];
        let base = of.base();
        if let Some(next) = of.next_base.take() {
            of.move_to(next);
        }
        if !of.setup.fixed_id {
            let job = std::mem::replace(&mut of.job, fresh);
            of.former.push(Former {
                job,
                base,
                deletion: None,
            });
        }
        of.stage = Stage::Starting;
        of.map = None;
        of.saved_map = None;
        of.root = root;
        of.claim = match of.setup.version {
            Version::V1_14 => ClaimMode::Legacy,
            Version::V1_15 | Version::V1_20 => claim,
        };
        of.own_since = None;
        let (job, from) = (of.job.clone(), of.root.clone());
        self.say(|| {
            let from = from.map_or("nothing".to_owned(), |root| root.directory.clone());
            format!("job {resource} becomes {job}, from {from}")
        });
    }
}
