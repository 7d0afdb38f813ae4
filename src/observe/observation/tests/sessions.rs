//! Session clusters: their jobs, and those that no resource names.

use super::*;

pub(super) const SESSION: &str = include_str!("../../fixtures/session.yaml");
pub(super) const SESSION_JOB: &str = include_str!("../../fixtures/session-job.yaml");
pub(super) const CLICKS: &str = "00000000000000000000000000000def";
const BY_HAND: &str = "00000000000000000000000000000bad";

pub(super) fn session(edits: &[(&str, &str)]) -> World {
    World::default()
        .with(FlinkKind::Deployment, SESSION, &[])
        .with(FlinkKind::SessionJob, SESSION_JOB, edits)
}

#[tokio::test]
async fn a_session_job_runs_with_the_map_and_the_job_manager_of_its_cluster() {
    let mut world = session(&[]).map("session-00000000000000000000000000000def-config-map");
    world.overview = vec![(CLICKS, "RUNNING")];
    let evidence = world.evidence().await;
    assert_eq!(evidence.jobs.len(), 2);
    assert!(matches!(
        job(&evidence, "session").phase,
        Phase::NoJob { .. }
    ));
    let clicks = job(&evidence, "clicks");
    assert_eq!(clicks.phase, Phase::Running);
    assert_eq!(clicks.claims(id(CLICKS)), Some(Claim::Current));
    assert!(matches!(clicks.high_availability, HighAvailability::Map(_)));
    assert_eq!(world.asked(), [format!("session/{CLICKS}")]);
    assert_eq!(evidence.gaps, []);
}

/// The pods of its cluster stay: that a session job is over only its JobManager can say.
#[rstest]
#[case::it_says_so(&[(CLICKS, "CANCELED")], false, &[], true)]
#[case::it_has_forgotten_the_job(&[], false, &[], true)]
#[case::it_still_cancels(&[(CLICKS, "CANCELLING")], false, &[], false)]
#[case::it_was_suspended_with_its_cluster(&[(CLICKS, "SUSPENDED")], false, &[], false)]
#[case::nobody_answers(&[], true, &["session"], false)]
#[case::nobody_is_there(&[], true, &[], true)]
#[tokio::test]
async fn a_session_job_is_over_when_its_cluster_says_so(
    #[case] overview: &[(&'static str, &'static str)],
    #[case] silent: bool,
    #[case] processes: &[&str],
    #[case] over: bool,
) {
    let mut world = session(&[("state: RUNNING", "state: CANCELED")]);
    world.overview = overview.to_vec();
    world.silent = silent;
    for process in processes {
        world = world.process(process);
    }
    let evidence = world.evidence().await;
    let clicks = job(&evidence, "clicks");
    assert!(matches!(clicks.phase, Phase::Terminal { .. }));
    assert_eq!(clicks.processes == Processes::Absent, over, "{clicks:?}");
}

#[tokio::test]
async fn a_job_that_was_submitted_by_hand_is_a_job_of_its_own() {
    let mut world = session(&[]).map(&format!("session-{BY_HAND}-config-map"));
    let over = "00000000000000000000000000000fed";
    world.overview = vec![(CLICKS, "RUNNING"), (BY_HAND, "RUNNING"), (over, "FAILED")];
    let evidence = world.evidence().await;
    assert_eq!(evidence.jobs.len(), 3, "{:?}", evidence.jobs);
    let by_hand = job(&evidence, &format!("session/{BY_HAND}"));
    assert!(
        matches!(&by_hand.phase, Phase::Unclear { why } if why.contains("no Flink resource names it"))
    );
    assert_eq!(by_hand.claims(id(BY_HAND)), Some(Claim::Current));
    assert!(by_hand.bases.iter().any(|base| base.path() == "/cluster"));
    // It is asked like any other, and its map is no stray.
    assert!(world.asked().contains(&format!("session/{BY_HAND}")));
    assert!(matches!(
        by_hand.high_availability,
        HighAvailability::Map(_)
    ));
}

#[tokio::test]
async fn an_application_may_have_several_jobs() {
    let mut world = World::default().deployment(&[]);
    world.overview = vec![(JOB, "RUNNING"), (BY_HAND, "RUNNING")];
    let evidence = world.evidence().await;
    assert!(matches!(
        job(&evidence, &format!("orders/{BY_HAND}")).phase,
        Phase::Unclear { .. }
    ));
}

