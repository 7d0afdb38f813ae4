use super::verdict::usable_time;
use super::{KeepReason, KeepRules, Made, SavepointRules, SnapshotFacts};
use crate::policy::Policy;
use crate::reference::DirectoryKey;
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// What the rules keep, by position: by lineage and kind, newest first.
pub(super) fn by_rule(
    facts: &[SnapshotFacts],
    policy: &Policy,
    now: Timestamp,
) -> BTreeMap<usize, Vec<KeepReason>> {
    let mut kept = BTreeMap::new();
    for ((_, savepoints), mut members) in countable(facts, policy, now) {
        // Of those of one moment the number tells: stores give times in seconds.
        members.sort_by_key(|(_, fact)| Reverse((fact.completed, fact.checkpoint_id)));
        let reasons = if savepoints {
            policy
                .savepoints
                .as_ref()
                .map(|rules| of_savepoints(&members, rules, now))
        } else {
            policy.checkpoints.map(|rules| of(&members, rules, now))
        };
        for (position, reason) in reasons.into_iter().flatten() {
            kept.entry(position).or_insert_with(Vec::new).push(reason);
        }
    }
    kept
}

type Member<'f> = (usize, &'f SnapshotFacts);

/// By lineage, and whether they are savepoints. What cannot be restored does not count, nor what Flink or its operator
/// will delete: what a JobManager manages, and savepoints that a resource names.
fn countable<'f>(
    facts: &'f [SnapshotFacts],
    policy: &Policy,
    now: Timestamp,
) -> BTreeMap<(&'f str, bool), Vec<Member<'f>>> {
    let mut groups: BTreeMap<(&str, bool), Vec<Member<'f>>> = BTreeMap::new();
    for (position, fact) in facts.iter().enumerate() {
        let savepoint = match fact.made {
            Made::Checkpoint => false,
            Made::Savepoint => true,
            Made::ByHand => continue,
        };
        let managed = fact.managed_by_flink || (savepoint && !fact.named_by.is_empty());
        if fact.is_restorable() && !managed && usable_time(fact.completed, policy, now) {
            groups
                .entry((&fact.lineage, savepoint))
                .or_default()
                .push((position, fact));
        }
    }
    groups
}

/// `keepLast` and `keepWithin`.
fn of(members: &[Member<'_>], rules: KeepRules, now: Timestamp) -> Vec<(usize, KeepReason)> {
    let KeepRules {
        keep_last,
        keep_within,
    } = rules;
    // A copy of a snapshot, or one that two overlapping listings show, is not one more snapshot.
    let mut ranks: BTreeMap<&DirectoryKey, usize> = BTreeMap::new();
    let mut kept = Vec::new();
    for (position, fact) in members {
        let next = ranks.len();
        let rank = *ranks.entry(&fact.key).or_insert(next);
        if keep_last.is_some_and(|count| rank < count as usize) {
            kept.push((*position, KeepReason::KeepLast));
        }
        if keep_within.is_some_and(|within| now.duration_since(fact.completed) < within) {
            kept.push((*position, KeepReason::KeepWithin));
        }
    }
    kept
}

/// The same, and the newest of each of the last so many periods that have one.
fn of_savepoints(
    members: &[Member<'_>],
    rules: &SavepointRules,
    now: Timestamp,
) -> Vec<(usize, KeepReason)> {
    let mut kept = of(members, rules.keep, now);
    for (period, count) in rules.periods() {
        let mut seen = BTreeSet::new();
        let mut newest: BTreeSet<&DirectoryKey> = BTreeSet::new();
        for (_, fact) in members {
            if seen.len() < count as usize
                && seen.insert(period.of(fact.completed, &rules.time_zone))
            {
                newest.insert(&fact.key);
            }
        }
        let of_period = members
            .iter()
            .filter(|(_, fact)| newest.contains(&fact.key));
        kept.extend(of_period.map(|(position, _)| (*position, KeepReason::KeepEach(period))));
    }
    kept
}
