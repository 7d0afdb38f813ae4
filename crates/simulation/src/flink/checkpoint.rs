//! One checkpoint or savepoint from trigger to subsumption (storage life cycle 3.1), in steps that others come between.

use super::job_manager::{Chore, JobManager, Pending, Statistic, Status};
use super::snapshot::{Data, Snapshot};
use super::task::Part;
use crate::world::{SAVEPOINTS, World};
use std::sync::Arc;

impl World {
    /// The id comes from the high-availability map before anything else happens.
    pub(super) fn trigger(&mut self, resource: usize, jm: &mut JobManager, savepoint: bool) {
        let now = self.now();
        let name = self.uuid();
        let of = &mut self.resources[resource];
        let room = jm.pending.iter().filter(|known| !known.savepoint).count() < of.max_concurrent;
        let Some(map) = of.map.as_mut().filter(|_| room || savepoint) else {
            return;
        };
        let id = map.counter;
        map.counter += 1;
        let directory = if savepoint {
            format!("{SAVEPOINTS}/savepoint-{}-{}", &of.job[26..], &name[24..])
        } else {
            format!("{}/chk-{id}", of.home())
        };
        let home = of.home();
        for made in [
            &format!("{home}/shared"),
            &format!("{home}/taskowned"),
            &directory,
        ] {
            self.make_directory(made);
        }
        let part = |task| Part {
            task,
            ..Part::default()
        };
        jm.statistics.push(Statistic {
            id,
            directory: directory.clone(),
            savepoint,
            triggered: now,
            status: Status::InProgress,
        });
        self.say(|| format!("flink: {directory} is triggered"));
        jm.pending.push(Pending {
            id,
            directory,
            savepoint,
            triggered: now,
            parts: (0..jm.tasks.len()).map(part).collect(),
            written: None,
        });
    }

    /// Brings the checkpoint at `position` one step further.
    pub(super) fn advance(&mut self, resource: usize, jm: &mut JobManager, position: usize) {
        let pending = &mut jm.pending[position];
        let open: Vec<usize> = (0..pending.parts.len())
            .filter(|&part| !pending.parts[part].acknowledged)
            .collect();
        if !open.is_empty() {
            let part = self.choices.pick(&open);
            if pending.parts[part].taken {
                let mut moving = jm.pending.remove(position);
                let alive = self.work_on(resource, jm, &mut moving, part);
                if alive {
                    jm.pending.insert(position, moving);
                } else {
                    self.fail(jm, moving);
                }
            } else {
                take(jm, position, part);
            }
        } else if pending.written.is_none() {
            self.write_metadata(resource, jm, position);
        } else {
            self.commit(resource, jm, position);
        }
    }

    /// A task uploads a file or acknowledges. False if the JobManager cannot make sense of it.
    pub(super) fn work_on(
        &mut self,
        resource: usize,
        jm: &mut JobManager,
        pending: &mut Pending,
        part: usize,
    ) -> bool {
        let shared = format!("{}/shared", self.resources[resource].home());
        let part = &mut pending.parts[part];
        if let Some((sst, size)) = part.to_upload.pop() {
            let into = if pending.savepoint {
                &pending.directory
            } else {
                &shared
            };
            let path = format!("{into}/{}", self.uuid());
            self.write(&path, vec![0; usize::try_from(size).unwrap_or(1)]);
            self.say(|| format!("flink: task {} uploads {path}", part.task));
            part.files.insert(sst, Data { path, size });
            return true;
        }
        if part.exclusive.is_none() {
            let path = format!("{}/{}", pending.directory, self.uuid());
            self.write(&path, vec![0; 7]);
            part.exclusive = Some(Data { path, size: 7 });
            return true;
        }
        part.acknowledged = true;
        if pending.savepoint {
            return true;
        }
        let known = part
            .files
            .iter()
            .all(|(sst, file)| !part.reused.contains(sst) || jm.registry.knows(&file.path));
        if !known {
            self.say(|| format!("flink: {} names what is not registered", pending.directory));
            return false;
        }
        for file in part.files.values() {
            jm.registry.register(&file.path, pending.id);
        }
        if let Some(task) = jm.tasks.get_mut(part.task) {
            task.known.insert(pending.id, part.files.clone());
        }
        true
    }

