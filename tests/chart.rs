//! The chart renders what it promises, refuses what it cannot, and gives the operator no right that it does not need.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "chart/alerts.rs"]
mod alerts;
#[path = "chart/dashboards.rs"]
mod dashboards;
#[path = "chart/exported.rs"]
mod exported;
#[path = "chart/helm.rs"]
mod helm;
#[path = "chart/people.rs"]
mod people;
#[path = "chart/promtool.rs"]
mod promtool;
#[path = "chart/readme.rs"]
mod readme;
#[path = "chart/rights.rs"]
mod rights;
#[path = "chart/server.rs"]
mod server;
#[path = "chart/words.rs"]
mod words;

use helm::{Chart, Manifests};
use serde_json::{Value, json};

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
        "prometheusRule": {"enabled": true},
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
fn bad_values_are_refused_by_name() {
    let chart = Chart::new();
    for (values, named) in [
        (json!({"replicas": 0}), "replicas"),
        (json!({"replica": 2}), "replica"),
        (
            json!({"approval": {"admissionPolicy": "yes"}}),
            "admissionPolicy",
        ),
        (json!({"networkPolicy": {"egressPorts": []}}), "egressPorts"),
        (
            json!({"networkPolicy": {"egressPorts": ["https"]}}),
            "egressPorts",
        ),
        (
            json!({"podDisruptionBudget": {"maxUnavailable": 0}}),
            "maxUnavailable",
        ),
        (
            json!({"podDisruptionBudget": {"minAvailable": 1}}),
            "minAvailable",
        ),
        (json!({"podMonitor": {"interval": "often"}}), "interval"),
        (json!({"resources": {"memory": "1Gi"}}), "memory"),
        (json!({"rbac": {"aggregated": true}}), "aggregated"),
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
            json!({"prometheusRule": {"alerts": {"FlinkOrphanedStorage": {"bytes": -1}}}}),
            "bytes",
        ),
        (
            json!({"prometheusRule": {"alerts": {"FlinkOrphanedStorage": {"share": 50}}}}),
            "share",
        ),
        (
            json!({"prometheusRule": {"alerts": {"FlinkJobNotRestorable": {"bytes": 1}}}}),
            "bytes",
        ),
        (
            json!({"prometheusRule": {"alerts": {"Nonsense": {"enabled": false}}}}),
            "Nonsense",
        ),
        (json!({"prometheusRule": {"runbooks": "docs"}}), "runbooks"),
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
fn two_releases_never_share_what_has_no_namespace() {
    let chart = Chart::new();
    let everything = json!({"approval": {"admissionPolicy": true}});
    let names = |release: &str, namespace: &str| -> Vec<String> {
        let manifests = chart.release(release, namespace, &everything).unwrap();
        let without_namespace = manifests.iter().filter(|object| {
            object["metadata"]["namespace"].is_null()
                && object["kind"] != "CustomResourceDefinition"
        });
        without_namespace
            .map(|object| format!("{} {}", object["kind"], object["metadata"]["name"]))
            .collect()
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
        let other = names(other.0, other.1);
        let ours = names(one.0, one.1);
        assert_eq!(ours.len(), 7, "{ours:?}");
        for name in ours {
            assert!(!other.contains(&name), "{name}");
        }
    }
}

#[test]
fn nodes_can_always_be_drained() {
    let chart = Chart::new();
    let budgets = |values: &Value| {
        let manifests = chart.render(values).unwrap();
        let budgets = manifests.all("PodDisruptionBudget");
        budgets
            .map(|budget| budget["spec"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(budgets(&json!({})), [json!(null); 0]);
    let of_two = budgets(&json!({"replicas": 2}));
    assert_eq!(of_two.len(), 1);
    assert_eq!(of_two[0]["maxUnavailable"], 1);
    assert!(of_two[0].get("minAvailable").is_none());
    let off = json!({"replicas": 2, "podDisruptionBudget": {"enabled": false}});
    assert_eq!(budgets(&off), [json!(null); 0]);
}

#[test]
fn the_network_policy_lets_metrics_in_and_what_the_operator_needs_out() {
    let chart = Chart::new();
    assert_eq!(
        chart
            .render(&json!({}))
            .unwrap()
            .all("NetworkPolicy")
            .count(),
        0
    );
    let values = json!({"networkPolicy": {
        "enabled": true,
        "metricsFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
        "egressPorts": [443, 8081],
        "extraEgress": [{"ports": [{"port": 9000, "protocol": "TCP"}]}],
    }});
    let manifests = chart.render(&values).unwrap();
    let spec = &manifests.one("NetworkPolicy")["spec"];
    let pod = &manifests.one("Deployment")["spec"]["template"];
    for (label, value) in spec["podSelector"]["matchLabels"].as_object().unwrap() {
        assert_eq!(&pod["metadata"]["labels"][label], value);
    }
    assert_eq!(spec["policyTypes"], json!(["Ingress", "Egress"]));
    let ingress = spec["ingress"].as_array().unwrap();
    assert_eq!(ingress.len(), 1);
    let port = &pod["spec"]["containers"][0]["ports"][0];
    assert_eq!(
        ingress[0]["ports"],
        json!([{"port": port["name"], "protocol": "TCP"}])
    );
    assert_eq!(ingress[0]["from"], values["networkPolicy"]["metricsFrom"]);
    let out: Vec<i64> = spec["egress"]
        .as_array()
        .unwrap()
        .iter()
        .inspect(|rule| assert!(rule.get("ports").is_some(), "not everything: {rule}"))
        .flat_map(|rule| rule["ports"].as_array().unwrap())
        .map(|port| port["port"].as_i64().unwrap())
        .collect();
    assert_eq!(out, [53, 53, 443, 8081, 9000]);
}

#[test]
fn series_keep_the_names_of_the_flink_resources() {
    let chart = Chart::new();
    for (which, kind, endpoints) in [
        ("serviceMonitor", "ServiceMonitor", "endpoints"),
        ("podMonitor", "PodMonitor", "podMetricsEndpoints"),
    ] {
        let manifests = chart.render(&json!({which: {"enabled": true}})).unwrap();
        let spec = &manifests.one(kind)["spec"];
        let endpoint = &spec[endpoints][0];
        assert_eq!(endpoint["honorLabels"], true, "{kind}");
        assert_eq!(
            (&endpoint["path"], &endpoint["port"]),
            (&json!("/metrics"), &json!("http"))
        );
        let labels = &manifests.one(if kind == "PodMonitor" {
            "Deployment"
        } else {
            "Service"
        })["metadata"]["labels"];
        for (label, value) in spec["selector"]["matchLabels"].as_object().unwrap() {
            assert_eq!(&labels[label], value);
        }
    }
    let twice = json!({"serviceMonitor": {"enabled": true}, "podMonitor": {"enabled": true}});
    let error = chart.render(&twice).unwrap_err();
    assert!(error.contains("scraped twice"), "{error}");
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
