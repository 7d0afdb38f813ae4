//! Runs Helm on the chart.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// The chart, and a Helm that knows nothing of the machine's own.
pub(crate) struct Chart {
    helm: PathBuf,
    home: TempDir,
}

/// Rendered objects.
#[derive(Debug)]
pub(crate) struct Manifests {
    objects: Vec<Value>,
}

impl Chart {
    pub(crate) fn new() -> Self {
        Self {
            helm: testbed::tools::helm().unwrap(),
            home: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn lint(&self, values: &Value) -> Result<String, String> {
        let version = format!("--kube-version={KUBERNETES}");
        self.run(&["lint", "--strict", CHART, &version], values)
    }

    /// The objects of a release named `test` in the namespace `operators`.
    pub(crate) fn render(&self, values: &Value) -> Result<Manifests, String> {
        self.release("test", "operators", values)
    }

    /// The same for a cluster of another version.
    pub(crate) fn render_for(&self, kubernetes: &str, values: &Value) -> Result<Manifests, String> {
        self.objects("test", "operators", kubernetes, values)
    }

    pub(crate) fn release(
        &self,
        name: &str,
        namespace: &str,
        values: &Value,
    ) -> Result<Manifests, String> {
        self.objects(name, namespace, KUBERNETES, values)
    }

    fn objects(
        &self,
        name: &str,
        namespace: &str,
        kubernetes: &str,
        values: &Value,
    ) -> Result<Manifests, String> {
        let namespace = format!("--namespace={namespace}");
        let version = format!("--kube-version={kubernetes}");
        let yaml = self.run(&["template", name, CHART, &namespace, &version], values)?;
        let documents = yaml
            .split("\n---\n")
            .map(|document| document.trim_start_matches("---\n"));
        let objects = documents.map(|document| serde_saphyr::from_str::<Value>(document).unwrap());
        Ok(Manifests {
            objects: objects.filter(|object| !object.is_null()).collect(),
        })
    }

    fn run(&self, arguments: &[&str], values: &Value) -> Result<String, String> {
        let file = self.home.path().join("values.json");
        std::fs::write(&file, values.to_string()).unwrap();
        let output = Command::new(&self.helm)
            .args(arguments)
            .arg("--values")
            .arg(&file)
            .envs(
                ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"]
                    .map(|name| (name, self.home.path())),
            )
            .env_remove("KUBECONFIG")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stdout) + &text(&output.stderr))
        }
    }
}

const KUBERNETES: &str = "1.33.0";

const CHART: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/charts/flink-retention-operator"
);

impl Manifests {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Value> {
        self.objects.iter()
    }

    pub(crate) fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.objects
            .iter()
            .filter(move |object| object["kind"] == kind)
    }

    pub(crate) fn one(&self, kind: &str) -> &Value {
        let all: Vec<&Value> = self.all(kind).collect();
        let [one] = all[..] else {
            panic!("{} of {kind}", all.len())
        };
        one
    }
}
