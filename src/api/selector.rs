//! Which Flink resources a policy means: a label selector as in the rest of Kubernetes.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::{Expression, Selector, SelectorExt};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::api::schema::validation;

/// Selects Flink resources of the policy's namespace by their labels. Empty selects all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
// Applied as a whole, as Kubernetes' own selectors are: a server-side apply that empties it must leave `{}`, not null.
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct JobSelector {
    /// Labels that a resource must have, each with this value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "labels_schema")]
    pub match_labels: BTreeMap<String, String>,
    /// Further requirements; all must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub match_expressions: Vec<Requirement>,
}

/// A requirement on one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = [validation(
    "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
    "list values with In and NotIn, and leave values out with Exists and DoesNotExist",
)]))]
pub struct Requirement {
    /// The label's key.
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// How the label is compared.
    pub operator: Operator,
    /// The values to compare with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 63)))]
    pub values: Vec<String>,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Operator {
    /// The label is present with one of the values.
    In,
    /// The label is absent, or has none of the values.
    NotIn,
    /// The label is present.
    Exists,
    /// The label is absent.
    DoesNotExist,
}

/// The selector cannot be evaluated. Such a policy selects nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum InvalidSelector {
    /// `In` or `NotIn` without values.
    #[error(
        "spec.selector.matchExpressions: {key} needs values; list them, or use Exists or DoesNotExist"
    )]
    MissingValues {
        /// The label's key.
        key: String,
    },
    /// `Exists` or `DoesNotExist` with values.
    #[error(
        "spec.selector.matchExpressions: {key} must not have values; remove them, or use In or NotIn"
    )]
    SuperfluousValues {
        /// The label's key.
        key: String,
    },
}

impl JobSelector {
    /// Whether this selects a resource with these labels.
    ///
    /// # Errors
    /// The selector contradicts itself, which the API server refuses but a file can contain.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> Result<bool, InvalidSelector> {
        Ok(Selector::try_from(self)?.matches(labels))
    }
}

impl TryFrom<&JobSelector> for Selector {
    type Error = InvalidSelector;

    fn try_from(selector: &JobSelector) -> Result<Self, Self::Error> {
        let JobSelector {
            match_labels,
            match_expressions,
        } = selector;
        let equal = match_labels
            .iter()
            .map(|(key, value)| Ok(Expression::Equal(key.clone(), value.clone())));
        equal
            .chain(match_expressions.iter().map(Expression::try_from))
            .collect()
    }
}

impl TryFrom<&Requirement> for Expression {
    type Error = InvalidSelector;

    fn try_from(requirement: &Requirement) -> Result<Self, Self::Error> {
        let Requirement {
            key,
            operator,
            values,
        } = requirement;
        let key = key.clone();
        let values: BTreeSet<String> = values.iter().cloned().collect();
        match (operator, values.is_empty()) {
            (Operator::In, false) => Ok(Self::In(key, values)),
            (Operator::NotIn, false) => Ok(Self::NotIn(key, values)),
            (Operator::Exists, true) => Ok(Self::Exists(key)),
            (Operator::DoesNotExist, true) => Ok(Self::DoesNotExist(key)),
            (Operator::In | Operator::NotIn, true) => Err(InvalidSelector::MissingValues { key }),
            (Operator::Exists | Operator::DoesNotExist, false) => {
                Err(InvalidSelector::SuperfluousValues { key })
            }
        }
    }
}

/// The schema of a map of labels.
pub(crate) fn labels_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": {"type": "string", "maxLength": 63},
    })
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::needless_pass_by_value
    )]
    use super::*;
    use serde_json::{Value, json};

    fn matches(selector: Value, labels: Value) -> Result<bool, InvalidSelector> {
        let selector: JobSelector = serde_json::from_value(selector).unwrap();
        selector.matches(&serde_json::from_value(labels).unwrap())
    }

    #[test]
    fn an_empty_selector_selects_everything() {
        assert_eq!(matches(json!({}), json!({})), Ok(true));
        assert_eq!(matches(json!({}), json!({"team": "payments"})), Ok(true));
    }

    #[test]
    fn all_requirements_must_hold() {
        let selector = json!({
            "matchLabels": {"team": "payments"},
            "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["test", "dev"]}],
        });
        assert_eq!(
            matches(selector.clone(), json!({"team": "payments"})),
            Ok(true)
        );
        assert_eq!(
            matches(
                selector.clone(),
                json!({"team": "payments", "tier": "prod"})
            ),
            Ok(true)
        );
        assert_eq!(
            matches(selector.clone(), json!({"team": "payments", "tier": "dev"})),
            Ok(false)
        );
        assert_eq!(matches(selector, json!({"tier": "prod"})), Ok(false));
    }

    #[test]
    fn operators_compare_as_in_kubernetes() {
        let with = |operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": "a", "operator": operator, "values": values}]});
        for (selector, absent, one, two) in [
            (with("In", &["1"]), false, true, false),
            (with("NotIn", &["1"]), true, false, true),
            (with("Exists", &[]), false, true, true),
            (with("DoesNotExist", &[]), true, false, false),
        ] {
            assert_eq!(
                matches(selector.clone(), json!({"b": "1"})),
                Ok(absent),
                "{selector}"
            );
            assert_eq!(
                matches(selector.clone(), json!({"a": "1"})),
                Ok(one),
                "{selector}"
            );
            assert_eq!(
                matches(selector.clone(), json!({"a": "2"})),
                Ok(two),
                "{selector}"
            );
        }
    }

    #[test]
    fn a_contradictory_requirement_is_an_error_and_not_a_match() {
        let missing = json!({"matchExpressions": [{"key": "a", "operator": "NotIn"}]});
        assert_eq!(
            matches(missing, json!({})),
            Err(InvalidSelector::MissingValues { key: "a".into() })
        );
        let superfluous =
            json!({"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["1"]}]});
        assert_eq!(
            matches(superfluous, json!({})),
            Err(InvalidSelector::SuperfluousValues { key: "a".into() })
        );
    }
}