/// The directory of a job is not to be judged by what a resource of another cluster, perhaps of another tenant, says of a
/// job with the same id: not while that job runs.
#[tokio::test]
async fn nobody_speaks_for_a_job_of_another_cluster_by_naming_its_id() {
    let elsewhere = [
        ("namespace: flink", "namespace: elsewhere"),
        ("    state: running", "    state: suspended"),
        (r#""state":"running""#, r#""state":"suspended""#),
        ("state: RUNNING", "state: FINISHED"),
        ("lifecycleState: STABLE", "lifecycleState: SUSPENDED"),
        (
            r#""upgradeMode":"last-state""#,
            r#""upgradeMode":"savepoint""#,
        ),
    ];
    let mut world = World::default()
        .with(FlinkKind::Deployment, SESSION, &[])
        .deployment(&elsewhere);
    world.overview = vec![(JOB, "RUNNING")];
    let evidence = world.evidence().await;
    assert_eq!(job(&evidence, "orders").phase, Phase::Suspended);
    let claimants = evidence
        .jobs
        .iter()
        .filter(|job| job.claims(id(JOB)).is_some());
    let claimants: Vec<String> = claimants.map(|job| job.name.to_string()).collect();
    assert!(claimants.len() > 1, "{claimants:?}");
}

/// What runs in a session cluster that does not answer may use any of its directories, and read others.
#[tokio::test]
async fn a_silent_session_cluster_protects_every_store_that_its_jobs_can_name() {
    let mut world = World::default().with(FlinkKind::Deployment, SESSION, &[]);
    world.silent = true;
    assert_eq!(world.evidence().await.gaps, [], "it has no process");
    let world = world.process("session");
    let gaps = world.evidence().await.gaps;
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0].guard, Guard::JobManagerUnreachable);
    // What runs in it may have been started a moment ago from any snapshot anywhere.
    let origin = Origin {
        namespace: Some("flink".to_owned()),
        ..Origin::default()
    };
    for place in ["/cluster", "/other/chk-7", "s3://bucket/x"] {
        let place = Location::parse(place, &origin).unwrap();
        assert!(gaps[0].covers(&place, None), "{gaps:?}");
    }
    let of_others = Origin {
        namespace: Some("other".to_owned()),
        ..Origin::default()
    };
    let volume = Location::parse("/cluster", &of_others).unwrap();
    assert!(!gaps[0].covers(&volume, None), "{gaps:?}");
    let nowhere = [("    state.checkpoints.dir: /cluster\n", "")];
    let mut world = World::default()
        .with(FlinkKind::Deployment, SESSION, &nowhere)
        .process("session");
    world.silent = true;
    assert_eq!(
        world.evidence().await.gaps[0].radius,
        [Radius::StartedIn {
            namespace: "flink".to_owned(),
            bases: Vec::new(),
        }]
    );
}

#[tokio::test]
async fn a_suspended_session_job_is_over_under_its_recorded_id() {
    let suspended = [
        ("    state: running", "    state: suspended"),
        (r#""state":"running""#, r#""state":"suspended""#),
        ("state: RUNNING", "state: FINISHED"),
        ("lifecycleState: STABLE", "lifecycleState: SUSPENDED"),
        (
            "jobId: 00000000000000000000000000000def",
            "upgradeSavepointPath: /own/00000000000000000000000000000bbb/chk-9",
        ),
    ];
    let mut world = session(&suspended);
    let record = include_str!("../../fixtures/session-job-inventory.yaml");
    world.resources.inventories.push(object(record, &[]).into());
    let last = "00000000000000000000000000000bbb";
    for (overview, processes) in [
        (vec![], Processes::Absent),
        (vec![(last, "RUNNING")], Processes::Present),
    ] {
        world.overview = overview;
        let evidence = world.evidence().await;
        let clicks = job(&evidence, "clicks");
        assert!(matches!(clicks.phase, Phase::Terminal { .. }), "{clicks:?}");
        assert_eq!(clicks.claims(id(last)), Some(Claim::Current));
        assert_eq!(clicks.processes, processes);
        let root = format!("{last}/chk-9");
        assert!(
            evidence
                .roots
                .iter()
                .any(|named| named.snapshot.as_str() == root)
        );
    }
}

/// Only its record is left, which does not say in which cluster it ran.
#[rstest]
#[case::nothing_is_left(|_: &mut World| {}, true)]
#[case::its_cluster_has_it_no_more(
    |world: &mut World| world.resources.flink.push(FlinkObject::read(FlinkKind::Deployment, object(SESSION, &[]))),
    true
)]
#[case::a_cluster_says_that_it_is_over(
    |world: &mut World| {
        world.resources.flink.push(FlinkObject::read(FlinkKind::Deployment, object(SESSION, &[])));
        world.overview = vec![("00000000000000000000000000000bbb", "CANCELED")];
    },
    true
)]
#[case::a_cluster_still_runs_a_former_id(
    |world: &mut World| {
        world.resources.flink.push(FlinkObject::read(FlinkKind::Deployment, object(SESSION, &[])));
        world.overview = vec![("00000000000000000000000000000aaa", "RUNNING")];
    },
    false
)]
#[case::a_cluster_does_not_answer(
    |world: &mut World| {
        world.resources.flink.push(FlinkObject::read(FlinkKind::Deployment, object(SESSION, &[])));
        world.silent = true;
        world.processes.push(Process { name: "session".to_owned(), labels: BTreeMap::new() });
    },
    false
)]
#[case::a_deployment_cannot_be_read(
    |world: &mut World| {
        let broken = [("observedGeneration: 1", "observedGeneration: [1]")];
        world.resources.flink.push(FlinkObject::read(FlinkKind::Deployment, object(SESSION, &broken)));
    },
    false
)]
#[case::a_cluster_is_gone_and_its_processes_are_not(
    |world: &mut World| {
        world.resources.inventories.push(object(RECORD, &[]).into());
        world.processes.push(Process { name: "orders".to_owned(), labels: BTreeMap::new() });
    },
    false
)]
#[case::a_cluster_is_gone(
    |world: &mut World| world.resources.inventories.push(object(RECORD, &[]).into()),
    true
)]
#[case::a_cluster_that_no_resource_describes(
    |world: &mut World| {
        let labels = [("app", "by-helm"), ("component", "jobmanager")];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        world.processes.push(Process { name: "by-helm-1".to_owned(), labels: labels.into() });
    },
    false
)]
#[tokio::test]
async fn a_session_job_that_is_gone_is_over_when_no_cluster_can_run_it(
    #[case] left: fn(&mut World),
    #[case] gone: bool,
) {
    let mut world = World::default();
    let record = include_str!("../../fixtures/session-job-inventory.yaml");
    world.resources.inventories.push(object(record, &[]).into());
    left(&mut world);
    let evidence = world.evidence().await;
    let phase = &job(&evidence, "clicks").phase;
    assert_eq!(*phase == Phase::Gone, gone, "{phase:?}");
}
