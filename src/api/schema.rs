//! What the derived schemas need before an API server takes them as they are meant.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::{Value, json};

/// One CEL rule with the sentence that a user reads when it fails: say what to write instead.
pub(crate) fn validation(rule: &str, message: &str) -> Value {
    json!({"rule": rule, "message": message})
}

/// A finished definition: see [`finish_schema`] for what changes.
pub(crate) fn finish(mut definition: CustomResourceDefinition) -> CustomResourceDefinition {
    let schemas = definition
        .spec
        .versions
        .iter_mut()
        .filter_map(|version| version.schema.as_mut());
    for schema in schemas.filter_map(|schema| schema.open_api_v3_schema.as_mut()) {
        finish_schema(schema);
    }
    definition
}

/// Takes out `nullable`: without it the API server applies the default to a `null`, or refuses it where there is no
/// default; with it CEL's `has()` sees a field that is not there. Takes out integer formats that the API server does
/// not know.
fn finish_schema(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    if schema
        .format
        .as_deref()
        .is_some_and(|format| format.starts_with("uint"))
    {
        schema.format = None;
    }
    for child in children(schema) {
        finish_schema(child);
    }
}

fn children(schema: &mut JSONSchemaProps) -> Vec<&mut JSONSchemaProps> {
    let mut children: Vec<&mut JSONSchemaProps> = schema
        .properties
        .iter_mut()
        .flat_map(|map| map.values_mut())
        .collect();
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        children.push(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        children.push(values);
    }
    children
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// Every place of a schema where a bound is missing.
    fn unbounded(schema: &JSONSchemaProps, path: &str, found: &mut Vec<String>) {
        let int_or_string = schema.x_kubernetes_int_or_string == Some(true);
        match schema.type_.as_deref() {
            Some("string") => {
                let bounded = schema.max_length.is_some()
                    || schema.enum_.is_some()
                    || schema.format.as_deref() == Some("date-time");
                if !bounded {
                    found.push(format!("{path}: string without maxLength"));
                }
            }
            Some("array") if schema.max_items.is_none() => {
                found.push(format!("{path}: list without maxItems"));
            }
            Some("object")
                if schema.additional_properties.is_some() && schema.max_properties.is_none() =>
            {
                found.push(format!("{path}: map without maxProperties"));
            }
            Some(_) => {}
            None if int_or_string => {}
            None => found.push(format!("{path}: no type")),
        }
        if schema.nullable.is_some() {
            found.push(format!("{path}: nullable"));
        }
        if schema.x_kubernetes_preserve_unknown_fields.is_some() {
            found.push(format!("{path}: keeps unknown fields"));
        }
        let mut schema = schema.clone();
        if let Some(properties) = &schema.properties {
            for (name, child) in properties {
                unbounded(child, &format!("{path}.{name}"), found);
            }
        }
        schema.properties = None;
        for child in children(&mut schema) {
            unbounded(child, &format!("{path}[*]"), found);
        }
    }

    #[test]
    fn everything_is_bounded() {
        let mut found = Vec::new();
        for definition in crate::api::crds() {
            let schema = definition.spec.versions[0]
                .schema
                .clone()
                .unwrap()
                .open_api_v3_schema
                .unwrap();
            for part in ["spec", "status"] {
                let part_schema = &schema.properties.as_ref().unwrap()[part];
                unbounded(
                    part_schema,
                    &format!("{}.{part}", definition.spec.names.kind),
                    &mut found,
                );
            }
        }
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn every_rule_has_a_sentence() {
        let text = serde_json::to_value(crate::api::crds())
            .unwrap()
            .to_string();
        let rules = text.matches("\"rule\":").count();
        assert!(rules > 10, "{rules}");
        assert_eq!(
            rules,
            text.matches("\"message\":\"").count(),
            "each rule has a message"
        );
    }
}
