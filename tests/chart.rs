//! The chart renders what it promises, refuses what it cannot, and gives the operator no right that it does not need.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "chart/helm.rs"]
mod helm;
#[path = "chart/rights.rs"]
mod rights;

use helm::{Chart, Manifests};
use serde_json::{Value, json};
use testbed::control_plane::ControlPlane;

#[test]
fn the_default_values_lint_and_render() {
    let chart = Chart::new();
    chart.lint(&json!({})).unwrap();
    let manifests = chart.render(&json!({})).unwrap();

    assert_eq!(manifests.all("CustomResourceDefinition").count(), 3);
    for definition in manifests.all("CustomResourceDefinition") {
        assert_eq!(
            definition["metadata"]["annotations"]["helm.sh/resource-policy"],
            "keep"
        );
    }
    assert_eq!(
        manifests
            .all("ServiceMonitor")
            .chain(manifests.all("PrometheusRule"))
            .count(),
        0
    );
    for object in manifests.iter() {
        let labels = &object["metadata"]["labels"];
        assert_eq!(
            labels["app.kubernetes.io/name"], "flink-retention-operator",
            "{object}"
        );
        assert_eq!(labels["app.kubernetes.io/instance"], "test", "{object}");
    }
    assert_eq!(
        administrators_file(&manifests)["grants"],
        json!([]),
        "nothing is granted by default"
    );
    assert_eq!(administrators_file(&manifests)["version"], 1);
}

#[test]
fn the_pod_is_restricted() {
    let manifests = Chart::new()
        .render(&json!({"podSecurityContext": {"fsGroup": 9999}}))
        .unwrap();
    let pod = &manifests.one("Deployment")["spec"]["template"]["spec"];
    let context = &pod["securityContext"];
    assert_eq!(
        (&context["runAsNonRoot"], &context["fsGroup"]),
        (&json!(true), &json!(9999))
    );
    assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault");
    let container = &pod["containers"][0];
    assert_eq!(
        container["securityContext"],
        json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": true})
    );
    assert_eq!(
        container["livenessProbe"]["httpGet"],
        json!({"path": "/healthz", "port": "http"})
    );
    assert_eq!(
        container["readinessProbe"]["httpGet"],
        json!({"path": "/readyz", "port": "http"})
    );
    assert!(
        pod["terminationGracePeriodSeconds"].as_i64().unwrap() > 120,
        "longer than a batch may take"
    );
    assert!(container["resources"]["limits"]["memory"].is_string());
}

#[test]
fn unusual_values_lint_and_render() {
    let values = json!({
        "fullnameOverride": "keeper",
        "image": {"digest": format!("sha256:{}", "a".repeat(64))},
        "replicas": 2,
        "watchNamespaces": ["payments", "orders"],
        "crds": {"install": false},
        "serviceAccount": {"create": false, "name": "mine"},
        "administrator": {
            "paused": true,
            "floors": {"minAge": "2d", "gracePeriod": "1w"},
            "grants": [{"namespace": "payments", "bases": [{"location": "file:/opt/flink/volume", "exclusive": true}]}],
        },
        "mounts": [{"namespace": "payments", "location": "file:/opt/flink/volume", "path": "/mnt/payments"}],
        "extraVolumes": [{"name": "payments", "persistentVolumeClaim": {"claimName": "flink"}}],
        "extraVolumeMounts": [{"name": "payments", "mountPath": "/mnt/payments"}],
        "extraArgs": ["--one=two words"],
        "serviceMonitor": {"enabled": true, "labels": {"release": "prometheus"}},
        "prometheusRule": {"enabled": true, "orphanedStorage": {"bytes": 9_007_199_254_740_993_i64}},
        "tolerations": [{"operator": "Exists"}],
    });
    let chart = Chart::new();
    chart.lint(&values).unwrap();
    let manifests = chart.render(&values).unwrap();

    assert_eq!(
        manifests
            .all("CustomResourceDefinition")
            .chain(manifests.all("ServiceAccount"))
            .count(),
        0
    );
    let deployment = manifests.one("Deployment");
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(deployment["metadata"]["name"], "keeper");
    assert_eq!(pod["serviceAccountName"], "mine");
    let arguments = arguments(&manifests);
    for argument in [
        "--mount=payments/file:/opt/flink/volume=/mnt/payments",
        "--watch-namespace=payments",
        "--watch-namespace=orders",
        "--lease-name=keeper",
        "--one=two words",
    ] {
        assert!(
            arguments.iter().any(|given| given == argument),
            "{argument} in {arguments:?}"
        );
    }
    assert!(
        pod["containers"][0]["image"]
            .as_str()
            .unwrap()
            .contains("@sha256:aaaa")
    );
    assert_eq!(pod["volumes"][1]["name"], "payments");
    assert_eq!(
        manifests.one("ServiceMonitor")["metadata"]["labels"]["release"],
        "prometheus"
    );

    let file = administrators_file(&manifests);
    assert_eq!(
        (&file["paused"], &file["floors"]["gracePeriod"]),
        (&json!(true), &json!("1w"))
    );
    assert_eq!(
        file["grants"][0]["bases"][0],
        json!({"location": "file:/opt/flink/volume", "exclusive": true})
    );
}

