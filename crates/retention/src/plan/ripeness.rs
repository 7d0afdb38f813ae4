use super::{Candidate, Context};
use crate::evidence::JobEvidence;
use crate::layout::FileKind;
use crate::mark::{Mark, MarkKind};
use crate::owner::{Owner, OwnerClass};
use crate::policy::Policy;
use crate::run::LiveRun;
use jiff::{SignedDuration, Timestamp};
use std::fmt;

/// Whether a superfluous file may go in this run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ripeness {
    /// It is not to go at all.
    NotApplicable,
    Waiting(Waiting),
    Ripe,
}

/// What a superfluous file still waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// No earlier run has marked it.
    Mark,
    /// It is too young.
    Age { until: Timestamp },
    /// It has not been marked for long enough.
    Grace { until: Timestamp },
    /// Its job has not been seen suspended and without processes for long enough.
    Quiet { until: Timestamp },
    /// The checkpoint counter has not been read after the listing that marked it.
    Counter,
    /// No checkpoint that was triggered after the listing has completed.
    Witness { needed: u64 },
    /// Such a checkpoint has completed too recently.
    Settle { until: Timestamp },
    /// Nothing but the approval of a person is missing.
    Approval,
}

/// How long to wait for a file, given what is known of it now.
pub(super) fn ripeness(
    context: &Context<'_>,
    candidate: &Candidate<'_>,
    kind: MarkKind,
) -> (Option<Timestamp>, Ripeness) {
    let file = candidate.file;
    let Some(modified) = file.modified else {
        return (None, Ripeness::NotApplicable);
    };
    let mark = context
        .marks(file.base)
        .and_then(|marks| marks.by_path.get(&file.path))
        .filter(|mark| mark.kind == kind && mark.size == file.size && mark.modified == modified);
    let Some(mark) = mark else {
        return (None, Ripeness::Waiting(Waiting::Mark));
    };
    let waiting = age(context, candidate, kind)
        .or_else(|| grace(context, candidate, mark))
        .or_else(|| quiet(context, candidate, mark))
        .or_else(|| generation_two(context, candidate, mark));
    let ripeness = waiting.map_or(Ripeness::Ripe, Ripeness::Waiting);
    (Some(mark.since), ripeness)
}

fn age(context: &Context<'_>, candidate: &Candidate<'_>, kind: MarkKind) -> Option<Waiting> {
    let newest = match kind {
        MarkKind::Orphan => context.newest_in_directory(candidate.file),
        MarkKind::Expired => candidate.file.modified,
    };
    let least = if kind == MarkKind::Orphan && candidate.in_savepoint() {
        context.policy.min_age.max(SAVEPOINT_LEFTOVER)
    } else {
        context.policy.min_age
    };
    until(newest?, least, context.now).map(|until| Waiting::Age { until })
}

/// A savepoint that somebody makes without a resource that says so may take hours.
const SAVEPOINT_LEFTOVER: SignedDuration = SignedDuration::from_hours(24);

/// How long a suspended job must have been seen without processes: longer than any heartbeat timeout, after which a
/// process that Kubernetes does not see any more gives up (storage life cycle 11.2).
const QUIET: SignedDuration = SignedDuration::from_mins(20);

/// A file of a suspended job may have been marked while the job ran. What is still unnamed when its last process must
/// have ended, nobody will ever name. It may also have run between two runs of ours that both saw it suspended, and
/// written the file then: so the wait begins no sooner than when the file was seen first.
fn quiet(context: &Context<'_>, candidate: &Candidate<'_>, mark: &Mark) -> Option<Waiting> {
    let owner = candidate.owner?;
    let job = owner.job.filter(|_| owner.class == OwnerClass::Suspended)?;
    let current = job.current?;
    let seen = context
        .all_baselines()
        .iter()
        .filter_map(|baselines| baselines.stopped_since.get(&current))
        .max()
        .copied()
        .unwrap_or(context.now);
    let ran = context.survey().last_completed(current);
    let since = ran.map_or(seen, |ran| ran.max(seen)).max(mark.since);
    let wait = context.policy.grace_period.max(QUIET);
    until(since, wait, context.now).map(|until| Waiting::Quiet { until })
}

