//! Where chance alone comes too seldom: a history may lead its first jobs to a dangerous place.

use super::resource::{ClaimMode, Stage};
use super::setup::{Backend, Pace, Setup, Version};
use crate::choices::Choices;
use crate::world::{HOUR, World, minutes};
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Corner {
    Nowhere,
    /// Tasks take hours for a checkpoint, and nobody says for how long one may take.
    SlowTasks,
    /// 1.15 takes a new file for an old one of the same name (generation two, H7).
    Substitution,
    /// A job goes on with a checkpoint of another one that is gone for everybody else (H8).
    Descendant,
    /// The processes of suspended jobs are unseen and go on for a while.
    Lingering,
}

impl Corner {
    pub(crate) fn any(choices: &mut Choices) -> Self {
        match choices.below(10) {
            6 => Self::SlowTasks,
            7 => Self::Substitution,
            8 => Self::Descendant,
            9 => Self::Lingering,
            _ => Self::Nowhere,
        }
    }

    /// How many resources it takes.
    pub(crate) fn resources(self) -> usize {
        if self == Self::Descendant { 2 } else { 1 }
    }

    /// How much happens at most between two runs of ours.
    pub(crate) fn steps(self) -> u32 {
        match self {
            Self::Substitution | Self::Lingering => 24,
            Self::Nowhere | Self::SlowTasks | Self::Descendant => 120,
        }
    }
}

impl World {
    pub(super) fn set_up_corner(&mut self) {
        let plain = |setup: Setup| Setup {
            version: Version::V1_20,
            backend: Backend::RocksDb,
            high_availability: true,
            max_concurrent: 1,
            ..setup
        };
        let first = plain(self.resources[0].setup);
        match self.corner {
            Corner::Nowhere => return,
            Corner::SlowTasks => {
                self.trouble.busy = 3;
                self.resources[0].setup = Setup {
                    high_availability: self.choices.one_in(2),
                    timeout: 6 * HOUR,
                    pace: Pace::Slow,
                    ..first
                };
            }
            Corner::Substitution => {
                self.resources[0].setup = Setup {
                    version: Version::V1_15,
                    retained: 3,
                    ..first
                };
            }
            Corner::Descendant => {
                self.resources[0].setup = first;
                let second = &mut self.resources[1];
                second.visible = true;
                second.setup = Setup {
                    high_availability: false,
                    pace: Pace::Stuck,
                    ..plain(second.setup)
                };
            }
            Corner::Lingering => {
                // Without haste nobody meets them.
                (self.policy.grace_period, self.policy.min_age) = (minutes(0), minutes(0));
                self.trouble.lag = 0;
                self.resources[0].setup = Setup {
                    timeout: HOUR,
                    pace: Pace::Slow,
                    ..first
                };
            }
        }
        self.resources[0].setup.fixed_id = false;
    }

    /// One step on the way.
    pub(super) fn lead(&mut self) {
        match (self.corner, self.resources[0].stage) {
            (Corner::Substitution, Stage::Running) => self.lose_progress(0),
            (Corner::Descendant, Stage::Running) => self.descend(),
            (Corner::Lingering, Stage::Running) => self.suspend(0),
            (Corner::Lingering, Stage::Suspended) if self.choices.one_in(4) => self.resume(0),
            _ => self.progress(0),
        }
    }

    /// Tasks start again when the JobManager knows files of a checkpoint that will not be.
    fn lose_progress(&mut self, resource: usize) {
        let jm = self.resources[resource].job_manager.as_ref();
        let mut pending = jm.into_iter().flat_map(|jm| &jm.pending);
        if pending.any(|pending| pending.parts.iter().any(|part| part.acknowledged)) {
            self.with_job_manager(resource, |world, jm| world.kill_task_managers(resource, jm));
        } else {
            self.progress(resource);
        }
    }

    /// The second job starts from a checkpoint of the first, whose next JobManager lets its files lie.
    fn descend(&mut self) {
        let store = |jm: &super::JobManager| jm.store.last().cloned();
        let newest = self.resources[0].job_manager.as_ref().and_then(store);
        let Some(newest) = newest.filter(|newest| newest.resource == 0) else {
            return self.progress(0);
        };
        let second = &self.resources[1];
        let descends = second.root.as_ref().is_some_and(|root| root.resource == 0);
        if descends && second.job_manager.is_some() {
            if self.choices.one_in(3) {
                self.kill_job_manager(0);
            }
            return self.progress(0);
        }
        if !matches!(second.stage, Stage::Running | Stage::Starting) {
            return self.progress(1);
        }
        if !descends {
            self.kill_job_manager(1);
            self.become_new(1, Some(Arc::clone(&newest)));
            self.resources[1].claim = ClaimMode::NoClaim;
        }
        self.progress(1);
    }
}
