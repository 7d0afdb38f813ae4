//! Keeps a status below what its object may have, whatever paths and reasons are like.

use crate::api::retention_run::RetentionRunStatus;

/// In bytes of JSON; the promise is 64 KiB.
const LIMIT: usize = 60 * 1024;

/// The same status without as many of its samples, jobs and reasons as it takes, the least important first. What the
/// run did, why it ended and what it asks for always stays.
#[must_use]
pub(in crate::operator) fn bounded(mut status: RetentionRunStatus) -> RetentionRunStatus {
    while length(&status) > LIMIT {
        let shorter = status.sample.pop().is_some()
            || status.jobs.pop().is_some()
            || forget_a_reason(&mut status)
            || status.protected_by.pop().is_some()
            || status.blocked_by.pop().is_some();
        if !shorter {
            break;
        }
    }
    status
}

fn length(status: &RetentionRunStatus) -> usize {
    serde_json::to_vec(status).map_or(usize::MAX, |bytes| bytes.len())
}

fn forget_a_reason(status: &mut RetentionRunStatus) -> bool {
    let mut guards = status.protected_by.iter_mut().rev();
    guards.any(|guard| guard.message.take().is_some())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::api::Reason;
    use crate::api::conditions::{ConditionStatus, Finding, merge};
    use crate::api::retention_run::{
        JobOutcome, Phase, PlanReference, ProtectedByGuard, SampleDecision, SampleFile,
    };

    /// Every list and text as long as the API takes, of one character.
    fn fullest(of: &str) -> RetentionRunStatus {
        let text = |length: usize| of.repeat(length);
        let finding = Finding {
            condition: "Complete",
            status: ConditionStatus::True,
            reason: Reason::Blocked,
            message: text(2048),
        };
        RetentionRunStatus {
            phase: Some(Phase::Blocked),
            plan: Some(PlanReference {
                digest: "d".repeat(71),
                location: Some(text(2048)),
                policy_generation: Some(i64::MAX),
            }),
            protected_by: vec![
                ProtectedByGuard {
                    guard: text(64),
                    message: Some(text(512)),
                    bytes: i64::MAX,
                    files: i64::MAX,
                };
                64
            ],
            blocked_by: vec![text(128); 16],
            jobs: vec![
                JobOutcome {
                    kind: text(64),
                    name: text(253),
                    orphan_bytes: i64::MAX,
                    message: Some(text(256)),
                };
                50
            ],
            sample: vec![
                SampleFile {
                    path: text(1024),
                    decision: SampleDecision::Orphan,
                    reason: text(256),
                    bytes: i64::MAX,
                };
                20
            ],
            conditions: merge(&[], [finding], Some(1), jiff::Timestamp::UNIX_EPOCH),
            ..RetentionRunStatus::default()
        }
    }

    #[test]
    fn any_status_stays_below_64_kib_and_says_how_it_ended() {
        // A plain letter, a quote, an emoji, and a control character, which is six bytes in JSON.
        for character in ["x", "\"", "🦀", "\u{1}"] {
            let full = fullest(character);
            let status = bounded(full.clone());
            assert!(length(&full) > 64 * 1024 && length(&status) < 64 * 1024);
            assert_eq!(
                (status.phase, &status.plan, &status.conditions),
                (full.phase, &full.plan, &full.conditions)
            );
        }
    }

    #[test]
    fn a_status_that_fits_is_left_as_it_is() {
        let mut small = fullest("x");
        small.protected_by.truncate(2);
        small.sample.truncate(20);
        small.jobs.truncate(10);
        assert_eq!(bounded(small.clone()), small);
    }
}
