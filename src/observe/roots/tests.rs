//! The roots by their numbers; R6, R7, R10, R11, R12, R14 and R15 need more than the text of one resource, and are tested with
//! the observer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::observe::FlinkObject;
use crate::observe::deployment::tests::object;
use crate::observe::flink_object::Says;
use crate::observe::gaps;
use rstest::rstest;

const STABLE: &str = include_str!("../fixtures/stable.yaml");
const SESSION_JOB: &str = include_str!("../fixtures/session-job.yaml");
const PAIR: &str = include_str!("../fixtures/pair.yaml");

fn roots(kind: FlinkKind, object: &DynamicObject) -> Vec<Root> {
    let named = FlinkObject::read(kind, object.clone()).named;
    named.roots(&Origin::default())
}

fn keys(kind: FlinkKind, object: &DynamicObject) -> Vec<String> {
    let roots = roots(kind, object);
    roots.iter().map(|root| root.snapshot.to_string()).collect()
}

/// The place of the root with this key.
fn place(kind: FlinkKind, object: &DynamicObject, key: &str) -> Option<String> {
    let roots = roots(kind, object);
    let found = roots.iter().find(|root| root.snapshot.as_str() == key);
    let found = found.unwrap_or_else(|| panic!("no root {key}: {roots:?}"));
    found.location.as_ref().map(ToString::to_string)
}

/// Each kind that has a job, with a fragment of JSON in the place that is asked for.
fn with(yaml: &str, at: &str, insert: &str) -> DynamicObject {
    object(yaml, &[(at, &format!("{at}{insert}"))])
}

const JOBS: [(FlinkKind, &str); 2] = [
    (FlinkKind::Deployment, STABLE),
    (FlinkKind::SessionJob, SESSION_JOB),
];

/// A person may have given any name to a copy; with or without scheme, `/` and `/_metadata`.
#[rstest]
#[case("/copied/mine", "copied/mine", "file:/copied/mine")]
#[case("/copied/mine/", "copied/mine", "file:/copied/mine")]
#[case("/copied/mine/_metadata", "copied/mine", "file:/copied/mine")]
#[case("file:/copied/mine", "copied/mine", "file:/copied/mine")]
#[case("file:///copied/mine/_metadata", "copied/mine", "file:/copied/mine")]
#[case("s3a://bucket/mine", "mine", "s3://bucket/mine")]
#[case("s3p://bucket//copied/mine", "copied/mine", "s3://bucket/copied/mine")]
#[case("hdfs://nn:8020/mine/_metadata", "mine", "hdfs://nn:8020/mine")]
#[case(
    "/x/savepoint-4f1c0d-0123456789ab",
    "savepoint-4f1c0d-0123456789ab",
    "file:/x/savepoint-4f1c0d-0123456789ab"
)]
fn r1_an_initial_savepoint_path_in_any_spelling(
    #[case] path: &str,
    #[case] key: &str,
    #[case] at: &str,
) {
    for (kind, yaml) in JOBS {
        let yaml = yaml.replace(
            "initialSavepointPath: file:///old/savepoint-4f1c0d-0123456789ab",
            "",
        );
        let line = format!("\n    initialSavepointPath: {path}");
        let object = with(&yaml, "    upgradeMode:", " stateless");
        assert!(
            object
                .data
                .pointer("/spec/job/initialSavepointPath")
                .is_none()
        );
        let object = with(&yaml, "    state: running", &line);
        assert_eq!(place(kind, &object, key).as_deref(), Some(at), "{kind:?}");
    }
}

#[test]
fn r2_an_upgrade_savepoint_path_and_the_word_that_is_none() {
    for (kind, yaml) in JOBS {
        let yaml = yaml.replace("upgradeSavepointPath: /opt/flink/volume/flink-cp/00000000000000000000000000000aaa/chk-7", "");
        let named = |path: &str| {
            with(
                &yaml,
                "    state: RUNNING",
                &format!("\n    upgradeSavepointPath: {path}"),
            )
        };
        let chk = "00000000000000000000000000000aaa/chk-9";
        let object = named(&format!("/cp/{chk}"));
        assert_eq!(place(kind, &object, chk), Some(format!("file:/cp/{chk}")));
        let before = keys(kind, &named("''")).len();
        let marker = keys(kind, &named("KUBERNETES_OPERATOR_LAST_STATE"));
        assert_eq!(marker.len(), before, "{marker:?}");
    }
}

