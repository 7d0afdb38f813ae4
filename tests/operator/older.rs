//! What an older definition has let through ends as a sentence, not as a request that fails for ever.

use serde_json::{Value, json};

use crate::support::cluster::{NAMESPACE, condition};
use crate::support::operator::Options;
use crate::support::{Cluster, OperatorProcess};
use crate::volume::until;

/// Takes rules out of a definition, by their pointers below the properties of its spec.
fn loosen(cluster: &Cluster, plural: &str, rules: &[&str]) {
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
    let remove = |rule: &&str| json!({"op": "remove", "path": format!("{spec}/{rule}")});
    let patch: Vec<Value> = rules.iter().map(remove).collect();
    let definition = format!("crd/{plural}.flink-retention.dev");
    let patch = json!(patch).to_string();
    let patch = ["patch", &definition, "--type=json", "-p", &patch];
    cluster.control_plane.kubectl(patch).unwrap();
}

fn run(name: &str, policy: &str, mode: &str) -> Value {
    json!({
        "apiVersion": "flink-retention.dev/v1alpha1",
        "kind": "RetentionRun",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"policyRef": {"name": policy}, "mode": mode},
    })
}

/// A definition counts a moment after it was written.
fn apply_as_soon_as_taken(cluster: &Cluster, object: &Value) {
    until("the loosened definition to count", || {
        cluster.control_plane.apply(&object.to_string()).ok()
    });
}

fn said(object: &Value, of: &str, reason: &str) -> String {
    let condition = condition(object, of);
    assert_eq!(condition["reason"], reason, "{object}");
    condition["message"].as_str().unwrap().to_owned()
}

#[test]
fn what_no_request_can_be_made_of_or_nobody_can_read_says_so() {
    let cluster = Cluster::start();
    let name = "properties/name/x-kubernetes-validations";
    let mode = "properties/mode/enum";
    let secret = format!("properties/storage/properties/secretRef/{name}");
    loosen(&cluster, "retentionpolicies", &[&secret, mode]);
    let policy = format!("properties/policyRef/{name}");
    loosen(&cluster, "retentionruns", &[&policy, mode]);
    let _operator = OperatorProcess::start(&cluster, Options::default());

    apply_as_soon_as_taken(&cluster, &run("spaced", "a policy", "DryRun"));
    let spaced = cluster.wait("frr/spaced", "condition=Complete");
    assert_eq!(spaced["status"]["phase"], "Failed");
    let why = said(&spaced, "Complete", "NoPolicy");
    assert!(why.contains("no RetentionPolicy \"a policy\""), "{why}");

    apply_as_soon_as_taken(&cluster, &run("strange", "payments", "Later"));
    let of_complete = r#"jsonpath={.status.conditions[?(@.type=="Complete")].reason}=Unreadable"#;
    let strange = cluster.wait("frr/strange", of_complete);
    assert!(said(&strange, "Complete", "Unreadable").contains("Later"));

    let with_secret = json!({"storage": {"secretRef": {"name": "x; kubectl delete ns flink"}}});
    let in_policy = json!({
        "apiVersion": "flink-retention.dev/v1alpha1",
        "kind": "RetentionPolicy",
        "metadata": {"name": "strange", "namespace": NAMESPACE},
        "spec": {"selector": {}, "mode": "Later", "storage": {"operatorIdentity": {}}},
    });
    apply_as_soon_as_taken(&cluster, &in_policy);
    let strange = cluster.wait("frp/strange", "condition=Ready=False");
    assert!(said(&strange, "Ready", "Unreadable").contains("Later"));
    said(&strange, "Enforcing", "Unreadable");
    let run = cluster.run("of-strange", "strange", "DryRun");
    assert_eq!(run["status"]["phase"], "Failed");
    assert!(said(&run, "Complete", "PolicyUnreadable").contains("Later"));
    cluster.delete("frp/strange");

    cluster.apply_policy("payments", &with_secret);
    let payments = cluster.wait("frp/payments", "condition=Ready=False");
    let why = said(&payments, "Ready", "InvalidSecretName");
    assert!(!why.contains("kubectl create"), "{why}");
    let run = cluster.run("of-payments", "payments", "Enforce");
    assert_eq!(run["status"]["phase"], "Blocked");
    said(&run, "Complete", "InvalidSecretName");
}

#[test]
fn to_keep_for_ever_is_written_back_as_it_fits() {
    let cluster = Cluster::start();
    let _operator = OperatorProcess::start(&cluster, Options::default());
    let for_ever =
        json!({"orphans": {"minAge": "999999999999999d", "gracePeriod": "1000000000000s"}});
    cluster.apply_policy("for-ever", &for_ever);
    let policy = cluster.wait("frp/for-ever", "condition=Ready");
    let effective = &policy["status"]["effective"];
    assert_eq!(effective["gracePeriod"], "11574074d1h47m", "{policy}");
}
