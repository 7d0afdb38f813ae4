use super::count::by_rule;
use super::newest::newest_restorable;
use super::{KeepReason, Made, SnapshotFacts, Unrestorable};
use crate::owner::OwnerClass;
use crate::policy::Policy;
use crate::restorable::Wholeness;
use jiff::Timestamp;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Keep(Vec<KeepReason>),
    /// No rule keeps it.
    Expire,
}

/// The verdict for one snapshot, by its position in the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotVerdict {
    pub snapshot: usize,
    pub verdict: Verdict,
}

/// Judges every snapshot. The result has one verdict for each fact, in the same order.
#[must_use]
pub fn verdicts(
    facts: &[SnapshotFacts],
    unrestorable: &Unrestorable,
    policy: &Policy,
    now: Timestamp,
) -> Vec<SnapshotVerdict> {
    let newest = newest_restorable(facts, policy, now);
    let kept_by_rule = by_rule(facts, policy, now);
    facts
        .iter()
        .enumerate()
        .map(|(position, fact)| {
            let mut reasons = reasons_of_fact(fact, unrestorable, policy, now);
            let has_rule = match fact.made {
                Made::Checkpoint => policy.checkpoints.is_some(),
                Made::Savepoint => policy.savepoints.is_some(),
                Made::ByHand => true,
            };
            // Rules count what can be restored; the rest has a rule of its own.
            let unruled = fact.is_restorable() && !has_rule;
            if expired_with_its_job(fact, policy, now) {
                // Savepoints belong to people: a policy that says nothing of them lets none go.
                let savepoint = fact.made == Made::Savepoint;
                reasons.extend((savepoint && !has_rule).then_some(KeepReason::NoRule));
            } else {
                reasons.extend(newest.get(&position).cloned());
                reasons.extend(unruled.then_some(KeepReason::NoRule));
                reasons.extend(kept_by_rule.get(&position).cloned().unwrap_or_default());
            }
            let verdict = if reasons.is_empty() {
                Verdict::Expire
            } else {
                Verdict::Keep(reasons)
            };
            SnapshotVerdict {
                snapshot: fact.snapshot,
                verdict,
            }
        })
        .collect()
}

/// No rule holds for it any more, not even that the newest one stays: its job was deleted, and the policy says how long
/// such state is kept (P2).
pub(super) fn expired_with_its_job(fact: &SnapshotFacts, policy: &Policy, now: Timestamp) -> bool {
    fact.deleted
        .is_some_and(|deleted| policy.lets_deleted_go(deleted, now))
}

fn reasons_of_fact(
    fact: &SnapshotFacts,
    unrestorable: &Unrestorable,
    policy: &Policy,
    now: Timestamp,
) -> Vec<KeepReason> {
    let SnapshotFacts {
        snapshot: _,
        lineage: _,
        directory: _,
        key,
        made,
        job_id,
        checkpoint_id,
        files,
        completed,
        class,
        map_was_read,
        managed_by_flink,
        named_by,
        files_in_use,
        succession: _,
        deleted,
    } = fact;
    let mut reasons = Vec::new();
    if *managed_by_flink {
        reasons.push(KeepReason::ManagedByFlink);
    }
    reasons.extend(named_by.iter().cloned().map(KeepReason::NamedBy));
    if policy.pinned.contains(key) {
        reasons.push(KeepReason::Pinned);
    }
    if *files_in_use {
        reasons.push(KeepReason::FilesInUse);
    }
    reasons.extend((*made == Made::ByHand).then_some(KeepReason::ByHand));
    let expired = expired_with_its_job(fact, policy, now);
    match files {
        Wholeness::Whole => {}
        Wholeness::Hollow | Wholeness::NotVerified if expired => {}
        Wholeness::Hollow => {
            let may_go = unrestorable.may_go(*job_id, Some(*checkpoint_id), *completed);
            reasons.extend((!may_go).then_some(KeepReason::NotRestorable));
        }
        Wholeness::NotVerified => reasons.push(KeepReason::NotRestorable),
    }
    if deleted.is_some() && !expired {
        reasons.push(KeepReason::DeletedJob);
    }
    if !usable_time(*completed, policy, now) {
        reasons.push(KeepReason::UnusableTime);
    }
    let stays = match class {
        OwnerClass::Suspended | OwnerClass::Terminal | OwnerClass::Former => false,
        // The rest is for its guards to say. Without high availability a job that fails goes back to where it began, and
        // what it leaves behind may be ahead of all that it makes later.
        OwnerClass::Running => *made == Made::Checkpoint && !map_was_read,
        OwnerClass::Unknown => true,
    };
    reasons.extend(stays.then_some(KeepReason::Owner(*class)));
    reasons
}

/// A lying clock must neither hide the newest snapshot nor push others beyond the rules.
pub(super) fn usable_time(completed: Timestamp, policy: &Policy, now: Timestamp) -> bool {
    completed > Timestamp::UNIX_EPOCH && completed.duration_since(now) <= policy.margins.clock_skew
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expire => f.write_str("beyond-keep-rules"),
            Self::Keep(reasons) => {
                let words: Vec<String> = reasons.iter().map(ToString::to_string).collect();
                f.write_str(&words.join(", "))
            }
        }
    }
}
