//! What is not known of one job protects the files of others on its base, and the status of the run says so.

use std::fs;

use serde_json::{Value, json};

use crate::support::cluster::{NAMESPACE, RELEASE_NAMESPACE, condition};
use crate::support::{Cluster, FlinkJob, OperatorProcess, Tree};
use crate::volume::{BASE, Volume, deleted_files, mark, until};

const LEDGER: &str = "000000000000000000000000000ced9e";
const ORDERS: &str = "0000000000000000000000000000000d";
const SERVICE_ACCOUNT: &str = "test-flink-retention-operator";
const ORPHANS: u64 = 3;

/// Ripe orphans of the finished job `ledger`, and the job `orders` beside it on the same base.
pub(crate) struct Doubt {
    pub(crate) cluster: Cluster,
    volume: Volume,
    operator: OperatorProcess,
    before: Tree,
    orphans: Vec<String>,
}

impl Doubt {
    pub(crate) fn new() -> Self {
        let (cluster, volume) = (Cluster::start(), Volume::new());
        volume.checkpoint(LEDGER, 3);
        volume.checkpoint(ORDERS, 5);
        let orphans = volume.orphans(LEDGER, ORPHANS);
        let before = volume.tree();
        FlinkJob::finished("ledger", LEDGER, BASE).apply(&cluster);
        orders().apply(&cluster);
        let operator = OperatorProcess::start(&cluster, volume.options("operator"));
        for job in ["ledger", "orders"] {
            cluster.wait(&inventory(job), "jsonpath={.status.ownerClass}=terminal");
        }
        mark(&cluster, "payments");
        Self {
            cluster,
            volume,
            operator,
            before,
            orphans,
        }
    }

    /// A run that would delete, but for this guard; its sentence has these parts.
    pub(crate) fn protects(&self, case: &str, guard: &str, parts: &[&str]) -> Value {
        let before = self.volume.tree();
        let run = self.cluster.run(case, "payments", "Enforce");
        let log = self.operator.log();
        assert_eq!(run["status"]["phase"], "Succeeded", "{case}: {run}\n{log}");
        assert_eq!(deleted_files(&run), 0, "{case}: {run}");
        self.volume.tree().assert_is(&before);
        let guards = run["status"]["protectedBy"].as_array().unwrap();
        let of_guard = guards.iter().find(|entry| entry["guard"] == guard);
        let of_guard =
            of_guard.unwrap_or_else(|| panic!("{case}: not protected by {guard}: {run}"));
        assert!(
            of_guard["files"].as_u64().unwrap() >= ORPHANS,
            "{case}: {run}"
        );
        let sentence = of_guard["message"].as_str().unwrap_or_default();
        for part in parts {
            assert!(
                sentence.contains(part),
                "{case}: {part:?} is not in {sentence:?}"
            );
        }
        run
    }

    /// With the doubt gone, so are the orphans, at once: they were ripe all the time.
    pub(crate) fn settle(self) {
        let run = self.cluster.run("settled", "payments", "Enforce");
        assert_eq!(run["status"]["phase"], "Succeeded", "{run}");
        assert_eq!(deleted_files(&run), ORPHANS, "{run}");
        self.volume
            .tree()
            .assert_is(&self.before.without(self.orphans.iter().map(String::as_str)));
    }
}

fn orders() -> FlinkJob {
    FlinkJob::finished("orders", ORDERS, BASE)
}

fn inventory(job: &str) -> String {
    format!("ckinv/{job}.flinkdeployment")
}