    /// Storage holds a complete snapshot from here on.
    fn write_metadata(&mut self, resource: usize, jm: &mut JobManager, position: usize) {
        let pending = &mut jm.pending[position];
        let snapshot = Arc::new(Snapshot {
            job: self.resources[resource].job.clone(),
            id: pending.id,
            directory: pending.directory.clone(),
            savepoint: pending.savepoint,
            triggered: pending.triggered,
            completed: self.now(),
            tasks: pending
                .parts
                .iter()
                .map(|part| part.files.clone())
                .collect(),
            exclusive: pending
                .parts
                .iter()
                .filter_map(|part| part.exclusive.clone())
                .collect(),
        });
        pending.written = Some(Arc::clone(&snapshot));
        if !snapshot.savepoint {
            // Whole on storage is what the promise asks for, whether or not Flink comes to count it.
            let of = &mut self.resources[resource];
            of.own_since.get_or_insert(snapshot.completed);
        }
        self.write(&snapshot.metadata(), snapshot.bytes());
        self.snapshots.push(Arc::clone(&snapshot));
        self.say(|| format!("flink: {} is written", snapshot.metadata()));
    }

    /// Flink's own store learns of it, or does not.
    fn commit(&mut self, resource: usize, jm: &mut JobManager, position: usize) {
        let pending = jm.pending.remove(position);
        let Some(snapshot) = pending.written.clone() else {
            return;
        };
        let answer = self.choices.below(24);
        let mut complete = true;
        if !pending.savepoint {
            let Some(map) = self.resources[resource].map.as_mut() else {
                return;
            };
            if answer <= 21 {
                map.put(&snapshot);
            }
            complete = answer <= 20;
        }
        if !complete && answer == 23 {
            self.say(|| format!("flink: {} fails as a whole", snapshot.directory));
            return self.fail(jm, pending);
        }
        if !complete {
            // PossibleInconsistentStateException: everything stays, for a person to clean up.
            self.say(|| format!("flink: {} may be in the map or not", snapshot.directory));
            jm.set_status(pending.id, Status::Failed);
            return forget(jm, pending.id);
        }
        let at = self.now();
        let discarded = false;
        jm.set_status(pending.id, Status::Completed { at, discarded });
        self.say(|| format!("flink: {} is complete", snapshot.directory));
        if pending.savepoint {
            return;
        }
        jm.full_next = false;
        jm.store.push(snapshot);
        for task in 0..jm.tasks.len() {
            jm.notices.push((task, pending.id));
        }
        let older = |known: &Pending| !known.savepoint && known.id < pending.id;
        while let Some(position) = jm.pending.iter().position(older) {
            let old = jm.pending.remove(position);
            self.fail(jm, old);
        }
        self.subsume(resource, jm);
    }

    fn subsume(&mut self, resource: usize, jm: &mut JobManager) {
        while jm.store.len() > self.resources[resource].retained {
            let oldest = jm.store.remove(0);
            if let Some(map) = self.resources[resource].map.as_mut() {
                for entry in map.entries.iter_mut().filter(|entry| entry.id == oldest.id) {
                    entry.marked = true;
                }
            }
            jm.queue.push(Chore::RemoveEntry(oldest.id));
            jm.discard(&oldest);
        }
        let lowest = jm.store.first().map_or(0, |snapshot| snapshot.id);
        let unused = jm.registry.unregister_unused(lowest);
        jm.queue.extend(unused.into_iter().map(Chore::Delete));
    }

    /// Expired, declined or failed: private files go with their directory, shared ones stay for now.
    pub(super) fn fail(&mut self, jm: &mut JobManager, pending: Pending) {
        self.say(|| format!("flink: {} is aborted", pending.directory));
        self.remove(&pending.directory);
        jm.set_status(pending.id, Status::Failed);
        forget(jm, pending.id);
        let under_way = |part: &Part| part.taken && !part.acknowledged;
        if pending.parts.iter().any(under_way) && self.choices.one_in(2) {
            jm.late.push(pending);
        }
    }
}

impl JobManager {
    /// `_metadata` and the private files of a snapshot that nobody manages any more.
    pub(super) fn discard(&mut self, snapshot: &Snapshot) {
        if self.unclaimed.contains(&snapshot.directory) {
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
        let files = snapshot.exclusive.iter().map(|file| file.path.clone());
        let files = files.chain([snapshot.metadata()]).map(Chore::Delete);
        self.queue.extend(files);
        self.queue
            .push(Chore::RemoveDirectory(snapshot.directory.clone()));
    }
}

/// What is live now goes into the checkpoint: what the base has is re-used, all else is uploaded.
fn take(jm: &mut JobManager, position: usize, part: usize) {
    let pending = &mut jm.pending[position];
    let part = &mut pending.parts[part];
    part.taken = true;
    let Some(task) = jm.tasks.get(part.task) else {
        return;
    };
    if !jm.full_next && !pending.savepoint {
        part.files = task.base();
        part.reused = part.files.keys().copied().collect();
    }
    part.to_upload = task
        .live
        .iter()
        .filter(|(sst, _)| !part.reused.contains(sst))
        .map(|(&sst, &size)| (sst, size))
        .collect();
}

/// Tasks never build on a checkpoint that did not complete.
fn forget(jm: &mut JobManager, id: u64) {
    for task in &mut jm.tasks {
        task.known.remove(&id);
    }
}
