//! What people may do with the roles of the chart.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testbed::control_plane::ControlPlane;

use super::helm::{Chart, Manifests};

const ROLES: &str = "operators:test-flink-retention-operator";
const DIGEST: &str = "sha256:0123456789012345678901234567890123456789012345678901234567890123";
const PATIENCE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(100);

fn role<'a>(manifests: &'a Manifests, who: &str) -> &'a Value {
    let name = format!("{ROLES}:{who}");
    let mut roles = manifests.all("ClusterRole");
    roles
        .find(|role| role["metadata"]["name"] == *name)
        .unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn viewers_read_editors_write_policies_and_runs_and_only_approvers_approve() {
    let manifests = Chart::new().render(&json!({})).unwrap();
    let aggregated = |who: &str| -> Vec<String> {
        let labels = role(&manifests, who)["metadata"]["labels"]
            .as_object()
            .unwrap();
        let to = labels
            .keys()
            .filter_map(|label| label.strip_prefix("rbac.authorization.k8s.io/aggregate-to-"));
        to.map(str::to_owned).collect()
    };
    assert_eq!(aggregated("view"), ["admin", "edit", "view"]);
    assert_eq!(aggregated("edit"), ["admin", "edit"]);
    assert_eq!(aggregated("approver"), [""; 0]);

    for (who, writes) in [("view", false), ("edit", true), ("approver", true)] {
        for rule in role(&manifests, who)["rules"].as_array().unwrap() {
            let text = rule.to_string();
            assert!(!text.contains('*') && !text.contains("status"), "{text}");
            assert_eq!(rule["apiGroups"], json!(["flink-retention.dev"]));
            let has = |verb: &str| rule["verbs"].as_array().unwrap().contains(&json!(verb));
            let reads_only = !["create", "update", "patch", "delete"].into_iter().any(has);
            assert!(writes || reads_only, "{who}: {text}");
            assert!(
                reads_only || !text.contains("checkpointinventories"),
                "nobody but the operator writes inventories: {text}"
            );
            assert!(who == "approver" || !has("approve"), "{who}: {text}");
        }
    }
}

#[test]
fn nothing_is_aggregated_where_that_is_not_wanted() {
    let manifests = Chart::new()
        .render(&json!({"rbac": {"aggregate": false}}))
        .unwrap();
    let labels = manifests
        .all("ClusterRole")
        .map(|role| role["metadata"]["labels"].to_string());
    assert!(!labels.collect::<String>().contains("aggregate-to"));
}

#[test]
fn an_old_cluster_is_told_that_it_cannot_ask_for_the_verb() {
    let chart = Chart::new();
    let values = json!({"approval": {"admissionPolicy": true}});
    let error = chart.render_for("1.29.4", &values).unwrap_err();
    assert!(error.contains("needs Kubernetes 1.30"), "{error}");
    chart.render_for("1.29.4", &json!({})).unwrap();
    chart.render_for("1.30.0-eks-1", &values).unwrap();
}

/// A cluster in which `editor` and `approver` have the chart's roles for them.
fn cluster(values: &Value) -> ControlPlane {
    let server = ControlPlane::builder()
        .service_account("flink", "editor")
        .service_account("flink", "approver")
        .start()
        .unwrap();
    for namespace in ["operators", "flink"] {
        server.kubectl(["create", "namespace", namespace]).unwrap();
    }
    for object in Chart::new().render(values).unwrap().iter() {
        server.apply(&object.to_string()).unwrap();
    }
    server.wait_for_definitions().unwrap();
    for (account, role) in [
        ("editor", "edit"),
        ("editor", "view"),
        ("approver", "approver"),
    ] {
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": format!("{account}-{role}"), "namespace": "flink"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": format!("{ROLES}:{role}")},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": "flink"}],
        });
        server.apply(&binding.to_string()).unwrap();
    }
    let run = json!({
        "apiVersion": "flink-retention.dev/v1alpha1",
        "kind": "RetentionRun",
        "metadata": {"name": "nightly", "namespace": "flink"},
        "spec": {"policyRef": {"name": "payments"}, "mode": "Enforce"},
    });
    server.apply(&run.to_string()).unwrap();
    server
}

fn patch(server: &ControlPlane, account: &str, spec: &Value, dry: bool) -> Result<String, String> {
    let patch = json!({"spec": spec}).to_string();
    let mut arguments = vec![
        "patch",
        "frr",
        "nightly",
        "-n",
        "flink",
        "--type=merge",
        "-p",
        &patch,
    ];
    if dry {
        arguments.push("--dry-run=server");
    }
    server
        .kubectl_as("flink", account, arguments)
        .map_err(|error| error.to_string())
}

#[test]
fn only_who_has_the_verb_can_approve_where_that_is_asked_for() {
    let server = cluster(&json!({"approval": {"admissionPolicy": true}}));
    let approval = json!({"approval": {"planDigest": DIGEST}});

    // The API server compiles an admission policy a moment after it was made.
    let begun = Instant::now();
    let refusal = loop {
        match patch(&server, "editor", &approval, true) {
            Err(error) => break error,
            Ok(_) if begun.elapsed() > PATIENCE => panic!("the policy never came into force"),
            Ok(_) => std::thread::sleep(POLL),
        }
    };
    assert!(
        refusal.contains("you may not approve RetentionRun nightly"),
        "{refusal}"
    );
    assert!(refusal.contains(&format!("{ROLES}:approver")), "{refusal}");

    // Nor with a run that is born approved.
    let born = json!({
        "apiVersion": "flink-retention.dev/v1alpha1",
        "kind": "RetentionRun",
        "metadata": {"generateName": "born-", "namespace": "flink"},
        "spec": {"policyRef": {"name": "payments"}, "approval": {"planDigest": DIGEST}},
    });
    let file = server.root().join("born.yaml");
    std::fs::write(&file, born.to_string()).unwrap();
    let error = server
        .kubectl_as("flink", "editor", ["create", "-f", file.to_str().unwrap()])
        .unwrap_err()
        .to_string();
    assert!(error.contains("you may not approve"), "{error}");

    // What needs no approval is let through, and the approver is.
    patch(
        &server,
        "editor",
        &json!({"ttlSecondsAfterFinished": null}),
        true,
    )
    .unwrap();
    patch(&server, "approver", &approval, false).unwrap();
    // Who changes something else of an approved run approves nothing.
    patch(&server, "editor", &json!({"cancel": true}), false).unwrap();
}

#[test]
fn without_the_admission_policy_an_editor_can_approve_and_a_viewer_of_another_namespace_cannot() {
    let server = cluster(&json!({}));
    let approval = json!({"approval": {"planDigest": DIGEST}});
    patch(&server, "editor", &approval, true).unwrap();
    let cannot = server.kubectl_as("flink", "approver", ["get", "frr", "-n", "operators"]);
    assert!(cannot.unwrap_err().to_string().contains("forbidden"));
    // Inventories remember former jobs: nobody but the operator changes them.
    for verb in ["delete", "patch", "create"] {
        let answer = server.kubectl_as(
            "flink",
            "editor",
            ["auth", "can-i", verb, "ckinv", "-n", "flink"],
        );
        assert!(answer.is_err(), "{verb} ckinv: {answer:?}");
    }
}
