//! A volume that the operator does not mount: the run's Job does, where Flink's pods are.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::flink::{self, Job, LEDGER, VOLUME};
use super::retention::{CHART, OPERATOR, files_of, values};
use super::shell::until;
use super::stage::Stage;

/// What ending all deletions may take at most.
const STOPPED: Duration = Duration::from_mins(2);
/// Enough that a run takes its time.
const MANY: u64 = 3000;
/// Requests to the storage in a second, to be there while it deletes.
const SLOW: u32 = 100;

pub(crate) fn looks_and_deletes_where_that_is_granted(stage: &Stage) {
    begin(stage, &LEDGER);
    let before = flink::files(stage, "flink");
    stage.helm("install", CHART, "operators", &chart(false));

    // It looks without being granted anything, through a pod that the kubelet started.
    stage.policy(&json!({"mode": "Enforce", "storage": {"worker": {}}}));
    stage.policy_is("Ready", "True", None);
    stage.policy_is("Enforcing", "False", Some("WorkerOnlyLooks"));
    let looked = stage.succeed("looks");
    assert_eq!(
        files_of(&looked, "orphan"),
        LEDGER.orphans,
        "{}",
        looked["status"]
    );
    let events = stage.json("kubectl -n flink get events");
    let of_worker = |event: &&Value| {
        let object = &event["involvedObject"];
        event["reason"] == "Started" && object["kind"] == "Pod" && object["name"] != "writer"
    };
    let events = events["items"].as_array().unwrap();
    assert!(events.iter().any(|event| of_worker(&event)), "{events:#?}");
    assert_eq!(flink::files(stage, "flink"), before);
    assert!(!has_journal(stage), "a dry run writes nothing");
    wait_until_no_worker(stage);

    // The administrator's word is read without a restart.
    stage.helm("upgrade", CHART, "operators", &chart(true));
    stage.policy_is("Enforcing", "True", None);
    let marks = stage.succeed("marks");
    assert_eq!(files_of(&marks, "deleted"), 0, "{marks}");
    assert_eq!(flink::files(stage, "flink"), before);
    std::thread::sleep(Duration::from_secs(2));
    let deletes = stage.succeed("deletes");
    assert_eq!(files_of(&deletes, "deleted"), LEDGER.orphans, "{deletes}");
    let after = flink::files(stage, "flink");
    assert_eq!(after, LEDGER.needed(), "{before:?}");
    wait_until_no_worker(stage);
}

pub(crate) fn ends_with_the_operator(stage: &Stage) {
    let job = Job {
        orphans: MANY,
        ..LEDGER
    };
    begin(stage, &job);
    stage.helm("install", CHART, "operators", &chart(true));
    stage.policy(&json!({"mode": "Enforce", "storage": {"worker": {}}}));
    stage.policy_is("Enforcing", "True", None);
    stage.succeed("marks");
    std::thread::sleep(Duration::from_secs(2));
    stage.policy(&json!({"mode": "Enforce", "storage": {"worker": {}, "requestsPerSecond": SLOW}}));
    let whole = flink::files(stage, "flink").len();
    stage.start_run("stopped");
    flink::until_one_goes(stage, "flink", whole);
    assert_eq!(workers(stage).lines().count(), 1, "{}", workers(stage));

    let told = Instant::now();
    stage.run(&format!(
        "kubectl -n operators scale deployment {OPERATOR} --replicas=0"
    ));
    wait_until_no_worker(stage);
    let gone = told.elapsed();
    let left = flink::files(stage, "flink");
    assert!(gone < STOPPED, "the worker was there for {gone:?}");
    assert!(left.len() > job.needed().len(), "the run was over before");
    // Nobody is there who could; but that is to be seen.
    std::thread::sleep(Duration::from_secs(10));
    assert_eq!(flink::files(stage, "flink"), left);
    let pods = stage.run("kubectl -n operators get pods -o name");
    println!(
        "the worker was gone after {gone:?}, {} of {whole} files left; {pods}",
        left.len()
    );

    // Whoever comes back goes on.
    stage.policy(&json!({"mode": "Enforce", "storage": {"worker": {}, "requestsPerSecond": 5000}}));
    stage.run(&format!(
        "kubectl -n operators scale deployment {OPERATOR} --replicas=1"
    ));
    stage.end_of_run("stopped");
    stage.succeed("later");
    assert_eq!(flink::files(stage, "flink"), job.needed());
}

fn begin(stage: &Stage, job: &Job) {
    stage.namespace("flink");
    stage.namespace("operators");
    stage.run("kubectl -n flink create serviceaccount flink");
    flink::start_writer(stage, "flink");
    job.leave(stage, "flink");
}

fn chart(may_delete: bool) -> Value {
    values(&json!({
        "workers": {"enabled": true, "namespaces": ["flink"]},
        "administrator": {"grants": [{"namespace": "flink", "workersMayDelete": may_delete}]},
        // Not enforced by the network of the node that the tests start, but by that of another cluster.
        "networkPolicy": {"enabled": true},
    }))
}

/// Pods in Flink's namespace that are not Flink's.
fn workers(stage: &Stage) -> String {
    stage.run("kubectl -n flink get pods --no-headers | grep -v '^writer ' || true")
}

fn wait_until_no_worker(stage: &Stage) {
    until("the worker to go", || {
        let found = workers(stage);
        if found.is_empty() { Ok(()) } else { Err(found) }
    });
}

fn has_journal(stage: &Stage) -> bool {
    let found = format!("kubectl -n flink exec writer -- find {VOLUME} -name .flink-retention");
    !stage.run(&found).is_empty()
}
