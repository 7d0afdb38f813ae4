use super::verdict::{expired_with_its_job, usable_time};
use super::{KeepReason, Made, SnapshotFacts, Succession};
use crate::owner::OwnerClass;
use crate::policy::Policy;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// How long a successor must have been restorable where no `keepWithin` says it.
const DEFAULT_SUCCESSION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A set of snapshots whose newest restorable one stays.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Group<'f> {
    /// The checkpoints of a resource. Savepoints do not stand in for them: whose these are is a conclusion.
    Checkpoints(&'f str),
    /// The checkpoints of a job directory, until another job has taken over.
    Directory(&'f str),
    /// All snapshots of a resource.
    Lineage(&'f str),
    /// All snapshots that a job made, until another has taken over; its name is unique within the resource.
    Job(&'f str, Option<crate::layout::JobId>),
}

/// The newest restorable snapshot of each lineage, and of each job until another has taken over; by time and
/// by number. Of several that are equally new, all.
pub(super) fn newest_restorable(
    facts: &[SnapshotFacts],
    policy: &Policy,
    now: Timestamp,
) -> BTreeMap<usize, KeepReason> {
    let candidates = || {
        facts
            .iter()
            .enumerate()
            .filter(|(_, fact)| fact.is_restorable() && usable_time(fact.completed, policy, now))
            .filter(|(_, fact)| !expired_with_its_job(fact, policy, now))
    };
    let mut newest: BTreeMap<Group<'_>, Timestamp> = BTreeMap::new();
    for (_, fact) in candidates() {
        for group in all_groups(fact) {
            let best = newest.entry(group).or_insert(fact.completed);
            *best = fact.completed.max(*best);
        }
    }
    let mut reasons = BTreeMap::new();
    for (position, fact) in candidates() {
        let pending = !taken_over(fact.succession, policy, now);
        for group in all_groups(fact) {
            let of_job = matches!(group, Group::Directory(_) | Group::Job(_, _));
            let of_savepoints = match &group {
                Group::Checkpoints(_) | Group::Directory(_) => false,
                Group::Lineage(_) | Group::Job(_, _) => true,
            };
            // The groups of checkpoints say it for these.
            let speaks = (fact.made == Made::Savepoint) == of_savepoints;
            let counts = speaks && (pending || !of_job);
            if !counts || newest.get(&group) != Some(&fact.completed) {
                continue;
            }
            let former = fact.succession != Succession::NotNeeded;
            let reason = if former && of_job {
                KeepReason::AwaitsSuccessor
            } else {
                KeepReason::NewestRestorable
            };
            reasons.entry(position).or_insert(reason);
        }
    }
    for position in
        highest(candidates().filter(|(_, fact)| !taken_over(fact.succession, policy, now)))
    {
        reasons
            .entry(position)
            .or_insert(KeepReason::NewestRestorable);
    }
    reasons
}

/// The checkpoint with the highest number of each job directory in which no job runs, and the savepoint whose number is
/// the highest of all snapshots of a job that does not run. Whoever copies them to another store gives their files new
/// times, in any order: then only numbers tell which one was the last. Of a job that runs, Flink says that.
fn highest<'f>(
    candidates: impl Iterator<Item = (usize, &'f SnapshotFacts)> + Clone,
) -> impl Iterator<Item = usize> {
    let over = candidates.filter(|(_, fact)| fact.class != OwnerClass::Running);
    let mut highest: BTreeMap<Group<'_>, u64> = BTreeMap::new();
    for (_, fact) in over.clone() {
        for group in all_groups(fact) {
            let known = highest.entry(group).or_default();
            *known = fact.checkpoint_id.max(*known);
        }
    }
    over.filter(move |(_, fact)| {
        let group = match fact.made {
            Made::Checkpoint => Group::Directory(&fact.directory),
            Made::Savepoint => Group::Job(&fact.lineage, fact.job_id),
            Made::ByHand => return false,
        };
        highest.get(&group) == Some(&fact.checkpoint_id)
    })
    .map(|(position, _)| position)
}

/// Every group that a snapshot can be the newest of.
fn all_groups(fact: &SnapshotFacts) -> impl Iterator<Item = Group<'_>> {
    let (checkpoints, directory) = match fact.made {
        Made::Checkpoint => (
            Some(Group::Checkpoints(&fact.lineage)),
            Some(Group::Directory(&fact.directory)),
        ),
        Made::Savepoint | Made::ByHand => (None, None),
    };
    // What a person copied is no newer state of the job.
    let all = match fact.made {
        Made::Checkpoint | Made::Savepoint => [
            Some(Group::Lineage(fact.lineage.as_str())),
            Some(Group::Job(&fact.lineage, fact.job_id)),
        ],
        Made::ByHand => [None, None],
    };
    checkpoints
        .into_iter()
        .chain(directory)
        .chain(all.into_iter().flatten())
}

fn taken_over(succession: Succession, policy: &Policy, now: Timestamp) -> bool {
    let needed = policy
        .checkpoints
        .and_then(|rules| rules.keep_within)
        .unwrap_or(DEFAULT_SUCCESSION);
    match succession {
        Succession::NotNeeded | Succession::NotYet => false,
        Succession::Since(since) => now.duration_since(since) >= needed,
    }
}
