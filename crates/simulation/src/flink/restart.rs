//! A JobManager comes up (storage life cycle 7.1), or tasks start again.

use super::job_manager::JobManager;
use super::resource::{ClaimMode, HaStore, Stage};
use super::setup::{Backend, Version};
use super::snapshot::{Data, Snapshot};
use super::task::Task;
use crate::world::World;
use std::collections::BTreeMap;
use std::sync::Arc;

impl World {
    /// The JobManager comes up: from its high-availability map if that has anything, else from what its resource names.
    pub(super) fn start(&mut self, resource: usize) {
        let uid = format!("map-{}", self.uuid());
        let task_manager = self.uuid();
        let of = &mut self.resources[resource];
        if let Some(next) = of.next_base.take() {
            of.move_to(next);
        }
        let mut jm = JobManager {
            counter: 1,
            task_manager,
            ..JobManager::default()
        };
        jm.tasks = (0..of.setup.tasks).map(|_| Task::default()).collect();
        if of.setup.high_availability {
            let map = of.map.get_or_insert_with(|| HaStore {
                uid,
                counter: 1,
                entries: Vec::new(),
            });
            let recovered = map.entries.iter().filter(|entry| !entry.marked);
            jm.store = recovered.map(|entry| Arc::clone(&entry.snapshot)).collect();
        }
        let root = of.root.clone();
        self.recover_registry(resource, &mut jm);
        jm.started = self.now();
        jm.restored_at = jm.started;
        if let Some(newest) = jm.store.last().cloned() {
            if !newest.files().all(|file| self.has(&file.path)) {
                // Flink lost it by itself; a person starts the job anew.
                self.say(|| format!("job {resource} cannot recover from {}", newest.directory));
                self.resources[resource].map = None;
                return self.replace(resource);
            }
            jm.full_next = jm.unclaimed.contains(&newest.directory)
                && self.resources[resource].claim == ClaimMode::NoClaim;
            self.deploy_tasks(resource, &mut jm, Some(&newest));
            jm.restored = Some(newest);
        } else if let Some(root) = root {
            if !self.is_whole(&root) {
                self.say(|| format!("job {resource} cannot start from {}", root.directory));
                return self.replace(resource);
            }
            self.restore(resource, &mut jm, &root);
        } else {
            jm.full_next = true;
            self.deploy_tasks(resource, &mut jm, None);
        }
        let job = self.resources[resource].job.clone();
        self.say(|| format!("job {resource} is up as {job}"));
        self.resources[resource].job_manager = Some(jm);
        self.resources[resource].stage = Stage::Running;
    }

    /// From 1.15 on, every mode but CLAIM makes the recovered checkpoints nobody's to delete: the leak of each failover.
    fn recover_registry(&self, resource: usize, jm: &mut JobManager) {
        let of = &self.resources[resource];
        for snapshot in &jm.store {
            jm.registry.register_all(snapshot);
            let foreign = snapshot.job != of.job;
            if of.claim != ClaimMode::Claim && (foreign || of.setup.version != Version::V1_14) {
                let highest = &mut jm.registry.highest_not_claimed;
                *highest = snapshot.id.max(*highest);
            }
            if foreign && of.claim != ClaimMode::Claim {
                jm.unclaimed.insert(snapshot.directory.clone());
            } else if foreign {
                jm.claimed.insert(snapshot.directory.clone());
            }
        }
    }

    fn restore(&mut self, resource: usize, jm: &mut JobManager, root: &Arc<Snapshot>) {
        let claim = self.resources[resource].claim;
        self.say(|| format!("job {resource} restores {} ({claim:?})", root.directory));
        if claim != ClaimMode::NoClaim {
            jm.registry.register_all(root);
        }
        if claim == ClaimMode::Claim {
            jm.claimed.insert(root.directory.clone());
        } else {
            jm.registry.highest_not_claimed = root.id;
            jm.unclaimed.insert(root.directory.clone());
        }
        jm.full_next = claim == ClaimMode::NoClaim;
        jm.counter = root.id + 1;
        if let Some(map) = self.resources[resource].map.as_mut() {
            map.put(root);
            if self.choices.one_in(40) {
                // Killed in between: the counter stays behind the entry.
                self.say(|| "flink: dies before it sets the counter".to_owned());
            } else {
                map.counter = root.id + 1;
            }
        }
        jm.store.push(Arc::clone(root));
        jm.restored = Some(Arc::clone(root));
        self.deploy_tasks(resource, jm, Some(root));
    }

    pub(super) fn deploy_tasks(
        &mut self,
        resource: usize,
        jm: &mut JobManager,
        from: Option<&Snapshot>,
    ) {
        let rescaled = self.choices.one_in(6);
        let of = &self.resources[resource];
        let in_place =
            |snapshot: &Snapshot| snapshot.job == of.job || of.claim != ClaimMode::NoClaim;
        let may_reuse =
            |snapshot: &&Snapshot| !rescaled && !snapshot.savepoint && in_place(snapshot);
        let base = from.filter(may_reuse).map(|snapshot| snapshot.id);
        let holds = from.is_some_and(|snapshot| in_place(snapshot) && !snapshot.savepoint);
        let backend = of.setup.backend;
        let none = BTreeMap::new();
        let (now, count) = (self.now(), jm.tasks.len());
        jm.tasks = (0..count)
            .map(|task| {
                let files = from.and_then(|snapshot| snapshot.tasks.get(task));
                let files: &BTreeMap<u64, Data> = files.unwrap_or(&none);
                let old = jm.tasks.get(task).map_or(0, |task| task.backend);
                let fresh = u64::try_from(now).unwrap_or(0) * 2 + task as u64;
                let database = if rescaled || old == 0 { fresh } else { old };
                let mut restored = Task::restored(files, base, database);
                if holds && matches!(backend, Backend::Changelog | Backend::ForSt) {
                    restored.held = files.clone();
                }
                restored
            })
            .collect();
        if backend == Backend::ForSt {
            // What is not read in place is copied.
            for task in 0..count {
                self.write_remotely(resource, jm, task);
            }
        }
    }
}
