//! A real API server takes our definitions, and refuses bad objects with a sentence that says what to write instead.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value
)]

use flink_retention::api::{CheckpointInventory, RetentionPolicy, RetentionRun};
use flink_retention::cli::crds;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use testbed::control_plane::ControlPlane;

#[test]
fn a_real_api_server_agrees() {
    let server = ControlPlane::start().unwrap();
    definitions_are_established_and_structural(&server);
    the_shortest_policy_gets_its_defaults(&server);
    bad_policies_are_refused_with_a_sentence(&server);
    what_says_not_where_and_as_whom_is_refused(&server);
    a_run_cannot_change(&server);
    what_the_operator_writes_is_what_is_stored(&server);
    columns_fit_a_terminal(&server);
}

fn definitions_are_established_and_structural(server: &ControlPlane) {
    let mut yaml = Vec::new();
    crds::print(&mut yaml).unwrap();
    server.apply(&String::from_utf8(yaml).unwrap()).unwrap();
    server
        .apply(include_str!("fixtures/flink-crds.yaml"))
        .unwrap();
    server.wait_for_definitions().unwrap();
    let conditions = server
        .kubectl(["get", "crd", "-o", "jsonpath={.items[*].status.conditions}"])
        .unwrap();
    assert!(!conditions.contains("NonStructuralSchema"), "{conditions}");
}

fn the_shortest_policy_gets_its_defaults(server: &ControlPlane) {
    apply(server, &policy(json!({}))).unwrap();
    let spec = get(server, "frp/payments")["spec"].clone();
    assert_eq!(spec["mode"], "DryRun");
    assert_eq!(spec["approval"], "Automatic");
    assert_eq!(spec["suspend"], false);
    assert_eq!(
        spec["orphans"],
        json!({"minAge": "24h", "gracePeriod": "24h"})
    );
    assert_eq!(spec["history"], json!({"successful": 3, "failed": 3}));

    // A null does not take a default away.
    apply(server, &policy(json!({"mode": null, "orphans": null}))).unwrap();
    assert_eq!(get(server, "frp/payments")["spec"]["mode"], "DryRun");

    // From everything back to the shortest: an emptied selector selects all, and is not a null.
    apply(server, &example("policy")).unwrap();
    apply(server, &policy(json!({}))).unwrap();
    let spec = get(server, "frp/payments")["spec"].clone();
    assert_eq!(spec["selector"], json!({}));
    assert_eq!(spec["storage"], json!({"operatorIdentity": {}}));
}

