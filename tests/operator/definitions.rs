//! Definitions in the cluster that are older than the operator.

use flink_retention::cli::crds;
use serde_json::{Value, json};

use crate::support::operator::Options;
use crate::support::{Cluster, OperatorProcess};

fn outdated(plural: &str) -> String {
    format!("flink_retention_crd_outdated{{crd=\"{plural}\"}}")
}

#[test]
fn definitions_that_lack_a_field_are_told_until_they_are_upgraded() {
    let cluster = Cluster::start();
    let mut definitions = crds::crds();
    definitions.retain(|definition| definition.spec.names.plural == "retentionpolicies");
    let current = serde_json::to_value(definitions.remove(0)).unwrap();
    let mut older: Value = current.clone();
    let schema = &mut older["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let fields = schema["properties"]["spec"]["properties"].as_object_mut();
    fields.unwrap().remove("deletedJobs").unwrap();
    cluster.apply(&older);

    let mut operator = OperatorProcess::start(&cluster, Options::default());
    operator.wait_for_metric(&outdated("retentionpolicies"), |outdated| outdated > 0.5);
    operator.wait_for_metric(&outdated("retentionruns"), |outdated| outdated < 0.5);
    operator.wait_for_metric(&outdated("checkpointinventories"), |outdated| {
        outdated < 0.5
    });
    operator.wait_for_log(".spec.deletedJobs");

    // As an upgrade of the chart does it.
    let mut newer = current;
    newer["metadata"]["labels"] = json!({"app.kubernetes.io/version": "2.0.0"});
    cluster.apply(&newer);
    operator.wait_for_metric(&outdated("retentionpolicies"), |outdated| outdated < 0.5);
}