#[test]
fn what_flink_does_not_tell_protects_the_base() {
    let doubt = Doubt::new();
    let Doubt { cluster, .. } = &doubt;

    // An entry of the high-availability map that is no pointer.
    let map = format!("orders-{ORDERS}-config-map");
    cluster.apply(&json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": map, "namespace": NAMESPACE},
        "data": {"checkpointID-0000000000000000005": "%% no base64 %%", "counter": "6"},
    }));
    let parts = [
        "high-availability data of FlinkDeployment flink/orders",
        &map,
        "checkpointID-0000000000000000005",
    ];
    doubt.protects("bad-map", "missing-evidence", &parts);
    let said = cluster.wait(
        &inventory("ledger"),
        r#"jsonpath={.status.protectedBy[?(@.guard=="missing-evidence")].guard}=missing-evidence"#,
    );
    assert_eq!(said["status"]["storage"]["orphaned"]["bytes"], 0, "{said}");

    // A pointer of real Flink, to a blob that is not there.
    let real: Value = serde_json::from_str(include_str!(
        "../fixtures/ha/2.3.0/config-map-with-marked-entry.json"
    ))
    .unwrap();
    let pointer = &real["data"]["checkpointID-0000000000000000094"];
    cluster.patch(
        &format!("cm/{map}"),
        &json!({"data": {"checkpointID-0000000000000000005": pointer}}),
    );
    let parts = [
        "checkpointID-0000000000000000005",
        "completedCheckpoint1db0a3118c76: it does not exist",
    ];
    doubt.protects("no-blob", "missing-evidence", &parts);
    cluster.delete(&format!("cm/{map}"));

    // A job that runs, without high availability, and whose JobManager nobody reaches.
    FlinkJob {
        state: "RUNNING".to_owned(),
        ..orders()
    }
    .apply(cluster);
    let said = cluster.wait(&inventory("orders"), "condition=JobManagerReachable=False");
    assert_eq!(
        condition(&said, "JobManagerReachable")["reason"],
        "Unreachable"
    );
    assert!(
        condition(&said, "JobManagerReachable")["message"]
            .as_str()
            .unwrap()
            .contains("orders-rest.flink"),
        "{said}"
    );
    doubt.protects(
        "no-rest",
        "job-manager-unreachable",
        &["the JobManager of FlinkDeployment flink/orders"],
    );
    orders().apply(cluster);
    cluster.wait(
        &inventory("orders"),
        "jsonpath={.status.ownerClass}=terminal",
    );

    // The operator may not read ConfigMaps any more.
    let manifests = cluster.render(&json!({}));
    // The others are for people.
    let mut roles = manifests.all("ClusterRole");
    let role = roles
        .find(|role| role.to_string().contains("configmaps"))
        .unwrap();
    let granted = role["rules"].as_array().unwrap();
    let names_maps = |rule: &&Value| {
        rule["resources"]
            .as_array()
            .unwrap()
            .contains(&json!("configmaps"))
    };
    let without: Vec<&Value> = granted.iter().filter(|rule| !names_maps(rule)).collect();
    assert_eq!(
        without.len() + 1,
        granted.len(),
        "the rule of ConfigMaps has company now: {granted:?}"
    );
    set_rules(cluster, role, &json!(without));
    until("the right to be gone", || {
        (!may_list_config_maps(cluster)).then_some(())
    });
    doubt.protects(
        "forbidden",
        "missing-evidence",
        &["ConfigMap", "configmaps is forbidden", "(403)"],
    );
    set_rules(cluster, role, &role["rules"]);
    until("the right to be back", || {
        may_list_config_maps(cluster).then_some(())
    });
    doubt.settle();
}

fn set_rules(cluster: &Cluster, role: &Value, rules: &Value) {
    let name = role["metadata"]["name"].as_str().unwrap();
    let patch = json!({"rules": rules}).to_string();
    cluster
        .control_plane
        .kubectl(["patch", "clusterrole", name, "--type=merge", "-p", &patch])
        .unwrap();
}

/// The API server learns of changed roles by a watch of its own.
fn may_list_config_maps(cluster: &Cluster) -> bool {
    let question = ["auth", "can-i", "list", "configmaps", "--all-namespaces"];
    cluster
        .control_plane
        .kubectl_as(RELEASE_NAMESPACE, SERVICE_ACCOUNT, question)
        .is_ok()
}

#[test]
fn what_cannot_be_read_protects_the_base() {
    let doubt = Doubt::new();
    let Doubt {
        cluster, volume, ..
    } = &doubt;

    // A snapshot of another job that ends too early, and one of a version that nobody knows.
    let metadata = format!("{ORDERS}/chk-5/_metadata");
    let whole = fs::read(volume.path(&metadata)).unwrap();
    let mut newer = whole.clone();
    newer[4..8].copy_from_slice(&7_i32.to_be_bytes());
    for (case, bytes, why) in [
        ("torn", &whole[..whole.len() - 9], "file ends early"),
        ("newer", &newer, "metadata version 7"),
    ] {
        volume.write(&metadata, bytes);
        doubt.protects(
            case,
            "unreadable-snapshot",
            &[&format!("{BASE}/{metadata}"), why],
        );
    }
    volume.write(&metadata, &whole);

    // A resource whose fields have other types than any Flink operator writes.
    cluster.apply(&json!({
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": "broken", "namespace": NAMESPACE, "labels": {"team": "nobody"}},
        "spec": {"flinkVersion": "v2_1", "job": {"upgradeMode": ["not", "text"]}},
    }));
    cluster.patch_status(
        "flinkdep/broken",
        &json!({"jobStatus": {"jobId": 7, "savepointInfo": "none"}}),
    );
    let run = doubt.protects(
        "broken",
        "missing-evidence",
        &["FlinkDeployment flink/broken"],
    );
    let sentence = run["status"]["sample"][0]["reason"].as_str().unwrap();
    assert!(
        sentence.contains("jobStatus") || sentence.contains("upgradeMode"),
        "the field is named: {sentence}"
    );
    // It is recorded, and does not keep the others from being looked at.
    let said = cluster.wait(
        &inventory("broken"),
        "jsonpath={.status.ownerClass}=unknown",
    );
    assert_eq!(said["spec"]["lastLabels"], json!({"team": "nobody"}));
    let resource = condition(&said, "ResourcePresent");
    assert_eq!(
        (&resource["status"], &resource["reason"]),
        (&json!("True"), &json!("Unclear"))
    );
    let why = resource["message"].as_str().unwrap();
    assert!(
        why.contains("jobStatus") || why.contains("upgradeMode"),
        "{why}"
    );
    cluster.delete("flinkdep/broken");
    cluster.wait(&inventory("broken"), "condition=ResourcePresent=False");
    doubt.settle();
}

