//! A running job: only what the rule of generation two covers, with every precondition proven.
//!
//! The rule is for a bare `shared/<uuid>` of a plain job with one checkpoint at a time, under Kubernetes high
//! availability or with a single JobManager that tells its statistics, and for leftovers of aborted checkpoints.

use super::Guard;
use super::evidence::gap_of;
use crate::evidence::{HighAvailability, JobEvidence, JobManager, RestCheckpoints, StateBackend};
use crate::layout::FileKind;
use crate::owner::OwnerClass;
use crate::plan::{Candidate, Context};
use crate::policy::Margins;
use crate::run::{HighlyAvailable, LiveRun, Numbers, Retained, why_unproven};
use jiff::{SignedDuration, Timestamp};

/// The kinds of file whose life only a stopped process can settle.
pub(super) fn live_backend(_: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    running(candidate)?;
    let what = match candidate.file.placement.kind {
        FileKind::Shared
        | FileKind::Exclusive
        | FileKind::TemporaryMetadata
        | FileKind::EmptyCheckpoint
        | FileKind::CheckpointMetadata
        | FileKind::SavepointMetadata
        | FileKind::Savepoint
        | FileKind::Journal
        | FileKind::Foreign => return None,
        FileKind::Merged => "a merged file may still be appended to",
        FileKind::ForSt => "a live ForSt database may read it",
        FileKind::TaskOwned => "the next checkpoint may name it, or operator state may",
        FileKind::Changelog => "the next checkpoint may name it",
    };
    Some(format!("its job runs, and {what}"))
}

pub(super) fn no_high_availability(
    context: &Context<'_>,
    candidate: &Candidate<'_>,
) -> Option<String> {
    if let Some(why) = gap_of(context, candidate, Guard::NoHighAvailability) {
        return Some(why);
    }
    let job = running(candidate)?;
    match &job.high_availability {
        // Where a savepoint is still needed, the JobManager says so.
        HighAvailability::NotConfigured if candidate.in_savepoint() => None,
        _ => why_unproven(job),
    }
}

pub(super) fn job_manager_unreachable(
    context: &Context<'_>,
    candidate: &Candidate<'_>,
) -> Option<String> {
    if let Some(why) = gap_of(context, candidate, Guard::JobManagerUnreachable) {
        return Some(why);
    }
    let job = running(candidate)?;
    match &job.job_manager {
        JobManager::NotAsked => Some("its job runs, and its JobManager was not asked".to_owned()),
        JobManager::Unreachable { why } => Some(format!("the JobManager does not answer: {why}")),
        JobManager::Answered(rest) if Some(rest.job_id) != job.current => Some(format!(
            "the JobManager runs job {}, not this one",
            rest.job_id
        )),
        JobManager::Answered(rest) if rest.state != "RUNNING" => {
            Some(format!("the job is {}", rest.state))
        }
        JobManager::Answered(_) => None,
    }
}

/// Proof that the job is plain (storage life cycle 11.4): a known backend and storage, and nothing that points to changelog, file merging or
/// ForSt, neither in the answers nor in its snapshots nor in its directory.
pub(super) fn not_plain(context: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    let LiveRun { job, rest, .. } = live(candidate)?;
    let by_rest = match (&rest.backend, rest.changelog, rest.file_system_storage) {
        (StateBackend::Other(class), _, _) => {
            Some(format!("the state backend {class} is not known"))
        }
        (StateBackend::NoCheckpoints, _, _) => {
            Some("its job has no checkpointing, so nothing in it is its own".to_owned())
        }
        (_, Some(true), _) => Some("the changelog is enabled".to_owned()),
        (_, None, _) => {
            Some("the JobManager does not say whether the changelog is enabled".to_owned())
        }
        (_, _, false) => Some("its checkpoint storage is not a plain file system".to_owned()),
        (StateBackend::HashMap | StateBackend::RocksDb, Some(false), true) => None,
    };
    by_rest.or_else(|| {
        let why = context.survey().not_plain(job.current?)?;
        Some(why.to_owned())
    })
}

/// With more than one checkpoint at a time, two live files can take turns in being named by nobody (hole H1). That is
/// for files that a later checkpoint may name again: what lies in a `chk-N` is for that checkpoint alone, and the
/// completion of a later one aborts it.
pub(super) fn concurrent_checkpoints(_: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    let of_one_checkpoint = matches!(
        candidate.file.placement.kind,
        FileKind::Exclusive | FileKind::TemporaryMetadata | FileKind::EmptyCheckpoint
    );
    match live(candidate)?.rest.max_concurrent {
        Some(1) => None,
        Some(_) if of_one_checkpoint => None,
        Some(several) => Some(format!(
            "its job may have {several} checkpoints at a time, which is not supported yet"
        )),
        None => {
            Some("the JobManager does not say how many checkpoints it allows at a time".to_owned())
        }
    }
}

