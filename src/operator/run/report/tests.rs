#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::engine::{Deleted, Outcome};
use crate::operator::run::bounded;
use retention::evidence::Evidence;
use retention::guard::Guard;
use retention::inventory::{BaseId, Inventory};
use retention::layout::place;
use retention::owner::OwnerClass;
use retention::plan::Plan;

const JOBS_OF_POLICY: usize = 5000;

fn job(number: usize) -> JobName {
    JobName {
        kind: "FlinkDeployment".to_owned(),
        namespace: "n".repeat(63),
        name: format!("{number:0253}"),
    }
}

fn summary(number: usize) -> JobSummary {
    let amount = |bytes| Counted { files: 1, bytes };
    JobSummary {
        base: BaseId(0),
        directory: place(&format!("{number:032x}/shared/x"))
            .job
            .as_deref()
            .cloned(),
        class: OwnerClass::Running,
        owner: Some(job(number).to_string()),
        why: "w".repeat(10_000),
        live: amount(1),
        retained: amount(1),
        orphaned: amount(number as u64),
        marked: amount(1),
        ripe: amount(1),
        protected: amount(u64::MAX / 10_000),
        by_guard: Guard::ALL.iter().map(|&guard| (guard, amount(1))).collect(),
        earliest: None,
        grace_period: jiff::SignedDuration::ZERO,
    }
}

fn report(outcome: Outcome) -> Report {
    let now = Timestamp::UNIX_EPOCH;
    Report {
        started: now,
        finished: now,
        evidence: Evidence {
            taken_at: now,
            jobs: Vec::new(),
            roots: Vec::new(),
            high_availability_ids: Vec::new(),
            gaps: Vec::new(),
        },
        inventory: Inventory::default(),
        marks: Vec::new(),
        baselines: Vec::new(),
        plan: Plan {
            now,
            entries: Vec::new(),
            snapshots: Vec::new(),
        },
        summaries: (0..JOBS_OF_POLICY).map(summary).collect(),
        outcome,
    }
}

fn status(outcome: Outcome) -> RetentionRunStatus {
    let ending = Ending {
        cancelled: None,
        restrained: Some("r".repeat(10_000)),
        generation: Some(1),
        run: RunIdentity {
            namespace: "n".repeat(63),
            name: "r".repeat(253),
        },
        policy_generation: Some(7),
        pins: Vec::new(),
        absent: Absent::default(),
        now: Timestamp::UNIX_EPOCH,
    };
    let scope = (0..JOBS_OF_POLICY).map(job).collect();
    bounded(ended(
        &RetentionRunStatus::default(),
        &report(outcome),
        &scope,
        &ending,
    ))
}

fn asked() -> Asked {
    Asked {
        digest: format!("sha256:{}", "a".repeat(64)).parse().unwrap(),
        location: format!("file:/{}", "l".repeat(3000)),
        files: Counted { files: 2, bytes: 3 },
    }
}

#[test]
fn thousands_of_jobs_with_long_names_and_reasons_fit() {
    let shrank = |number: u64| Blocked::ReferencedShrank {
        base: format!("file:/{}", "b".repeat(900)),
        shrink: Shrink {
            before: retention::breaker::Extent {
                roots: number,
                referenced_bytes: u64::MAX,
            },
            now: retention::breaker::Extent::default(),
            max_percent: 20,
        },
    };
    let deleted = (0..JOBS_OF_POLICY).map(|number| Deleted {
        path: format!("file:/{number:01000}"),
        bytes: 1,
        reason: "r".repeat(1000),
    });
    let status = status(Outcome {
        blocked: (0..300).map(shrank).collect(),
        deleted: deleted.collect(),
        asked: Some(asked()),
        ..Outcome::default()
    });
    assert!(serde_json::to_vec(&status).unwrap().len() < 64 * 1024);
    assert_eq!(status.jobs.len(), 50);
    let worst = status.jobs.first().unwrap();
    assert_eq!(worst.name, job(JOBS_OF_POLICY - 1).name);
    assert_eq!(status.blocked_by.len(), 16);
    assert_eq!(status.blocked_by.last().unwrap(), "and 285 more");
    // The question stays whole.
    let message = &status.conditions.first().unwrap().message;
    let patch = format!(
        r#"{{"spec":{{"approval":{{"planDigest":"{}"}}}}}}'"#,
        asked().digest
    );
    assert!(message.contains(&patch), "{message}");
    assert_eq!(status.phase, Some(Phase::Blocked));
    assert_eq!(status.plan.unwrap().location, None, "it would not be taken");
}

#[test]
fn a_question_is_no_end() {
    let status = status(Outcome {
        asked: Some(asked()),
        ..Outcome::default()
    });
    assert_eq!(status.phase, Some(Phase::AwaitingApproval));
    assert_eq!(status.completion_time, None);
    let deadline = status.approval_deadline.unwrap().0;
    assert_eq!(deadline.as_second(), 7 * 24 * 3600);
    assert_eq!(status.conditions.first().unwrap().status, "False");
}

#[test]
fn directories_that_do_not_exist_are_told() {
    let absent = |directories: &[&str], of| Absent {
        directories: directories.iter().map(|&text| text.to_owned()).collect(),
        of,
    };
    let none = absent(&[], 2);
    assert!(!none.is_all() && none.sentence().is_empty());
    let one = absent(&["file:/a"], 2);
    assert!(!one.is_all());
    assert_eq!(
        one.sentence(),
        "; 1 of 2 directories, such as file:/a, does not exist: Flink has not made it yet, or the volume is not mounted"
    );
    assert!(absent(&["file:/a", "file:/b"], 2).is_all());
    let only = absent(&["file:/a"], 1);
    assert!(only.is_all());
    assert!(only.sentence().starts_with("; file:/a does not exist"));
    assert!(!Absent::default().is_all(), "a policy without jobs");
}
