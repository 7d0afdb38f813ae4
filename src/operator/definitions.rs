//! Whether the definitions in the cluster are those that this version needs. An older definition drops the fields that it
//! does not know without a word, and lets through what this version refuses.
//!
//! Asked of the API server's own description, which every account may read: no right to read definitions is needed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hyper::{Request, http};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::context::Operator;
use crate::api::{GROUP, VERSION, crds};

/// Looks so many times less often than at jobs: definitions change with releases.
const INTERVALS: u32 = 5;
/// Of what is missing, in the log.
const NAMED: usize = 5;

/// Why the description could not be had.
#[derive(Debug, thiserror::Error)]
enum DescriptionError {
    #[error(transparent)]
    Request(#[from] http::Error),
    #[error(transparent)]
    ApiServer(#[from] kube::Error),
    #[error("it is no JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Looks again and again until `stop`.
pub(super) async fn run(operator: Arc<Operator>, interval: Duration, stop: CancellationToken) {
    let mut told = BTreeSet::new();
    loop {
        tokio::select! {
            looked = look(&operator) => match looked {
                Ok(outdated) => {
                    for (plural, missing) in outdated.iter().filter(|(plural, _)| !told.contains(plural)) {
                        tracing::warn!(crd = plural, missing, "the definition in the cluster is older than this operator: install the one that `flink-retention crds` prints");
                    }
                    told = outdated.into_iter().map(|(plural, _)| plural).collect();
                }
                Err(error) => tracing::warn!(%error, "cannot read how the API server describes our resources"),
            },
            () = stop.cancelled() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(interval * INTERVALS) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// The definitions that lack something, and what.
async fn look(operator: &Operator) -> Result<Vec<(String, String)>, DescriptionError> {
    let request = Request::get(format!("/openapi/v3/apis/{GROUP}/{VERSION}")).body(Vec::new())?;
    let text = operator.client.0.request_text(request).await?;
    let description: Value = serde_json::from_str(&text)?;
    let mut outdated = Vec::new();
    for definition in crds() {
        let missing = missing(&definition, &description);
        let plural = definition.spec.names.plural;
        operator
            .metrics
            .set_crd_outdated(&plural, !missing.is_empty());
        if !missing.is_empty() {
            let named: Vec<&str> = missing.iter().map(String::as_str).take(NAMED).collect();
            outdated.push((plural, named.join(", ")));
        }
    }
    Ok(outdated)
}

/// What our definition has and the description has not. More than we need does no harm: the definition of a newer version.
fn missing(definition: &CustomResourceDefinition, description: &Value) -> BTreeSet<String> {
    let ours = definition.spec.versions.iter();
    let ours = ours
        .filter_map(|version| version.schema.as_ref()?.open_api_v3_schema.as_ref())
        .filter_map(|schema| serde_json::to_value(schema).ok());
    let wanted = ours.fold(BTreeSet::new(), |mut wanted, schema| {
        parts("", &schema, &mut wanted);
        wanted
    });
    let mut known = BTreeSet::new();
    if let Some(schema) = described(&definition.spec.names.kind, description) {
        parts("", schema, &mut known);
    }
    wanted.difference(&known).cloned().collect()
}

fn described<'d>(kind: &str, description: &'d Value) -> Option<&'d Value> {
    let schemas = description.pointer("/components/schemas")?.as_object()?;
    schemas.values().find(|schema| {
        let kinds = schema["x-kubernetes-group-version-kind"].as_array();
        kinds.is_some_and(|kinds| {
            kinds
                .iter()
                .any(|of| of["kind"] == kind && of["group"] == GROUP && of["version"] == VERSION)
        })
    })
}

/// The fields below this one, the words that each takes, and its rules.
fn parts(path: &str, schema: &Value, found: &mut BTreeSet<String>) {
    let none = Map::new();
    for (name, schema) in schema["properties"].as_object().unwrap_or(&none) {
        // How this one is described belongs to the API server.
        if path.is_empty() && name == "metadata" {
            continue;
        }
        let path = format!("{path}.{name}");
        found.insert(path.clone());
        parts(&path, schema, found);
    }
    for below in ["items", "additionalProperties"] {
        parts_below(path, &schema[below], found);
    }
    let words = schema["enum"].as_array().into_iter().flatten();
    found.extend(words.map(|word| format!("{path}={word}")));
    let rules = schema["x-kubernetes-validations"].as_array();
    let rules = rules.into_iter().flatten();
    found.extend(rules.filter_map(|rule| Some(format!("{path}: {}", rule["rule"].as_str()?))));
}

fn parts_below(path: &str, schema: &Value, found: &mut BTreeSet<String>) {
    if schema.is_object() {
        parts(&format!("{path}[]"), schema, found);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn definition() -> CustomResourceDefinition {
        let mut definitions = crds();
        definitions.remove(0)
    }

    /// As the API server describes a definition.
    fn describe(definition: &CustomResourceDefinition, change: impl FnOnce(&mut Value)) -> Value {
        let schema = definition.spec.versions[0].schema.as_ref().unwrap();
        let mut schema = serde_json::to_value(schema.open_api_v3_schema.as_ref().unwrap()).unwrap();
        change(&mut schema);
        let kind = &definition.spec.names.kind;
        schema["x-kubernetes-group-version-kind"] =
            json!([{"group": GROUP, "kind": kind, "version": VERSION}]);
        json!({"components": {"schemas": {"a": schema}}})
    }

    #[test]
    fn our_own_definition_and_a_newer_one_lack_nothing() {
        let definition = definition();
        let newer = describe(&definition, |schema| {
            schema["properties"]["spec"]["properties"]["later"] = json!({"type": "string"});
        });
        assert_eq!(missing(&definition, &newer), BTreeSet::new());
    }

    #[test]
    fn a_field_a_word_and_a_rule_that_are_not_there_are_missed() {
        let definition = definition();
        let older = describe(&definition, |schema| {
            let spec = &mut schema["properties"]["spec"];
            spec["properties"].as_object_mut().unwrap().remove("adopt");
            spec["properties"]["mode"]["enum"] = json!(["DryRun"]);
        });
        let missing_there = missing(&definition, &older);
        assert!(missing_there.contains(".spec.adopt"), "{missing_there:?}");
        assert!(missing_there.contains(".spec.mode=\"Enforce\""));
        assert!(
            missing_there
                .iter()
                .all(|what| what.contains("adopt") || what.contains("mode"))
        );

        let without_rules = describe(&definition, |schema| {
            schema["properties"]["spec"]
                .as_object_mut()
                .unwrap()
                .remove("x-kubernetes-validations");
        });
        let rules = missing(&definition, &without_rules);
        assert!(
            !rules.is_empty() && rules.iter().all(|what| what.starts_with(".spec: ")),
            "{rules:?}"
        );
    }

    #[test]
    fn a_definition_that_is_not_there_lacks_everything() {
        let definition = definition();
        assert!(missing(&definition, &json!({})).len() > 20);
    }
}
