//! Conditions of a status, merged so that `lastTransitionTime` moves only when the status does.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::{Schema, SchemaGenerator, json_schema};

use crate::api::reason::Reason;
use crate::api::time::whole_seconds;

const MAX_CONDITIONS: u32 = 16;
const MAX_MESSAGE: usize = 4096;

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Evidence is missing.
    Unknown,
}

impl ConditionStatus {
    /// The word that the Kubernetes API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for ConditionStatus {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// What a reconcile has found out about one condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The condition's type, for example `Ready`.
    pub condition: &'static str,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// Why.
    pub reason: Reason,
    /// A sentence for people.
    pub message: String,
}

/// The conditions after `findings`: a condition keeps its transition time while its status stays, conditions without a
/// finding stay as they are, and new ones are appended. `observed_generation` is the generation that was looked at.
#[must_use]
pub fn merge(
    existing: &[Condition],
    findings: impl IntoIterator<Item = Finding>,
    observed_generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let mut merged = existing.to_vec();
    for finding in findings {
        debug_assert!(
            finding.reason.is_of(finding.condition),
            "{} is not among the reasons of {}",
            finding.reason,
            finding.condition
        );
        let old = merged.iter_mut().find(|old| old.type_ == finding.condition);
        let unchanged_since = old
            .as_ref()
            .filter(|old| old.status == finding.status.as_str())
            .map(|old| old.last_transition_time.clone());
        let condition = Condition {
            type_: finding.condition.to_owned(),
            status: finding.status.as_str().to_owned(),
            reason: finding.reason.as_str().to_owned(),
            message: shortened(finding.message),
            observed_generation,
            last_transition_time: unchanged_since.unwrap_or_else(|| whole_seconds(now)),
        };
        match old {
            Some(old) => *old = condition,
            None => merged.push(condition),
        }
    }
    merged
}

/// The condition of this type.
#[must_use]
pub fn find<'a>(conditions: &'a [Condition], condition: &str) -> Option<&'a Condition> {
    conditions
        .iter()
        .find(|candidate| candidate.type_ == condition)
}

/// The API server refuses a status whose message is too long, and with it everything else that the status says.
fn shortened(mut message: String) -> String {
    if message.chars().count() <= MAX_MESSAGE {
        return message;
    }
    let end = message
        .char_indices()
        .nth(MAX_MESSAGE - 1)
        .map_or(message.len(), |(index, _)| index);
    message.truncate(end);
    message.push('…');
    message
}

/// The schema of a list of conditions, one per type.
pub(crate) fn schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "What is known about this object, one entry per type.",
        "type": "array",
        "maxItems": MAX_CONDITIONS,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "reason", "message", "lastTransitionTime"],
            "properties": {
                "type": {"type": "string", "maxLength": 64},
                "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
                "reason": {"type": "string", "maxLength": 128, "minLength": 1},
                "message": {"type": "string", "maxLength": MAX_MESSAGE},
                "observedGeneration": {"type": "integer", "format": "int64", "minimum": 0},
                "lastTransitionTime": {"type": "string", "format": "date-time"},
            },
        },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn finding(status: ConditionStatus, message: &str) -> Finding {
        Finding {
            condition: "Ready",
            status,
            reason: Reason::Reconciled,
            message: message.to_owned(),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let first = merge(
            &[],
            [finding(ConditionStatus::True, "1 job")],
            Some(1),
            at(100),
        );
        let second = merge(
            &first,
            [finding(ConditionStatus::True, "2 jobs")],
            Some(2),
            at(200),
        );
        assert_eq!(second[0].last_transition_time.0, at(100));
        assert_eq!(
            (second[0].message.as_str(), second[0].observed_generation),
            ("2 jobs", Some(2))
        );

        let third = merge(
            &second,
            [finding(ConditionStatus::False, "none")],
            Some(2),
            at(300),
        );
        assert_eq!(third[0].last_transition_time.0, at(300));
        assert_eq!(third.len(), 1);
    }

    #[test]
    fn nothing_new_leaves_the_conditions_equal() {
        let first = merge(
            &[],
            [finding(ConditionStatus::True, "1 job")],
            Some(1),
            at(100),
        );
        assert_eq!(
            merge(
                &first,
                [finding(ConditionStatus::True, "1 job")],
                Some(1),
                at(200)
            ),
            first
        );
    }

    #[test]
    fn other_conditions_stay() {
        let other = Finding {
            condition: "Overlapping",
            reason: Reason::NoOverlap,
            ..finding(ConditionStatus::False, "")
        };
        let first = merge(&[], [other], None, at(1));
        let second = merge(&first, [finding(ConditionStatus::True, "")], None, at(2));
        assert_eq!(second[0], first[0]);
        assert_eq!(find(&second, "Ready").unwrap().status, "True");
    }

    #[test]
    fn a_message_fits_the_schema() {
        let long = merge(
            &[],
            [finding(ConditionStatus::True, &"ä".repeat(5_000))],
            None,
            at(1),
        );
        assert_eq!(long[0].message.chars().count(), MAX_MESSAGE);
        assert!(long[0].message.ends_with('…'));
    }
}
