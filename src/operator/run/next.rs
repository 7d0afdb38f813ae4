//! What is to be done about a run now, by nothing but the run itself and the time.

use jiff::Timestamp;

use crate::api::retention_run::{Approval, Phase, PlanReference, RetentionRunStatus};
use crate::api::{Reason, RetentionRun};

/// What is to be done about a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::operator) enum Next {
    /// Nothing, for ever.
    Over,
    /// Nothing, until a person approves or cancels it, or until then.
    Wait { until: Option<Timestamp> },
    /// It ends without any work.
    End(End),
    /// It is executed when its turn comes.
    Execute,
}

/// Why a run ends without any work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::operator) struct End {
    pub(in crate::operator) phase: Phase,
    pub(in crate::operator) reason: Reason,
    pub(in crate::operator) why: String,
}

/// How often a run is begun. One that ends the operator, such as for want of memory, would do so for ever, and take the
/// runs of all others with it.
const MAX_ATTEMPTS: i32 = 2;

/// The number of the attempt that begins now. A run that was handed over, or that waited, ended as it should.
#[must_use]
pub(in crate::operator) fn attempt(before: &RetentionRunStatus) -> i32 {
    match before.phase {
        Some(Phase::Scanning | Phase::Deleting) => before.attempts.unwrap_or(1).saturating_add(1),
        None
        | Some(
            Phase::Pending
            | Phase::AwaitingApproval
            | Phase::Succeeded
            | Phase::Failed
            | Phase::Blocked
            | Phase::Cancelled,
        ) => 1,
    }
}

/// The end of a run that was broken off too often. Only who is about to begin it may ask: while it is executed it looks
/// the same.
#[must_use]
pub(in crate::operator) fn broken_off(before: &RetentionRunStatus) -> Option<End> {
    (attempt(before) > MAX_ATTEMPTS).then(|| End {
        phase: Phase::Failed,
        reason: Reason::BrokenOff,
        why: format!(
            "the operator ended {MAX_ATTEMPTS} times while it executed this run, which is not begun again; what was deleted is in the journal. See why it ended (kubectl describe pod: OOMKilled wants more memory, or a lower --runs-at-once, or fewer directories in the policy); without a reason there it lost the API server or its lease. Then make a new run"
        ),
    })
}

/// Looks at a run.
#[must_use]
pub(in crate::operator) fn next(run: &RetentionRun, now: Timestamp) -> Next {
    if run.metadata.deletion_timestamp.is_some() {
        return Next::Over;
    }
    let status = run.status.as_ref();
    let phase = status.and_then(|status| status.phase);
    let plan = status.and_then(|status| status.plan.as_ref());
    let deadline = status.and_then(|status| status.approval_deadline.as_ref());
    let deadline = deadline.map(|deadline| deadline.0);
    match phase {
        // It has ended, and goes on if a person answers what it asked.
        Some(Phase::Blocked) => match (&run.spec.approval, plan) {
            (Some(approval), Some(plan)) if !run.spec.cancel => answered(approval, plan),
            _ => Next::Over,
        },
        Some(Phase::Succeeded | Phase::Failed | Phase::Cancelled) => Next::Over,
        Some(
            phase @ (Phase::Pending | Phase::Scanning | Phase::AwaitingApproval | Phase::Deleting),
        ) if run.spec.cancel => cancelled(phase),
        None if run.spec.cancel => cancelled(Phase::Pending),
        Some(Phase::AwaitingApproval) => match (&run.spec.approval, plan) {
            (Some(approval), Some(plan)) => answered(approval, plan),
            // Nobody can say yes to a plan that is not named: it is made again.
            (_, None) => Next::Execute,
            (None, Some(_)) if deadline.is_some_and(|deadline| deadline <= now) => Next::End(End {
                phase: Phase::Cancelled,
                reason: Reason::ApprovalExpired,
                why: "nobody approved the plan in time; a new run makes a new one".to_owned(),
            }),
            (None, Some(_)) => Next::Wait { until: deadline },
        },
        None | Some(Phase::Pending | Phase::Scanning | Phase::Deleting) => Next::Execute,
    }
}

/// An approval can be given once, so one of another plan is the end.
fn answered(approval: &Approval, plan: &PlanReference) -> Next {
    if approval.plan_digest == plan.digest {
        return Next::Execute;
    }
    Next::End(End {
        phase: Phase::Blocked,
        reason: Reason::WrongDigest,
        why: format!(
            "approved was {}, and the plan of this run is {}; nothing was deleted, and because an approval cannot change, a new run has to ask again",
            approval.plan_digest, plan.digest
        ),
    })
}

fn cancelled(phase: Phase) -> Next {
    let why = match phase {
        Phase::Pending => "cancelled before it began; deleted nothing",
        Phase::AwaitingApproval => "cancelled before it was approved; deleted nothing",
        // The process that worked is gone, and with it the count.
        Phase::Scanning | Phase::Deleting => {
            "cancelled after the process that executed it had ended; what that one deleted is in the journal"
        }
        Phase::Succeeded | Phase::Failed | Phase::Blocked | Phase::Cancelled => "cancelled",
    };
    Next::End(End {
        phase: Phase::Cancelled,
        reason: Reason::Cancelled,
        why: why.to_owned(),
    })
}

