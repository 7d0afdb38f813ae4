//! Savepoints belong to people, and to whoever starts from them.

use super::Guard;
use super::evidence::gap_of;
use crate::evidence::{JobEvidence, JobManager, Phase};
use crate::owner::OwnerClass;
use crate::plan::{Candidate, Context};

/// A job that has completed no checkpoint since it started would start from its restore source again, which may be a
/// savepoint that it made itself; only its JobManager knows.
pub(super) fn needed_by_its_job(_: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    let owner = candidate.owner.filter(|_| candidate.in_savepoint())?;
    let job = owner.job.filter(|_| owner.class == OwnerClass::Running)?;
    let JobManager::Answered(rest) = &job.job_manager else {
        return Some(
            "its job runs, and its JobManager does not say what it was restored from".to_owned(),
        );
    };
    let restored = rest.restored.as_ref().map(|restored| restored.id);
    let own = rest.checkpoints.iter().any(|checkpoint| {
        let since = restored.is_none_or(|restored| checkpoint.id > restored);
        checkpoint.status == "COMPLETED" && !checkpoint.is_savepoint && since
    });
    (!own).then(|| "its job has completed no checkpoint since it started".to_owned())
}

/// The directory of a savepoint exists before its `_metadata`, and has the name of its job only in part. So while any
/// job that knows the place may be making one, none without `_metadata` is a leftover.
pub(super) fn in_the_making(context: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    let directory = candidate.file.placement.snapshot.as_deref()?;
    if !candidate.in_savepoint() || context.has_metadata(candidate.file.base, &directory.path) {
        return None;
    }
    if let Some(why) = gap_of(context, candidate, Guard::PendingSavepoint) {
        return Some(why);
    }
    context
        .evidence
        .jobs
        .iter()
        .filter(|job| {
            let mut bases = job.bases.iter();
            bases.any(|base| candidate.location.may_be_below(base))
        })
        .find_map(|job| Some(format!("{}, {}", job.name, may_make_one(job)?)))
}

fn may_make_one(job: &JobEvidence) -> Option<String> {
    match (&job.phase, &job.job_manager) {
        (
            Phase::Terminal { .. }
            | Phase::Stopped
            | Phase::Suspended
            | Phase::Gone
            | Phase::NoJob { .. },
            _,
        ) => None,
        (Phase::Running, JobManager::Answered(rest)) => {
            let saving = rest.in_progress().find(|running| running.is_savepoint)?;
            let id = saving.id;
            Some(format!("which uses this place, is making savepoint {id}"))
        }
        (Phase::Running, JobManager::NotAsked | JobManager::Unreachable { .. }) => Some(
            "which uses this place, runs, and whether it is making a savepoint is not known"
                .to_owned(),
        ),
        (Phase::Unclear { why }, _) => Some(format!(
            "which uses this place, may be making a savepoint: {why}"
        )),
    }
}