#[test]
fn both_alerts_are_there_and_can_be_switched_off() {
    let chart = Chart::new();
    let manifests = chart
        .render(&json!({"prometheusRule": {"enabled": true}}))
        .unwrap();
    let rules = manifests.one("PrometheusRule")["spec"]["groups"][0]["rules"].clone();
    assert_eq!(rules[0]["alert"], "FlinkJobNotRestorable");
    assert_eq!(
        rules[0]["expr"],
        "max by (namespace, kind, name) (flink_retention_job_restorable) == 0"
    );
    assert_eq!(rules[1]["alert"], "FlinkOrphanedStorage");
    assert!(
        rules[1]["expr"]
            .as_str()
            .unwrap()
            .ends_with("> 107374182400"),
        "{}",
        rules[1]["expr"]
    );
    assert!(
        rules[0]["annotations"]["summary"]
            .as_str()
            .unwrap()
            .contains("{{ $labels.name }}")
    );

    let off = json!({"prometheusRule": {"enabled": true, "orphanedStorage": {"enabled": false}}});
    let rules =
        chart.render(&off).unwrap().one("PrometheusRule")["spec"]["groups"][0]["rules"].clone();
    assert_eq!(rules.as_array().unwrap().len(), 1);
}

#[test]
fn bad_values_are_refused_by_name() {
    let chart = Chart::new();
    for (values, named) in [
        (json!({"replicas": 0}), "replicas"),
        (json!({"replica": 2}), "replica"),
        (json!({"image": {"digest": "latest"}}), "digest"),
        (
            json!({"watchNamespaces": ["Not A Namespace"]}),
            "watchNamespaces",
        ),
        (
            json!({"administrator": {"floors": {"minAge": "1 day"}}}),
            "minAge",
        ),
        (
            json!({"administrator": {"floors": {"minage": "24h"}}}),
            "minage",
        ),
        (
            json!({"administrator": {"grants": [{"bases": []}]}}),
            "namespace",
        ),
        (
            json!({"administrator": {"grants": [{"namespace": "a", "bases": ["s3://b"]}]}}),
            "bases",
        ),
        (
            json!({"mounts": [{"namespace": "a", "location": "/opt/flink", "path": "/mnt"}]}),
            "location",
        ),
        (
            json!({"mounts": [{"namespace": "a", "location": "file:/opt/flink", "path": "mnt"}]}),
            "path",
        ),
        (json!({"jobMetrics": "all"}), "jobMetrics"),
        (json!({"fullnameOverride": "123"}), "fullnameOverride"),
        (
            json!({"flinkRestUrl": "https://user:password@{cluster}-rest"}),
            "flinkRestUrl",
        ),
        (
            json!({"flinkRest": {"credentials": [{"secret": "for-everybody"}]}}),
            "namespace",
        ),
        (json!({"flinkRest": {"insecure": true}}), "insecure"),
        (
            json!({"prometheusRule": {"orphanedStorage": {"bytes": -1}}}),
            "bytes",
        ),
    ] {
        let error = chart.render(&values).expect_err(&values.to_string());
        assert!(
            error.contains("values don't meet the specifications"),
            "{values}: {error}"
        );
        assert!(error.contains(named), "{values}: {error}");
    }
}

