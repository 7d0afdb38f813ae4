//! Our side: the chart's release, policies and runs.

use serde_json::{Value, json};

use super::shell::until;
use super::stage::Stage;

pub(crate) const CHART: &str = "charts/flink-retention-operator";
/// What the chart calls its objects for a release of the name `flink-retention`.
pub(crate) const OPERATOR: &str = "flink-retention-flink-retention-operator";

/// Values with which nobody has to wait for a day.
pub(crate) fn values(more: &Value) -> Value {
    let second = "1s";
    let mut values = json!({
        "image": {"repository": "registry.example.com/flink-retention", "tag": "0.1.0"},
        "administrator": {"floors": {
            "minAge": second, "gracePeriod": second, "deletedJobs": second,
            "unrestorable": second, "settle": second, "clockSkew": second,
        }},
        "extraArgs": ["--observe-interval=5s"],
    });
    merge(&mut values, more);
    values
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

impl Stage {
    /// `helm <verb>` for the release `flink-retention`, until its pods are ready.
    pub(crate) fn helm(&self, verb: &str, chart: &str, namespace: &str, values: &Value) {
        let file = self.write("values.json", &values.to_string());
        self.run(&format!(
            "helm {verb} flink-retention {chart} --namespace {namespace} --values {file} --wait --timeout 3m"
        ));
    }

    /// A policy for all jobs of the namespace `flink`, whose runs are made by hand.
    pub(crate) fn policy(&self, more: &Value) {
        let mut policy = json!({
            "apiVersion": "flink-retention.dev/v1alpha1",
            "kind": "RetentionPolicy",
            "metadata": {"name": "all-jobs", "namespace": "flink"},
            "spec": {
                "selector": {},
                "schedule": "0 0 29 2 *",
                "orphans": {"minAge": "1s", "gracePeriod": "1s"},
            },
        });
        merge(&mut policy["spec"], more);
        self.apply(&policy.to_string());
    }

    /// Starts a run that may do what the policy may.
    pub(crate) fn start_run(&self, name: &str) {
        let run = json!({
            "apiVersion": "flink-retention.dev/v1alpha1",
            "kind": "RetentionRun",
            "metadata": {"name": name, "namespace": "flink"},
            "spec": {"policyRef": {"name": "all-jobs"}, "mode": "Enforce"},
        });
        self.apply(&run.to_string());
    }

    /// Waits for its end.
    pub(crate) fn end_of_run(&self, name: &str) -> Value {
        let ended = self.attempt(&format!(
            "kubectl -n flink wait frr/{name} --for=condition=Complete --timeout=180s"
        ));
        let run = self.json(&format!("kubectl -n flink get frr/{name}"));
        assert!(ended.is_ok(), "{ended:?}\n{run}");
        run
    }

    /// A run from its beginning to its end, which is a good one.
    pub(crate) fn succeed(&self, name: &str) -> Value {
        self.start_run(name);
        let run = self.end_of_run(name);
        assert_eq!(run["status"]["phase"], "Succeeded", "{run}");
        run
    }

    /// Waits until a condition of the policy has this status and reason.
    pub(crate) fn policy_is(&self, condition: &str, status: &str, reason: Option<&str>) {
        until(&format!("{condition}={status}"), || {
            let policy = self.json("kubectl -n flink get frp/all-jobs");
            let conditions = policy["status"]["conditions"].as_array();
            let found = conditions
                .into_iter()
                .flatten()
                .find(|found| found["type"] == condition);
            let is = found.is_some_and(|found| {
                found["status"] == status && reason.is_none_or(|reason| found["reason"] == reason)
            });
            if is { Ok(()) } else { Err(policy.to_string()) }
        });
    }
}

pub(crate) fn files_of(run: &Value, decision: &str) -> u64 {
    run["status"]["decisions"][decision]["files"]
        .as_u64()
        .unwrap_or(0)
}
