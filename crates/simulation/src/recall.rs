//! How much of what nobody needs is freed in the end, and what keeps the rest.

use crate::world::{BASE, World};
use flink_retention::engine::Report;
use retention::plan::{Decision, Ripeness};
use std::collections::BTreeMap;

/// Bytes, over one history or many.
#[derive(Clone, Debug, Default)]
pub struct Recall {
    pub freed: u64,
    /// What is left although nobody needs it, by the guard or the reason that keeps it.
    pub left: BTreeMap<String, u64>,
}

impl Recall {
    /// The freed share of all that nobody needed; none if there was nothing.
    #[must_use]
    pub fn percent(&self) -> Option<u64> {
        let left: u64 = self.left.values().sum();
        (self.freed * 100).checked_div(self.freed + left)
    }

    pub fn add(&mut self, other: &Self) {
        self.freed += other.freed;
        for (why, bytes) in &other.left {
            *self.left.entry(why.clone()).or_default() += bytes;
        }
    }

    /// What is left in the directories of known plain jobs after the last run.
    pub(crate) fn account(world: &mut World, last: &Report) {
        let mut needed = world.needed();
        needed.extend(world.wanted());
        let mut left = BTreeMap::new();
        for (path, &bytes) in &world.disk {
            let in_base = path
                .strip_prefix(BASE)
                .map(|path| path.trim_start_matches('/'));
            let Some(in_base) = in_base.filter(|_| !needed.contains(path)) else {
                continue;
            };
            if world.untouchable(path).is_some() {
                continue;
            }
            let entry = last
                .plan
                .entries
                .iter()
                .find(|known| *known.path == *in_base);
            let why = match entry.map(|entry| (&entry.decision, &entry.ripeness)) {
                None => "named by a snapshot".to_owned(),
                Some((Decision::Keep(why), _)) => why.clone(),
                Some((Decision::Protected(protection), _)) => protection.guard.to_string(),
                Some((_, Ripeness::Waiting(waiting))) => {
                    waiting.to_string().chars().take(12).collect()
                }
                Some((_, Ripeness::Ripe | Ripeness::NotApplicable)) => "ripe".to_owned(),
            };
            *left.entry(why).or_default() += bytes;
        }
        world.recall.left = left;
    }
}
