//! A job of a session cluster: its storage is pruned like that of an application, once its cluster proves what it does.

use serde_json::{Value, json};

use crate::support::cluster::NAMESPACE;
use crate::support::{Cluster, OperatorProcess};
use crate::volume::{BASE, Volume, deleted_files, mark};

const CLICKS: &str = "00000000000000000000000000c11c45";
const UNNAMED: &str = "00000000000000000000000000bad0b1";
const INVENTORY: &str = "ckinv/clicks.flinksessionjob";

fn apply(cluster: &Cluster, kind: &str, name: &str, spec: &Value, status: &Value) {
    cluster.apply(&json!({
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
    }));
    let what = format!("{}/{name}", kind.to_ascii_lowercase());
    let generation = cluster.get(&what)["metadata"]["generation"].clone();
    let mut status = status.clone();
    status["observedGeneration"] = generation;
    let deployed = json!({"spec": spec, "resource_metadata": {"firstDeployment": false}});
    status["reconciliationStatus"] =
        json!({"state": "DEPLOYED", "lastReconciledSpec": deployed.to_string()});
    cluster.patch_status(&what, &status);
}

/// The Deployment of the session cluster's JobManager. Nothing runs here, so nobody answers.
fn job_manager(cluster: &Cluster) {
    let labels = json!({"app": "session"});
    cluster.apply(&json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "session", "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "x", "image": "x"}]}},
        },
    }));
}

#[test]
fn a_session_job_is_pruned_when_its_cluster_proves_that_it_is_over() {
    let (cluster, volume) = (Cluster::start(), Volume::new());
    for job in [CLICKS, UNNAMED] {
        volume.checkpoint(job, 3);
    }
    let orphans = volume.orphans(CLICKS, 3);
    let kept = volume.orphans(UNNAMED, 2);
    let before = volume.tree();
    let configuration = json!({"execution.checkpointing.dir": BASE});
    let session = json!({"flinkVersion": "v2_1", "flinkConfiguration": configuration});
    let settled = json!({"lifecycleState": "STABLE", "jobManagerDeploymentStatus": "READY"});
    apply(&cluster, "FlinkDeployment", "session", &session, &settled);
    let job = json!({"deploymentName": "session", "job": {"state": "running", "upgradeMode": "savepoint"}});
    let canceled = json!({
        "lifecycleState": "STABLE", "jobStatus": {"jobId": CLICKS, "state": "CANCELED"},
    });
    apply(&cluster, "FlinkSessionJob", "clicks", &job, &canceled);
    job_manager(&cluster);
    let _operator = OperatorProcess::start(&cluster, volume.options("operator"));

    // Its cluster has a JobManager, which does not say that the job is over.
    let recorded = format!("jsonpath={{.spec.lineage[?(@.jobId==\"{CLICKS}\")].jobId}}={CLICKS}");
    let said = cluster.wait(INVENTORY, &recorded);
    assert_eq!(said["spec"]["jobRef"]["kind"], "FlinkSessionJob");
    cluster.wait(
        "ckinv/session.flinkdeployment",
        "jsonpath={.status.ownerClass}=unknown",
    );
    mark(&cluster, "payments");
    let run = cluster.run("silent", "payments", "Enforce");
    assert_eq!(deleted_files(&run), 0, "{run}");
    let guards = run["status"]["protectedBy"].to_string();
    assert!(guards.contains("session cluster"), "{guards}");

    // Without any process of the cluster nothing of it runs. What nobody names stays.
    cluster.delete("deployment/session");
    cluster.wait(INVENTORY, "jsonpath={.status.ownerClass}=terminal");
    let marking = cluster.run("marks", "payments", "Enforce");
    assert_eq!(deleted_files(&marking), 0, "it was never marked: {marking}");
    crate::volume::grace_is_over();
    let run = cluster.run("ripe", "payments", "Enforce");
    assert_eq!(deleted_files(&run), 3, "{run}");
    volume
        .tree()
        .assert_is(&before.without(orphans.iter().map(String::as_str)));
    assert!(volume.gone(&kept).is_empty());
}
