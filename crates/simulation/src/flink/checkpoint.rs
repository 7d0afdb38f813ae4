//! One checkpoint or savepoint from trigger to acknowledgement (storage life cycle 3.1), in steps that others come between.

use super::job_manager::{Chore, JobManager, Pending, Statistic, Status};
use super::setup::{Backend, Version};
use super::snapshot::Data;
use super::task::Part;
use crate::world::{SAVEPOINTS, World};

impl World {
    /// The id comes from the counter before anything else happens.
    pub(super) fn trigger(&mut self, resource: usize, jm: &mut JobManager, savepoint: bool) {
        let now = self.now();
        let name = self.uuid();
        let of = &mut self.resources[resource];
        let pending = jm.pending.iter().filter(|known| !known.savepoint).count();
        if !savepoint && pending >= of.setup.max_concurrent {
            return;
        }
        let counter = match of.map.as_mut() {
            Some(map) => &mut map.counter,
            None if of.setup.high_availability => return,
            None => &mut jm.counter,
        };
        let id = *counter;
        *counter += 1;
        let home = of.home();
        let directory = if savepoint {
            format!("{SAVEPOINTS}/savepoint-{}-{}", &of.job[..6], &name[24..])
        } else {
            format!("{home}/chk-{id}")
        };
        for made in [
            &format!("{home}/shared"),
            &format!("{home}/taskowned"),
            &directory,
        ] {
            self.make_directory(made);
        }
        jm.statistics.push(Statistic {
            id,
            directory: directory.clone(),
            savepoint,
            triggered: now,
            status: Status::InProgress,
        });
        self.say(|| format!("flink: {directory} is triggered"));
        let part = |task| Part {
            task,
            ..Part::default()
        };
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
                    self.fail(resource, jm, moving);
                }
            } else {
                self.take(resource, jm, position, part);
            }
        } else if pending.written.is_none() {
            self.write_metadata(resource, jm, position);
        } else {
            self.commit(resource, jm, position);
        }
    }

    /// What is live now goes into the checkpoint: what the base has is re-used, all else is uploaded.
    fn take(&mut self, resource: usize, jm: &mut JobManager, position: usize, part: usize) {
        let backend = self.resources[resource].setup.backend;
        let pending = &mut jm.pending[position];
        let part = &mut pending.parts[part];
        part.taken = true;
        let Some(task) = jm.tasks.get(part.task) else {
            return;
        };
        part.backend = task.backend;
        if !pending.savepoint {
            let files: Vec<(u64, &Data)> = match backend {
                Backend::Changelog | Backend::ForSt => {
                    let live = task.held.iter();
                    live.filter(|(sst, _)| task.live.contains_key(sst))
                        .map(|(&sst, file)| (sst, file))
                        .collect()
                }
                _ if jm.full_next => Vec::new(),
                Backend::HashMap | Backend::RocksDb | Backend::Merging => task.base().collect(),
            };
            part.files = files
                .into_iter()
                .map(|(sst, file)| (sst, file.clone()))
                .collect();
            // The others send whole handles, and no placeholders.
            if !matches!(backend, Backend::Changelog | Backend::ForSt) {
                part.reused = part.files.keys().copied().collect();
            }
        }
        part.to_upload = task
            .live
            .iter()
            .filter(|(sst, _)| !part.files.contains_key(sst))
            .map(|(&sst, &size)| (sst, size))
            .collect();
    }

    /// A task uploads a file or acknowledges. False if the JobManager cannot make sense of it.
    pub(super) fn work_on(
        &mut self,
        resource: usize,
        jm: &mut JobManager,
        pending: &mut Pending,
        part: usize,
    ) -> bool {
        let part = &mut pending.parts[part];
        if let Some((sst, size)) = part.to_upload.pop() {
            let into = pending.savepoint.then_some(pending.directory.as_str());
            let data = self.upload(resource, jm, part.task, (sst, size), into);
            self.say(|| format!("flink: task {} uploads {}", part.task, data.path));
            part.files.insert(sst, data);
            return true;
        }
        if part.exclusive.is_none() {
            let merged = self.resources[resource].setup.backend == Backend::Merging;
            let path = if merged && !pending.savepoint {
                self.merge_private(resource, jm, part)
            } else {
                format!("{}/{}", pending.directory, self.uuid())
            };
            self.write_data(&path, 7);
            part.exclusive = Some(Data { path, size: 7 });
            return true;
        }
        part.acknowledged = true;
        if pending.savepoint {
            return true;
        }
        if self.resources[resource].setup.version != Version::V1_14
            && !self.register(resource, jm, pending.id, part)
        {
            let directory = &pending.directory;
            self.say(|| format!("flink: {directory} names what is not registered"));
            return false;
        }
        if let Some(task) = jm.tasks.get_mut(part.task) {
            task.known.insert(pending.id, part.files.clone());
        }
        true
    }

    fn upload(
        &mut self,
        resource: usize,
        jm: &mut JobManager,
        task: usize,
        (sst, size): (u64, u64),
        into: Option<&str>,
    ) -> Data {
        let of = &self.resources[resource];
        let directory = match (into, of.setup.backend) {
            (None, Backend::Changelog) => {
                if let Some(task) = jm.tasks.get_mut(task) {
                    return self.upload_change(resource, task, sst, size);
                }
                format!("{}/dstl", of.home())
            }
            (None, Backend::Merging) => return self.append(resource, jm, task, size),
            (None, _) => format!("{}/shared", of.home()),
            (Some(savepoint), _) => savepoint.to_owned(),
        };
        let path = format!("{directory}/{}", self.uuid());
        self.write_data(&path, size);
        Data { path, size }
    }

    /// `SharedStateRegistry`: placeholders must be known, the rest becomes known.
    pub(super) fn register(
        &mut self,
        resource: usize,
        jm: &mut JobManager,
        checkpoint: u64,
        part: &mut Part,
    ) -> bool {
        if self.resources[resource].setup.version == Version::V1_15 {
            for (&sst, file) in &mut part.files {
                let resolved = jm.registry.resolve((part.backend, sst), file);
                if resolved.path != file.path {
                    if !part.reused.contains(&sst) {
                        jm.queue.push(Chore::Delete(file.path.clone()));
                    }
                    *file = resolved;
                }
            }
        }
        let known = part
            .files
            .iter()
            .all(|(sst, file)| !part.reused.contains(sst) || jm.registry.knows(&file.path));
        if known {
            for file in part.files.values() {
                jm.registry.register(&file.path, checkpoint);
            }
        }
        known
    }

    /// Expired, declined or failed: private files go with their directory, shared ones stay for now (from 1.15 on).
    pub(super) fn fail(&mut self, resource: usize, jm: &mut JobManager, pending: Pending) {
        self.say(|| format!("flink: {} is aborted", pending.directory));
        self.remove(&pending.directory);
        jm.set_status(pending.id, Status::Failed);
        jm.forget(pending.id);
        let setup = self.resources[resource].setup;
        if setup.version == Version::V1_14 && !pending.savepoint {
            for part in &pending.parts {
                let new = part.files.iter();
                let new = new.filter(|(sst, _)| !part.reused.contains(sst));
                jm.queue
                    .extend(new.map(|(_, file)| Chore::Delete(file.path.clone())));
            }
        }
        let under_way = |part: &Part| part.taken && !part.acknowledged;
        if pending.parts.iter().any(under_way) && self.choices.one_in(2) {
            jm.late.push(pending);
        }
    }
}

impl JobManager {
    /// Tasks never build on a checkpoint that did not complete.
    pub(super) fn forget(&mut self, id: u64) {
        for task in &mut self.tasks {
            task.known.remove(&id);
        }
    }
}