/// Whether a scheduled run would come too early beside this one. One that waits for a person is no reason to look at
/// nothing until then: the next one supersedes it.
#[must_use]
pub(in crate::operator) fn keeps_busy(run: &RetentionRun, now: Timestamp) -> bool {
    match next(run, now) {
        Next::Execute => true,
        Next::Over | Next::Wait { .. } | Next::End(_) => false,
    }
}

/// Whether it waits for a person.
#[must_use]
pub(in crate::operator) fn awaits_approval(run: &RetentionRun, now: Timestamp) -> bool {
    matches!(next(run, now), Next::Wait { .. })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::api::RetentionRunSpec;
    use crate::api::time::whole_seconds;

    fn run(phase: Phase, approved: Option<&str>) -> RetentionRun {
        let spec = RetentionRunSpec {
            policy_ref: crate::api::retention_run::PolicyReference::default(),
            mode: crate::api::Mode::Enforce,
            approval: approved.map(|digest| Approval {
                plan_digest: digest.to_owned(),
            }),
            cancel: false,
            ttl_seconds_after_finished: None,
        };
        let mut run = RetentionRun::new("run", spec);
        run.status = Some(RetentionRunStatus {
            phase: Some(phase),
            plan: Some(PlanReference {
                digest: "right".to_owned(),
                ..PlanReference::default()
            }),
            approval_deadline: Some(whole_seconds(at(100))),
            ..RetentionRunStatus::default()
        });
        run
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn reason(next: Next) -> Reason {
        match next {
            Next::End(end) => end.reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_plan_waits_until_its_deadline() {
        let waiting = run(Phase::AwaitingApproval, None);
        let until = Some(at(100));
        assert_eq!(next(&waiting, at(99)), Next::Wait { until });
        assert!(!keeps_busy(&waiting, at(99)) && awaits_approval(&waiting, at(99)));
        assert_eq!(reason(next(&waiting, at(100))), Reason::ApprovalExpired);
        // Who says yes in time need not see it executed in time.
        let approved = run(Phase::AwaitingApproval, Some("right"));
        assert_eq!(next(&approved, at(100)), Next::Execute);
        assert!(keeps_busy(&approved, at(1)));
    }

    #[test]
    fn only_the_digest_of_its_own_plan_is_a_yes() {
        for phase in [Phase::AwaitingApproval, Phase::Blocked] {
            assert_eq!(next(&run(phase, Some("right")), at(1)), Next::Execute);
            assert_eq!(
                reason(next(&run(phase, Some("wrong")), at(1))),
                Reason::WrongDigest
            );
        }
        assert_eq!(next(&run(Phase::Blocked, None), at(1)), Next::Over);
        let mut asks_nothing = run(Phase::Blocked, Some("right"));
        asks_nothing.status.as_mut().unwrap().plan = None;
        assert_eq!(next(&asks_nothing, at(1)), Next::Over);
    }

    #[test]
    fn a_run_that_ends_the_operator_is_begun_twice() {
        let mut before = RetentionRunStatus::default();
        for (phase, attempts, expected) in [
            (None, None, (1, false)),
            (Some(Phase::Scanning), Some(1), (2, false)),
            (Some(Phase::Deleting), Some(1), (2, false)),
            // Of a version that did not count.
            (Some(Phase::Scanning), None, (2, false)),
            (Some(Phase::Scanning), Some(2), (3, true)),
            (Some(Phase::Deleting), Some(2), (3, true)),
            (Some(Phase::Deleting), Some(i32::MAX), (i32::MAX, true)),
            (Some(Phase::Pending), Some(2), (1, false)),
            (Some(Phase::AwaitingApproval), Some(2), (1, false)),
            (Some(Phase::Blocked), Some(2), (1, false)),
        ] {
            (before.phase, before.attempts) = (phase, attempts);
            let found = (attempt(&before), broken_off(&before).is_some());
            assert_eq!(found, expected, "{phase:?} {attempts:?}");
        }
    }

    #[test]
    fn what_ended_for_good_is_over_whatever_is_written_into_it() {
        for phase in [Phase::Succeeded, Phase::Failed, Phase::Cancelled] {
            assert_eq!(next(&run(phase, Some("right")), at(1)), Next::Over);
        }
    }

    #[test]
    fn it_can_be_cancelled_in_each_phase() {
        let phases = [
            (None, "before it began"),
            (Some(Phase::Pending), "before it began"),
            (Some(Phase::AwaitingApproval), "before it was approved"),
            (Some(Phase::Scanning), "in the journal"),
            (Some(Phase::Deleting), "in the journal"),
        ];
        for (phase, part) in phases {
            for approved in [None, Some("right")] {
                let mut run = run(Phase::Pending, approved);
                run.spec.cancel = true;
                run.status.as_mut().unwrap().phase = phase;
                let Next::End(end) = next(&run, at(1)) else {
                    panic!("{phase:?}");
                };
                assert_eq!(
                    (end.phase, end.reason),
                    (Phase::Cancelled, Reason::Cancelled)
                );
                assert!(end.why.contains(part), "{phase:?}: {}", end.why);
            }
        }
        let mut blocked = run(Phase::Blocked, Some("right"));
        blocked.spec.cancel = true;
        assert_eq!(next(&blocked, at(1)), Next::Over);
    }
}
