//! Resources and ConfigMaps in which nothing is as Flink writes it: each ends as a protection that names it, none as a
//! crash, and with it gone all is as before.

use serde_json::{Value, json};

use crate::evidence::Doubt;
use crate::support::cluster::NAMESPACE;

/// Of a ConfigMap, which may have 1 MiB.
const HUGE: usize = 900_000;
/// What still fits into the arguments of kubectl.
const LONG: usize = 100_000;

/// Kind, plural, spec and status, and the field that cannot be understood.
fn broken() -> [(&'static str, &'static str, Value, Value, &'static str); 6] {
    let deep = (0..60).fold(json!("x"), |inner, _| json!({"a": inner}));
    [
        (
            "FlinkDeployment",
            "flinkdeployments",
            json!(["a", "list"]),
            json!(["another"]),
            "spec",
        ),
        (
            "FlinkDeployment",
            "flinkdeployments",
            json!({"flinkConfiguration": deep, "job": {}}),
            json!({}),
            "flinkConfiguration",
        ),
        (
            "FlinkSessionJob",
            "flinksessionjobs",
            json!({"deploymentName": {"not": "text"}, "job": []}),
            json!({"jobStatus": [], "reconciliationStatus": "none"}),
            "deploymentName",
        ),
        (
            "FlinkSessionJob",
            "flinksessionjobs",
            json!({"deploymentName": "nowhere", "job": {"state": "running"}}),
            json!({"jobStatus": {"jobId": "x".repeat(LONG)}}),
            "session cluster is not known",
        ),
        (
            "FlinkStateSnapshot",
            "flinkstatesnapshots",
            json!({"savepoint": {"path": 7, "alreadyExists": "perhaps"}}),
            json!({"path": ["/x"], "state": {}}),
            "savepoint",
        ),
        (
            "FlinkBlueGreenDeployment",
            "flinkbluegreendeployments",
            json!({"template": []}),
            json!({"blueGreenState": 3, "lastReconciledSpec": "{\"spec\":"}),
            "template",
        ),
    ]
}

#[test]
fn nonsense_in_any_resource_is_a_protection_and_no_crash() {
    let doubt = Doubt::new();
    let cluster = &doubt.cluster;
    for (number, (kind, plural, spec, status, says)) in broken().into_iter().enumerate() {
        let object = json!({
            "apiVersion": "flink.apache.org/v1beta1",
            "kind": kind,
            "metadata": {"name": "broken", "namespace": NAMESPACE},
            "spec": spec,
            "status": status,
        });
        // Definitions that ask for an object take no list: then the API server refuses it, and there is nothing to see.
        let what = format!("{plural}/broken");
        if cluster.control_plane.apply(&object.to_string()).is_err() {
            assert!(object["spec"].is_array(), "{kind} was refused");
            continue;
        }
        cluster.patch_status(&what, &object["status"]);
        doubt.protects(
            &format!("broken-{number}"),
            "missing-evidence",
            &[&format!("{kind} flink/broken"), says],
        );
        if kind == "FlinkDeployment" || kind == "FlinkSessionJob" {
            // The one that was broken before has left it with the same class, and another reason.
            let inventory = format!("ckinv/broken.{}", kind.to_ascii_lowercase());
            let unclear =
                r#"jsonpath={.status.conditions[?(@.type=="ResourcePresent")].reason}=Unclear"#;
            let said = cluster.wait(&inventory, unclear);
            assert_eq!(said["status"]["ownerClass"], "unknown", "{said}");
        }
        cluster.delete(&what);
        if kind == "FlinkDeployment" || kind == "FlinkSessionJob" {
            let inventory = format!("ckinv/broken.{}", kind.to_ascii_lowercase());
            cluster.wait(&inventory, "condition=ResourcePresent=False");
        }
    }
    doubt.settle();
}

#[test]
fn nonsense_in_a_map_is_a_protection_and_no_crash() {
    let doubt = Doubt::new();
    let cluster = &doubt.cluster;
    let map = "nobody-000000000000000000000000000000ff-config-map";
    let values = [
        ("empty", String::new()),
        ("huge", "A".repeat(HUGE)),
        ("binary", "\u{0}\u{1}\u{fffd}".repeat(100)),
        ("text", "s3://bucket/savepoint".to_owned()),
    ];
    for (case, value) in values {
        cluster.apply(&json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": map, "namespace": NAMESPACE},
            "data": {"checkpointID-0000000000000000005": value, "counter": "many"},
        }));
        doubt.protects(case, "missing-evidence", &[map]);
        cluster.delete(&format!("cm/{map}"));
    }
    doubt.settle();
}
