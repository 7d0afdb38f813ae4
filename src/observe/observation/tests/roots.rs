//! The roots that more than the text of one resource tells.

use super::pairs::{SUSPENDED, pair};
use super::sessions::{CLICKS, session};
use super::sessions::{SESSION, SESSION_JOB};
use super::*;

/// Whatever the job does, the directory of its current id is not for anybody to judge.
#[rstest]
#[case("RECONCILING", "STABLE")]
#[case("RESTARTING", "STABLE")]
#[case("FAILING", "STABLE")]
#[case("CANCELLING", "STABLE")]
#[case("CREATED", "DEPLOYED")]
#[case("INITIALIZING", "DEPLOYED")]
#[case("RUNNING", "DEPLOYED")]
#[case("RUNNING", "UPGRADING")]
#[case("RUNNING", "ROLLING_BACK")]
#[case("RUNNING", "ROLLED_BACK")]
#[case("RUNNING", "DELETING")]
#[case("SUSPENDED", "STABLE")]
#[case("QUANTUM", "STABLE")]
#[tokio::test]
async fn r6_the_current_job_in_any_state_but_a_settled_one(
    #[case] state: &str,
    #[case] lifecycle: &str,
) {
    let (state, lifecycle) = (
        format!("state: {state}"),
        format!("lifecycleState: {lifecycle}"),
    );
    let edits = [
        ("state: RUNNING", state.as_str()),
        ("lifecycleState: STABLE", lifecycle.as_str()),
    ];
    let of_both = [
        (World::default().deployment(&edits), "orders", JOB),
        (session(&edits), "clicks", CLICKS),
    ];
    for (world, name, current) in of_both {
        let evidence = world.evidence().await;
        let job = job(&evidence, name);
        assert!(matches!(job.phase, Phase::Unclear { .. }), "{job:?}");
        assert_eq!(job.claims(id(current)), Some(Claim::Current));
    }
}

/// No path in its resource: only its id and its map.
#[tokio::test]
async fn r6_a_suspended_application_is_known_by_its_id() {
    let mut edits = SUSPENDED.to_vec();
    edits.push((
        "upgradeSavepointPath: /opt/flink/volume/flink-cp/00000000000000000000000000000aaa/chk-7",
        "upgradeSavepointPath: KUBERNETES_OPERATOR_LAST_STATE",
    ));
    let map = "orders-00000000000000000000000000000fff-config-map";
    let evidence = World::default()
        .deployment(&edits)
        .map(map)
        .evidence()
        .await;
    let orders = job(&evidence, "orders");
    assert_eq!(orders.phase, Phase::Suspended);
    assert_eq!(
        orders.claims(id("00000000000000000000000000000fff")),
        Some(Claim::Current)
    );
    assert!(matches!(orders.high_availability, HighAvailability::Map(_)));
}

