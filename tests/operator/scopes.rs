//! An operator that looks at a few namespaces only.

use serde_json::json;

use crate::support::operator::Options;
use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::BASE;

const LEDGER: &str = "000000000000000000000000000ced9e";

/// Its role goes with a namespace that is deleted, and the operator may still have it among its arguments.
#[test]
fn a_namespace_that_cannot_be_read_does_not_hide_the_others() {
    let cluster = Cluster::start_with(json!({"watchNamespaces": ["flink"]}));
    FlinkJob::finished("ledger", LEDGER, BASE).apply(&cluster);
    let mut options = Options::default();
    let forbidden = "--watch-namespace=a-deleted-one";
    options.arguments.push(forbidden.to_owned());
    let mut operator = OperatorProcess::start(&cluster, options);
    let inventory = cluster.wait(
        "ckinv/ledger.flinkdeployment",
        "jsonpath={.status.ownerClass}=terminal",
    );
    assert_eq!(inventory["spec"]["lineage"][0]["jobId"], LEDGER);
    let failures = r#"flink_retention_observations_total{result="failure"}"#;
    operator.wait_for_metric(failures, |failures| failures > 0.0);
    operator.wait_for_log("of namespace a-deleted-one could not be listed");
}
