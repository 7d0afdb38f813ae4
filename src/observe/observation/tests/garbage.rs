//! Fields of other types than any Flink operator writes: what they hid is protected, and nobody else notices.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const PAYMENTS: &str = "00000000000000000000000000000fff";

/// One resource of each kind, with every field that we read, and a deployment that is never touched.
fn resources() -> Vec<(FlinkKind, Value)> {
    let embedded = json!({
        "spec": {
            "flinkVersion": "v1_20",
            "flinkConfiguration": {"state.checkpoints.dir": "/deployed"},
            "job": {
                "state": "running", "upgradeMode": "savepoint", "initialSavepointPath": "/copied/deployed",
                "savepointRedeployNonce": 1, "args": ["--fromSavepoint", "/copied/argument"],
            },
            "deploymentName": "session",
        },
        "resource_metadata": {"apiVersion": "flink.apache.org/v1beta1", "firstDeployment": false},
    })
    .to_string();
    let stable = json!({"job": {"initialSavepointPath": "/copied/stable"}}).to_string();
    let job = json!({
        "state": "running", "upgradeMode": "savepoint", "initialSavepointPath": "/copied/asked",
        "savepointRedeployNonce": 1, "args": ["-s", "/copied/other"],
    });
    let status = |id: &str| {
        json!({
            "lifecycleState": "STABLE",
            "observedGeneration": 4,
            "jobManagerDeploymentStatus": "READY",
            "clusterInfo": {"flink-version": "1.20.1"},
            "error": "",
            "jobStatus": {
                "jobId": id, "jobName": "x", "state": "RUNNING", "startTime": "1", "updateTime": "2",
                "upgradeSavepointPath": "/copied/upgrade",
                "savepointInfo": {
                    "lastSavepoint": {"location": "/copied/last", "timeStamp": 1, "triggerType": "MANUAL", "formatType": "NATIVE"},
                    "savepointHistory": [{"location": "/copied/history", "timeStamp": 1}],
                    "triggerId": "", "triggerTimestamp": 0,
                },
                "checkpointInfo": {"triggerId": ""},
            },
            "reconciliationStatus": {
                "state": "DEPLOYED", "reconciliationTimestamp": 7,
                "lastReconciledSpec": embedded, "lastStableSpec": stable,
            },
        })
    };
    let configuration = json!({"state.checkpoints.dir": "/asked", "execution.savepoint.path": "/copied/configured"});
    let object = |kind: FlinkKind, name: &str, spec: Value, status: Value| {
        let object = json!({
            "apiVersion": "flink.apache.org/v1beta1", "kind": kind.as_str(),
            "metadata": {"name": name, "namespace": "flink", "uid": name, "generation": 4},
            "spec": spec, "status": status,
        });
        (kind, object)
    };
    let pair = json!({"spec": {"template": {"spec": {"job": {"initialSavepointPath": "/copied/before"}}}}});
    vec![
        object(
            FlinkKind::Deployment,
            "orders",
            json!({
                "flinkVersion": "v1_20", "flinkConfiguration": configuration, "mode": "native", "image": "x",
                "serviceAccount": "flink", "job": job,
            }),
            status(JOB),
        ),
        object(
            FlinkKind::SessionJob,
            "clicks",
            json!({"deploymentName": "session", "flinkConfiguration": configuration, "job": job}),
            status("00000000000000000000000000000def"),
        ),
        object(
            FlinkKind::StateSnapshot,
            "made",
            json!({
                "jobReference": {"kind": "FlinkDeployment", "name": "orders"},
                "savepoint": {"path": "/copied/exists", "alreadyExists": true, "disposeOnDelete": false},
            }),
            json!({
                "state": "COMPLETED", "path": "/copied/made", "error": "",
                "triggerTimestamp": "2026-11-21T06:16:40Z", "resultTimestamp": "2026-11-21T06:16:40.123Z",
            }),
        ),
        object(
            FlinkKind::BlueGreenDeployment,
            "pair",
            json!({"template": {"spec": {"flinkConfiguration": configuration, "job": job}}}),
            json!({
                "blueGreenState": "ACTIVE_BLUE", "savepointTriggerId": "",
                "jobStatus": {"state": "RUNNING", "upgradeSavepointPath": "/copied/pair"},
                "lastReconciledSpec": pair.to_string(),
            }),
        ),
    ]
}

/// A place in a resource: a pointer, and one into the JSON text at that place if it is inside.
type Place = (String, Option<String>);

fn places(value: &Value) -> Vec<Place> {
    let mut found = Vec::new();
    for part in ["/spec", "/status"] {
        within(value.pointer(part).unwrap(), part, &mut |pointer, node| {
            found.push((pointer.to_owned(), None));
            let text = node.as_str().filter(|text| text.starts_with('{'));
            if let Some(embedded) = text.and_then(|text| serde_json::from_str(text).ok()) {
                within(&embedded, "", &mut |inner, _| {
                    found.push((pointer.to_owned(), Some(inner.to_owned())));
                });
            }
        });
    }
    found
}

fn within(value: &Value, at: &str, visit: &mut impl FnMut(&str, &Value)) {
    visit(at, value);
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                within(field, &format!("{at}/{key}"), visit);
            }
        }
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                within(item, &format!("{at}/{position}"), visit);
            }
        }
        _ => {}
    }
}

fn others() -> [Value; 5] {
    [
        json!(7),
        json!(true),
        json!(["x"]),
        json!({"x": "y"}),
        json!("nonsense"),
    ]
}

