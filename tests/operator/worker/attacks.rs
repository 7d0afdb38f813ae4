//! Who else dials in while a run waits for its worker.

use serde_json::{Value, json};

use super::stage::{AUDIENCE, Stage};

#[test]
fn only_the_pod_of_the_runs_job_becomes_its_worker() {
    let stage = Stage::new();
    stage.apply_policy(&json!({}));
    stage.cluster.wait("frp/payments", "condition=Ready");
    stage.cluster.create_run("dry", "payments", "DryRun");
    let job = stage.wait_for_job();
    let ours = stage.apply_pod_of(&job);

    // A pod of the same service account that is nobody's, and one of another namespace that claims the Job.
    let spec = json!({"serviceAccountName": "flink", "containers": [{"name": "a", "image": "a"}]});
    let none = Value::Null;
    let plain = stage.apply_pod("flink", "plain", &none, &none, &spec);
    let kubectl = |arguments: &[&str]| stage.cluster.control_plane.kubectl(arguments).unwrap();
    kubectl(&["create", "namespace", "elsewhere"]);
    kubectl(&["create", "serviceaccount", "flink", "-n", "elsewhere"]);
    let owner = json!([{
        "apiVersion": "batch/v1", "kind": "Job", "controller": true,
        "name": job["metadata"]["name"], "uid": job["metadata"]["uid"],
    }]);
    let foreign = stage.apply_pod("elsewhere", "foreign", &owner, &none, &spec);
    // A pod that was deleted, and its token.
    let gone = stage.apply_pod("flink", "gone", &owner, &none, &spec);
    let of_gone = stage.token("flink", AUDIENCE, Some(&gone));
    kubectl(&[
        "delete",
        "pod",
        "gone",
        "-n",
        "flink",
        "--force",
        "--grace-period=0",
    ]);

    // (Of the last but one the API server may not know yet that its pod is gone.)
    let tokens = [
        (
            "another audience",
            stage.token("flink", "https://kubernetes.default.svc", Some(&ours)),
            "401",
        ),
        ("no pod", stage.token("flink", AUDIENCE, None), "401"),
        (
            "another pod",
            stage.token("flink", AUDIENCE, Some(&plain)),
            "403",
        ),
        (
            "another namespace",
            stage.token("elsewhere", AUDIENCE, Some(&foreign)),
            "403",
        ),
        ("a pod that is gone", of_gone, "40"),
        ("made up", "a.b.c".to_owned(), "401"),
    ];
    for (whose, token, status) in tokens {
        let mut worker = stage.start_worker_with(&job, &token);
        assert_eq!(worker.ended().code(), Some(1), "{whose}: {}", worker.log());
        assert!(worker.log().contains(status), "{whose}: {}", worker.log());
    }
    let run = stage.cluster.get("frr/dry");
    assert_eq!(run["status"]["phase"], "Scanning", "{run}");

    let token = stage.token("flink", AUDIENCE, Some(&ours));
    let mut worker = stage.start_worker_with(&job, &token);
    let run = stage.cluster.wait("frr/dry", "condition=Complete");
    assert_eq!(
        run["status"]["phase"],
        "Succeeded",
        "{run}\n{}",
        worker.log()
    );
    assert!(worker.ended().success(), "{}", worker.log());
    // Once: its run is over.
    let mut late = stage.start_worker_with(&job, &token);
    assert_eq!(late.ended().code(), Some(1), "{}", late.log());
}
