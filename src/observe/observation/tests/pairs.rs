//! `FlinkBlueGreenDeployment`s and their halves.

use super::*;

const PAIR: &str = include_str!("../../fixtures/pair.yaml");

/// A pair, and its halves made from the stable deployment.
pub(super) fn pair(edits: &[(&str, &str)], halves: &[(&str, &[(&str, &str)])]) -> World {
    let mut world = World::default().with(FlinkKind::BlueGreenDeployment, PAIR, edits);
    for (colour, edits) in halves {
        let metadata = format!(
            "name: orders-{}\n  labels: {{flink/blue-green-deployment-type: {colour}}}\n  \
             ownerReferences: [{{apiVersion: flink.apache.org/v1beta1, kind: FlinkBlueGreenDeployment, name: orders, uid: 9a129a12-8a5e-4b0e-9a53-0b6a0a9a1c11}}]",
            colour.to_lowercase()
        );
        let mut all = vec![("name: orders", metadata.as_str())];
        all.extend(*edits);
        world = world.with(FlinkKind::Deployment, STABLE, &all);
    }
    world
}

const OTHER_ID: (&str, &str) = (JOB, "00000000000000000000000000000fff");
pub(super) const SUSPENDED: [(&str, &str); 6] = [
    OTHER_ID,
    ("    state: running", "    state: suspended"),
    (r#""state":"running""#, r#""state":"suspended""#),
    ("state: RUNNING", "state: FINISHED"),
    ("lifecycleState: STABLE", "lifecycleState: SUSPENDED"),
    (
        r#""upgradeMode":"last-state""#,
        r#""upgradeMode":"savepoint""#,
    ),
];

#[tokio::test]
async fn r11_each_half_of_a_settled_pair_is_a_job_like_any_other() {
    let alone = pair(&[], &[("BLUE", &[])]).evidence().await;
    assert_eq!(job(&alone, "orders-blue").phase, Phase::Running);
    // An aborted transition leaves the other half suspended.
    let aborted = pair(&[], &[("BLUE", &[]), ("GREEN", &SUSPENDED)])
        .evidence()
        .await;
    assert_eq!(job(&aborted, "orders-blue").phase, Phase::Running);
    assert_eq!(job(&aborted, "orders-green").phase, Phase::Suspended);
}

#[rstest]
#[case::transition(&[("ACTIVE_BLUE", "TRANSITIONING_TO_GREEN")], "TRANSITIONING_TO_GREEN")]
#[case::first(&[("ACTIVE_BLUE", "INITIALIZING_BLUE")], "INITIALIZING_BLUE")]
#[case::r10_savepoint(&[("ACTIVE_BLUE", "SAVEPOINTING_BLUE")], "savepoint")]
#[case::r10_trigger(&[("  blueGreenState", "  savepointTriggerId: abc\n  blueGreenState")], "savepoint")]
#[case::unheard_of(&[("ACTIVE_BLUE", "PURPLE")], "PURPLE")]
#[case::no_state(&[("blueGreenState", "other")], "without a state")]
#[case::undecodable(&[("blueGreenState: ACTIVE_BLUE", "blueGreenState: [ACTIVE_BLUE]")], "blueGreenState")]
#[case::deleted(&[("name: orders", "name: orders\n  deletionTimestamp: \"2026-11-21T06:00:00Z\"")], "being deleted")]
#[case::another_pair(&[("uid: 9a129a12", "uid: 00000000")], "not in sight")]
#[tokio::test]
async fn both_halves_of_a_pair_in_between_are_unclear(
    #[case] edits: &[(&str, &str)],
    #[case] says: &str,
) {
    let evidence = pair(edits, &[("BLUE", &[]), ("GREEN", &SUSPENDED)])
        .evidence()
        .await;
    for half in ["orders-blue", "orders-green"] {
        let phase = &job(&evidence, half).phase;
        assert!(
            matches!(phase, Phase::Unclear { why } if why.contains(says)),
            "{phase:?}"
        );
    }
}

#[tokio::test]
async fn a_half_that_runs_beside_the_active_one_is_still_needed_and_needs_it() {
    let evidence = pair(&[], &[("BLUE", &[]), ("GREEN", &[OTHER_ID])])
        .evidence()
        .await;
    for half in ["orders-blue", "orders-green"] {
        assert!(
            matches!(job(&evidence, half).phase, Phase::Unclear { .. }),
            "{half}"
        );
    }
}

#[tokio::test]
async fn a_half_without_its_pair_is_unclear() {
    let mut world = pair(&[], &[("BLUE", &[])]);
    world
        .resources
        .flink
        .retain(|object| object.kind == FlinkKind::Deployment);
    let evidence = world.evidence().await;
    assert!(matches!(
        job(&evidence, "orders-blue").phase,
        Phase::Unclear { .. }
    ));
}