#[test]
fn what_people_suspend_is_left_alone() {
    let doubt = Doubt::new();
    let Doubt { cluster, .. } = &doubt;
    let kubectl = |arguments: &[&str]| cluster.control_plane.kubectl(arguments).unwrap();

    kubectl(&[
        "annotate",
        "-n",
        NAMESPACE,
        "flinkdep/ledger",
        "flink-retention.dev/suspend=true",
    ]);
    doubt.protects(
        "resource",
        "suspend-annotation",
        &["flink-retention.dev/suspend"],
    );
    kubectl(&[
        "annotate",
        "-n",
        NAMESPACE,
        "flinkdep/ledger",
        "flink-retention.dev/suspend-",
    ]);

    kubectl(&[
        "annotate",
        "namespace",
        NAMESPACE,
        "flink-retention.dev/suspend=true",
    ]);
    doubt.protects(
        "namespace",
        "suspend-annotation",
        &["namespace flink has the annotation flink-retention.dev/suspend"],
    );
    kubectl(&[
        "annotate",
        "namespace",
        NAMESPACE,
        "flink-retention.dev/suspend-",
    ]);

    // A suspended policy, and one that was switched back, only report.
    for (case, change, reason, why) in [
        (
            "policy",
            json!({"suspend": true}),
            "Suspended",
            "the policy is suspended",
        ),
        (
            "dry",
            json!({"suspend": false, "mode": "DryRun"}),
            "DryRun",
            "the mode of the policy is DryRun",
        ),
    ] {
        cluster.patch("frp/payments", &json!({"spec": change}));
        let policy = cluster.wait(
            "frp/payments",
            &format!("jsonpath={{.status.conditions[?(@.type==\"Enforcing\")].reason}}={reason}"),
        );
        assert_eq!(condition(&policy, "Enforcing")["status"], "False");
        let before = doubt.volume.tree();
        let run = cluster.run(case, "payments", "Enforce");
        assert_eq!(
            (&run["status"]["phase"], deleted_files(&run)),
            (&json!("Succeeded"), 0),
            "{run}"
        );
        assert_eq!(
            run["status"]["decisions"]["orphan"]["files"], ORPHANS,
            "what would go is still told: {run}"
        );
        let message = condition(&run, "Complete")["message"].as_str().unwrap();
        assert!(message.contains(why), "{message}");
        doubt.volume.tree().assert_is(&before);
    }
    cluster.patch("frp/payments", &json!({"spec": {"mode": "Enforce"}}));
    // A second policy for the same jobs: neither is enforced.
    cluster.apply_policy("rival", &json!({"mode": "Enforce"}));
    for (policy, other) in [("payments", "rival"), ("rival", "payments")] {
        let found = cluster.wait(&format!("frp/{policy}"), "condition=Overlapping");
        let message = condition(&found, "Overlapping")["message"]
            .as_str()
            .unwrap();
        assert!(
            message.contains(&format!(
                "FlinkDeployment ledger (also selected by {other})"
            )),
            "{message}"
        );
        let run = cluster.run(&format!("overlap-{policy}"), policy, "Enforce");
        assert_eq!(deleted_files(&run), 0, "{run}");
        let why = condition(&run, "Complete")["message"].as_str().unwrap();
        assert!(
            why.contains(other),
            "the run says why it did nothing: {why}"
        );
    }
    doubt.volume.tree().assert_is(&doubt.before);
    cluster.delete("frp/rival");
    doubt.settle();
}
