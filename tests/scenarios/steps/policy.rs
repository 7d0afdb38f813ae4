//! What the runs are asked to do.

use super::{Done, Words, number};
use crate::state::{State, directory};
use crate::words::duration;
use retention::keep::{KeepRules, SavepointRules};
use retention::policy::Policy;
use retention::reference::DirectoryKey;

impl State {
    /// False if it is no step of this kind.
    pub(super) fn policy_step(&mut self, step: &Words<'_>) -> Result<bool, String> {
        let Words {
            head,
            options: _,
            text: _,
            block: _,
        } = step;
        let done: Done = match head.as_slice() {
            ["policy", name, value] => self.policy_field(name, value),
            ["scope", "all"] => {
                self.selected = None;
                Ok(())
            }
            ["scope", names @ ..] => {
                self.selected = Some(names.iter().map(|&name| name.to_owned()).collect());
                Ok(())
            }
            ["bases", paths @ ..] => {
                self.bases = paths.iter().map(|path| directory(path)).collect();
                Ok(())
            }
            _ => return Ok(false),
        };
        done.map(|()| true)
    }

    fn policy_field(&mut self, name: &str, value: &str) -> Done {
        let rules = |policy: &mut Policy| policy.checkpoints.unwrap_or_default();
        match name {
            "keepLast" => {
                let rules = KeepRules {
                    keep_last: Some(number(value)?),
                    ..rules(&mut self.policy)
                };
                self.policy.checkpoints = Some(rules);
            }
            "keepWithin" => {
                let rules = KeepRules {
                    keep_within: Some(duration(value)?),
                    ..rules(&mut self.policy)
                };
                self.policy.checkpoints = Some(rules);
            }
            "savepointsKeepLast" => self.savepoints().keep.keep_last = Some(number(value)?),
            "savepointsKeepWithin" => self.savepoints().keep.keep_within = Some(duration(value)?),
            "savepointsKeepDaily" => self.savepoints().keep_daily = Some(number(value)?),
            "unrestorable" => self.policy.unrestorable = Some(duration(value)?),
            "deletedJobs" => self.policy.deleted_jobs = Some(duration(value)?),
            "gracePeriod" => self.policy.grace_period = duration(value)?,
            "minAge" => self.policy.min_age = duration(value)?,
            "maxBytesPerRun" => self.policy.limits.max_bytes_per_run = Some(number(value)?),
            "pinned" => {
                let location = directory(value);
                self.policy.pinned.push(DirectoryKey::of(location.path()));
            }
            _ => return Err(format!("a policy has no {name}")),
        }
        Ok(())
    }

    fn savepoints(&mut self) -> &mut SavepointRules {
        self.policy.savepoints.get_or_insert_default()
    }
}
