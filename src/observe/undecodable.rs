//! A Flink resource of which something cannot be understood: what can be, is used, and the rest protects.

use crate::api::flink::{EmbeddedSpec, FlinkConfiguration, Undecodable};
use crate::observe::configurations::Configurations;
use crate::observe::deployment::{current_id, finish, half, job_name, suspended_by};
use crate::observe::draft::{Draft, Host, StartsFrom, Surroundings};
use crate::observe::sketch::Sketch;
use kube::api::DynamicObject;
use retention::evidence::Phase;
use serde_json::Value;

#[must_use]
pub(super) fn sketch(object: &DynamicObject, error: &Undecodable) -> Sketch {
    let mut problems = vec![error.to_string()];
    let mut known = Vec::new();
    for field in ["lastReconciledSpec", "lastStableSpec"] {
        let path = format!("/status/reconciliationStatus/{field}");
        match object.data.pointer(&path) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => match EmbeddedSpec::parse(text) {
                Ok(embedded) => known.push(embedded.spec.flink_configuration),
                Err(error) => problems.push(format!("its {field} cannot be read: {error}")),
            },
            Some(_) => problems.push(format!("its {field} is not text")),
        }
    }
    let asked = object.data.pointer("/spec/flinkConfiguration");
    let asked = FlinkConfiguration::from_json(asked.unwrap_or(&Value::Null)).unwrap_or_default();
    let named = object
        .data
        .pointer("/status/jobStatus/jobId")
        .and_then(Value::as_str);
    let name = job_name(error.kind.as_str(), &object.metadata);
    Sketch {
        // What it is hosted by matters only to a job whose end is to be proven.
        host: Host::Own,
        named_id: named.map(str::to_owned),
        phase: Phase::Unclear {
            why: error.to_string(),
        },
        starts_from: StartsFrom::NotSaid,
        stateful: true,
        configurations: Configurations::new(known, asked),
        problems,
        half: half(&object.metadata),
        suspended_by: suspended_by(&name, &object.metadata),
        name,
    }
}

#[must_use]
pub(super) fn draft(sketch: Sketch, surroundings: Surroundings) -> Draft {
    let (current, _) = current_id(sketch.named_id.as_deref(), None);
    let configurations = sketch.configurations.clone();
    finish(sketch, current, &configurations, surroundings)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::api::flink::FlinkDeployment;
    use crate::observe::deployment::tests::object;
    use crate::observe::gaps;

    const STABLE: &str = include_str!("fixtures/stable.yaml");

    #[test]
    fn what_can_be_understood_is_used_and_the_rest_protects_the_namespace() {
        let object = object(
            STABLE,
            &[("observedGeneration: 4", "observedGeneration: [4]")],
        );
        let error = FlinkDeployment::from_dynamic(object.clone()).unwrap_err();
        let draft = draft(sketch(&object, &error), Surroundings::default());
        assert!(draft.current.is_some());
        assert_eq!(draft.bases.len(), 3);
        assert!(
            matches!(draft.phase, Phase::Unclear { why } if why.contains("observedGeneration"))
        );
        assert_eq!(draft.gaps[0].radius, [gaps::seen_from("flink")]);
    }
}
