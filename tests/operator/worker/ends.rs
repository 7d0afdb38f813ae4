//! What ends a worker before its run is complete.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::stage::{CLAIM, Stage, options};
use crate::support::OperatorProcess;
use crate::support::cluster::condition;
use crate::volume::{slow_down, speed_up};

/// Enough that a run takes its time.
const MANY: u64 = 3_000;
/// How long a permit is good for, and a moment.
const PERMIT: Duration = Duration::from_secs(11);
/// How long a worker may take to see that nobody answers its pings.
const NOTICED: Duration = Duration::from_secs(45);

#[test]
fn a_leader_that_is_killed_leaves_a_worker_that_does_nothing_more() {
    let stage = Stage::with(MANY, &[]);
    stage.mark();
    slow_down(&stage.cluster, "payments");
    stage.cluster.create_run("cut", "payments", "Enforce");
    let (first_job, mut worker) = stage.start_worker();
    stage.volume.wait_until_one_is_gone(&stage.orphans);
    let Stage {
        operator,
        cluster,
        volume,
        orphans,
    } = stage;
    let killed = Instant::now();
    operator.kill();
    assert!(worker.ended().success(), "{}", worker.log());
    assert!(killed.elapsed() < PERMIT, "{:?}", killed.elapsed());
    let left = volume.left(&orphans);
    assert!(!left.is_empty(), "the run was over before");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(volume.left(&orphans), left, "deleted by nobody's right");

    // The next leader makes a worker of its own; that of the first is not let in, for it trusts another certificate.
    speed_up(&cluster, "payments");
    let operator = OperatorProcess::start(&cluster, options("second", &[]));
    let stage = Stage {
        operator,
        cluster,
        volume,
        orphans,
    };
    let first = &first_job["metadata"]["uid"];
    let job = crate::volume::until("the Job of the next worker", || {
        stage
            .jobs()
            .into_iter()
            .find(|job| job["metadata"]["uid"] != *first)
    });
    let pod = stage.apply_pod_of(&job);
    let token = stage.token("flink", super::stage::AUDIENCE, Some(&pod));
    let next = stage.start_worker_with(&job, &token);
    let run = stage.cluster.wait("frr/cut", "condition=Complete");
    assert_eq!(run["status"]["phase"], "Succeeded", "{run}\n{}", next.log());
    assert_eq!(stage.volume.left(&stage.orphans), Vec::<String>::new());
}

/// As when the network is cut: nobody says that the connection is over.
#[test]
fn a_leader_that_is_frozen_leaves_a_worker_that_notices() {
    let mut stage = Stage::with(MANY, &[]);
    stage.mark();
    slow_down(&stage.cluster, "payments");
    stage.cluster.create_run("frozen", "payments", "Enforce");
    let (_, mut worker) = stage.start_worker();
    stage.volume.wait_until_one_is_gone(&stage.orphans);
    stage.operator.hang();
    let frozen = Instant::now();
    std::thread::sleep(PERMIT);
    let left = stage.volume.left(&stage.orphans);
    assert!(!left.is_empty(), "the run was over before");
    assert!(worker.ended().success(), "{}", worker.log());
    assert!(frozen.elapsed() < NOTICED, "{:?}", frozen.elapsed());
    assert_eq!(stage.volume.left(&stage.orphans), left);

    // When it wakes up its lease is over, and nobody answers it.
    stage.operator.go_on();
    let (status, log) = stage.operator.end();
    assert!(!status.success(), "{log}");
    assert_eq!(stage.volume.left(&stage.orphans), left);
}

#[test]
fn a_worker_gives_its_claim_back_to_a_pod_that_waits_for_it() {
    let stage = Stage::with(MANY, &[]);
    stage.mark();
    slow_down(&stage.cluster, "payments");
    stage.cluster.create_run("yields", "payments", "Enforce");
    let (_, mut worker) = stage.start_worker();
    stage.volume.wait_until_one_is_gone(&stage.orphans);
    let spec = super::stage::template(CLAIM)["spec"].clone();
    stage.apply_pod("flink", "ledger-0", &Value::Null, &Value::Null, &spec);
    assert!(worker.ended().success(), "{}", worker.log());
    let run = stage.cluster.wait("frr/yields", "condition=Complete");
    assert_eq!(run["status"]["phase"], "Cancelled", "{run}");
    assert_eq!(
        condition(&run, "Complete")["reason"],
        "WorkerYielded",
        "{run}"
    );
    let message = condition(&run, "Complete")["message"].as_str().unwrap();
    assert!(
        message.contains("ledger-0") && message.contains(CLAIM),
        "{message}"
    );
    stage.wait_until_no_job();
    assert!(!stage.volume.left(&stage.orphans).is_empty());

    // As long as it waits no worker begins.
    let run = stage.cluster.run("later", "payments", "Enforce");
    assert_eq!(
        condition(&run, "Complete")["reason"],
        "WorkerYielded",
        "{run}"
    );
}

#[test]
fn a_worker_that_finds_no_node_ends_its_run_and_others_go_on() {
    let stage = Stage::with(1, &["--worker-start-timeout=3s"]);
    // Flink runs there, and only there the volume can be mounted.
    let mut spec = super::stage::template(CLAIM)["spec"].clone();
    spec["nodeName"] = json!("node-7");
    stage.apply_pod("flink", "ledger-0", &Value::Null, &Value::Null, &spec);
    stage
        .cluster
        .patch_status("pod/ledger-0", &json!({"phase": "Running"}));
    stage.apply_policy(&json!({}));
    stage.cluster.wait("frp/payments", "condition=Ready");
    stage.cluster.create_run("waits", "payments", "DryRun");
    let job = stage.wait_for_job();
    let affinity = &job["spec"]["template"]["spec"]["affinity"]["nodeAffinity"];
    let term = &affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"][0];
    assert_eq!(term["matchFields"][0]["values"], json!(["node-7"]), "{job}");
    let (pod, _) = stage.apply_pod_of(&job);
    stage.cluster.patch_status(
        &format!("pod/{pod}"),
        &json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/9 nodes are available"}]}),
    );
    let run = stage.cluster.wait("frr/waits", "condition=Complete");
    assert_eq!(run["status"]["phase"], "Failed", "{run}");
    assert_eq!(
        condition(&run, "Complete")["reason"],
        "WorkerUnschedulable",
        "{run}"
    );
    let message = condition(&run, "Complete")["message"].as_str().unwrap();
    assert!(message.contains("0/9 nodes"), "{message}");
    stage.wait_until_no_job();
}
