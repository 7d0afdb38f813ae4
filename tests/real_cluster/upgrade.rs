//! The chart of an earlier version, an upgrade in the middle of a run, a rollback, an end, and a new beginning.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::flink::{self, Job, LEDGER, VOLUME};
use super::retention::{CHART, OPERATOR, files_of, values};
use super::shell::until;
use super::stage::Stage;

/// What the earlier version does not know.
const FIELD: &str = "timeZone";
const MANY: u64 = 3000;
const SLOW: u32 = 300;

pub(crate) fn loses_nothing(stage: &Stage) {
    let older = older_chart(stage);
    let job = Job {
        orphans: MANY,
        ..LEDGER
    };
    stage.namespace("flink");
    flink::start_writer(stage, "flink");
    job.leave(stage, "flink");
    stage.helm("install", &older, "flink", &chart());
    assert!(!knows_the_field(stage));
    stage.policy(&enforce(5000));
    stage.policy_is("Enforcing", "True", None);
    stage.succeed("marks");
    std::thread::sleep(Duration::from_secs(2));
    stage.policy(&enforce(SLOW));
    let ours = objects(stage);

    // In the middle of a run: one pod ends, the next one begins.
    let whole = flink::files(stage, "flink").len();
    stage.start_run("upgraded");
    flink::until_one_goes(stage, "flink", whole);
    let term = transitions(stage);
    stage.helm("upgrade", CHART, "flink", &chart());
    assert!(knows_the_field(stage));
    let run = stage.end_of_run("upgraded");
    assert_eq!(run["status"]["phase"], "Succeeded", "{run}");
    stage.policy(&enforce(5000));
    println!(
        "{} of {MANY} by the run that was upgraded",
        files_of(&run, "deleted")
    );
    until("the next one to lead", || {
        let now = transitions(stage);
        if now > term {
            Ok(())
        } else {
            Err(now.to_string())
        }
    });
    stage.succeed("after-upgrade");
    assert_eq!(flink::files(stage, "flink"), job.needed());
    each_file_went_once(&journal(stage));
    still_there(stage, &ours);

    // Back, and forth.
    let ours = objects(stage);
    stage.run("helm rollback flink-retention 1 --namespace flink --wait --timeout 3m");
    assert!(!knows_the_field(stage));
    stage.succeed("after-rollback");
    stage.helm("upgrade", CHART, "flink", &chart());
    stage.succeed("after-second-upgrade");
    still_there(stage, &ours);

    // The end of the release is not that of what is kept.
    let ours = objects(stage);
    let on_volume = everything(stage);
    stage.run("helm uninstall flink-retention --namespace flink --wait");
    let of_release = "-l app.kubernetes.io/instance=flink-retention -o name";
    until("the pod to end", || {
        let left = stage.run(&format!(
            "kubectl -n flink get pods,deployments,configmaps {of_release}"
        ));
        if left.is_empty() { Ok(()) } else { Err(left) }
    });
    let roles = "kubectl get clusterroles,clusterrolebindings -o name -l app.kubernetes.io/part-of=flink-retention";
    assert_eq!(stage.run(roles), "");
    still_there(stage, &ours);
    assert_eq!(everything(stage), on_volume);

    // And whoever comes back finds it.
    stage.helm("install", CHART, "flink", &chart());
    stage.succeed("after-all");
    still_there(stage, &ours);
    assert_eq!(flink::files(stage, "flink"), job.needed());
}

fn chart() -> Value {
    values(&json!({
        "administrator": {"grants": [{
            "namespace": "flink", "bases": [{"location": "file:/opt/flink/volume"}],
        }]},
        "mounts": [{"namespace": "flink", "location": "file:/opt/flink/volume", "path": "/mnt/flink"}],
        "extraVolumes": [{"name": "flink", "persistentVolumeClaim": {"claimName": "flink"}}],
        "extraVolumeMounts": [{"name": "flink", "mountPath": "/mnt/flink"}],
        "podSecurityContext": {"fsGroup": 9999},
    }))
}

fn enforce(requests_per_second: u32) -> Value {
    json!({
        "mode": "Enforce",
        "storage": {"operatorIdentity": {}, "requestsPerSecond": requests_per_second},
    })
}