/// LC 19, and R6 where only the defaults of the Flink operator name the high availability: its data are out of sight.
#[rstest]
#[case::by_the_marker(Some("KUBERNETES_OPERATOR_LAST_STATE"), "savepoint", false)]
#[case::by_the_mode_alone(None, "last-state", false)]
#[case::beside_a_path_of_an_earlier_start(
    Some("/opt/flink/volume/flink-cp/x/chk-7"),
    "last-state",
    false
)]
#[case::not_at_all(Some("/opt/flink/volume/flink-cp/x/chk-7"), "savepoint", true)]
#[tokio::test]
async fn r6_what_is_left_to_high_availability_out_of_sight_is_unclear(
    #[case] noted: Option<&str>,
    #[case] mode: &str,
    #[case] suspended: bool,
) {
    let noted = noted.map_or_else(String::new, |path| {
        format!("    upgradeSavepointPath: {path}\n")
    });
    let mut edits = SUSPENDED.to_vec();
    edits.push((
        "    upgradeSavepointPath: /opt/flink/volume/flink-cp/00000000000000000000000000000aaa/chk-7\n",
        &noted,
    ));
    edits.push(("    high-availability.type: kubernetes\n", ""));
    let mode = format!(r#""upgradeMode":"{mode}""#);
    edits.retain(|(_, by)| !by.contains("upgradeMode"));
    edits.push((r#""upgradeMode":"last-state""#, &mode));
    let evidence = World::default().deployment(&edits).evidence().await;
    let orders = job(&evidence, "orders");
    assert!(matches!(
        orders.high_availability,
        HighAvailability::NotConfigured
    ));
    match &orders.phase {
        Phase::Suspended => assert!(suspended),
        Phase::Unclear { why } => {
            assert!(
                !suspended && why.contains("set high-availability.type"),
                "{why}"
            );
        }
        other => panic!("{other:?}"),
    }
}

fn requested(job: &str, kind: &str, rest: &str) -> String {
    format!(
        "apiVersion: flink.apache.org/v1beta1\nkind: FlinkStateSnapshot\n\
         metadata: {{name: manual, namespace: flink}}\n\
         spec: {{jobReference: {{name: {job}{kind}}}, savepoint: {{path: /sp}}}}\n{rest}"
    )
}

#[rstest]
#[case::not_seen_yet("", true)]
#[case::pending("status: {state: TRIGGER_PENDING}", true)]
#[case::in_progress("status: {state: IN_PROGRESS, triggerId: abc}", true)]
#[case::unheard_of("status: {state: PONDERING}", true)]
#[case::completed(
    "status: {state: COMPLETED, path: /sp/savepoint-000000-0123456789ab}",
    false
)]
#[case::failed("status: {state: FAILED}", false)]
#[case::abandoned("status: {state: ABANDONED}", false)]
#[tokio::test]
async fn r8_r14_a_job_of_which_a_snapshot_is_being_made_is_in_between(
    #[case] status: &str,
    #[case] in_between: bool,
) {
    for (name, kind) in [
        ("orders", ", kind: FlinkDeployment"),
        ("orders", ""),
        ("clicks", ", kind: FlinkSessionJob"),
    ] {
        let world = session(&[]).deployment(&[]).with(
            FlinkKind::StateSnapshot,
            &requested(name, kind, status),
            &[],
        );
        let evidence = world.evidence().await;
        for other in ["orders", "clicks"] {
            let unclear = matches!(job(&evidence, other).phase, Phase::Unclear { .. });
            assert_eq!(unclear, in_between && other == name, "{name}{kind} {other}");
        }
    }
    // Of the other kind.
    let other = requested("orders", ", kind: FlinkSessionJob", status);
    let world = World::default()
        .deployment(&[])
        .with(FlinkKind::StateSnapshot, &other, &[]);
    assert_eq!(job(&world.evidence().await, "orders").phase, Phase::Running);
}

#[tokio::test]
async fn a_savepoint_that_already_exists_is_not_being_made() {
    let exists = requested("orders", "", "").replace("path: /sp", "path: /sp, alreadyExists: true");
    let world = World::default()
        .deployment(&[])
        .with(FlinkKind::StateSnapshot, &exists, &[]);
    assert_eq!(job(&world.evidence().await, "orders").phase, Phase::Running);
}

/// One of another namespace names it all the same: buckets are shared, and so is the name of a directory.
#[tokio::test]
async fn r15_a_root_of_another_namespace_counts() {
    let foreign = "00000000000000000000000000000abc/chk-41";
    let path = format!("initialSavepointPath: s3://shared/cp/{foreign}");
    let edits = [
        ("namespace: flink", "namespace: other"),
        ("name: orders", "name: clone"),
        (JOB, "00000000000000000000000000000fff"),
        (
            "initialSavepointPath: file:///old/savepoint-4f1c0d-0123456789ab",
            path.as_str(),
        ),
    ];
    let evidence = World::default()
        .deployment(&[])
        .deployment(&edits)
        .evidence()
        .await;
    let root = evidence
        .roots
        .iter()
        .find(|root| root.snapshot.as_str() == foreign);
    assert_eq!(root.unwrap().named_by, "FlinkDeployment other/clone");
}

#[rstest]
#[case::of_the_pair(FlinkKind::BlueGreenDeployment, "orders-blue")]
#[case::of_the_session_cluster(FlinkKind::Deployment, "clicks")]
#[case::of_the_session_job(FlinkKind::SessionJob, "clicks")]
#[case::of_a_snapshot(FlinkKind::StateSnapshot, "orders")]
#[tokio::test]
async fn the_suspend_annotation_of_any_resource_suspends_its_jobs(
    #[case] annotated: FlinkKind,
    #[case] name: &str,
) {
    let snapshot = requested("orders", "", "status: {state: COMPLETED, path: /sp/x}");
    let world = |suspended: Option<FlinkKind>| {
        let annotated = "namespace: flink, annotations: {flink-retention.dev/suspend: \"true\"}}";
        let in_line = [("namespace: flink}", annotated)];
        let annotated = "namespace: flink\n  annotations: {flink-retention.dev/suspend: \"true\"}";
        let in_block = [("namespace: flink", annotated)];
        let edits = |kind| match (suspended == Some(kind), kind) {
            (false, _) => &[][..],
            (true, FlinkKind::StateSnapshot) => &in_line[..],
            (true, _) => &in_block[..],
        };
        if name == "orders-blue" {
            return pair(edits(FlinkKind::BlueGreenDeployment), &[("BLUE", &[])]);
        }
        World::default()
            .with(FlinkKind::Deployment, SESSION, edits(FlinkKind::Deployment))
            .with(
                FlinkKind::SessionJob,
                SESSION_JOB,
                edits(FlinkKind::SessionJob),
            )
            .with(
                FlinkKind::StateSnapshot,
                &snapshot,
                edits(FlinkKind::StateSnapshot),
            )
            .deployment(&[])
    };
    let before = world(None).evidence().await;
    assert_eq!(job(&before, name).suspended_by, None);
    let after = world(Some(annotated)).evidence().await;
    let why = job(&after, name).suspended_by.clone().unwrap();
    assert!(why.contains(annotated.as_str()), "{why}");
}

/// The directory of a savepoint exists before anything names it.
#[tokio::test]
async fn r14_where_a_savepoint_may_appear_none_is_a_leftover() {
    let below = |path: &str| {
        let origin = Origin {
            namespace: Some("flink".to_owned()),
            ..Origin::default()
        };
        Radius::Below(retention::location::Location::parse(path, &origin).unwrap())
    };
    let anywhere = gaps::seen_from("flink");
    let asked = requested("orders", "", "");
    let gone = requested("gone", "", "");
    for (request, radius) in [
        (asked.clone(), Some(below("/sp"))),
        (gone.clone(), Some(below("/sp"))),
        (gone.replace("path: /sp", ""), Some(anywhere.clone())),
        (
            asked.replace("path: /sp", "path: relative"),
            Some(anywhere.clone()),
        ),
        // Its own directories are known, and it is in between.
        (asked.replace("path: /sp", ""), None),
        (
            gone.replace("savepoint: {path: /sp}", "checkpoint: {}"),
            None,
        ),
        (
            gone.replace("path: /sp", "path: /sp, alreadyExists: true"),
            None,
        ),
    ] {
        let world = World::default()
            .deployment(&[])
            .with(FlinkKind::StateSnapshot, &request, &[]);
        let gaps = world.evidence().await.gaps;
        let found = gaps.iter().find(|gap| gap.guard == Guard::PendingSavepoint);
        assert_eq!(
            found.map(|gap| gap.radius.clone()),
            radius.map(|radius| vec![radius]),
            "{request}"
        );
    }
    let pair = pair(&[("ACTIVE_BLUE", "SAVEPOINTING_BLUE")], &[]);
    let gaps = pair.evidence().await.gaps;
    assert_eq!(gaps[0].guard, Guard::PendingSavepoint);
    assert_eq!(gaps[0].radius, [anywhere]);
}