/// Holes H3 and H5: a counter that is missing, behind an entry, or lower than ever seen proves nothing.
pub(super) fn counter(context: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    let Numbers::Map(HighlyAvailable { map, .. }) = live(candidate)?.numbers else {
        // A file whose counter was read from statistics that went back waits for another one.
        return None;
    };
    let Some(counter) = map.usable_counter() else {
        return Some(match map.counter {
            None => "its high-availability map has no checkpoint counter".to_owned(),
            Some(counter) => {
                format!("its checkpoint counter {counter} is not above every retained checkpoint")
            }
        });
    };
    let highest = context
        .all_baselines()
        .iter()
        .filter_map(|baselines| baselines.counters.get(&map.uid))
        .max()
        .copied()
        .unwrap_or(0);
    (counter < highest)
        .then(|| format!("its checkpoint counter went back from {highest} to {counter}"))
}

/// Younger than the oldest checkpoint that Flink holds, or in the directory of a checkpoint that may still complete.
///
/// The age is what keeps the files of hole H7, and of H2.
pub(super) fn in_flight(context: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    let live = live(candidate)?;
    if let Err(why) = check_clock(live.rest, &context.policy.margins) {
        return Some(why);
    }
    let modified = context.newest_in_directory(candidate.file)?;
    let directory = candidate.file.placement.job.as_deref()?;
    let home = context
        .inventory
        .location(candidate.file.base, &directory.path)?;
    let Retained {
        oldest_trigger,
        latest,
    } = match live.retained(&home) {
        Ok(retained) => retained,
        Err(why) => return Some(why),
    };
    // Flink's clock and the store's may each be so far from ours, on either side.
    let skew = context.policy.margins.clock_skew;
    let skew = skew.checked_mul(2).unwrap_or(SignedDuration::MAX);
    let not_before =
        |bound: Timestamp| modified >= bound.checked_sub(skew).unwrap_or(Timestamp::MIN);
    if not_before(oldest_trigger) {
        return Some(format!(
            "it is not older than the oldest checkpoint that Flink holds (triggered {oldest_trigger})"
        ));
    }
    let in_progress = || live.rest.in_progress();
    let oldest = in_progress().map(|checkpoint| checkpoint.triggered).min();
    if oldest.is_some_and(not_before) {
        return Some(
            "a checkpoint or savepoint triggered before it was written is still in progress"
                .to_owned(),
        );
    }
    let snapshot = candidate.file.placement.snapshot.as_deref();
    let number = snapshot.and_then(|snapshot| snapshot.checkpoint_id)?;
    if in_progress().any(|checkpoint| checkpoint.id == number) {
        return Some(format!("checkpoint {number} is in progress"));
    }
    (number >= latest).then(|| {
        format!("checkpoint {number} is not older than {latest}, the latest completed one")
    })
}

/// When a checkpoint was triggered is known by the JobManager's clock alone, and compared with times of the other two.
fn check_clock(rest: &RestCheckpoints, margins: &Margins) -> Result<(), String> {
    let Some(told) = rest.told else {
        return Err("its JobManager does not tell the time by its clock".to_owned());
    };
    let ahead = told.duration_since(rest.read_at);
    if ahead.abs() <= margins.clock_skew {
        return Ok(());
    }
    let side = if ahead.is_negative() {
        "behind"
    } else {
        "ahead of"
    };
    let apart = SignedDuration::from_secs(ahead.abs().as_secs());
    let allowed = margins.clock_skew;
    Err(format!(
        "the clock of its JobManager is {apart:#} {side} ours, and clocks may be {allowed:#} apart; set the clocks right"
    ))
}

fn running<'a>(candidate: &Candidate<'a>) -> Option<&'a JobEvidence> {
    let owner = candidate.owner?;
    (owner.class == OwnerClass::Running).then_some(owner.job)?
}

/// The proofs about checkpoints, which say nothing about savepoints: no later checkpoint names their files.
fn live<'a>(candidate: &Candidate<'a>) -> Option<LiveRun<'a>> {
    if candidate.in_savepoint() {
        return None;
    }
    LiveRun::of(running(candidate)?)
}
