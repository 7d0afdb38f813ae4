#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::api::checkpoint_inventory::{SnapshotCounts, SnapshotKind};
use retention::evidence::{HaCheckpoint, HaEntry, HaMap, HighAvailability, JobName, Lineage};
use retention::inventory::Contents;
use retention::layout::JobId;
use retention::location::{Location, Origin};

const NOW: &str = "2026-11-21T06:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn job(high_availability: HighAvailability) -> JobEvidence {
    JobEvidence {
        name: JobName {
            kind: "FlinkDeployment".into(),
            namespace: "flink".into(),
            name: "orders".into(),
        },
        current: Some(JobId::from_bytes([7; 16])),
        lineage: Lineage::default(),
        phase: Phase::Running,
        processes: Processes::Present,
        bases: Vec::new(),
        high_availability,
        job_manager: JobManager::Unreachable {
            why: "connection refused".into(),
        },
        checkpoint_timeout: None,
        state_backend: None,
        suspended_by: None,
    }
}

fn map(id: u64, completed: &str) -> HighAvailability {
    let pointer = format!("file:/v/{}/chk-{id}", JobId::from_bytes([7; 16]));
    let checkpoint = HaCheckpoint {
        job_id: JobId::from_bytes([7; 16]),
        pointer: Some(Location::parse(&pointer, &Origin::default()).unwrap()),
        triggered: at(completed),
        completed: at(completed),
        references: Vec::new(),
        contents: Contents::default(),
        inline_bytes: 17,
    };
    HighAvailability::Map(Box::new(HaMap {
        uid: "m".into(),
        read_at: at(NOW),
        counter: Some(id + 1),
        entries: vec![HaEntry {
            checkpoint_id: id,
            marked_for_deletion: false,
            checkpoint,
        }],
    }))
}

fn latest(id: i64, completed: &str) -> LatestRestorable {
    LatestRestorable {
        path: Some(format!("file:/v/{}/chk-{id}", JobId::from_bytes([7; 16]))),
        kind: SnapshotKind::Checkpoint,
        checkpoint_id: Some(id),
        job_id: None,
        completion_time: Some(whole_seconds(at(completed))),
        bytes: Some(5),
        format_version: Some(4),
        source: EvidenceSource::HA,
        verified_time: Some(whole_seconds(at(NOW))),
    }
}

fn scan(verdict: Verdict, latest: Option<LatestRestorable>) -> JobScan {
    JobScan {
        at: at(NOW),
        verdict,
        latest,
        disagreement: None,
        snapshots: SnapshotCounts::default(),
        storage: StorageByClass {
            live: Some(Amount {
                bytes: 2048,
                files: 2,
            }),
            orphaned: Some(Amount {
                bytes: 1024,
                files: 1,
            }),
            ..StorageByClass::default()
        },
        protected_by: Vec::new(),
        earliest: None,
    }
}

fn whole() -> Verdict {
    Verdict::Verified {
        files: 9,
        unreadable: None,
    }
}

fn facts(job: &JobEvidence) -> Facts<'_> {
    Facts {
        job,
        present: true,
        generation: Some(3),
        existing: None,
        scan: None,
        policy: None,
        truncated: false,
        now: at(NOW),
    }
}

fn said(status: &CheckpointInventoryStatus) -> (&str, &str, Option<i64>) {
    let restorable = find(&status.conditions, condition::RESTORABLE).unwrap();
    let id = status
        .latest_restorable
        .as_ref()
        .and_then(|latest| latest.checkpoint_id);
    (&restorable.status, &restorable.reason, id)
}

#[test]
fn without_a_scan_flinks_word_is_shown_as_such() {
    let job = job(map(12, NOW));
    let status = status(facts(&job));
    assert_eq!(said(&status), ("Unknown", "NotVerified", Some(12)));
    assert_eq!(status.latest_restorable.unwrap().verified_time, None);
    assert_eq!(status.owner_class, Some(OwnerClass::Running));
    assert_eq!(
        find(&status.conditions, condition::JOB_MANAGER_REACHABLE)
            .unwrap()
            .status,
        "False"
    );
}

