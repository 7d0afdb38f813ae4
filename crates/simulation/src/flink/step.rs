//! What happens next in a job: mostly progress, now and then trouble.

use super::corner::Corner;
use super::job_manager::{Chore, JobManager, Pending};
use super::resource::Stage;
use super::setup::Pace;
use super::task::Part;
use crate::world::{HOUR, MINUTE, SECOND, World};

impl World {
    /// Time passes, and perhaps something happens.
    pub(crate) fn happen(&mut self, time: i64) {
        self.pass(time);
        self.expire();
        if self.corner != Corner::Nowhere && self.choices.one_in(10) {
            return self.lead();
        }
        let resource = self.choices.index(self.resources.len());
        match self.choices.below(40) {
            0 => {}
            1..=29 => self.progress(resource),
            30..=37 => self.complete(resource),
            _ => self.misfortune(resource),
        }
    }

    /// A moment within a run of ours.
    pub(crate) fn moment(&mut self) {
        let time = match self.choices.below(32) {
            0..=27 => SECOND / 10,
            28..=29 => 5 * SECOND,
            30 => 40 * SECOND,
            _ => 5 * MINUTE,
        };
        self.happen(time);
    }

    /// A while between runs of ours.
    pub(crate) fn while_(&mut self) {
        let time = match self.choices.below(64) {
            0..=55 => SECOND,
            56..=60 => 40 * SECOND,
            61..=62 => 11 * MINUTE,
            _ => 3 * HOUR,
        };
        self.happen(time);
    }

    /// No checkpoint is pending for longer than its timeout.
    fn expire(&mut self) {
        let now = self.now();
        for resource in 0..self.resources.len() {
            let lingers = self.resources[resource].job_manager.as_ref();
            let lingers = lingers.and_then(|jm| jm.lingers);
            if lingers.is_some_and(|until| until < now) {
                self.kill_job_manager(resource);
            }
            let timeout = self.resources[resource].setup.timeout;
            self.with_job_manager(resource, |world, jm| {
                let expired = |known: &Pending| now - known.triggered > timeout;
                while let Some(position) = jm.pending.iter().position(expired) {
                    let pending = jm.pending.remove(position);
                    world.fail(resource, jm, pending);
                }
            });
        }
    }

    pub(super) fn with_job_manager(
        &mut self,
        resource: usize,
        then: impl FnOnce(&mut Self, &mut JobManager),
    ) {
        if let Some(mut jm) = self.resources[resource].job_manager.take() {
            then(self, &mut jm);
            self.resources[resource].job_manager = Some(jm);
        }
    }

    pub(super) fn progress(&mut self, resource: usize) {
        if self.resources[resource].job_manager.is_none() {
            match self.resources[resource].stage {
                Stage::Starting | Stage::Running => self.start(resource),
                Stage::Suspended | Stage::Terminal(_) | Stage::Deleting | Stage::Gone => {}
            }
            return;
        }
        self.with_job_manager(resource, |world, jm| {
            if jm.over.is_some() || world.choices.one_in(4) {
                return world.chore(resource, jm);
            }
            if jm.pending.is_empty() || world.choices.one_in(8) {
                world.live_on(resource, jm);
                return world.trigger(resource, jm, false);
            }
            let position = world.choices.index(jm.pending.len());
            if world.gets_on(resource) {
                world.advance(resource, jm, position);
            }
        });
        if self.choices.one_in(60) {
            self.save_map(resource);
        }
    }

    /// Whether its tasks do something now.
    fn gets_on(&mut self, resource: usize) -> bool {
        match self.resources[resource].setup.pace {
            Pace::Usual => true,
            Pace::Slow => self.choices.one_in(3),
            Pace::Stuck => false,
        }
    }

