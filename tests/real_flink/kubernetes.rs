//! A control plane with the chart installed in it, but for the pods.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use testbed::control_plane::ControlPlane;

use crate::helm::{Chart, Manifests};

/// Where the chart's tests put their release.
pub(crate) const RELEASE_NAMESPACE: &str = "operators";
const SERVICE_ACCOUNT: &str = "test-flink-retention-operator";
const FLINK_DEFINITIONS: &str = include_str!("../fixtures/flink-crds.yaml");

pub(crate) struct Kubernetes {
    pub(crate) control_plane: ControlPlane,
    chart: Manifests,
}

impl Kubernetes {
    /// With Flink's definitions, ours, and the rights of a release that may delete below `volume`, a directory of Flink's
    /// in the namespace `flink`.
    pub(crate) fn start(volume: &Path) -> Self {
        let control_plane = ControlPlane::builder()
            .service_account(RELEASE_NAMESPACE, SERVICE_ACCOUNT)
            .start()
            .unwrap();
        let chart = Chart::new().render(&values(volume)).unwrap();
        let kubernetes = Self {
            control_plane,
            chart,
        };
        for namespace in [RELEASE_NAMESPACE, "flink"] {
            kubernetes.kubectl(["create", "namespace", namespace]);
        }
        kubernetes.apply(FLINK_DEFINITIONS);
        for object in kubernetes.chart.all("CustomResourceDefinition") {
            kubernetes.apply(&object.to_string());
        }
        kubernetes.kubectl(["wait", "--for=condition=Established", "crd", "--all"]);
        for kind in [
            "ServiceAccount",
            "ConfigMap",
            "ClusterRole",
            "ClusterRoleBinding",
            "Role",
            "RoleBinding",
        ] {
            for object in kubernetes.chart.all(kind) {
                kubernetes.apply(&object.to_string());
            }
        }
        kubernetes
    }

    /// The administrator's file.
    pub(crate) fn administrator_file(&self) -> &str {
        let map = self.chart.one("ConfigMap");
        map["data"]["administrator.yaml"].as_str().unwrap()
    }

    /// The arguments of the operator's container.
    pub(crate) fn operator_arguments(&self) -> impl Iterator<Item = &str> {
        let container = &self.chart.one("Deployment")["spec"]["template"]["spec"]["containers"][0];
        let arguments = container["args"].as_array().unwrap();
        arguments.iter().map(|argument| argument.as_str().unwrap())
    }

    pub(crate) fn operator_kubeconfig(&self) -> PathBuf {
        self.control_plane
            .kubeconfig_for_service_account(RELEASE_NAMESPACE, SERVICE_ACCOUNT)
            .unwrap()
    }

    pub(crate) fn kubectl<const N: usize>(&self, arguments: [&str; N]) -> String {
        self.control_plane.kubectl(arguments).unwrap()
    }

    pub(crate) fn apply(&self, manifest: &str) {
        self.control_plane.apply(manifest).unwrap();
    }

    /// An object in the namespace `flink`.
    pub(crate) fn get(&self, kind: &str, name: &str) -> Value {
        let json = self.kubectl(["--namespace=flink", "get", kind, name, "--output=json"]);
        serde_json::from_str(&json).unwrap()
    }

    /// Waits until a field of an object in the namespace `flink` is there, or has a value: `{.status.phase}=Failed`.
    pub(crate) fn wait_for(&self, kind: &str, name: &str, field: &str) {
        self.kubectl([
            "--namespace=flink",
            "wait",
            &format!("--for=jsonpath={field}"),
            kind,
            name,
            "--timeout=120s",
        ]);
    }
}

fn values(volume: &Path) -> Value {
    let location = format!("file:{}", volume.display());
    json!({
        "flinkRestUrl": "http://127.0.0.1:{port}",
        "mounts": [{"namespace": "flink", "location": location, "path": volume}],
        "administrator": {
            "floors": {"minAge": "1s", "gracePeriod": "1s", "settle": "1s", "clockSkew": "1s"},
            "grants": [{"namespace": "flink", "bases": [{"location": location}]}],
        },
        "extraArgs": ["--observe-interval=1s"],
        "log": {"format": "text"},
    })
}
