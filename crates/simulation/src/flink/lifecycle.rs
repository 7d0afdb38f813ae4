//! Starts, ends and accidents of jobs (storage life cycle 7).

use super::job_manager::{Chore, JobManager};
use super::resource::{HaStore, Stage};
use super::snapshot::Snapshot;
use super::task::Task;
use crate::world::World;
use std::sync::Arc;

impl World {
    /// Something that is no checkpoint: failures, operations, users.
    pub(super) fn trouble(&mut self, resource: usize) {
        match (self.choices.below(12), self.resources[resource].stage) {
            (0, _) => {}
            (1..=3, Stage::Running) => self.kill_job_manager(resource),
            (4, Stage::Running) => self.with_job_manager(resource, Self::kill_task_managers),
            (5, Stage::Running) => self.with_job_manager(resource, |world, jm| {
                if let Some(pending) = jm.pending.pop() {
                    world.fail(jm, pending);
                }
            }),
            (6, Stage::Running) => {
                self.with_job_manager(resource, |world, jm| world.trigger(resource, jm, true));
            }
            (7, Stage::Running) if self.resources[resource].job_manager.is_some() => {
                self.say(|| format!("job {resource} is suspended"));
                self.resources[resource].job_manager = None;
                self.resources[resource].stage = Stage::Suspended;
            }
            (8 | 9, Stage::Running) => self.end(resource),
            (7..=9, Stage::Suspended) => self.resources[resource].stage = Stage::Starting,
            (_, Stage::Terminal(_)) => {
                if self.resources[resource].job_manager.is_some() {
                    self.exit(resource);
                } else {
                    self.replace(resource);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn kill_job_manager(&mut self, resource: usize) {
        if self.resources[resource].job_manager.take().is_some() {
            self.say(|| format!("job {resource}: its JobManager is killed"));
        }
    }

    /// All tasks start again from the newest checkpoint, or anew; what was pending is aborted, its files stay.
    fn kill_task_managers(&mut self, jm: &mut JobManager) {
        self.say(|| "a TaskManager is killed".to_owned());
        while let Some(pending) = jm.pending.pop() {
            self.fail(jm, pending);
        }
        jm.late.clear();
        jm.notices.clear();
        let newest = jm.store.last().cloned();
        self.deploy_tasks(jm, newest.as_deref());
    }

    fn deploy_tasks(&mut self, jm: &mut JobManager, from: Option<&Snapshot>) {
        let rescaled = self.choices.one_in(6);
        let none = std::collections::BTreeMap::new();
        let may_reuse = |snapshot: &Snapshot| {
            !rescaled && !snapshot.savepoint && !jm.unclaimed.contains(&snapshot.directory)
        };
        let base = from
            .filter(|snapshot| may_reuse(snapshot))
            .map(|snapshot| snapshot.id);
        jm.tasks = (0..jm.tasks.len())
            .map(|task| {
                let files = from.and_then(|snapshot| snapshot.tasks.get(task));
                Task::restored(files.unwrap_or(&none), base)
            })
            .collect();
    }

    /// The JobManager comes up: from its high-availability map if that has anything, else from what its resource names.
    pub(super) fn start(&mut self, resource: usize) {
        let now = self.now();
        let mut jm = JobManager {
            started: now,
            ..JobManager::default()
        };
        let uid = format!("map-{}", self.uuid());
        let of = &mut self.resources[resource];
        jm.tasks = (0..of.tasks).map(|_| Task::default()).collect();
        let map = of.map.get_or_insert_with(|| HaStore {
            uid,
            counter: 1,
            entries: Vec::new(),
        });
        let recovered = map.entries.iter().filter(|entry| !entry.marked);
        jm.store = recovered.map(|entry| Arc::clone(&entry.snapshot)).collect();
        let (root, claim) = (of.root.clone(), of.claim);
        for snapshot in &jm.store {
            jm.registry.register_all(snapshot);
            if !claim {
                jm.registry.highest_not_claimed = jm.registry.highest_not_claimed.max(snapshot.id);
            }
            if snapshot.job != of.job && !claim {
                jm.unclaimed.insert(snapshot.directory.clone());
            }
        }
        if let Some(newest) = jm.store.last().cloned() {
            if newest
                .files()
                .any(|file| !self.disk.contains_key(&file.path))
            {
                // Flink lost it by itself; a person starts the job anew.
                self.say(|| format!("job {resource} cannot recover from {}", newest.directory));
                self.resources[resource].map = None;
                return self.replace(resource);
            }
            jm.full_next = jm.unclaimed.contains(&newest.directory);
            self.deploy_tasks(&mut jm, Some(&newest));
            jm.restored = Some(newest);
        } else if let Some(root) = root {
            if !self.is_whole(&root) {
                self.say(|| format!("job {resource} cannot start from {}", root.directory));
                return self.replace(resource);
            }
            self.restore(resource, &mut jm, &root, claim);
        } else {
            jm.full_next = true;
        }
        let job = self.resources[resource].job.clone();
        self.say(|| format!("job {resource} is up as {job}"));
        self.resources[resource].job_manager = Some(jm);
        self.resources[resource].stage = Stage::Running;
    }

    fn restore(&mut self, resource: usize, jm: &mut JobManager, root: &Arc<Snapshot>, claim: bool) {
        self.say(|| {
            format!(
                "job {resource} restores {} (claim: {claim})",
                root.directory
            )
        });
        if claim {
            jm.registry.register_all(root);
        } else {
            jm.registry.highest_not_claimed = root.id;
            jm.unclaimed.insert(root.directory.clone());
            jm.full_next = true;
        }
        if let Some(map) = self.resources[resource].map.as_mut() {
            map.put(root);
            map.counter = root.id + 1;
        }
        jm.store.push(Arc::clone(root));
        jm.restored = Some(Arc::clone(root));
        self.deploy_tasks(jm, Some(root));
    }

    /// Canceled with its checkpoints retained, finished (they are deleted) or failed.
    fn end(&mut self, resource: usize) {
        let state = self
            .choices
            .pick(&["CANCELED", "CANCELED", "FINISHED", "FAILED"]);
        self.with_job_manager(resource, |world, jm| {
            world.say(|| format!("job {resource} is {state}"));
            while let Some(pending) = jm.pending.pop() {
                world.fail(jm, pending);
            }
            jm.over = Some(state);
            let finished = state == "FINISHED";
            let lowest = jm.store.first().map(|snapshot| snapshot.id);
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
    fn exit(&mut self, resource: usize) {
        self.with_job_manager(resource, |world, jm| {
            for chore in std::mem::take(&mut jm.queue) {
                let lost = world.choices.one_in(40);
                world.carry_out(resource, &chore, lost);
            }
        });
        if self.resources[resource].map.take().is_none() {
            self.say(|| format!("job {resource}: its processes are gone"));
            self.resources[resource].job_manager = None;
        }
    }

    /// The resource gets a new job: an upgrade, or somebody goes back to an old snapshot.
    pub(super) fn replace(&mut self, resource: usize) {
        let own = |world: &Self, snapshot: &Snapshot| {
            world.resources[resource].has_had(&snapshot.job) && world.is_whole(snapshot)
        };
        let whole: Vec<usize> = (0..self.snapshots.len())
            .filter(|&known| self.is_whole(&self.snapshots[known]))
            .collect();
        let mine: Vec<usize> = whole
            .iter()
            .copied()
            .filter(|&known| own(self, &self.snapshots[known]))
            .collect();
        let chosen = match self.choices.below(10) {
            0..=6 => mine.last().copied(),
            7..=8 if !whole.is_empty() => Some(self.choices.pick(&whole)),
            _ => None,
        };
        let root = chosen.map(|known| Arc::clone(&self.snapshots[known]));
        let claim = self.choices.one_in(3);
        let job = self.job_id();
        self.say(|| {
            let from = root
                .as_ref()
                .map_or("nothing", |root| root.directory.as_str());
            format!("job {resource} becomes {job}, from {from}")
        });
        let of = &mut self.resources[resource];
        of.former.push(std::mem::replace(&mut of.job, job));
        of.stage = Stage::Starting;
        of.map = None;
        of.root = root;
        of.claim = claim;
        of.own_since = None;
    }
}