    /// A whole checkpoint without anything in between.
    fn complete(&mut self, resource: usize) {
        if self.resources[resource].setup.pace != Pace::Usual {
            return self.progress(resource);
        }
        self.with_job_manager(resource, |world, jm| {
            if jm.over.is_none() {
                world.complete_one(resource, jm);
            }
        });
    }

    fn complete_one(&mut self, resource: usize, jm: &mut JobManager) {
        if jm.pending.is_empty() {
            self.live_on(resource, jm);
            self.trigger(resource, jm, false);
        }
        let count = jm.pending.len();
        while count > 0 && jm.pending.len() == count {
            self.advance(resource, jm, count - 1);
        }
        // Most of the time its tasks hear of it before the next one.
        if !self.choices.one_in(6) {
            for (task, id) in std::mem::take(&mut jm.notices) {
                if let Some(task) = jm.tasks.get_mut(task) {
                    task.confirm(id);
                }
            }
        }
    }

    /// Something asynchronous: a confirmation arrives, a late task goes on, a deletion is carried out, or gets lost.
    fn chore(&mut self, resource: usize, jm: &mut JobManager) {
        let kind = self.choices.below(3);
        if kind == 1 && !jm.notices.is_empty() {
            let (task, id) = jm.notices.swap_remove(self.choices.index(jm.notices.len()));
            let lost = self.choices.one_in(10);
            if let Some(task) = jm.tasks.get_mut(task).filter(|_| !lost) {
                task.confirm(id);
            }
        } else if kind == 2 && !jm.late.is_empty() {
            self.late(resource, jm);
        } else if !jm.queue.is_empty() {
            let chore = jm.queue.swap_remove(self.choices.index(jm.queue.len()));
            let lost = self.choices.one_in(200);
            self.carry_out(resource, &chore, lost);
        }
    }

    fn late(&mut self, resource: usize, jm: &mut JobManager) {
        let position = self.choices.index(jm.late.len());
        let mut pending = jm.late.swap_remove(position);
        let open = |part: &Part| part.taken && !part.acknowledged;
        let Some(part) = pending.parts.iter().position(open) else {
            return;
        };
        self.work_on(resource, jm, &mut pending, part);
        jm.forget(pending.id);
        if pending.parts[part].acknowledged {
            // The JobManager keeps what is shared, and discards what is private.
            let private = pending.parts[part].exclusive.iter();
            jm.queue
                .extend(private.map(|file| Chore::Delete(file.path.clone())));
        }
        jm.late.push(pending);
    }

    pub(super) fn carry_out(&mut self, resource: usize, chore: &Chore, lost: bool) {
        if lost {
            return self.say(|| format!("flink: loses {chore:?}"));
        }
        match chore {
            Chore::Delete(path) => {
                self.say(|| format!("flink: deletes {path}"));
                self.remove(path);
            }
            Chore::RemoveDirectory(path) => {
                if self.below(path).is_empty() {
                    self.remove(path);
                }
            }
            Chore::RemoveEntry(id) => {
                if let Some(map) = self.resources[resource].map.as_mut() {
                    map.entries.retain(|entry| entry.id != *id || !entry.marked);
                }
            }
        }
    }

    /// In peace: whatever is to run runs, and completes some checkpoints; chores are done.
    pub(crate) fn complete_some(&mut self, resource: usize) {
        self.expire();
        match self.resources[resource].stage {
            Stage::Starting | Stage::Running => {
                if self.resources[resource].job_manager.is_none() {
                    self.start(resource);
                }
            }
            Stage::Terminal(_) => {
                self.resources[resource].map = None;
                return self.exit(resource);
            }
            Stage::Deleting => return self.delete(resource),
            Stage::Suspended | Stage::Gone => return,
        }
        // In the end everything gets on.
        self.resources[resource].setup.pace = Pace::Usual;
        self.with_job_manager(resource, |world, jm| {
            for _ in 0..3 {
                world.complete_one(resource, jm);
                world.finish_chores(resource, jm);
                world.pass(MINUTE);
            }
        });
    }
}
