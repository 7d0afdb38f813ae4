//! Accidents and operations of jobs (storage life cycle 7).

use super::job_manager::JobManager;
use super::resource::Stage;
use super::setup::Version;
use crate::world::World;
use std::sync::Arc;

impl World {
    /// Something that is no checkpoint: failures, operations, users.
    pub(super) fn misfortune(&mut self, resource: usize) {
        match (self.choices.below(20), self.resources[resource].stage) {
            (0, _) => {}
            (1..=4, Stage::Running) => self.kill_job_manager(resource),
            (5, Stage::Running) => self.with_job_manager(resource, |world, jm| {
                world.kill_task_managers(resource, jm);
            }),
            (6 | 7, Stage::Running) => self.with_job_manager(resource, |world, jm| {
                if let Some(pending) = jm.pending.pop() {
                    world.fail(resource, jm, pending);
                }
            }),
            (8 | 9, Stage::Running) => {
                self.with_job_manager(resource, |world, jm| world.trigger(resource, jm, true));
            }
            (10, Stage::Running) => self.suspend(resource),
            (11 | 12, Stage::Running) => self.end(resource),
            (13 | 14, Stage::Running) => self.upgrade(resource),
            (15, Stage::Running) => self.turn_back(resource),
            (17, Stage::Running) => self.forget_start(resource),
            (18, Stage::Running) => self.choose_base(resource),
            (16, Stage::Running | Stage::Suspended | Stage::Terminal(_)) | (_, Stage::Deleting) => {
                self.delete(resource);
            }
            (1..=9, Stage::Suspended) => self.resume(resource),
            (_, Stage::Terminal(_)) => {
                if self.resources[resource].job_manager.is_some() {
                    self.exit(resource);
                } else {
                    self.replace(resource);
                }
            }
            (1..=4, Stage::Gone) => self.recreate(resource),
            _ => {}
        }
    }

    pub(crate) fn kill_job_manager(&mut self, resource: usize) {
        let Some(jm) = self.resources[resource].job_manager.take() else {
            return;
        };
        self.say(|| format!("job {resource}: its JobManager is killed"));
        let old = self.resources[resource].setup.version == Version::V1_14;
        let frequency = self.trouble.torn / if old { 4 } else { 1 };
        for pending in &jm.pending {
            let complete = pending.parts.iter().all(|part| part.acknowledged);
            let writing = complete && pending.written.is_none();
            let metadata = format!("{}/_metadata", pending.directory);
            if writing && frequency > 0 && self.choices.one_in(frequency) && !self.has(&metadata) {
                self.say(|| format!("flink: {metadata} is torn"));
                self.write(&metadata, vec![0x49, 0x60, 0x67]);
            }
        }
    }

    /// All tasks start again from the newest checkpoint, or anew; what was pending is aborted, its files stay.
    pub(super) fn kill_task_managers(&mut self, resource: usize, jm: &mut JobManager) {
        self.say(|| "a TaskManager is killed".to_owned());
        while let Some(pending) = jm.pending.pop() {
            self.fail(resource, jm, pending);
        }
        jm.late.clear();
        jm.notices.clear();
        jm.task_manager = self.uuid();
        let newest = jm.store.last().cloned();
        if let Some(newest) = &newest {
            jm.restored = Some(Arc::clone(newest));
            jm.restored_at = self.now();
        }
        self.deploy_tasks(resource, jm, newest.as_deref());
    }
}