#[test]
fn r3_the_last_savepoint_and_r4_the_history() {
    for (kind, yaml) in JOBS {
        let history = "savepointHistory: [{location: file:/copied/first, timeStamp: 1}, {location: ''}, {location: s3://b/second}]\n      \
                       lastSavepoint: {location: /copied/last, timeStamp: 2, triggerType: MANUAL}";
        let object = object(yaml, &[("savepointHistory: []", history)]);
        for key in ["copied/first", "second", "copied/last"] {
            assert!(place(kind, &object, key).is_some(), "{key}");
        }
    }
}

/// In both forms: below `spec`, and up to an early operator at the top.
#[rstest]
#[case::new(r#"{"spec":{"job":{"initialSavepointPath":"/copied/deployed"}},"resource_metadata":{"firstDeployment":true}}"#)]
#[case::old(r#"{"apiVersion":"v1beta1","job":{"initialSavepointPath":"/copied/deployed"}}"#)]
#[case::configuration(
    r#"{"spec":{"flinkConfiguration":{"execution":{"savepoint.path":"/copied/deployed"}}}}"#
)]
#[case::arguments(r#"{"spec":{"job":{"args":["--fromSavepoint","/copied/deployed"]}}}"#)]
fn r5_the_deployed_and_the_stable_spec(#[case] embedded: &str) {
    for (kind, yaml) in JOBS {
        for field in ["lastReconciledSpec", "lastStableSpec"] {
            let yaml: Vec<&str> = yaml
                .lines()
                .filter(|line| !line.contains(&format!("{field}:")))
                .collect();
            let yaml = yaml.join("\n");
            let line = format!("\n    {field}: '{embedded}'");
            let object = with(&yaml, "    state: DEPLOYED", &line);
            let found = place(kind, &object, "copied/deployed");
            assert_eq!(
                found.as_deref(),
                Some("file:/copied/deployed"),
                "{kind:?} {field}"
            );
        }
    }
}

fn snapshot(spec: &str, rest: &str) -> DynamicObject {
    let yaml = format!(
        "apiVersion: flink.apache.org/v1beta1\nkind: FlinkStateSnapshot\n\
         metadata: {{name: kept, namespace: flink, deletionTimestamp: \"2026-11-21T06:00:00Z\"}}\n\
         spec: {spec}\n{rest}"
    );
    object(&yaml, &[])
}

/// Also while it is being deleted, and also of a job that is gone.
#[test]
fn r8_a_snapshot_resource() {
    let kind = FlinkKind::StateSnapshot;
    let exists = snapshot(
        "{savepoint: {path: /flink-data/sp-1, alreadyExists: true}}",
        "",
    );
    assert_eq!(
        place(kind, &exists, "flink-data/sp-1").as_deref(),
        Some("file:/flink-data/sp-1")
    );
    let completed = snapshot(
        "{jobReference: {kind: FlinkDeployment, name: gone}, savepoint: {path: /parent}}",
        "status: {state: COMPLETED, path: \"s3://b/my-own\"}",
    );
    assert_eq!(
        keys(kind, &completed),
        ["my-own"],
        "the parent is no snapshot"
    );
    let checkpoint = snapshot(
        "{jobReference: {kind: FlinkDeployment, name: gone}, checkpoint: {}}",
        "status: {state: COMPLETED, path: \"\"}",
    );
    assert_eq!(keys(kind, &checkpoint), Vec::<String>::new());
}

#[test]
fn the_keep_annotation_of_a_snapshot_says_who_keeps_it() {
    let kind = FlinkKind::StateSnapshot;
    let mut object = snapshot(
        "{savepoint: {path: /flink-data/sp-1, alreadyExists: true}}",
        "",
    );
    for (value, named_by) in [
        (
            "true",
            "FlinkStateSnapshot flink/kept (flink-retention.dev/keep)",
        ),
        (
            "until the audit",
            "FlinkStateSnapshot flink/kept (flink-retention.dev/keep)",
        ),
        ("false", "FlinkStateSnapshot flink/kept"),
    ] {
        let annotation = (KEEP_ANNOTATION.to_owned(), value.to_owned());
        object.metadata.annotations = Some([annotation].into());
        assert_eq!(roots(kind, &object)[0].named_by, named_by);
    }
}