#[test]
fn what_rest_endpoints_need_is_mounted_where_the_operator_looks() {
    let manifests = Chart::new()
        .render(&json!({"flinkRest": {
            "ca": {"configMap": "flink-ca"},
            "credentials": [{"namespace": "a", "secret": "a-rest"}, {"namespace": "b", "secret": "b-rest", "key": "line"}],
        }}))
        .unwrap();
    let pod = &manifests.one("Deployment")["spec"]["template"]["spec"];
    let arguments = pod["containers"][0]["args"].as_array().unwrap();
    let files: Vec<&str> = arguments
        .iter()
        .filter_map(|argument| {
            let flag = argument.as_str().unwrap();
            let flag = flag.strip_prefix("--flink-rest-c")?;
            Some(flag.rsplit_once('=').unwrap().1)
        })
        .collect();
    assert_eq!(files.len(), 3, "{arguments:?}");
    let named = |list: &Value, name: &Value| {
        let list = list.as_array().unwrap().clone();
        list.into_iter().find(|one| one["name"] == *name).unwrap()
    };
    for (file, source, key) in [
        (files[0], json!({"name": "flink-ca"}), "ca.crt"),
        (files[1], json!({"secretName": "a-rest"}), "credentials"),
        (files[2], json!({"secretName": "b-rest"}), "line"),
    ] {
        let (directory, name) = file.rsplit_once('/').unwrap();
        let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
        let mount = mounts.iter().find(|mount| mount["mountPath"] == directory);
        let volume = named(&pod["volumes"], &mount.unwrap()["name"]);
        let from = volume.get("configMap").or(volume.get("secret")).unwrap();
        for (field, value) in source.as_object().unwrap() {
            assert_eq!(&from[field], value);
        }
        assert_eq!(from["items"], json!([{"key": key, "path": name}]));
    }
}

#[test]
fn two_releases_never_share_a_role() {
    let chart = Chart::new();
    let names = |release: &str, namespace: &str| {
        let manifests = chart.release(release, namespace, &json!({})).unwrap();
        manifests.one("ClusterRole")["metadata"]["name"].clone()
    };
    let long = "r".repeat(53);
    for (one, other) in [
        (("a", "flink-ops"), ("ops-a", "flink")),
        (
            (long.as_str(), "a-long-namespace-1"),
            (long.as_str(), "a-long-namespace-2"),
        ),
        (
            ("retention-1", &*"n".repeat(63)),
            ("retention-2", &*"n".repeat(63)),
        ),
    ] {
        assert_ne!(names(one.0, one.1), names(other.0, other.1));
    }
}

#[test]
fn a_real_api_server_takes_what_is_rendered() {
    let server = ControlPlane::start().unwrap();
    for namespace in ["operators", "payments", "123"] {
        server.kubectl(["create", "namespace", namespace]).unwrap();
    }
    let chart = Chart::new();
    // Names that look like numbers, and names of the greatest length.
    let odd = chart.release(&"r".repeat(53), "123", &json!({})).unwrap();
    for object in odd.iter() {
        server.apply(&object.to_string()).unwrap();
    }
    for values in [
        json!({}),
        json!({"watchNamespaces": ["payments", "123"], "replicas": 2}),
    ] {
        for object in chart.render(&values).unwrap().iter() {
            server.apply(&object.to_string()).unwrap();
        }
    }
}

fn arguments(manifests: &Manifests) -> Vec<String> {
    let arguments =
        &manifests.one("Deployment")["spec"]["template"]["spec"]["containers"][0]["args"];
    serde_json::from_value(arguments.clone()).unwrap()
}

fn administrators_file(manifests: &Manifests) -> Value {
    let text = manifests.one("ConfigMap")["data"]["administrator.yaml"]
        .as_str()
        .unwrap();
    serde_saphyr::from_str(text).unwrap()
}