fn same_type(one: &Value, other: &Value) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// False if there is a value of the same type.
fn replace(object: &mut Value, place: &Place, by: &Value) -> bool {
    let (pointer, inner) = place;
    let Some(node) = object.pointer_mut(pointer) else {
        return false;
    };
    let Some(inner) = inner else {
        let differs = !same_type(node, by);
        *node = by.clone();
        return differs;
    };
    let embedded = node
        .as_str()
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let Some(mut embedded) = embedded else {
        return false;
    };
    let Some(field) = embedded.pointer_mut(inner) else {
        return false;
    };
    let differs = !same_type(field, by);
    *field = by.clone();
    *node = Value::String(embedded.to_string());
    differs
}

/// What an observation protects by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Protected {
    roots: BTreeSet<String>,
    claims: BTreeSet<JobId>,
    bases: BTreeSet<String>,
}

async fn observe(objects: &[(FlinkKind, Value)]) -> Evidence {
    let mut world = World::default()
        .with(
            FlinkKind::Deployment,
            include_str!("../../fixtures/session.yaml"),
            &[],
        )
        .deployment(&[("name: orders", "name: payments"), (JOB, PAYMENTS)]);
    for (kind, value) in objects {
        let object: DynamicObject = serde_json::from_value(value.clone()).unwrap();
        world.resources.flink.push(FlinkObject::read(*kind, object));
    }
    world.evidence().await
}

fn protected(evidence: &Evidence) -> Protected {
    Protected {
        roots: evidence
            .roots
            .iter()
            .map(|root| root.snapshot.to_string())
            .collect(),
        claims: evidence.jobs.iter().filter_map(|job| job.current).collect(),
        bases: evidence.bases().map(ToString::to_string).collect(),
    }
}

fn loses(before: &Protected, after: &Protected) -> bool {
    !(before.roots.is_subset(&after.roots)
        && before.claims.is_subset(&after.claims)
        && before.bases.is_subset(&after.bases))
}

fn phase(evidence: &Evidence, name: &str) -> Phase {
    job(evidence, name).phase.clone()
}

fn namespace_is_protected(evidence: &Evidence) -> bool {
    evidence
        .gaps
        .iter()
        .any(|gap| gap.radius.contains(&gaps::seen_from("flink")))
}

/// Values of a configuration may be of any type: Flink's operator makes them text.
fn in_configuration((pointer, inner): &Place) -> bool {
    [Some(pointer), inner.as_ref()]
        .into_iter()
        .flatten()
        .any(|pointer| pointer.contains("/flinkConfiguration/"))
}

#[tokio::test]
async fn every_field_of_another_type_protects_what_it_may_have_named() {
    let whole = resources();
    let before = observe(&whole).await;
    assert_eq!(before.gaps, []);
    assert_eq!(phase(&before, "orders"), Phase::Running);
    assert_eq!(phase(&before, "clicks"), Phase::Running);
    let named = protected(&before);
    for root in [
        "asked",
        "other",
        "configured",
        "deployed",
        "argument",
        "stable",
        "upgrade",
        "last",
        "history",
        "exists",
        "made",
        "before",
        "pair",
    ] {
        assert!(
            named.roots.contains(&format!("copied/{root}")),
            "{root}: {named:?}"
        );
    }
    let mut replaced = 0;
    for (position, (kind, value)) in whole.iter().enumerate() {
        for place in places(value) {
            for by in others() {
                let mut objects = whole.clone();
                if !replace(&mut objects[position].1, &place, &by) {
                    continue;
                }
                replaced += 1;
                let case = format!("{kind:?} {place:?} = {by}");
                let after = observe(&objects).await;
                assert_eq!(phase(&after, "payments"), Phase::Running, "{case}");
                for name in ["orders", "clicks"] {
                    let phase = phase(&after, name);
                    let doubts = matches!(phase, Phase::Unclear { .. });
                    assert!(doubts || phase == Phase::Running, "{case}: {phase:?}");
                }
                if in_configuration(&place) {
                    continue;
                }
                let lost = loses(&named, &protected(&after));
                assert!(
                    !lost || namespace_is_protected(&after),
                    "{case}: {:?}",
                    after.gaps
                );
            }
        }
    }
    assert!(replaced > 400, "{replaced}");
}

/// What a value of any JSON may look like.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        Just(Value::from("x".repeat(1 << 16))),
        Just(Value::from("/".repeat(5000))),
        Just(Value::from("s3://../../_metadata")),
        Just(Value::from("{\"spec\":")),
        Just(Value::from("99999999999999999999999999")),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z.$]{0,12}", inner, 0..8).prop_map(Value::from_iter),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Several fields of several resources at once, with anything: the others are seen as before.
    #[test]
    fn nothing_that_a_resource_says_ends_an_observation(
        edits in prop::collection::vec((0_usize..4, any::<prop::sample::Index>(), any_value()), 1..6),
    ) {
        let whole = resources();
        let mut objects = whole.clone();
        for (position, place, by) in &edits {
            let places = places(&whole[*position].1);
            replace(&mut objects[*position].1, place.get(&places), by);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let evidence = runtime.block_on(observe(&objects));
        prop_assert_eq!(phase(&evidence, "payments"), Phase::Running);
        let claims: Vec<_> = evidence.jobs.iter().filter_map(|job| job.claims(id(PAYMENTS))).collect();
        prop_assert!(claims.contains(&Claim::Current));
        prop_assert!(evidence.jobs.iter().any(|job| job.name.name == "orders"));
        prop_assert!(evidence.jobs.iter().any(|job| job.name.name == "clicks"));
    }
}
