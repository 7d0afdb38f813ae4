//! One works, the others wait.

use serde_json::Value;

use crate::support::cluster::RELEASE_NAMESPACE;
use crate::support::operator::Options;
use crate::support::{Cluster, FlinkJob, OperatorProcess};

fn named(name: &str) -> Options {
    Options {
        name: name.to_owned(),
        ..Options::default()
    }
}

fn lease(cluster: &Cluster) -> Value {
    let lease = [
        "get",
        "lease",
        "test-flink-retention-operator",
        "-n",
        RELEASE_NAMESPACE,
        "-o",
        "json",
    ];
    serde_json::from_str(&cluster.control_plane.kubectl(lease).unwrap()).unwrap()
}

#[test]
fn another_one_takes_over_after_a_crash_and_after_a_graceful_end() {
    let cluster = Cluster::start();
    let mut first = OperatorProcess::start(&cluster, named("first"));
    first.wait_until_leading();
    let mut second = OperatorProcess::start(&cluster, named("second"));
    assert!(second.metrics().contains("flink_retention_leader 0"));

    // A crash: the lease runs out.
    first.kill();
    second.wait_until_leading();
    FlinkJob::finished(
        "orders",
        "0000000000000000000000000000000a",
        "s3://state/orders",
    )
    .apply(&cluster);
    cluster.wait(
        "ckinv/orders.flinkdeployment",
        "jsonpath={.status.ownerClass}=terminal",
    );

    // A graceful end: the lease is given back.
    let (status, log) = second.terminate();
    assert!(status.success(), "{log}");
    let given_back = lease(&cluster);
    assert!(
        given_back["spec"]["holderIdentity"]
            .as_str()
            .unwrap_or_default()
            .is_empty(),
        "{given_back}"
    );
    let mut third = OperatorProcess::start(&cluster, named("third"));
    third.wait_until_leading();
    let transitions = lease(&cluster)["spec"]["leaseTransitions"].as_i64();
    assert_eq!(transitions, Some(2), "each holder has its own number");
}

#[test]
fn a_lost_lease_ends_the_process() {
    let cluster = Cluster::start();
    let mut operator = OperatorProcess::start(&cluster, named("first"));
    operator.wait_until_leading();
    let taken = r#"{"spec":{"holderIdentity":"somebody-else"}}"#;
    cluster
        .control_plane
        .kubectl([
            "patch",
            "lease",
            "test-flink-retention-operator",
            "-n",
            RELEASE_NAMESPACE,
            "--type=merge",
            "-p",
            taken,
        ])
        .unwrap();
    let (status, log) = operator.end();
    assert!(!status.success());
    assert!(log.contains("was taken by somebody-else"), "{log}");
}
