//! How much of what nobody needs is freed in the end, and what keeps the rest.

use crate::operator::Told;
use crate::world::{World, in_job_directory, location};
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
            let why = match entry {
                None => named_by(world, last, &plan, path),
                Some(entry) => why_left(entry),
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
        let job = in_job_directory(path).map_or("", |(_, job, _)| job);
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

fn why_left(entry: &PlanEntry) -> String {
    match (&entry.decision, &entry.ripeness) {
        (Decision::Keep(_), _) => "unreadable-snapshot".to_owned(),
        (Decision::Protected(protection), _) => protection.guard.to_string(),
        (_, Ripeness::Waiting(waiting)) => format!("waits: {}", kind_of(waiting)),
        (_, Ripeness::Ripe | Ripeness::NotApplicable) => "ripe".to_owned(),
    }
}

/// Why the snapshot stays that names a file.
fn named_by(
    world: &World,
    last: &Report,
    plan: &HashMap<String, &PlanEntry>,
    path: &str,
) -> String {
    let mut naming = world.snapshots.iter().rev();
    let naming = naming.find(|snapshot| world.has(&snapshot.metadata()) && snapshot.names(path));
    let Some(snapshot) = naming else {
        return "named by high-availability data".to_owned();
    };
    let at = location(&snapshot.directory);
    let entry = last.plan.snapshots.iter().find(|entry| {
        let known = last.inventory.snapshots.get(entry.snapshot);
        known.is_some_and(|known| known.location == at && known.place.is_some())
    });
    let metadata = plan.get(&location(&snapshot.metadata()).to_string());
    match (entry.map(|entry| &entry.verdict), metadata) {
        (Some(Verdict::Keep(reasons)), _) => {
            let decisive = reasons.iter().min_by_key(|reason| rank(reason));
            let reason = decisive.map_or("nothing", KeepReason::word);
            format!("snapshot stays: {reason}")
        }
        (Some(Verdict::Expire), Some(metadata)) => {
            format!("snapshot stays: {}", why_left(metadata))
        }
        (Some(Verdict::Expire), None) => "snapshot went in the last run".to_owned(),
        (None, Some(metadata)) => format!("snapshot stays: {}", why_left(metadata)),
        (None, None) => "snapshot came after the last run".to_owned(),
    }
}

/// Of several reasons to keep a snapshot the one that says most: what it lacks, then whose it is, then the rules.
fn rank(reason: &KeepReason) -> u8 {
    match reason {
        KeepReason::NotRestorable => 0,
        KeepReason::UnusableTime => 1,
        KeepReason::Owner(_) => 2,
        KeepReason::DeletedJob => 3,
        KeepReason::FilesInUse => 4,
        KeepReason::ManagedByFlink => 5,
        KeepReason::NamedBy(_) => 6,
        KeepReason::AwaitsSuccessor => 7,
        KeepReason::NewestRestorable => 8,
        KeepReason::Pinned | KeepReason::ByHand => 9,
        KeepReason::KeepLast
        | KeepReason::KeepWithin
        | KeepReason::KeepEach(_)
        | KeepReason::NoRule => 10,
    }
}
