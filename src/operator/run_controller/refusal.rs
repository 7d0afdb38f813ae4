//! Why a run was not begun, or ended without a report.

use super::work::WorkError;
use crate::api::Reason;
use crate::api::retention_run::Phase;
use crate::engine::RunError;
use crate::operator::policy::{Judgement, Obstacle, sentence, word};
use crate::operator::run::Stopped;

/// Why nothing can be looked at, if that is so.
pub(super) fn refusal(
    judgement: &Judgement<'_>,
    namespace: &str,
    account: &str,
) -> Option<(Vec<Reason>, String)> {
    let serious = |obstacle: &&Obstacle| match obstacle {
        Obstacle::NotSupportedYet { .. }
        | Obstacle::InvalidSelector { .. }
        | Obstacle::NoIdentity(_)
        | Obstacle::EndpointNotGranted { .. } => true,
        Obstacle::BaseNotGranted { .. } | Obstacle::BaseUnreachable { .. } => {
            judgement.bases.is_empty()
        }
        // A run by hand needs no schedule, and what is not selected or adopted stays.
        Obstacle::InvalidSchedule { .. }
        | Obstacle::NotAdopted { .. }
        | Obstacle::TooManyLabels { .. } => false,
    };
    let obstacles: Vec<&Obstacle> = judgement.obstacles.iter().filter(serious).collect();
    let sentences: Vec<String> = obstacles
        .iter()
        .map(|obstacle| sentence(obstacle, namespace, account))
        .collect();
    let words: Vec<Reason> = obstacles.iter().map(|obstacle| word(obstacle)).collect();
    (!words.is_empty()).then(|| (words, sentences.join(" ")))
}

/// How a run without a report ended, and why.
pub(super) fn failed(error: &WorkError, stopped: Option<&Stopped>) -> (Phase, Reason, String) {
    match stopped {
        // Its storage was taken away.
        Some(Stopped {
            word: Some(reason),
            why,
        }) => (Phase::Cancelled, *reason, why.clone()),
        Some(Stopped { word: None, .. }) | None => {
            (Phase::Failed, category(error), error.to_string())
        }
    }
}

fn category(error: &WorkError) -> Reason {
    match error {
        WorkError::Run(RunError::Unreachable { .. }) => Reason::BaseUnreachable,
        WorkError::Run(RunError::Storage(_)) => Reason::StorageError,
        WorkError::Defect => Reason::Defect,
    }
}