#[test]
fn a_scan_verifies_and_later_checkpoints_of_flink_take_over() {
    let running = job(map(12, NOW));
    let verified = scan(whole(), Some(latest(12, NOW)));
    let with_scan = |job| {
        status(Facts {
            scan: Some(&verified),
            ..facts(job)
        })
    };
    let first = with_scan(&running);
    assert_eq!(said(&first), ("True", "Verified", Some(12)));
    assert_eq!(first.display.unwrap().size.unwrap(), "3.0Ki");
    let later = job(map(15, "2026-11-21T06:05:00Z"));
    let later = with_scan(&later);
    assert_eq!(said(&later), ("True", "CompletedByFlink", Some(15)));
    assert_eq!(later.latest_restorable.unwrap().bytes, Some(17));
}

#[test]
fn a_broken_snapshot_is_no_longer_restorable_whatever_flink_completes() {
    let verdict = Verdict::Broken {
        why: "1 file is missing".into(),
        missing: 1,
    };
    let broken = scan(verdict, Some(latest(9, "2026-11-21T05:00:00Z")));
    let job = job(map(15, "2026-11-21T06:05:00Z"));
    let status = status(Facts {
        scan: Some(&broken),
        ..facts(&job)
    });
    assert_eq!(said(&status), ("False", "FilesMissing", Some(9)));
}

#[test]
fn an_unreadable_newest_snapshot_is_no_yes_for_an_older_one_not_even_for_a_new_leader() {
    let verdict = Verdict::Unreadable {
        why: "the newest snapshot chk-10 is unreadable: it ends early".into(),
    };
    let torn = scan(verdict, Some(latest(9, "2026-11-21T05:00:00Z")));
    let job = job(HighAvailability::NotConfigured);
    let first = status(Facts {
        scan: Some(&torn),
        ..facts(&job)
    });
    assert_eq!(said(&first), ("False", "NewestUnreadable", Some(9)));
    let message = &find(&first.conditions, condition::RESTORABLE)
        .unwrap()
        .message;
    assert!(
        message.contains("chk-10") && message.contains("chk-9"),
        "{message}"
    );
    let again = status(Facts {
        existing: Some(&first),
        ..facts(&job)
    });
    assert_eq!(said(&again), ("False", "NewestUnreadable", Some(9)));
}

#[test]
fn a_class_that_is_unknown_has_its_reason() {
    let said = |phase, processes| {
        let job = JobEvidence {
            phase,
            processes,
            ..job(HighAvailability::NotConfigured)
        };
        let status = status(facts(&job));
        let found = find(&status.conditions, condition::RESOURCE_PRESENT).unwrap();
        assert_eq!(found.status, "True");
        (
            status.owner_class.unwrap(),
            found.reason.clone(),
            found.message.clone(),
        )
    };
    let over = || Phase::Terminal {
        state: "FINISHED".into(),
    };
    let unclear = Phase::Unclear {
        why: "its job is RESTARTING".into(),
    };
    let unknown = OwnerClass::Unknown;
    assert_eq!(
        said(unclear, Processes::Absent),
        (
            unknown,
            "Unclear".into(),
            "its job is RESTARTING: its files stay".into()
        )
    );
    assert_eq!(
        said(over(), Processes::Present),
        (
            unknown,
            "Unclear".into(),
            "its job is over, but processes of it still exist: its files stay".into()
        )
    );
    assert_eq!(
        said(over(), Processes::Absent),
        (OwnerClass::Terminal, "Present".into(), String::new())
    );
}

#[test]
fn a_new_leader_says_what_the_old_one_said() {
    let running = job(map(12, NOW));
    let verified = scan(whole(), Some(latest(12, NOW)));
    let first = status(Facts {
        scan: Some(&verified),
        ..facts(&running)
    });
    let again = status(Facts {
        existing: Some(&first),
        now: at("2026-11-21T07:00:00Z"),
        ..facts(&running)
    });
    assert_eq!(again, first);
}

#[test]
fn a_job_that_never_completed_anything_is_not_restorable_until_it_does() {
    let none = scan(Verdict::NoSnapshot, None);
    let young = job(HighAvailability::NotConfigured);
    let with_scan = |job| {
        status(Facts {
            scan: Some(&none),
            ..facts(job)
        })
    };
    assert_eq!(said(&with_scan(&young)), ("False", "NoSnapshot", None));
    let older = job(map(1, "2026-11-21T06:05:00Z"));
    assert_eq!(
        said(&with_scan(&older)),
        ("Unknown", "NotVerified", Some(1))
    );
}