fn bad_policies_are_refused_with_a_sentence(server: &ControlPlane) {
    let without_selector = object(
        "RetentionPolicy",
        "payments",
        json!({"storage": {"operatorIdentity": {}}}),
    );
    let error = apply(server, &without_selector).unwrap_err();
    assert!(error.contains("spec.selector: Required value"), "{error}");

    let adopt = |entry: Value| json!({"approval": "Manual", "adopt": [entry]});
    for (change, sentence) in [
        (
            json!({"mode": "Delete"}),
            r#"supported values: "DryRun", "Enforce""#,
        ),
        (
            json!({"orphans": {"minAge": "1 day"}}),
            "write a duration such as 24h, 7d or 1w2d",
        ),
        (
            json!({"orphans": {"minAge": "99999999999999999d"}}),
            "may not be more than 16 bytes",
        ),
        (
            json!({"checkpoints": {"keepWithin": "7D"}}),
            "write a duration such as 24h, 7d or 1w2d",
        ),
        (
            json!({"checkpoints": {"keepLast": -1}}),
            "should be greater than or equal to 0",
        ),
        (
            json!({"checkpoints": {}}),
            "to keep all checkpoints leave `checkpoints` out",
        ),
        (
            json!({"savepoints": {"pinned": []}}),
            "to keep all savepoints leave `savepoints` out",
        ),
        (json!({"schedule": "daily"}), "write five cron fields"),
        (
            json!({"additionalRoots": ["/flink-data/savepoints"]}),
            "write an absolute location with its scheme, for example s3://bucket/path",
        ),
        (
            json!({"adopt": [{"base": "s3://b/x", "idleFor": "30d"}]}),
            "needs a person's approval: add `approval: Manual`",
        ),
        (adopt(json!({"idleFor": "30d"})), "`idleFor` needs `base`"),
        (adopt(json!({"base": "s3://b/x"})), "`base` needs `idleFor`"),
        (
            adopt(json!({"directory": "s3://b/x", "base": "s3://b/x", "idleFor": "30d"})),
            "write either `directory`",
        ),
        (
            adopt(json!({"directory": "s3://b/x"})),
            "`directory` needs `jobIds`",
        ),
        (
            json!({"selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}),
            "list values with In and NotIn, and leave values out with Exists and DoesNotExist",
        ),
        (
            json!({"limits": {"maxBytesPerRun": "2TB"}}),
            "spec.limits.maxBytesPerRun",
        ),
        (
            json!({"limits": {"maxReferencedShrinkPercent": 101}}),
            "should be less than or equal to 100",
        ),
    ] {
        is_refused(server, &change, sentence);
    }
}

fn what_says_not_where_and_as_whom_is_refused(server: &ControlPlane) {
    for (change, sentence) in [
        (
            json!({"storage": {}}),
            "set exactly one of secretRef, worker and operatorIdentity",
        ),
        (
            json!({"storage": {"operatorIdentity": {}, "secretRef": {"name": "a"}}}),
            "set exactly one of secretRef",
        ),
        (
            json!({"storage": {"operatorIdentity": {}, "s3": {"endpoint": "https://minio:9000"}}}),
            "with operatorIdentity the administrator chooses the endpoint: remove `s3.endpoint`, or use secretRef",
        ),
        (
            json!({"storage": {"operatorIdentity": {}, "gcs": {"endpoint": "https://gcs.internal"}}}),
            "with operatorIdentity the administrator chooses the endpoint: remove `gcs.endpoint`, or use secretRef",
        ),
        (
            json!({"storage": {"secretRef": {"name": "a"}, "gcs": {"endpoint": "gcs/storage"}}}),
            "write the endpoint as a URL with https:// and without a path, for example https://storage.googleapis.com",
        ),
        (
            json!({"storage": {"secretRef": {"name": "a"}, "gcs": {"endpoint": "http://gcs.storage:4443"}}}),
            "write the endpoint as a URL with https://",
        ),
        (
            json!({"storage": {"operatorIdentity": {}, "azure": {"endpoint": "https://state.blob.core.windows.net"}}}),
            "with operatorIdentity the administrator chooses the endpoint: remove `azure.endpoint`, or use secretRef",
        ),
        (
            json!({"storage": {"secretRef": {"name": "a"}, "azure": {"endpoint": "https://azurite/state"}}}),
            "write the endpoint as a URL with https:// and without a path, for example https://state.blob.core.windows.net",
        ),
        (
            json!({"storage": {"secretRef": {"name": "a"}, "azure": {"endpoint": "http://azurite:10000"}}}),
            "write the endpoint as a URL with https://",
        ),
        (
            json!({"storage": {"secretRef": {"name": "a"}, "s3": {"endpoint": "minio:9000"}}}),
            "write the endpoint as a URL without a path, for example https://minio.storage:9000",
        ),
        (
            json!({"storage": {"secretRef": {"name": "x; rm -rf /"}}}),
            "write the name of an object: lowercase letters, digits, `-` and `.`",
        ),
    ] {
        is_refused(server, &change, sentence);
    }
}

fn is_refused(server: &ControlPlane, change: &Value, sentence: &str) {
    let error = apply(server, &policy(change.clone())).expect_err(&change.to_string());
    assert!(
        error.contains(sentence),
        "{change}\n  said: {error}\n  not: {sentence}"
    );
}

fn a_run_cannot_change(server: &ControlPlane) {
    let digest = format!("sha256:{}", "9b".repeat(32));
    let run = |spec: Value| {
        let mut whole = json!({"policyRef": {"name": "payments"}, "mode": "Enforce"});
        merge(&mut whole, spec);
        object("RetentionRun", "payments-1", whole)
    };
    apply(
        server,
        &object(
            "RetentionRun",
            "by-hand",
            json!({"policyRef": {"name": "payments"}}),
        ),
    )
    .unwrap();
    assert_eq!(
        get(server, "frr/by-hand")["spec"],
        json!({"policyRef": {"name": "payments"}, "mode": "DryRun"})
    );

    apply(server, &run(json!({}))).unwrap();
    for change in [
        json!({"mode": "DryRun"}),
        json!({"policyRef": {"name": "other"}}),
        json!({"ttlSecondsAfterFinished": 60}),
    ] {
        let error = apply(server, &run(change.clone())).expect_err(&change.to_string());
        assert!(
            error.contains("cannot change: create a new RetentionRun"),
            "{change}: {error}"
        );
    }
    let misnamed = json!({"policyRef": {"name": "my policy"}});
    let error = apply(server, &object("RetentionRun", "misnamed", misnamed)).unwrap_err();
    assert!(error.contains("write the name of an object"), "{error}");
    let error = apply(server, &run(json!({"approval": {"planDigest": "yes"}}))).unwrap_err();
    assert!(
        error.contains("copy the digest from status.plan.digest"),
        "{error}"
    );

    apply(server, &run(json!({"approval": {"planDigest": digest}}))).unwrap();
    let other = format!("sha256:{}", "00".repeat(32));
    for change in [json!({"approval": {"planDigest": other}}), json!({})] {
        let error = apply(server, &run(change)).unwrap_err();
        assert!(
            error.contains("an approval is given once and cannot change"),
            "{error}"
        );
    }
    apply(
        server,
        &run(json!({"approval": {"planDigest": digest}, "cancel": true})),
    )
    .unwrap();
    let error = apply(
        server,
        &run(json!({"approval": {"planDigest": digest}, "cancel": false})),
    )
    .unwrap_err();
    assert!(error.contains("a cancelled run stays cancelled"), "{error}");
}

/// A field that the schema does not know is dropped without a word: what comes back must be all that was written.
fn what_the_operator_writes_is_what_is_stored(server: &ControlPlane) {
    round_trip::<RetentionPolicy>(server, "frp", "policy");
    round_trip::<RetentionRun>(server, "frr", "run");
    round_trip::<CheckpointInventory>(server, "ckinv", "inventory");
}

fn round_trip<T: Serialize + DeserializeOwned>(server: &ControlPlane, short: &str, name: &str) {
    let written = example(name);
    let resource = format!("{short}/{}", written["metadata"]["name"].as_str().unwrap());
    apply(server, &written).unwrap();
    let status = json!({"status": written["status"]}).to_string();
    let patch = [
        "-n",
        "flink",
        "patch",
        &resource,
        "--subresource=status",
        "--type=merge",
        "-p",
        &status,
    ];
    server.kubectl(patch.map(str::to_owned)).unwrap();

    let stored = get(server, &resource);
    // Through our own types as well: they must neither lose nor rename anything.
    let typed = serde_json::to_value(serde_json::from_value::<T>(stored.clone()).unwrap()).unwrap();
    for part in ["spec", "status"] {
        assert_eq!(stored[part], written[part], "{name}.{part} as stored");
        assert_eq!(
            typed[part], written[part],
            "{name}.{part} through our types"
        );
    }
}

fn columns_fit_a_terminal(server: &ControlPlane) {
    let all = server
        .kubectl(["-n", "flink", "get", "flink-retention"])
        .unwrap();
    assert_eq!(all.matches("NAME ").count(), 3, "one category: {all}");
    let table: String = ["frp", "frr", "ckinv"]
        .map(|kind| server.kubectl(["-n", "flink", "get", kind]).unwrap())
        .concat();
    for line in table.lines() {
        assert!(line.trim_end().chars().count() <= 120, "{line}");
    }
    for words in [
        "MODE READY ENFORCING JOBS NOT-RESTORABLE RECLAIMABLE LAST-RUN AGE",
        "POLICY MODE PHASE RECLAIMABLE DELETED BLOCKED-BY AGE",
        "KIND JOB STATE RESTORABLE LATEST SIZE ORPHANED",
        "Enforce True True 12 1 412.6Gi Succeeded",
        "payments Enforce AwaitingApproval 384.0Gi 0",
        "FlinkDeployment orders running True",
    ] {
        let rows = table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        assert!(
            rows.into_iter().any(|row| row.contains(words)),
            "{words}\n{table}"
        );
    }
}

fn example(name: &str) -> Value {
    let text = match name {
        "policy" => include_str!("crds/policy.yaml"),
        "run" => include_str!("crds/run.yaml"),
        "inventory" => include_str!("crds/inventory.yaml"),
        other => panic!("no example {other}"),
    };
    serde_saphyr::from_str(text).unwrap()
}

fn object(kind: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "flink-retention.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "flink"},
        "spec": spec,
    })
}

/// The shortest policy, changed.
fn policy(change: Value) -> Value {
    let mut spec = json!({"selector": {}, "storage": {"operatorIdentity": {}}});
    merge(&mut spec, change);
    object("RetentionPolicy", "payments", spec)
}

fn merge(whole: &mut Value, change: Value) {
    for (key, value) in change.as_object().unwrap().clone() {
        whole[key] = value;
    }
}

fn apply(server: &ControlPlane, object: &Value) -> Result<String, String> {
    server
        .apply("{apiVersion: v1, kind: Namespace, metadata: {name: flink}}")
        .unwrap();
    server
        .apply(&object.to_string())
        .map_err(|error| error.to_string())
}

fn get(server: &ControlPlane, resource: &str) -> Value {
    serde_json::from_str(
        &server
            .kubectl(["-n", "flink", "get", resource, "-o", "json"])
            .unwrap(),
    )
    .unwrap()
}
