//! An API server in which the chart is installed, but for its Deployment: the operator is started by the test.

use serde_json::{Value, json};
use testbed::control_plane::ControlPlane;

use super::helm::{Chart, Manifests};

/// Where the chart is installed.
pub(crate) const RELEASE_NAMESPACE: &str = "operators";
/// Where Flink runs.
pub(crate) const NAMESPACE: &str = "flink";
/// As the chart names it for a release named `test`.
const SERVICE_ACCOUNT: &str = "test-flink-retention-operator";
/// Far more than anything takes, on the slowest machine; a test that waits so long has failed.
const LIMIT: &str = "--timeout=300s";

pub(crate) struct Cluster {
    pub(crate) control_plane: ControlPlane,
    chart: Chart,
    /// Of the chart.
    values: Value,
}

impl Cluster {
    /// Starts the servers, installs definitions, roles and Flink's kinds.
    pub(crate) fn start() -> Self {
        Self::start_with(json!({}))
    }

    /// The same with other values of the chart.
    pub(crate) fn start_with(values: Value) -> Self {
        let control_plane = ControlPlane::builder()
            .service_account(RELEASE_NAMESPACE, SERVICE_ACCOUNT)
            .start()
            .unwrap();
        let cluster = Self {
            control_plane,
            chart: Chart::new(),
            values,
        };
        for namespace in [RELEASE_NAMESPACE, NAMESPACE] {
            cluster
                .control_plane
                .kubectl(["create", "namespace", namespace])
                .unwrap();
        }
        let manifests = cluster.render(&json!({}));
        let service_account = manifests.one("ServiceAccount");
        assert_eq!(
            service_account["metadata"]["name"], SERVICE_ACCOUNT,
            "the chart names its account differently now"
        );
        let installed = manifests
            .iter()
            .filter(|object| object["kind"] != "Deployment");
        let documents: Vec<String> = installed.map(Value::to_string).collect();
        cluster
            .control_plane
            .apply(&documents.join("\n---\n"))
            .unwrap();
        cluster
            .control_plane
            .apply(include_str!("../fixtures/flink-crds.yaml"))
            .unwrap();
        cluster.control_plane.wait_for_definitions().unwrap();
        cluster
    }

    /// The chart's objects, with these values beside those of this cluster.
    pub(crate) fn render(&self, values: &Value) -> Manifests {
        let mut all = self.values.clone();
        all.as_object_mut()
            .unwrap()
            .extend(values.as_object().unwrap().clone());
        self.chart.render(&all).unwrap()
    }

    /// The kubeconfig of the operator, with exactly the rights that the chart gives it.
    pub(crate) fn operators_kubeconfig(&self) -> std::path::PathBuf {
        self.control_plane
            .kubeconfig_for_service_account(RELEASE_NAMESPACE, SERVICE_ACCOUNT)
            .unwrap()
    }

    pub(crate) fn apply(&self, object: &Value) {
        self.control_plane.apply(&object.to_string()).unwrap();
    }

    /// An object of Flink's namespace, such as `frp/payments`.
    pub(crate) fn get(&self, what: &str) -> Value {
        let text = self
            .control_plane
            .kubectl(["get", what, "-n", NAMESPACE, "-o", "json"])
            .unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Merges into an object of Flink's namespace.
    pub(crate) fn patch(&self, what: &str, patch: &Value) {
        self.control_plane
            .kubectl([
                "patch",
                what,
                "-n",
                NAMESPACE,
                "--type=merge",
                "-p",
                &patch.to_string(),
            ])
            .unwrap();
    }

    /// Merges into the status of an object of Flink's namespace.
    pub(crate) fn patch_status(&self, what: &str, status: &Value) {
        let patch = json!({"status": status}).to_string();
        self.control_plane
            .kubectl([
                "patch",
                what,
                "-n",
                NAMESPACE,
                "--subresource=status",
                "--type=merge",
                "-p",
                &patch,
            ])
            .unwrap();
    }

    /// Deletes an object of Flink's namespace.
    pub(crate) fn delete(&self, what: &str) {
        self.control_plane
            .kubectl(["delete", what, "-n", NAMESPACE, LIMIT])
            .unwrap();
    }

    /// Waits until an object of Flink's namespace exists and fulfils what `kubectl wait --for` understands, such as
    /// `condition=Ready` or `jsonpath={.status.phase}=Succeeded`. Says what the object is like if it never does.
    pub(crate) fn wait(&self, what: &str, until: &str) -> Value {
        let created =
            self.control_plane
                .kubectl(["wait", what, "-n", NAMESPACE, "--for=create", LIMIT]);
        let reached = created.and_then(|_| {
            self.control_plane.kubectl([
                "wait",
                what,
                "-n",
                NAMESPACE,
                &format!("--for={until}"),
                LIMIT,
            ])
        });
        if let Err(error) = reached {
            let found = self
                .control_plane
                .kubectl(["get", what, "-n", NAMESPACE, "-o", "yaml"])
                .unwrap_or_default();
            panic!("{what} is not {until}: {error}\n{found}");
        }
        self.get(what)
    }

    /// A policy for every job of Flink's namespace.
    pub(crate) fn apply_policy(&self, name: &str, changes: &Value) {
        let mut spec = json!({
            "selector": {},
            // No run but those by hand.
            "schedule": "0 0 29 2 *",
            "orphans": {"minAge": "1s", "gracePeriod": "1s"},
            "storage": {"operatorIdentity": {}},
        });
        spec.as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        self.apply(&json!({
            "apiVersion": "flink-retention.dev/v1alpha1",
            "kind": "RetentionPolicy",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": spec,
        }));
    }

    /// Creates a run by hand and waits until it is over.
    pub(crate) fn run(&self, name: &str, policy: &str, mode: &str) -> Value {
        self.create_run(name, policy, mode);
        self.wait(&format!("frr/{name}"), "condition=Complete")
    }

    pub(crate) fn create_run(&self, name: &str, policy: &str, mode: &str) {
        self.apply(&json!({
            "apiVersion": "flink-retention.dev/v1alpha1",
            "kind": "RetentionRun",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"policyRef": {"name": policy}, "mode": mode},
        }));
    }
}

/// A condition of an object.
pub(crate) fn condition<'a>(object: &'a Value, name: &str) -> &'a Value {
    let conditions = object["status"]["conditions"].as_array().unwrap();
    conditions
        .iter()
        .find(|condition| condition["type"] == name)
        .unwrap_or(&Value::Null)
}
