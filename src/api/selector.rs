//! Which Flink resources a policy means: a label selector as in the rest of Kubernetes.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::{Expression, Selector, SelectorExt};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::api::schema::validation;

/// The most labels that a selector names and that the record of a resource holds.
pub const MAX_LABELS: usize = 64;

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

/// The labels of a resource as far as they are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownLabels<'a> {
    /// Those that are known.
    pub labels: &'a BTreeMap<String, String>,
    /// Whether there are no others.
    pub whole: bool,
}

impl<'a> KnownLabels<'a> {
    /// Of a record, or of what will be recorded: one that is full may miss some.
    #[must_use]
    pub fn recorded(labels: &'a BTreeMap<String, String>) -> Self {
        let whole = labels.len() < MAX_LABELS;
        Self { labels, whole }
    }
}

/// Whether a selector selects a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selects {
    /// It does.
    Yes,
    /// It does not, whatever other labels there are.
    No,
    /// It asks for a label that is not known.
    Unclear,
}

impl JobSelector {
    /// Whether this selects a resource with these labels.
    ///
    /// # Errors
    /// The selector contradicts itself, which the API server refuses but a file can contain.
    pub fn selects(&self, known: KnownLabels<'_>) -> Result<Selects, InvalidSelector> {
        let KnownLabels { labels, whole } = known;
        let (answered, open): (Vec<_>, Vec<_>) = self
            .requirements()?
            .into_iter()
            .partition(|(key, _)| whole || labels.contains_key(*key));
        let answered: Selector = answered.into_iter().map(|(_, asked)| asked).collect();
        Ok(match (answered.matches(labels), open.is_empty()) {
            (false, _) => Selects::No,
            (true, true) => Selects::Yes,
            (true, false) => Selects::Unclear,
        })
    }

    /// Each with the key of its label; all must hold.
    fn requirements(&self) -> Result<Vec<(&str, Expression)>, InvalidSelector> {
        let Self {
            match_labels,
            match_expressions,
        } = self;
        let equal = match_labels.iter().map(|(key, value)| {
            let asked = Expression::Equal(key.clone(), value.clone());
            Ok((key.as_str(), asked))
        });
        let further = match_expressions
            .iter()
            .map(|asked| Ok((asked.key.as_str(), Expression::try_from(asked)?)));
        equal.chain(further).collect()
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
        "maxProperties": MAX_LABELS,
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

    fn selects(selector: Value, labels: Value, whole: bool) -> Result<Selects, InvalidSelector> {
        let selector: JobSelector = serde_json::from_value(selector).unwrap();
        let labels = serde_json::from_value(labels).unwrap();
        let labels = &labels;
        selector.selects(KnownLabels { labels, whole })
    }

    fn matches(selector: Value, labels: Value) -> Result<bool, InvalidSelector> {
        let selects = selects(selector, labels, true)?;
        assert_ne!(selects, Selects::Unclear, "all labels are known");
        Ok(selects == Selects::Yes)
    }

    #[test]
    fn a_label_that_may_be_among_the_unknown_ones_leaves_the_answer_open() {
        let with = |operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": "a", "operator": operator, "values": values}]});
        let all = [
            with("In", &["1"]),
            with("NotIn", &["1"]),
            with("Exists", &[]),
            with("DoesNotExist", &[]),
            json!({"matchLabels": {"a": "1"}}),
        ];
        for selector in all {
            let unknown = selects(selector.clone(), json!({"b": "1"}), false);
            assert_eq!(unknown, Ok(Selects::Unclear), "{selector}");
            // What is known is as it is.
            let known = selects(selector.clone(), json!({"a": "1"}), false);
            let whole = selects(selector.clone(), json!({"a": "1"}), true);
            assert_eq!(known, whole, "{selector}");
        }
        assert_eq!(selects(json!({}), json!({}), false), Ok(Selects::Yes));
        let one_fails = json!({"matchLabels": {"a": "1", "z": "1"}});
        assert_eq!(
            selects(one_fails, json!({"a": "2"}), false),
            Ok(Selects::No)
        );
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
