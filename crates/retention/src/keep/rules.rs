use super::{SnapshotFacts, Succession};
use crate::owner::OwnerClass;
use crate::policy::Policy;
use crate::reference::DirectoryKey;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::fmt;

/// How many checkpoints stay beyond those that Flink itself still manages: the union of both rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepRules {
    pub keep_last: Option<u32>,
    pub keep_within: Option<SignedDuration>,
}

/// A reason to keep a snapshot. The word is stable; it appears in plans, status and documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeepReason {
    /// The newest restorable snapshot of its job, or of its resource.
    NewestRestorable,
    /// In Flink's own store: Flink deletes it when it is superseded.
    ManagedByFlink,
    /// A resource names it.
    NamedBy(String),
    Pinned,
    /// Savepoints belong to people.
    Savepoint,
    KeepLast,
    KeepWithin,
    /// The policy has no rule for checkpoints.
    NoRule,
    /// Its files are not all there, so it can neither be counted nor told from a damaged last copy.
    NotRestorable,
    /// Its job directory is not proven to be terminal or former.
    Owner(OwnerClass),
    /// The resource of its job was deleted, and the policy has no time for that, or the time is not over.
    DeletedJob,
    /// Its successor has not been restorable for long enough.
    AwaitsSuccessor,
    /// Its time of completion is zero, negative or in the future: it has no place in an order by age.
    UnusableTime,
}

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