/// The operator strips `file:` from what it writes into a half.
#[rstest]
#[case::asked(
    "      job:\n        state: running",
    "\n        initialSavepointPath: /copied/mine"
)]
#[case::status(
    "  jobStatus:",
    " {savepointInfo: {lastSavepoint: {location: /copied/mine}}}\n  other:"
)]
fn r9_a_pair(#[case] at: &str, #[case] insert: &str) {
    let object = with(PAIR, at, insert);
    let found = place(FlinkKind::BlueGreenDeployment, &object, "copied/mine");
    assert_eq!(found.as_deref(), Some("file:/copied/mine"));
}

#[test]
fn r9_what_a_pair_was_made_from_last() {
    let edits = [(
        r#""job":{"state":"running"}"#,
        r#""flinkConfiguration":{"execution.savepoint.path":"/copied/other"},"job":{"initialSavepointPath":"/copied/mine"}"#,
    )];
    let keys = keys(FlinkKind::BlueGreenDeployment, &object(PAIR, &edits));
    assert_eq!(keys, ["copied/mine", "copied/other"]);
}

#[rstest]
#[case("[--fromSavepoint, /copied/mine]")]
#[case("[-s, /copied/mine]")]
#[case("[-Dexecution.savepoint.path=/copied/mine]")]
#[case("[--execution.state-recovery.path=/copied/mine/_metadata]")]
#[case("[--restore, \"/copied/x/chk-3,/copied/mine/savepoint-4f1c0d-0123456789ab\"]")]
fn r13_arguments_of_the_program(#[case] arguments: &str) {
    for (kind, yaml) in JOBS {
        let object = with(
            yaml,
            "    state: running",
            &format!("\n    args: {arguments}"),
        );
        let keys = keys(kind, &object);
        let found = ["copied/mine", "x/chk-3"]
            .iter()
            .any(|key| keys.contains(&(*key).to_owned()));
        assert!(found, "{keys:?}");
    }
}

#[test]
fn r13_the_configuration_in_every_spelling() {
    for (kind, yaml) in JOBS {
        let both = "  flinkConfiguration:\n    execution: {state-recovery.path: /copied/new, savepoint.path: /copied/old}";
        let object = object(yaml, &[("  flinkConfiguration:", both)]);
        for key in ["copied/new", "copied/old"] {
            assert!(place(kind, &object, key).is_some());
        }
    }
}

#[test]
fn every_field_of_a_deployment_is_searched() {
    let edits = [
        (
            "jobStatus:",
            "unheardOf: s3://b/savepoint-aaaaaa-0123456789ab\n  jobStatus:",
        ),
        (
            "namespace: flink",
            "namespace: flink\n  annotations: {note: \"back to /x/savepoint-bbbbbb-0123456789ab\"}",
        ),
        (
            r#""upgradeMode":"last-state"}"#,
            r#""initialSavepointPath":"/copied/my-own-name"}"#,
        ),
    ];
    let keys = keys(FlinkKind::Deployment, &object(STABLE, &edits));
    assert_eq!(
        keys,
        [
            "00000000000000000000000000000aaa/chk-7",
            "copied/my-own-name",
            "savepoint-4f1c0d-0123456789ab",
            "savepoint-aaaaaa-0123456789ab",
            "savepoint-bbbbbb-0123456789ab",
        ]
    );
}

#[test]
fn a_root_says_who_names_it() {
    let roots = roots(FlinkKind::Deployment, &object(STABLE, &[]));
    assert_eq!(roots[0].named_by, "FlinkDeployment flink/orders");
}

#[test]
fn an_undecodable_resource_is_searched_too() {
    let object = object(
        STABLE,
        &[("observedGeneration: 4", "observedGeneration: [4]")],
    );
    assert_eq!(keys(FlinkKind::Deployment, &object).len(), 2);
}

#[test]
fn an_undecodable_snapshot_protects_its_namespace() {
    let yaml = "
apiVersion: flink.apache.org/v1beta1
kind: FlinkStateSnapshot
metadata: {name: odd, namespace: flink}
spec: {savepoint: {path: [a]}}
";
    let read = FlinkObject::read(FlinkKind::StateSnapshot, object(yaml, &[]));
    let Says::Unreadable(gap) = read.says else {
        panic!("{read:?}")
    };
    assert_eq!(gap.radius, [gaps::seen_from("flink")]);
    assert!(gap.why.contains("spec.savepoint.path"), "{}", gap.why);
}
