//! Jobs of the namespace whose volumes a worker does not have.

use serde_json::json;

use super::stage::{Stage, apply_claim, options};
use crate::support::FlinkJob;
use crate::volume::{deleted_files, grace_is_over};

#[test]
fn what_cannot_be_read_elsewhere_protects_until_the_administrator_says_otherwise() {
    let stage = Stage::new();
    apply_claim(&stage.cluster, "far", "ReadWriteOnce");
    let mut template = super::stage::template("far");
    template["spec"]["containers"][0]["volumeMounts"][0]["mountPath"] = json!("/far");
    let far = FlinkJob {
        labels: json!({"team": "far"}),
        pod_template: Some(template),
        ..FlinkJob::finished("far", "00000000000000000000000000000fa7", "file:/far/ckp")
    };
    far.apply(&stage.cluster);
    stage.cluster.wait(
        "ckinv/far.flinkdeployment",
        "jsonpath={.status.ownerClass}=terminal",
    );
    stage.apply_policy(&json!({
        "mode": "Enforce",
        "selector": {"matchLabels": {"team": "payments"}},
    }));
    stage.cluster.wait("frp/payments", "condition=Ready");

    // A snapshot of the other job may name files of this one.
    let before = stage.volume.tree();
    let run = |name: &str| {
        stage.cluster.create_run(name, "payments", "Enforce");
        let (job, worker) = stage.start_worker();
        let volumes = job["spec"]["template"]["spec"]["volumes"].to_string();
        assert!(!volumes.contains("far"), "{volumes}");
        let run = stage
            .cluster
            .wait(&format!("frr/{name}"), "condition=Complete");
        assert_eq!(
            run["status"]["phase"],
            "Succeeded",
            "{run}\n{}",
            worker.log()
        );
        stage.wait_until_no_job();
        grace_is_over();
        run
    };
    for name in ["one", "two"] {
        let run = run(name);
        assert_eq!(deleted_files(&run), 0, "{run}");
        assert_eq!(
            run["status"]["decisions"]["protected"]["files"], 20,
            "{run}"
        );
    }
    stage.volume.tree().assert_is(&before);

    let mut administrator = options("first", &[]).administrator;
    administrator["grants"] = json!([{
        "namespace": "flink", "bases": [{"location": "file:/data/ckp", "exclusive": true}],
        "workersMayDelete": true,
    }]);
    stage.operator.set_administrator(&administrator);
    run("marks");
    assert_eq!(deleted_files(&run("deletes")), 20);
    let orphans = stage.orphans.iter().map(String::as_str);
    stage.volume.tree().assert_is(&before.without(orphans));
}

#[test]
fn no_worker_is_made_where_there_is_nothing_to_look_at() {
    let stage = Stage::new();
    stage.apply_policy(&json!({"selector": {"matchLabels": {"team": "nobody"}}}));
    stage.cluster.wait("frp/payments", "condition=Ready");
    let run = stage.cluster.run("idle", "payments", "DryRun");
    assert_eq!(run["status"]["phase"], "Succeeded", "{run}");
    assert_eq!(stage.jobs(), Vec::<serde_json::Value>::new());
}
