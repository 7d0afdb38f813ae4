//! Argo CD and Flux compare what they applied with what is there, and read conditions to know whether it is well.

use serde_json::Value;

use super::flink::{self, LEDGER};
use super::retention::CHART;
use super::shell::until;
use super::stage::Stage;

const POLICY: &str = "examples/policy.yaml";

pub(crate) fn sees_no_drift(stage: &Stage) {
    stage.namespace("flink");
    flink::start_writer(stage, "flink");
    LEDGER.leave(stage, "flink");
    let render = format!(
        "helm template flink-retention {CHART} --kube-version 1.33.0 --namespace flink --values examples/values.yaml"
    );
    let by = "--server-side --field-manager=argocd-controller";
    stage.run(&format!("{render} | kubectl apply {by} -f -"));
    stage.run("kubectl wait crd --all --for=condition=Established --timeout=60s");
    stage.run(&format!("kubectl apply {by} -f {POLICY}"));
    stage.run("kubectl create -f examples/run.yaml");
    let runs = until("a run to end", || {
        let runs = stage.json("kubectl -n flink get frr");
        let phase = &runs["items"][0]["status"]["phase"];
        if phase == "Succeeded" {
            Ok(runs)
        } else {
            Err(runs.to_string())
        }
    });
    stage.run("kubectl -n flink wait deployment --all --for=condition=Available --timeout=120s");
    stage.run("kubectl -n flink wait frp/all-jobs --for=condition=Ready --timeout=60s");

    // Who applied it, and somebody else who would apply the same.
    let another = "--server-side --force-conflicts --field-manager=kustomize-controller";
    for by in [by, another] {
        stage.run(&format!("{render} | kubectl diff {by} -f -"));
        stage.run(&format!("kubectl diff {by} -f {POLICY}"));
    }
    let policies = stage.json("kubectl -n flink get frp");
    let inventories = stage.json("kubectl -n flink get ckinv");
    for list in [&policies, &runs, &inventories] {
        for object in list["items"].as_array().unwrap() {
            is_current(object);
        }
    }
    assert_eq!(policies["items"][0]["metadata"]["generation"], 1);
    assert_eq!(
        condition(&policies["items"][0], "Ready").unwrap()["status"],
        "True"
    );

    // What is wrong is told in the same way.
    stage.run(
        "kubectl -n flink patch frp/all-jobs --type=merge -p '{\"spec\":{\"timeZone\":\"Middle/Earth\"}}'",
    );
    let wrong = until("the policy to say so", || {
        let policy = stage.json("kubectl -n flink get frp/all-jobs");
        let ready = condition(&policy, "Ready").unwrap();
        if ready["status"] == "False" {
            Ok(policy)
        } else {
            Err(policy.to_string())
        }
    });
    assert_eq!(wrong["status"]["observedGeneration"], 2, "{wrong}");
    let error = stage
        .attempt(&format!("kubectl diff {another} -f {POLICY}"))
        .unwrap_err();
    assert!(error.contains("Middle/Earth"), "{error}");
}

/// As kstatus judges a kind that it does not know.
fn is_current(object: &Value) {
    let generation = &object["metadata"]["generation"];
    assert_eq!(
        object["status"]["observedGeneration"], *generation,
        "{object}"
    );
    for abnormal in ["Reconciling", "Stalled"] {
        assert_eq!(condition(object, abnormal), None, "{object}");
    }
    if let Some(ready) = condition(object, "Ready") {
        assert_eq!(ready["status"], "True", "{object}");
    }
}

fn condition<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions
        .iter()
        .find(|condition| condition["type"] == name)
}
