#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::observe::deployment;
use crate::observe::deployment::tests::{deployment as flink_deployment, object};
use rstest::rstest;

const JOB: &str = include_str!("../fixtures/session-job.yaml");
const RECORD: &str = include_str!("../fixtures/session-job-inventory.yaml");
const CLUSTER: &str = include_str!("../fixtures/session.yaml");
const ID: &str = "00000000000000000000000000000def";

fn cluster(edits: &[(&str, &str)]) -> SessionHost {
    let deployment::Read {
        sketch,
        is_session,
        is_being_deleted,
    } = deployment::read(&flink_deployment(CLUSTER, edits));
    let (draft, configurations) = deployment::draft(sketch, Ok(None), Surroundings::default());
    SessionHost {
        cluster: Cluster::of((is_session, is_being_deleted), &configurations, &draft),
        configurations,
    }
}

fn drafted(edits: &[(&str, &str)], cluster: Option<&SessionHost>) -> Draft {
    let job = FlinkSessionJob::from_dynamic(object(JOB, edits)).unwrap();
    let origin = |_: &str| retention::location::Origin::default();
    let uids = [(
        job_name("FlinkSessionJob", &job.metadata),
        job.metadata.uid.clone().unwrap(),
    )];
    let (mut records, _) =
        crate::observe::lineage::records(&[object(RECORD, &[]).into()], &uids.into(), &origin);
    let surroundings = Surroundings {
        record: records.pop_first().map(|(_, record)| record),
        ..Surroundings::default()
    };
    draft(read(&job), cluster, surroundings)
}

fn id(draft: &Draft) -> Option<String> {
    draft.current.map(|id| id.to_string())
}

#[test]
fn it_runs_in_its_cluster_with_both_directories() {
    let draft = drafted(&[], Some(&cluster(&[])));
    assert_eq!(draft.phase, Phase::Running);
    assert_eq!(id(&draft).as_deref(), Some(ID));
    let bases: Vec<_> = draft.bases.iter().map(ToString::to_string).collect();
    assert_eq!(bases, ["file:/own", "file:/cluster"]);
    let address = draft.address.unwrap();
    assert_eq!((address.cluster.as_str(), address.port), ("session", 8082));
    assert_eq!(draft.host, Host::Session);
    assert!(draft.gaps.is_empty());
}

#[test]
fn its_own_settings_do_not_move_its_cluster() {
    let edits = [(
        "state.checkpoints.dir: /own",
        "{state.checkpoints.dir: /own, kubernetes.cluster-id: other, rest.port: 1}",
    )];
    let draft = drafted(
        &[(
            "flinkConfiguration:\n    state.checkpoints.dir: /own",
            &format!("flinkConfiguration: {}", edits[0].1),
        )],
        Some(&cluster(&[])),
    );
    let address = draft.address.unwrap();
    assert_eq!((address.cluster.as_str(), address.port), ("session", 8082));
}

#[rstest]
#[case::in_between("lifecycleState: STABLE", "lifecycleState: UPGRADING")]
#[case::new_generation("observedGeneration: 2", "observedGeneration: 1")]
#[case::pending("savepointHistory: []", "triggerId: abc")]
#[case::deleted(
    "generation: 2",
    "generation: 2\n  deletionTimestamp: \"2026-11-21T06:00:00Z\""
)]
#[case::no_id("jobId: 00000000000000000000000000000def", "other: x")]
#[case::no_job("  job:", "  jobs:")]
#[case::other_state("    state: running", "    state: suspended")]
fn any_contradiction_is_unclear(#[case] from: &str, #[case] to: &str) {
    let draft = drafted(&[(from, to)], Some(&cluster(&[])));
    assert!(
        matches!(draft.phase, Phase::Unclear { .. }),
        "{:?}",
        draft.phase
    );
}

#[test]
fn without_its_cluster_nothing_is_sure_and_a_directory_may_be_missing() {
    let draft = drafted(&[], None);
    assert!(matches!(draft.phase, Phase::Unclear { why } if why.contains("not known")));
    assert_eq!(draft.gaps.len(), 1);
}

#[rstest]
#[case::an_application("  mode: native", "  job: {}", "no session cluster")]
#[case::deleted(
    "  name: session",
    "  name: session\n  deletionTimestamp: \"2026-11-21T06:00:00Z\"",
    "being deleted"
)]
fn what_is_no_session_cluster_has_no_session_jobs(
    #[case] from: &str,
    #[case] to: &str,
    #[case] says: &str,
) {
    let draft = drafted(&[], Some(&cluster(&[(from, to)])));
    assert!(
        matches!(&draft.phase, Phase::Unclear { why } if why.contains(says)),
        "{:?}",
        draft.phase
    );
}

const SUSPENDED: [(&str, &str); 5] = [
    ("    state: running", "    state: suspended"),
    (r#""state":"running""#, r#""state":"suspended""#),
    ("state: RUNNING", "state: FINISHED"),
    ("lifecycleState: STABLE", "lifecycleState: SUSPENDED"),
    (
        "jobId: 00000000000000000000000000000def",
        "upgradeSavepointPath: /own/x/chk-9",
    ),
];

/// Flink's operator forgets the id of a suspended session job; the record has it.
#[test]
fn a_suspended_job_is_over_under_its_last_recorded_id() {
    let draft = drafted(&SUSPENDED, Some(&cluster(&[])));
    assert_eq!(
        draft.phase,
        Phase::Terminal {
            state: "suspended".to_owned()
        }
    );
    // Not the one of an earlier resource of the name, although that was seen later.
    assert_eq!(
        id(&draft).as_deref(),
        Some("00000000000000000000000000000bbb")
    );
}

#[test]
fn a_suspended_job_without_its_own_path_is_unclear() {
    let mut edits = SUSPENDED;
    edits[4].1 = "upgradeSavepointPath: KUBERNETES_OPERATOR_LAST_STATE";
    let draft = drafted(&edits, Some(&cluster(&[])));
    assert!(
        matches!(draft.phase, Phase::Unclear { .. }),
        "{:?}",
        draft.phase
    );
}
