//! How much of what nobody needs is freed in the end, and what keeps the rest.

use crate::world::{BASE, World, location};
use flink_retention::engine::Report;
use retention::keep::{KeepReason, Verdict};
use retention::plan::{Decision, Ripeness, Waiting};
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
                None => named_by(world, last, path),
                Some((Decision::Keep(why), _)) => why.clone(),
                Some((Decision::Protected(protection), _)) => protection.guard.to_string(),
                Some((_, Ripeness::Waiting(waiting))) => {
                    format!("waits: {}", kind_of(waiting))
                }
                Some((_, Ripeness::Ripe | Ripeness::NotApplicable)) => "ripe".to_owned(),
            };
            *left.entry(why).or_default() += bytes;
        }
        world.recall.left = left;
    }
}

fn kind_of(waiting: &Waiting) -> &'static str {
    match waiting {
        Waiting::Mark => "mark",
        Waiting::Age { .. } => "age",
        Waiting::Grace { .. } => "grace",
        Waiting::Quiet { .. } => "quiet",
        Waiting::Counter => "counter",
        Waiting::Witness { .. } => "witness",
        Waiting::Settle { .. } => "settle",
        Waiting::Approval => "approval",
    }
}

/// Why the snapshot stays that names a file.
fn named_by(world: &World, last: &Report, path: &str) -> String {
    let naming = world.snapshots.iter().rev().find(|snapshot| {
        world.has(&snapshot.metadata()) && snapshot.paths().any(|named| named == path)
    });
    let Some(snapshot) = naming else {
        return "named by high-availability data".to_owned();
    };
    let at = location(&snapshot.directory);
    let entry = last.plan.snapshots.iter().find(|entry| {
        let known = last.inventory.snapshots.get(entry.snapshot);
        known.is_some_and(|known| known.location == at)
    });
    match entry.map(|entry| &entry.verdict) {
        Some(Verdict::Keep(reasons)) => {
            let words: Vec<&str> = reasons.iter().map(KeepReason::word).collect();
            format!("named by a snapshot that stays: {}", words.join(", "))
        }
        Some(Verdict::Expire) => "named by a snapshot that went in the last run".to_owned(),
        None => "named by a snapshot that came after the last run".to_owned(),
    }
}
