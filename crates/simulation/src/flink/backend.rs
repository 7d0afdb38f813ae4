//! What the backends do beside checkpoints: compaction, materialization, merged files, a remote database.

use super::job_manager::{Chore, JobManager, Pending};
use super::setup::Backend;
use super::snapshot::{Data, Sst};
use super::task::{Part, Task};
use crate::world::World;
use std::collections::BTreeSet;

impl World {
    /// Compactions replace files, and new ones appear.
    pub(super) fn live_on(&mut self, resource: usize, jm: &mut JobManager) {
        let backend = self.resources[resource].setup.backend;
        for position in 0..jm.tasks.len() {
            match backend {
                Backend::HashMap => {}
                Backend::RocksDb | Backend::Merging => {
                    self.compact(&mut jm.tasks[position]);
                }
                Backend::Changelog => self.change(resource, jm, position),
                Backend::ForSt => self.compact_remotely(resource, jm, position),
            }
        }
    }

    fn compact(&mut self, task: &mut Task) -> Vec<Sst> {
        for _ in 0..=self.choices.below(2) {
            let size = 1 + u64::from(self.choices.below(90));
            task.add(size);
        }
        let mut dead = Vec::new();
        while task.live.len() > 4 || (task.live.len() > 1 && self.choices.one_in(3)) {
            let position = self.choices.index(task.live.len());
            let sst = task.live.keys().nth(position).copied();
            task.live.retain(|&known, _| Some(known) != sst);
            dead.extend(sst);
        }
        dead
    }

    /// Increments grow until everything is materialized into one file, which takes the place of all of them.
    fn change(&mut self, resource: usize, jm: &mut JobManager, position: usize) {
        let size = 1 + u64::from(self.choices.below(40));
        let before = jm.tasks[position].add(size);
        if self.choices.one_in(6) {
            // Uploaded ahead of any checkpoint.
            self.upload_change(resource, &mut jm.tasks[position], before, size);
        }
        if !self.choices.one_in(5) {
            return;
        }
        let home = self.resources[resource].home();
        let path = format!("{home}/taskowned/{}", self.uuid());
        self.write_data(&path, 30);
        let task = &mut jm.tasks[position];
        task.live.clear();
        let materialized = task.add(30);
        let truncated = std::mem::take(&mut task.held);
        task.held.insert(materialized, Data { path, size: 30 });
        let unconfirmed = truncated
            .into_values()
            .filter(|file| !jm.registry.knows(&file.path));
        let of_pending = |file: &Data| jm.pending.iter().chain(&jm.late).any(|p| p.names(file));
        let chores: Vec<Chore> = unconfirmed
            .filter(|file| !of_pending(file) && file.path.starts_with(&home))
            .map(|file| Chore::Delete(file.path))
            .collect();
        jm.queue.extend(chores);
    }

    pub(super) fn upload_change(
        &mut self,
        resource: usize,
        task: &mut Task,
        sst: Sst,
        size: u64,
    ) -> Data {
        let home = self.resources[resource].home();
        let path = format!("{home}/dstl/{}", self.uuid());
        self.write_data(&path, size);
        let data = Data { path, size };
        task.held.insert(sst, data.clone());
        data
    }

    /// Files of a remote database are written at once; those that no checkpoint has had are the database's to delete.
    fn compact_remotely(&mut self, resource: usize, jm: &mut JobManager, position: usize) {
        let dead = self.compact(&mut jm.tasks[position]);
        self.write_remotely(resource, jm, position);
        let task = &mut jm.tasks[position];
        for sst in dead {
            // Whoever reads a file of another job in place may have it open for longer.
            let foreign = |file: &Data| !task.merged.contains(&file.path);
            if task.held.get(&sst).is_some_and(foreign) && self.choices.one_in(2) {
                continue;
            }
            let Some(file) = task.held.remove(&sst) else {
                continue;
            };
            let handed = jm.registry.knows(&file.path)
                || jm.pending.iter().chain(&jm.late).any(|p| p.names(&file))
                || jm.store.iter().any(|snapshot| snapshot.names(&file.path));
            if !handed && task.merged.contains(&file.path) {
                jm.queue.push(Chore::Delete(file.path));
            }
        }
    }

    /// Whatever is live and not held yet.
    pub(super) fn write_remotely(&mut self, resource: usize, jm: &mut JobManager, position: usize) {
        let home = self.resources[resource].home();
        let task = &mut jm.tasks[position];
        for (&sst, &size) in &task.live {
            if !task.held.contains_key(&sst) {
                let attempt = jm.started % 7;
                let name = self.uuid();
                let path = format!("{home}/shared/op_map_{position}_attempt_{attempt}/db/{name}");
                self.write_data(&path, size);
                task.merged.insert(path.clone());
                task.held.insert(sst, Data { path, size });
            }
        }
    }

    /// A segment at the end of the open merged file of a task, which is now and then closed.
    pub(super) fn append(
        &mut self,
        resource: usize,
        jm: &mut JobManager,
        task: usize,
        size: u64,
    ) -> Data {
        let of = &self.resources[resource];
        let directory = format!("{}/shared/job_{}_op_map_{task}_2", of.home(), of.job);
        let open = jm.tasks.get_mut(task).and_then(|task| task.open.take());
        let open = open.filter(|open| self.has(&open.path));
        let before = open.unwrap_or_else(|| Data {
            path: format!("{directory}/{}", self.uuid()),
            size: 0,
        });
        let data = Data {
            size: before.size + size,
            path: before.path,
        };
        self.write_data(&data.path, data.size);
        let closes = self.choices.one_in(4);
        if let Some(task) = jm.tasks.get_mut(task) {
            task.merged.insert(data.path.clone());
            task.open = Some(data.clone()).filter(|_| !closes);
        }
        data
    }

    /// The private state of a part, in the file of the TaskManager.
    pub(super) fn merge_private(
        &mut self,
        resource: usize,
        jm: &mut JobManager,
        part: &Part,
    ) -> String {
        let of = &self.resources[resource];
        let directory = format!(
            "{}/taskowned/job_{}_tm_{}",
            of.home(),
            of.job,
            jm.task_manager
        );
        let path = format!("{directory}/{}", self.uuid());
        if let Some(task) = jm.tasks.get_mut(part.task) {
            task.merged.insert(path.clone());
        }
        path
    }

    /// The TaskManager deletes its closed merged files when nothing has a segment of them any more.
    pub(super) fn release_merged(jm: &mut JobManager) {
        let mut gone = Vec::new();
        for task in &jm.tasks {
            let used = |path: &str| {
                task.open.as_ref().is_some_and(|open| open.path == path)
                    || task
                        .known
                        .values()
                        .flat_map(|files| files.values())
                        .any(|file| file.path == path)
                    || jm.store.iter().any(|snapshot| snapshot.names(path))
                    || jm
                        .pending
                        .iter()
                        .chain(&jm.late)
                        .any(|pending| pending.names_path(path))
            };
            gone.extend(task.merged.iter().filter(|path| !used(path)).cloned());
        }
        let gone: BTreeSet<String> = gone.into_iter().collect();
        for task in &mut jm.tasks {
            task.merged.retain(|path| !gone.contains(path));
        }
        jm.queue.extend(gone.into_iter().map(Chore::Delete));
    }
}

impl Pending {
    fn names(&self, file: &Data) -> bool {
        self.names_path(&file.path)
    }

    pub(super) fn names_path(&self, path: &str) -> bool {
        self.parts.iter().any(|part| {
            let files = part.files.values().chain(&part.exclusive);
            files.into_iter().any(|file| file.path == path)
        })
    }
}
