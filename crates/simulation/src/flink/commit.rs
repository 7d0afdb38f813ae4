//! From the last acknowledgement to the end of an older checkpoint.

use super::job_manager::{Chore, JobManager, Pending, Status};
use super::setup::{Backend, Version};
use super::snapshot::Snapshot;
use crate::world::World;
use std::sync::{Arc, OnceLock};

impl World {
    /// Storage holds a complete snapshot from here on.
    pub(super) fn write_metadata(&mut self, resource: usize, jm: &mut JobManager, position: usize) {
        let number = self.snapshots.len();
        let opaque = self.trouble.torn > 0 && self.choices.one_in(self.trouble.torn * 20);
        let pending = &mut jm.pending[position];
        let metadata = format!("{}/_metadata", pending.directory);
        if self.disk.contains_key(&metadata) {
            // An earlier run of the job has left it: Flink refuses, and cleans up.
            let pending = jm.pending.remove(position);
            return self.fail(resource, jm, pending);
        }
        let parts = &pending.parts;
        let snapshot = Arc::new(Snapshot {
            number,
            resource,
            job: self.resources[resource].job.clone(),
            id: pending.id,
            directory: pending.directory.clone(),
            savepoint: pending.savepoint,
            opaque,
            triggered: pending.triggered,
            completed: self.now(),
            tasks: parts.iter().map(|part| part.files.clone()).collect(),
            exclusive: parts
                .iter()
                .filter_map(|part| part.exclusive.clone())
                .collect(),
            references: OnceLock::new(),
        });
        pending.written = Some(Arc::clone(&snapshot));
        self.write(&metadata, snapshot.bytes());
        self.add(&snapshot);
        if self.is_whole(&snapshot) && !snapshot.savepoint && !snapshot.opaque {
            // Whole on storage is what the promise asks for, whether or not Flink comes to count it.
            let of = &mut self.resources[resource];
            of.own_since.get_or_insert(snapshot.completed);
        }
        self.say(|| format!("flink: {metadata} is written"));
    }

    /// Flink's own store learns of it, or does not.
    pub(super) fn commit(&mut self, resource: usize, jm: &mut JobManager, position: usize) {
        let mut pending = jm.pending.remove(position);
        let Some(snapshot) = pending.written.clone() else {
            return;
        };
        let setup = self.resources[resource].setup;
        let at = self.now();
        let completed = Status::Completed {
            at,
            discarded: false,
        };
        if setup.version == Version::V1_14 {
            // It says so before its store knows (generation two, H2), and registers only now.
            jm.set_status(pending.id, completed);
            let id = pending.id;
            let mut parts = pending.parts.iter_mut();
            if !pending.savepoint && !parts.all(|part| self.register(resource, jm, id, part)) {
                return self.fail(resource, jm, pending);
            }
        }
        let stored = !pending.savepoint || setup.version == Version::V1_14;
        if stored && setup.high_availability && !self.put(resource, jm, &snapshot, &mut pending) {
            return;
        }
        jm.set_status(pending.id, completed);
        self.say(|| format!("flink: {} is complete", snapshot.directory));
        if !pending.savepoint {
            jm.full_next = false;
            for task in 0..jm.tasks.len() {
                jm.notices.push((task, pending.id));
            }
            let older = |known: &Pending| !known.savepoint && known.id < pending.id;
            while let Some(position) = jm.pending.iter().position(older) {
                let old = jm.pending.remove(position);
                self.fail(resource, jm, old);
            }
        }
        if stored {
            jm.store.push(snapshot);
            self.subsume(resource, jm);
            // As a rule it is done before anything else happens.
            if !self.choices.one_in(30) {
                self.finish_chores(resource, jm);
            }
        }
    }

    /// Writes the entry. False if that failed, which the map may not know.
    fn put(
        &mut self,
        resource: usize,
        jm: &mut JobManager,
        snapshot: &Arc<Snapshot>,
        pending: &mut Pending,
    ) -> bool {
        let ambiguous = self.trouble.ambiguous;
        let ambiguous = ambiguous > 0 && self.choices.one_in(ambiguous);
        let answer = if ambiguous {
            1 + self.choices.below(3)
        } else {
            0
        };
        let Some(map) = self.resources[resource].map.as_mut() else {
            return false;
        };
        if answer <= 1 {
            map.put(snapshot);
        }
        if answer == 0 {
            return true;
        }
        if answer == 3 {
            self.say(|| format!("flink: {} fails as a whole", snapshot.directory));
            let pending = std::mem::take(pending);
            self.fail(resource, jm, pending);
        } else {
            // PossibleInconsistentStateException: everything stays, for a person to clean up.
            self.say(|| format!("flink: {} may be in the map or not", snapshot.directory));
            if self.resources[resource].setup.version != Version::V1_14 {
                jm.set_status(pending.id, Status::Failed);
            }
            jm.forget(pending.id);
        }
        false
    }

    fn subsume(&mut self, resource: usize, jm: &mut JobManager) {
        while jm.store.len() > self.resources[resource].setup.retained {
            let oldest = jm.store.remove(0);
            if let Some(map) = self.resources[resource].map.as_mut() {
                for entry in map.entries.iter_mut().filter(|entry| entry.id == oldest.id) {
                    entry.marked = true;
                }
            }
            jm.queue.push(Chore::RemoveEntry(oldest.id));
            jm.discard(&oldest);
        }
        let lowest = jm.store.iter().map(|snapshot| snapshot.id).min();
        let unused = jm.registry.unregister_unused(lowest.unwrap_or(0));
        let backend = self.resources[resource].setup.backend;
        if backend == Backend::Merging {
            Self::release_merged(jm);
        } else {
            jm.queue.extend(unused.into_iter().map(Chore::Delete));
        }
    }
}

impl JobManager {
    /// `_metadata` and the private files of a snapshot that nobody manages any more.
    pub(super) fn discard(&mut self, snapshot: &Snapshot) {
        if snapshot.savepoint && !self.claimed.contains(&snapshot.directory)
            || self.unclaimed.contains(&snapshot.directory)
        {
            return;
        }
        if let Some(statistic) = self
            .statistics
            .iter_mut()
            .find(|known| known.id == snapshot.id)
            && let Status::Completed { discarded, .. } = &mut statistic.status
        {
            *discarded = true;
        }
        let private = snapshot.exclusive.iter();
        // Segments of merged files are the TaskManager's.
        let private = private.filter(|file| file.path.starts_with(&snapshot.directory));
        let files = private.map(|file| file.path.clone());
        let files = files.chain([snapshot.metadata()]).map(Chore::Delete);
        self.queue.extend(files);
        self.queue
            .push(Chore::RemoveDirectory(snapshot.directory.clone()));
    }
}
