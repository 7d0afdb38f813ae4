//! Every field of our resources, as the API server knows it.

use std::collections::BTreeMap;
use std::fmt::Write;

use flink_retention::api::{duration, unsupported};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};

use super::text::{cell, sentence};

/// The name of the page and its text.
pub(crate) fn pages() -> Vec<(String, String)> {
    flink_retention::api::crds()
        .iter()
        .map(|definition| {
            let singular = definition.spec.names.kind.to_lowercase();
            (format!("docs/reference/{singular}.md"), page(definition))
        })
        .collect()
}

fn page(definition: &CustomResourceDefinition) -> String {
    let names = &definition.spec.names;
    let version = &definition.spec.versions[0];
    let value = serde_json::to_value(version.schema.clone().unwrap()).unwrap();
    let schema = &value["openAPIV3Schema"];
    let short = names.short_names.clone().unwrap_or_default().join(", ");
    let mut page = format!(
        "# {kind}\n\n<!-- Made from the code by `make generate`. -->\n\n{description}\n\n`{group}/{version}`, `kubectl get {short}`. Fields that are marked with \\* must be given. A duration is written like `24h`, `7d` or `1w2d`, bytes as a number or like `50Gi`. Reasons of its conditions: [conditions](conditions.md).\n",
        kind = names.kind,
        description = sentence(&cell(description(schema))),
        group = definition.spec.group,
        version = version.name,
    );
    for part in ["spec", "status"] {
        let part_schema = &schema["properties"][part];
        let about = if part == "spec" {
            rules(part_schema)
        } else {
            String::new()
        };
        writeln!(
            page,
            "\n## {part}\n\n{}{about}\n",
            sentence(&cell(description(part_schema)))
        )
        .unwrap();
        writeln!(
            page,
            "| field | type | default | meaning |\n|---|---|---|---|"
        )
        .unwrap();
        let unhonoured = if part == "spec" && names.kind == "RetentionPolicy" {
            unhonoured()
        } else {
            BTreeMap::new()
        };
        fields("", part_schema, &unhonoured, &mut page);
    }
    page
}

/// Fields of a policy that are in the API, and do nothing yet, by the code that refuses them.
fn unhonoured() -> BTreeMap<String, &'static str> {
    let used = |identity: Value| {
        let mut storage = json!({"s3": {}, "gcs": {}, "azure": {}});
        for (name, value) in identity.as_object().unwrap() {
            storage[name] = value.clone();
        }
        let spec = json!({"selector": {}, "additionalRoots": ["s3://a/b"], "storage": storage});
        let spec = serde_json::from_value(spec).unwrap();
        unsupported::in_policy(&spec)
    };
    let ever = used(json!({"operatorIdentity": {}}));
    let with_secret = used(json!({"secretRef": {"name": "a"}}));
    let told = ever.into_iter().map(|field| {
        let told = if with_secret.contains(&field) {
            " **Not honoured yet**: a policy with it does nothing ([why](../troubleshooting.md#notsupportedyet))."
        } else {
            " Honoured with `secretRef` only ([so far](../troubleshooting.md#notsupportedyet))."
        };
        let name = field.strip_prefix("spec.").unwrap();
        (name.to_owned(), told)
    });
    told.collect()
}

fn fields(
    path: &str,
    schema: &Value,
    unhonoured: &BTreeMap<String, &'static str>,
    page: &mut String,
) {
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, field) in properties {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        // A list of conditions is one of Kubernetes' own.
        let is_conditions = name == "conditions";
        let mark = if required.contains(&Value::from(name.as_str())) {
            " \\*"
        } else {
            ""
        };
        let default = match &field["default"] {
            // Of an object its fields say it.
            Value::Null | Value::Object(_) => String::new(),
            Value::String(word) => format!("`{word}`"),
            default => format!("`{default}`"),
        };
        let meaning = format!(
            "{}{}{}{}",
            sentence(&cell(description(field))),
            bounds(field),
            rules(field),
            unhonoured.get(&path).copied().unwrap_or_default()
        );
        assert!(!description(field).is_empty(), "{path} has no description");
        writeln!(
            page,
            "| `{path}`{mark} | {} | {default} | {meaning} |",
            type_of(field)
        )
        .unwrap();
        if is_conditions {
            continue;
        }
        fields(&path, field, unhonoured, page);
        fields(&format!("{path}[]"), &field["items"], unhonoured, page);
    }
}

fn description(schema: &Value) -> &str {
    schema["description"].as_str().unwrap_or_default()
}

fn type_of(schema: &Value) -> String {
    if schema["x-kubernetes-int-or-string"] == true {
        return "bytes".to_owned();
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words
            .iter()
            .filter_map(Value::as_str)
            .map(|word| format!("`{word}`"))
            .collect();
        return words.join(", ");
    }
    match (
        schema["type"].as_str().unwrap_or_default(),
        schema["format"].as_str(),
    ) {
        ("string", Some("date-time")) => "time".to_owned(),
        ("string", _) if schema["pattern"] == duration::PATTERN => "duration".to_owned(),
        ("array", _) if schema["items"]["properties"].is_object() => "list".to_owned(),
        ("array", _) => format!("list of {}", type_of(&schema["items"])),
        ("object", _) if schema["additionalProperties"].is_object() => {
            format!("map to {}", type_of(&schema["additionalProperties"]))
        }
        (other, _) => other.to_owned(),
    }
}

/// What numbers and lists may hold.
fn bounds(schema: &Value) -> String {
    let number = |key: &str| schema[key].as_f64();
    let mut bounds = String::new();
    match (number("minimum"), number("maximum")) {
        (Some(least), Some(most)) => write!(bounds, " From {least} to {most}.").unwrap(),
        (Some(least), None) if least > 0.0 => write!(bounds, " At least {least}.").unwrap(),
        (None, Some(most)) => write!(bounds, " At most {most}.").unwrap(),
        _ => {}
    }
    match (number("minItems"), number("maxItems")) {
        (Some(least), Some(most)) if least > 0.0 => {
            write!(bounds, " From {least} to {most} entries.").unwrap();
        }
        (_, Some(most)) => write!(bounds, " At most {most} entries.").unwrap(),
        _ => {}
    }
    bounds
}

/// What the API server says where a rule is broken, of the value and of those in its list.
fn rules(schema: &Value) -> String {
    let of = |schema: &Value| {
        let rules = schema["x-kubernetes-validations"].as_array().cloned();
        rules
            .unwrap_or_default()
            .into_iter()
            .map(|rule| rule["message"].as_str().unwrap().to_owned())
    };
    // A duration says the same everywhere.
    let all = of(schema)
        .chain(of(&schema["items"]))
        .filter(|message| !message.starts_with("write a duration"));
    all.fold(String::new(), |text, message| {
        format!("{text} {}", sentence(&cell(&message)))
    })
}
