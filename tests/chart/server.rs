//! What a real API server says of the rendered objects: it knows every field and every rule, where published schemas know
//! the fields of built-in kinds.

use serde_json::{Value, json};
use testbed::control_plane::ControlPlane;
use testbed::tools;

use super::helm::Chart;

/// Everything that can be switched on.
fn everything(monitor: &str) -> Value {
    json!({
        "replicas": 2,
        "watchNamespaces": ["payments", "123"],
        "approval": {"admissionPolicy": true},
        "networkPolicy": {"enabled": true},
        "prometheusRule": {"enabled": true},
        "dashboards": {"enabled": true},
        "storageSecrets": [{"namespace": "payments", "names": ["s3-credentials"]}],
        "mounts": [{"namespace": "payments", "location": "file:/opt/flink/volume", "path": "/mnt/payments"}],
        "extraVolumes": [{"name": "payments", "persistentVolumeClaim": {"claimName": "flink"}}],
        "extraVolumeMounts": [{"name": "payments", "mountPath": "/mnt/payments"}],
        "flinkRest": {"ca": {"configMap": "flink-ca"}, "credentials": [{"namespace": "payments", "secret": "rest"}]},
        "podSecurityContext": {"fsGroup": 9999},
        monitor: {"enabled": true, "labels": {"release": "prometheus"}},
    })
}

fn server() -> ControlPlane {
    let server = ControlPlane::start().unwrap();
    for namespace in ["operators", "payments", "123"] {
        server.kubectl(["create", "namespace", namespace]).unwrap();
    }
    for definition in tools::prometheus_operator_definitions().unwrap() {
        server
            .apply(&std::fs::read_to_string(definition).unwrap())
            .unwrap();
    }
    server.wait_for_definitions().unwrap();
    server
}

#[test]
fn a_real_api_server_takes_all_that_is_rendered_and_knows_every_field() {
    let server = server();
    let chart = Chart::new();
    // Names that look like numbers, and names of the greatest length.
    let odd = chart
        .release(&"r".repeat(53), "123", &everything("podMonitor"))
        .unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for manifests in [
        odd,
        chart.render(&json!({})).unwrap(),
        chart.render(&everything("serviceMonitor")).unwrap(),
    ] {
        for object in manifests.iter() {
            server.apply(&object.to_string()).unwrap();
            kinds.insert(object["kind"].as_str().unwrap().to_owned());
        }
    }
    // Server-side apply refuses a field that its kind does not have; were that not so, nothing above would be proven.
    let mut misspelt = chart
        .render(&everything("podMonitor"))
        .unwrap()
        .one("PodMonitor")
        .clone();
    misspelt["spec"]["podMetricsEndpoints"][0]["intervall"] = json!("30s");
    let error = server.apply(&misspelt.to_string()).unwrap_err().to_string();
    assert!(error.contains("intervall"), "{error}");
    for kind in [
        "PrometheusRule",
        "ServiceMonitor",
        "PodMonitor",
        "ValidatingAdmissionPolicy",
        "NetworkPolicy",
        "PodDisruptionBudget",
    ] {
        assert!(kinds.contains(kind), "{kind} was not rendered: {kinds:?}");
    }
}

#[test]
fn the_pod_is_let_into_a_namespace_that_is_restricted() {
    let server = ControlPlane::start().unwrap();
    server
        .kubectl(["create", "namespace", "operators"])
        .unwrap();
    let enforce = "pod-security.kubernetes.io/enforce=restricted";
    server
        .kubectl(["label", "namespace", "operators", enforce])
        .unwrap();
    let mut values = everything("serviceMonitor");
    values["serviceAccount"] = json!({"create": true});
    let template =
        Chart::new().render(&values).unwrap().one("Deployment")["spec"]["template"].clone();
    let pod = |template: &Value| {
        let mut pod = template.clone();
        pod["apiVersion"] = json!("v1");
        pod["kind"] = json!("Pod");
        pod["metadata"]["name"] = json!("operator");
        pod["metadata"]["namespace"] = json!("operators");
        server.apply(&pod.to_string())
    };
    pod(&template).unwrap();
    // The plug-in is at work: one setting less is one too few.
    let mut lax = template.clone();
    lax["spec"]["securityContext"]["seccompProfile"] = json!({"type": "Unconfined"});
    server
        .kubectl(["delete", "pod", "operator", "-n", "operators", "--force"])
        .unwrap();
    let error = pod(&lax).unwrap_err().to_string();
    assert!(error.contains("violates PodSecurity"), "{error}");
}