/// How long a successor must have been restorable where no `keepWithin` says it.
const DEFAULT_SUCCESSION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Judges every snapshot. The result has one verdict for each fact, in the same order.
#[must_use]
pub fn verdicts(facts: &[SnapshotFacts], policy: &Policy, now: Timestamp) -> Vec<SnapshotVerdict> {
    let newest = newest_restorable(facts, policy, now);
    let kept_by_rule = by_rule(facts, policy, now);
    facts
        .iter()
        .enumerate()
        .map(|(position, fact)| {
            let mut reasons = reasons_of_fact(fact, policy, now);
            if !expired_with_its_job(fact, policy, now) {
                reasons.extend(newest.get(&position).cloned());
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
fn expired_with_its_job(fact: &SnapshotFacts, policy: &Policy, now: Timestamp) -> bool {
    fact.deleted
        .is_some_and(|deleted| policy.lets_deleted_go(deleted, now))
}

fn reasons_of_fact(fact: &SnapshotFacts, policy: &Policy, now: Timestamp) -> Vec<KeepReason> {
    let SnapshotFacts {
        snapshot: _,
        lineage: _,
        directory: _,
        key,
        is_savepoint,
        restorable,
        completed,
        class,
        managed_by_flink,
        named_by,
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
    if *is_savepoint {
        reasons.push(KeepReason::Savepoint);
    }
    let expired = expired_with_its_job(fact, policy, now);
    if !restorable && !expired {
        reasons.push(KeepReason::NotRestorable);
    }
    if deleted.is_some() && !expired {
        reasons.push(KeepReason::DeletedJob);
    }
    if !usable_time(*completed, policy, now) {
        reasons.push(KeepReason::UnusableTime);
    }
    match class {
        OwnerClass::Terminal | OwnerClass::Former => {}
        OwnerClass::Running | OwnerClass::Suspended | OwnerClass::Unknown => {
            reasons.push(KeepReason::Owner(*class));
        }
    }
    reasons
}

/// A lying clock must neither hide the newest snapshot nor push others beyond the rules.
fn usable_time(completed: Timestamp, policy: &Policy, now: Timestamp) -> bool {
    completed > Timestamp::UNIX_EPOCH && completed.duration_since(now) <= policy.margins.clock_skew
}

/// The newest restorable snapshot of each lineage, and of each job directory until another job has taken over. Of
/// several that are equally new, all.
fn newest_restorable(
    facts: &[SnapshotFacts],
    policy: &Policy,
    now: Timestamp,
) -> BTreeMap<usize, KeepReason> {
    let candidates = || {
        facts
            .iter()
            .enumerate()
            .filter(|(_, fact)| fact.restorable && usable_time(fact.completed, policy, now))
            .filter(|(_, fact)| !expired_with_its_job(fact, policy, now))
    };
    let mut newest: BTreeMap<(&str, &str), Timestamp> = BTreeMap::new();
    for (_, fact) in candidates() {
        for group in groups(fact, policy, now) {
            let best = newest.entry(group).or_insert(fact.completed);
            *best = fact.completed.max(*best);
        }
    }
    let mut reasons = BTreeMap::new();
    for (position, fact) in candidates() {
        for group in groups(fact, policy, now) {
            if newest.get(&group) != Some(&fact.completed) {
                continue;
            }
            let (_, directory) = group;
            let former = fact.succession != Succession::NotNeeded;
            let reason = if former && !directory.is_empty() {
                KeepReason::AwaitsSuccessor
            } else {
                KeepReason::NewestRestorable
            };
            reasons.entry(position).or_insert(reason);
        }
    }
    reasons
}

/// The lineage of a snapshot, and its job directory until another job has taken over.
fn groups<'f>(
    fact: &'f SnapshotFacts,
    policy: &Policy,
    now: Timestamp,
) -> impl Iterator<Item = (&'f str, &'f str)> {
    let of_lineage = Some((fact.lineage.as_str(), ""));
    let of_directory = (!taken_over(fact.succession, policy, now))
        .then_some((fact.lineage.as_str(), fact.directory.as_str()));
    of_lineage.into_iter().chain(of_directory)
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

/// `keepLast` and `keepWithin`: by lineage, newest first; what Flink manages and what cannot be restored does not count.
fn by_rule(
    facts: &[SnapshotFacts],
    policy: &Policy,
    now: Timestamp,
) -> BTreeMap<usize, Vec<KeepReason>> {
    let Some(KeepRules {
        keep_last,
        keep_within,
    }) = policy.checkpoints
    else {
        return (0..facts.len())
            .map(|position| (position, vec![KeepReason::NoRule]))
            .collect();
    };
    let mut kept: BTreeMap<usize, Vec<KeepReason>> = BTreeMap::new();
    for members in countable(facts, policy, now).values_mut() {
        members.sort_by_key(|(_, fact)| std::cmp::Reverse(fact.completed));
        // A copy of a snapshot, or one that two overlapping listings show, is not one more snapshot.
        let mut ranks: BTreeMap<&DirectoryKey, usize> = BTreeMap::new();
        for (position, fact) in members {
            let next = ranks.len();
            let rank = *ranks.entry(&fact.key).or_insert(next);
            let reasons = kept.entry(*position).or_default();
            if keep_last.is_some_and(|count| rank < count as usize) {
                reasons.push(KeepReason::KeepLast);
            }
            if keep_within.is_some_and(|within| now.duration_since(fact.completed) < within) {
                reasons.push(KeepReason::KeepWithin);
            }
        }
    }
    kept
}

fn countable<'f>(
    facts: &'f [SnapshotFacts],
    policy: &Policy,
    now: Timestamp,
) -> BTreeMap<&'f str, Vec<(usize, &'f SnapshotFacts)>> {
    let mut groups: BTreeMap<&str, Vec<(usize, &SnapshotFacts)>> = BTreeMap::new();
    for (position, fact) in facts.iter().enumerate() {
        let counts = !fact.is_savepoint
            && fact.restorable
            && !fact.managed_by_flink
            && usable_time(fact.completed, policy, now);
        if counts {
            groups
                .entry(&fact.lineage)
                .or_default()
                .push((position, fact));
        }
    }
    groups
}

impl KeepReason {
    /// The stable word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::NewestRestorable => "newest-restorable",
            Self::ManagedByFlink => "managed-by-flink",
            Self::NamedBy(_) => "named-by-resource",
            Self::Pinned => "pinned",
            Self::Savepoint => "savepoint",
            Self::KeepLast => "keep-last",
            Self::KeepWithin => "keep-within",
            Self::NoRule => "no-rule",
            Self::NotRestorable => "not-restorable",
            Self::Owner(_) => "owner",
            Self::DeletedJob => "deleted-job",
            Self::AwaitsSuccessor => "awaits-successor",
            Self::UnusableTime => "unusable-time",
        }
    }
}

impl fmt::Display for KeepReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NamedBy(who) => write!(f, "named by {who}"),
            Self::Owner(class) => write!(f, "its job is {}", class.as_str()),
            other => f.write_str(other.word()),
        }
    }
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
