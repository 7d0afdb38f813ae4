//! How much of what nobody needs is freed in the end, and what keeps the rest.

use crate::operator::Told;
use crate::world::{World, location};
use flink_retention::engine::Report;
use retention::keep::{KeepReason, Verdict};
use retention::plan::{Decision, PlanEntry, Ripeness, Waiting};
use std::collections::{BTreeMap, HashMap};

/// Bytes by the kind of job, over one history or many.
#[derive(Clone, Debug, Default)]
pub struct Recall {
    pub kinds: BTreeMap<&'static str, Freed>,
}

/// Bytes of one kind of job.
#[derive(Clone, Debug, Default)]
pub struct Freed {
    pub freed: u64,
    /// What is left although nobody needs it, by the guard or the reason that keeps it.
    pub left: BTreeMap<String, u64>,
}

impl Freed {
    /// The freed share of all that nobody needed; none if there was nothing.
    #[must_use]
    pub fn percent(&self) -> Option<u64> {
        let left: u64 = self.left.values().sum();
        (self.freed * 100).checked_div(self.freed + left)
    }
}

impl Recall {
    pub fn add(&mut self, other: Self) {
        for (kind, freed) in other.kinds {
            let of = self.kinds.entry(kind).or_default();
            of.freed += freed.freed;
            for (why, bytes) in freed.left {
                *of.left.entry(why).or_default() += bytes;
            }
        }
    }

    pub(crate) fn of(&mut self, kind: &'static str) -> &mut Freed {
        self.kinds.entry(kind).or_default()
    }

    /// What is left in the directories of known jobs after the last run.
    pub(crate) fn account(world: &mut World, last: &Report) {
        let wanted = world.wanted();
        let nothing = Told::default();
        let plan: HashMap<String, &PlanEntry> = last
            .plan
            .entries
            .iter()
            .filter_map(|entry| {
                let at = last.inventory.location(entry.base, &entry.path)?;
                Some((at.to_string(), entry))
            })
            .collect();
        let mut left = Vec::new();
        for (path, file) in &world.disk {
            let kept = world.untouchable(path, world.now()).is_some()
                || world.is_needed(path, &nothing)
                || wanted.names(world, path);
            if kept {
                continue;
            }
            let entry = plan.get(&location(path).to_string());
            let why = match entry.map(|entry| (&entry.decision, &entry.ripeness)) {
                None => named_by(world, last, path),
                Some((Decision::Keep(why), _)) => why.clone(),
                Some((Decision::Protected(protection), _)) => protection.guard.to_string(),
                Some((_, Ripeness::Waiting(waiting))) => {
                    format!("waits: {}", kind_of(waiting))
                }
                Some((_, Ripeness::Ripe | Ripeness::NotApplicable)) => "ripe".to_owned(),
            };
            left.push((world.kind_of(path), why, file.size));
        }
        for (kind, why, bytes) in left {
            *world.recall.of(kind).left.entry(why).or_default() += bytes;
        }
    }
}

impl World {
    /// What the job is whose file this is.
    pub(crate) fn kind_of(&self, path: &str) -> &'static str {
        let job = path.split('/').nth(1).unwrap_or_default();
        let owner = self.resources.iter().find(|known| known.has_had(job));
        owner.map_or("savepoints", |owner| owner.setup.kind())
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
    let naming = world
        .snapshots
        .iter()
        .rev()
        .find(|snapshot| world.has(&snapshot.metadata()) && snapshot.names(path));
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