/// A copy whose definition of policies lacks a field.
fn older_chart(stage: &Stage) -> String {
    let copy = stage.home().join("older");
    stage.run(&format!("cp -r {CHART} {}", copy.display()));
    let chart = edit(&copy.join("Chart.yaml"), |chart| {
        chart["version"] = json!("0.0.9");
    });
    assert_eq!(
        chart["appVersion"], "0.1.0",
        "the image has this version, too"
    );
    edit(
        &copy.join("files/crds/retentionpolicies.yaml"),
        |definition| {
            let schema = &mut definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            let spec = &mut schema["properties"]["spec"];
            spec["properties"]
                .as_object_mut()
                .unwrap()
                .remove(FIELD)
                .unwrap();
        },
    );
    copy.display().to_string()
}

fn edit(file: &Path, change: impl FnOnce(&mut Value)) -> Value {
    let text = std::fs::read_to_string(file).unwrap();
    let mut value: Value = serde_saphyr::from_str(&text).unwrap();
    change(&mut value);
    std::fs::write(file, value.to_string()).unwrap();
    value
}

fn knows_the_field(stage: &Stage) -> bool {
    let explained = stage.attempt(&format!("kubectl explain frp.spec.{FIELD}"));
    explained.is_ok()
}

fn transitions(stage: &Stage) -> u64 {
    let lease = stage.json(&format!("kubectl -n flink get lease {OPERATOR}"));
    lease["spec"]["leaseTransitions"].as_u64().unwrap_or(0)
}

/// What people wrote and what the operator remembers, by kind and name, with what tells it from one of the same name.
fn objects(stage: &Stage) -> BTreeMap<String, String> {
    let list = stage.json("kubectl -n flink get frp,frr,ckinv,pvc,flinkdep");
    let all = list["items"].as_array().unwrap().iter();
    let all = all.map(|object| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (kind, metadata) = (text(&object["kind"]), &object["metadata"]);
        (
            format!("{kind}/{}", text(&metadata["name"])),
            text(&metadata["uid"]),
        )
    });
    let all: BTreeMap<_, _> = all.collect();
    assert!(
        all.keys()
            .any(|name| name.starts_with("CheckpointInventory/")),
        "{all:?}"
    );
    all
}

fn still_there(stage: &Stage, before: &BTreeMap<String, String>) {
    let now = objects(stage);
    for (name, uid) in before {
        // History has its limits: `history.successful` of the policy.
        if !name.starts_with("RetentionRun/") {
            assert_eq!(now.get(name), Some(uid), "{name}");
        }
    }
}

/// Every file of the volume, those of the journal as well.
fn everything(stage: &Stage) -> String {
    stage.run(&format!(
        "kubectl -n flink exec writer -- find {VOLUME} -type f | sort"
    ))
}

/// What was begun to be deleted, in the order of time.
fn journal(stage: &Stage) -> Vec<Value> {
    let copy = stage.home().join("journal");
    std::fs::create_dir(&copy).unwrap();
    stage.run(&format!(
        "kubectl -n flink exec writer -- tar -C {VOLUME}/checkpoints/.flink-retention -cf - runs | tar -C {} -xf -",
        copy.display()
    ));
    let found = stage.run(&format!("find {} -name '*.json'", copy.display()));
    let mut batches: Vec<Value> = found
        .lines()
        .map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())
        .collect();
    batches.sort_by_key(|batch| batch["begun"].as_str().unwrap().to_owned());
    batches
}

/// By one operator after the other: no batch begins before those of an earlier one have ended, and no file goes twice.
fn each_file_went_once(batches: &[Value]) {
    let mut gone = BTreeMap::new();
    for batch in batches {
        for file in batch["files"].as_array().unwrap() {
            if file["outcome"] == "deleted" {
                let path = file["path"].as_str().unwrap();
                let twice = gone.insert(path, &batch["epoch"]);
                assert!(
                    twice.is_none(),
                    "{path} went in epochs {twice:?} and {}",
                    batch["epoch"]
                );
            }
        }
    }
    assert!(gone.len() as u64 <= MANY);
    for pair in batches.windows(2) {
        let [earlier, later] = pair else { continue };
        let epoch = |batch: &Value| batch["epoch"].as_u64().unwrap();
        assert!(epoch(earlier) <= epoch(later), "{pair:#?}");
        if epoch(earlier) < epoch(later) {
            assert!(
                earlier["ended"].as_str() <= later["begun"].as_str(),
                "{pair:#?}"
            );
        }
    }
    let epochs: std::collections::BTreeSet<_> = batches
        .iter()
        .map(|batch| batch["epoch"].as_u64())
        .collect();
    println!(
        "{} files went in {} batches of the epochs {epochs:?}",
        gone.len(),
        batches.len()
    );
}