fn grace(context: &Context<'_>, candidate: &Candidate<'_>, mark: &Mark) -> Option<Waiting> {
    let grace = effective_grace(context.policy, candidate.owner);
    until(mark.since, grace, context.now).map(|until| Waiting::Grace { until })
}

/// The policy's grace period, but for a running job at least twice its checkpoint timeout.
pub(super) fn effective_grace(policy: &Policy, owner: Option<&Owner<'_>>) -> SignedDuration {
    let policy = policy.grace_period;
    let Some(job) = owner.and_then(running) else {
        return policy;
    };
    let configured = job.checkpoint_timeout;
    let answered = match &job.job_manager {
        crate::evidence::JobManager::Answered(rest) => rest.timeout,
        crate::evidence::JobManager::NotAsked | crate::evidence::JobManager::Unreachable { .. } => {
            None
        }
    };
    let timeout = configured
        .max(answered)
        .unwrap_or(SignedDuration::from_mins(10));
    policy.max(timeout.checked_mul(2).unwrap_or(SignedDuration::MAX))
}

/// The rule of generation two, for shared files of running jobs: a checkpoint that was triggered after the listing
/// has completed without naming the file, and has settled.
fn generation_two(
    context: &Context<'_>,
    candidate: &Candidate<'_>,
    mark: &Mark,
) -> Option<Waiting> {
    let job = running(candidate.owner?)?;
    match candidate.file.placement.kind {
        FileKind::Shared => {}
        FileKind::CheckpointMetadata
        | FileKind::Exclusive
        | FileKind::TemporaryMetadata
        | FileKind::EmptyCheckpoint
        | FileKind::Merged
        | FileKind::ForSt
        | FileKind::TaskOwned
        | FileKind::Changelog
        | FileKind::SavepointMetadata
        | FileKind::Savepoint
        | FileKind::Journal
        | FileKind::Foreign => return None,
    }
    let Some(live) = LiveRun::of(job) else {
        return Some(Waiting::Counter);
    };
    let run = live.id();
    let known = mark.counter.as_ref();
    let Some(counter) =
        known.filter(|counter| counter.run == run && live.still_at(counter.counter))
    else {
        return Some(Waiting::Counter);
    };
    let margins = &context.policy.margins;
    let witness = mark.witness.as_ref().filter(|witness| {
        witness.run == run
            && witness.checkpoint_id >= counter.counter
            && live.has_completed(witness.checkpoint_id)
            && live.triggered_after(witness.triggered, mark.since, margins)
    });
    let Some(witness) = witness else {
        return Some(Waiting::Witness {
            needed: counter.counter,
        });
    };
    until(witness.seen, context.policy.margins.settle, context.now)
        .map(|until| Waiting::Settle { until })
}

fn running<'a>(owner: &Owner<'a>) -> Option<&'a JobEvidence> {
    (owner.class == OwnerClass::Running).then_some(owner.job)?
}

/// The end of a wait that began at `from`, if it is not over. A wait beyond the end of time is never over.
fn until(from: Timestamp, wait: SignedDuration, now: Timestamp) -> Option<Timestamp> {
    let end = from.checked_add(wait).unwrap_or(Timestamp::MAX);
    (now < end).then_some(end)
}

impl Waiting {
    /// The earliest time at which the wait can be over, where a clock decides it.
    #[must_use]
    pub fn earliest(&self) -> Option<Timestamp> {
        match self {
            Self::Age { until }
            | Self::Grace { until }
            | Self::Quiet { until }
            | Self::Settle { until } => Some(*until),
            Self::Mark | Self::Counter | Self::Witness { .. } | Self::Approval => None,
        }
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mark => f.write_str("not marked yet"),
            Self::Age { until } => write!(f, "too young until {until:.0}"),
            Self::Grace { until } => write!(f, "marked; grace until {until:.0}"),
            Self::Quiet { until } => write!(
                f,
                "marked; its suspended job must be seen without processes until {until:.0}"
            ),
            Self::Counter => f.write_str("marked; the checkpoint counter has not been read since"),
            Self::Witness { needed } => write!(
                f,
                "marked; waits for checkpoint {needed} or later to complete"
            ),
            Self::Settle { until } => write!(
                f,
                "marked and passed over by a later checkpoint; settles until {until:.0}"
            ),
            Self::Approval => f.write_str("ripe; not in the plan that was approved"),
        }
    }
}
