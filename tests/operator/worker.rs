//! Volumes that only the tenant's pods mount. There is no node here: the test does what the Job controller and a kubelet
//! would do, and starts the worker that the operator asked for.

mod attacks;
mod ends;
mod others;
mod refused;
mod stage;

use serde_json::{Value, json};

use crate::volume::{deleted_files, grace_is_over};
use stage::{CLAIM, Stage, run_uid};

#[test]
fn a_volume_is_pruned_through_a_worker_and_through_nothing_else() {
    let stage = Stage::new();
    let before = stage.volume.tree();
    stage.apply_policy(&json!({}));
    stage.cluster.wait("frp/payments", "condition=Ready");

    // A dry run mounts everything to be read only, and writes nothing.
    stage.cluster.create_run("dry", "payments", "Enforce");
    let (job, mut worker) = stage.start_worker();
    let dry = stage.cluster.wait("frr/dry", "condition=Complete");
    assert_eq!(
        dry["status"]["phase"],
        "Succeeded",
        "{dry}\n{}",
        worker.log()
    );
    assert_eq!(dry["status"]["decisions"]["orphan"]["files"], 20, "{dry}");
    assert_is_restricted(&job, &dry, true);
    assert!(worker.ended().success(), "{}", worker.log());
    stage.wait_until_no_job();
    stage.volume.tree().assert_is(&before);
    assert!(!stage.volume.path(".flink-retention").exists());

    // Enforced: the first run marks, a later one deletes.
    stage
        .cluster
        .patch("frp/payments", &json!({"spec": {"mode": "Enforce"}}));
    stage.cluster.wait("frp/payments", "condition=Enforcing");
    stage.cluster.create_run("marks", "payments", "Enforce");
    let (job, _worker) = stage.start_worker();
    let marks = stage.cluster.wait("frr/marks", "condition=Complete");
    assert_eq!(marks["status"]["phase"], "Succeeded", "{marks}");
    assert_eq!(deleted_files(&marks), 0, "{marks}");
    assert_is_restricted(&job, &marks, false);
    stage.volume.tree().assert_is(&before);
    grace_is_over();
    stage.wait_until_no_job();
    stage.cluster.create_run("deletes", "payments", "Enforce");
    let (_, mut worker) = stage.start_worker();
    let deletes = stage.cluster.wait("frr/deletes", "condition=Complete");
    assert_eq!(
        deletes["status"]["phase"],
        "Succeeded",
        "{deletes}\n{}",
        worker.log()
    );
    assert_eq!(deleted_files(&deletes), 20, "{deletes}");
    let rest = before.without(stage.orphans.iter().map(String::as_str));
    stage.volume.tree().assert_is(&rest);
    assert!(worker.ended().success(), "{}", worker.log());
    stage.wait_until_no_job();
    let (status, log) = stage.operator.terminate();
    assert!(status.success(), "{log}");
}

/// What a tenant's administrator reads in the Job.
fn assert_is_restricted(job: &Value, run: &Value, read_only: bool) {
    let spec = &job["spec"]["template"]["spec"];
    let container = &spec["containers"][0];
    assert_eq!(spec["automountServiceAccountToken"], false);
    assert_eq!(spec["serviceAccountName"], "flink");
    let context = &spec["securityContext"];
    assert_eq!(context["runAsUser"], 9999);
    assert_eq!(context["runAsNonRoot"], true);
    assert_eq!(context["supplementalGroups"], json!([777]), "{context}");
    // It would let the kubelet change owners.
    assert_eq!(context["fsGroup"], Value::Null);
    assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault");
    assert_eq!(
        container["securityContext"]["allowPrivilegeEscalation"],
        false
    );
    assert_eq!(
        container["securityContext"]["capabilities"]["drop"],
        json!(["ALL"])
    );
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert!(container["resources"]["limits"]["memory"].is_string());
    assert!(container["resources"]["requests"]["cpu"].is_string());
    let volumes = spec["volumes"].as_array().unwrap();
    let claims: Vec<&Value> = volumes
        .iter()
        .filter_map(|volume| volume.get("persistentVolumeClaim"))
        .map(|claim| &claim["claimName"])
        .collect();
    assert_eq!(claims, [CLAIM]);
    assert_eq!(
        volumes.len(),
        2,
        "only the claim and the token: {volumes:?}"
    );
    let mounts = container["volumeMounts"].as_array().unwrap();
    let data = mounts
        .iter()
        .find(|mount| mount["mountPath"] == "/volumes/data");
    assert_eq!(
        data.unwrap()["readOnly"].as_bool().unwrap_or(false),
        read_only
    );
    let arguments = container["args"].to_string();
    assert_eq!(arguments.contains("--read-only"), read_only, "{arguments}");
    assert!(job["spec"]["activeDeadlineSeconds"].is_number());
    assert!(job["spec"]["ttlSecondsAfterFinished"].is_number());
    assert_eq!(
        job["metadata"]["ownerReferences"][0]["uid"],
        run["metadata"]["uid"]
    );
    assert_eq!(*run_uid(job), run["metadata"]["uid"]);
}
