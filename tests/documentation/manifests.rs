//! Pieces of YAML, judged by whoever would read them: the API server, the chart, or the operator.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use flink_retention::cli::crds;
use flink_retention::operator::administrator::Administrator;
use serde_json::{Value, json};
use testbed::control_plane::ControlPlane;
use testbed::tools;

use super::pages::repository;

const CHART: &str = "charts/flink-retention-operator";

/// A real API server that knows our kinds and Flink's.
pub(crate) struct Judge {
    server: ControlPlane,
    fields_of_policies: BTreeSet<String>,
    values_of_chart: BTreeSet<String>,
}

impl Judge {
    pub(crate) fn new() -> Self {
        let server = ControlPlane::start().unwrap();
        let mut definitions = Vec::new();
        crds::print(&mut definitions).unwrap();
        server
            .apply(&String::from_utf8(definitions).unwrap())
            .unwrap();
        server
            .apply(include_str!("../fixtures/flink-crds.yaml"))
            .unwrap();
        server.wait_for_definitions().unwrap();
        server.kubectl(["create", "namespace", "flink"]).unwrap();
        let definition = serde_json::to_value(&flink_retention::api::crds()[0]).unwrap();
        let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
        let schema =
            fs::read_to_string(repository().join(CHART).join("values.schema.json")).unwrap();
        let schema: Value = serde_json::from_str(&schema).unwrap();
        Self {
            server,
            fields_of_policies: keys(definition.pointer(spec).unwrap()),
            values_of_chart: keys(&schema["properties"]),
        }
    }

    /// Why nobody would take it, if that is so.
    pub(crate) fn trouble(&self, yaml: &str) -> Option<String> {
        let documents: Result<Vec<Value>, _> = serde_saphyr::from_multiple(yaml);
        let documents = match documents {
            Ok(documents) => documents,
            Err(error) => return Some(format!("is no YAML: {error}")),
        };
        documents
            .iter()
            .find_map(|document| self.of(document, yaml))
    }

    fn of(&self, document: &Value, text: &str) -> Option<String> {
        let keys = keys(document);
        if keys.contains("kind") {
            return self.manifest(document);
        }
        if keys.contains("version") {
            return Administrator::parse(text)
                .err()
                .map(|error| error.to_string());
        }
        if !keys.is_empty() && keys.is_subset(&self.fields_of_policies) {
            return self.manifest(&as_policy(document));
        }
        if !keys.is_empty() && keys.is_subset(&self.values_of_chart) {
            return values(text);
        }
        Some(format!(
            "the fields {keys:?} are together neither of a manifest, a policy, the chart nor the administrator's file"
        ))
    }

    /// Strict: a misspelt field would be dropped without a word.
    fn manifest(&self, manifest: &Value) -> Option<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), manifest.to_string()).unwrap();
        let path = file.path().to_str().unwrap();
        let answer = self.server.kubectl([
            "create",
            "--validate=strict",
            "--dry-run=server",
            "-f",
            path,
        ]);
        answer.err().map(|error| error.to_string())
    }
}

fn keys(value: &Value) -> BTreeSet<String> {
    let object = value.as_object().into_iter();
    object.flat_map(|object| object.keys().cloned()).collect()
}

/// Excerpts leave out what every policy has.
fn as_policy(fields: &Value) -> Value {
    let mut spec = json!({"selector": {}, "storage": {"operatorIdentity": {}}});
    for (name, field) in fields.as_object().unwrap() {
        spec[name] = field.clone();
    }
    json!({
        "apiVersion": "flink-retention.dev/v1alpha1", "kind": "RetentionPolicy",
        "metadata": {"name": "excerpt", "namespace": "flink"}, "spec": spec,
    })
}

fn values(text: &str) -> Option<String> {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("values.yaml");
    fs::write(&file, text).unwrap();
    let output = Command::new(tools::helm().unwrap())
        .args([
            "template",
            "a",
            CHART,
            "--namespace=flink",
            "--kube-version=1.33.0",
            "--values",
        ])
        .arg(&file)
        .current_dir(repository())
        .envs(
            ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"]
                .map(|name| (name, home.path())),
        )
        .output()
        .unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn every_example_is_one_that_works() {
    let judge = Judge::new();
    let mut names = Vec::new();
    for entry in fs::read_dir(repository().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension() != Some("yaml".as_ref()) {
            assert!(
                path.is_dir() || path.ends_with("README.md"),
                "nobody checks {}",
                path.display()
            );
            continue;
        }
        assert_eq!(
            judge.trouble(&fs::read_to_string(&path).unwrap()),
            None,
            "{}",
            path.display()
        );
        names.push(name(&path));
    }
    assert!(names.len() > 8, "{names:?}");
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn what_nobody_would_take_is_told() {
    let judge = Judge::new();
    for fine in [
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: flink}\ndata: {a: b}\n",
        "mode: Enforce\ncheckpoints: {keepLast: 2}\n",
        "workers: {enabled: true}\n",
        "version: 1\npaused: true\n",
    ] {
        assert_eq!(judge.trouble(fine), None, "{fine}");
    }
    for wrong in [
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: flink}\ndate: {a: b}\n",
        "mode: Enforced\n",
        "mode: Enforce\ncheckpoints: {keepLost: 2}\n",
        "workers: {enable: true}\n",
        "version: 1\npause: true\n",
        "nonsense: true\n",
        "a: [\n",
    ] {
        assert!(judge.trouble(wrong).is_some(), "{wrong}");
    }
}
