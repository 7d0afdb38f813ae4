//! Any part of Flink's kinds may be missing, and may come later.

use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::{BASE, Volume, deleted_files, mark, until};

const LEDGER: &str = "000000000000000000000000000ced9e";
const LIMIT: &str = "--timeout=300s";

pub(crate) fn uninstall(cluster: &Cluster, kinds: &[&str]) {
    for kind in kinds {
        let name = format!("crd/{kind}.flink.apache.org");
        cluster
            .control_plane
            .kubectl(["delete", &name, LIMIT])
            .unwrap();
    }
    // The API server stops to serve a kind a moment after its definition is gone.
    until("the kinds to be gone", || {
        let served = cluster
            .control_plane
            .kubectl([
                "api-resources",
                "--api-group=flink.apache.org",
                "-o",
                "name",
            ])
            .ok()?;
        let is_served = |kind: &&str| {
            let path = format!("/apis/flink.apache.org/v1beta1/{kind}");
            let found = cluster.control_plane.kubectl(["get", "--raw", &path]);
            served.contains(kind) || found.is_ok()
        };
        (!kinds.iter().any(is_served)).then_some(())
    });
}

#[test]
fn kinds_that_are_not_installed_are_no_obstacle() {
    let (cluster, volume) = (Cluster::start(), Volume::new());
    uninstall(
        &cluster,
        &[
            "flinksessionjobs",
            "flinkstatesnapshots",
            "flinkbluegreendeployments",
        ],
    );
    volume.checkpoint(LEDGER, 3);
    let orphans = volume.orphans(LEDGER, 2);
    let before = volume.tree();
    FlinkJob::finished("ledger", LEDGER, BASE).apply(&cluster);
    let _operator = OperatorProcess::start(&cluster, volume.options("operator"));
    cluster.wait(
        "ckinv/ledger.flinkdeployment",
        "jsonpath={.status.ownerClass}=terminal",
    );
    mark(&cluster, "payments");
    let run = cluster.run("deletes", "payments", "Enforce");
    assert_eq!(deleted_files(&run), 2, "{run}");
    volume
        .tree()
        .assert_is(&before.without(orphans.iter().map(String::as_str)));
}

#[test]
fn kinds_that_come_later_are_noticed() {
    let (cluster, volume) = (Cluster::start(), Volume::new());
    uninstall(
        &cluster,
        &[
            "flinkdeployments",
            "flinksessionjobs",
            "flinkstatesnapshots",
            "flinkbluegreendeployments",
        ],
    );
    let mut operator = OperatorProcess::start(&cluster, volume.options("operator"));
    operator.wait_for_metric(
        r#"flink_retention_observations_total{result="success"}"#,
        |looks| looks > 0.5,
    );
    let kinds = include_str!("../fixtures/flink-crds.yaml");
    cluster.control_plane.apply(kinds).unwrap();
    cluster.control_plane.wait_for_definitions().unwrap();
    FlinkJob::finished("ledger", LEDGER, BASE).apply(&cluster);
    cluster.wait(
        "ckinv/ledger.flinkdeployment",
        "jsonpath={.status.ownerClass}=terminal",
    );
}
