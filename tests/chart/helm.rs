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
        self.run(&["lint", "--strict", CHART], values)
    }

    /// The objects of a release named `test` in the namespace `operators`.
    pub(crate) fn render(&self, values: &Value) -> Result<Manifests, String> {
        self.release("test", "operators", values)
    }

    pub(crate) fn release(
        &self,
        name: &str,
        namespace: &str,
        values: &Value,
    ) -> Result<Manifests, String> {
        let namespace = format!("--namespace={namespace}");
        let yaml = self.run(&["template", name, CHART, &namespace], values)?;
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
            .args(["--kube-version=1.33.0", "--values"])
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