#[test]
fn a_disagreement_about_the_newest_snapshot_is_told() {
    let mut scan = scan(whole(), Some(latest(5, NOW)));
    scan.disagreement = Some("Flink would start from chk-5".into());
    let message = by_scan(&scan).message;
    assert!(
        message.ends_with("present; Flink would start from chk-5"),
        "{message}"
    );
}

fn ended(state: &str) -> JobEvidence {
    JobEvidence {
        phase: Phase::Terminal {
            state: state.into(),
        },
        processes: Processes::Absent,
        job_manager: JobManager::NotAsked,
        ..job(HighAvailability::NotConfigured)
    }
}

/// The scan saw chk-12; Flink has completed chk-15 since, and so deleted chk-12.
#[test]
fn what_flink_completed_before_its_job_manager_fell_silent_is_not_forgotten_for_an_older_scan() {
    let verified = scan(whole(), Some(latest(12, "2026-11-21T05:55:00Z")));
    let told = |job: &JobEvidence, existing: Option<&CheckpointInventoryStatus>, now: &str| {
        status(Facts {
            scan: Some(&verified),
            existing,
            now: at(now),
            ..facts(job)
        })
    };
    let later = told(
        &job(map(15, "2026-11-21T06:05:00Z")),
        None,
        "2026-11-21T06:06:00Z",
    );
    let silent = job(HighAvailability::NotConfigured);
    let after = told(&silent, Some(&later), "2026-11-21T06:10:00Z");
    assert_eq!(said(&after), ("True", "CompletedByFlink", Some(15)));
}

#[test]
fn of_a_job_that_has_ended_nothing_is_said_to_be_restorable_until_a_run_has_looked() {
    let verified = scan(whole(), Some(latest(12, "2026-11-21T05:55:00Z")));
    let told = |job: &JobEvidence, scan, existing: &CheckpointInventoryStatus, now: &str| {
        status(Facts {
            scan,
            existing: Some(existing),
            now: at(now),
            ..facts(job)
        })
    };
    let running = job(map(12, "2026-11-21T05:55:00Z"));
    let before = told(
        &running,
        Some(&verified),
        &CheckpointInventoryStatus::default(),
        NOW,
    );
    assert_eq!(said(&before), ("True", "Verified", Some(12)));
    let canceled = ended("CANCELED");
    let after = told(&canceled, Some(&verified), &before, "2026-11-21T06:10:00Z");
    assert_eq!(said(&after), ("Unknown", "JobEnded", Some(12)));
    let restorable = find(&after.conditions, condition::RESTORABLE).unwrap();
    assert!(
        restorable.message.contains("2026-11-21T06:00:00Z"),
        "{}",
        restorable.message
    );
    // It stays so, for a new leader too, and when the job is started anew without state.
    for (job, scan) in [
        (&canceled, Some(&verified)),
        (&canceled, None),
        (&job(HighAvailability::NotConfigured), Some(&verified)),
        (&job(HighAvailability::NotConfigured), None),
    ] {
        let again = told(job, scan, &after, "2026-11-21T07:00:00Z");
        assert_eq!(said(&again), ("Unknown", "JobEnded", Some(12)), "{job:?}");
    }
    // A later scan, of a job that nobody names any more.
    let found = LatestRestorable {
        source: EvidenceSource::Storage,
        ..latest(12, "2026-11-21T05:55:00Z")
    };
    let looked = JobScan {
        at: at("2026-11-21T07:00:00Z"),
        ..scan(whole(), Some(found))
    };
    let known = told(&canceled, Some(&looked), &after, "2026-11-21T07:01:00Z");
    assert_eq!(said(&known), ("True", "Verified", Some(12)));
    let later = told(&canceled, None, &known, "2026-11-21T08:00:00Z");
    assert_eq!(said(&later), ("True", "Verified", Some(12)));
    // A suspended job is named by its high-availability data.
    let suspended = JobEvidence {
        phase: Phase::Suspended,
        ..ended("FINISHED")
    };
    let suspended = JobEvidence {
        high_availability: map(12, "2026-11-21T05:55:00Z"),
        ..suspended
    };
    let still = told(&suspended, Some(&verified), &before, "2026-11-21T06:10:00Z");
    assert_eq!(said(&still), ("True", "Verified", Some(12)));
}
