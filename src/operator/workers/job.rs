//! The Job of a worker. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::{Value, json};

use super::Workers;
use super::plan::WorkerPlan;
use super::review::AUDIENCE;
use crate::engine::Mode;

/// No run is longer: what is left then is for the next one.
pub(super) const LONGEST_RUN: i64 = 60 * 60;
/// Its logs can be read for so long, if it ends by itself.
const KEPT_AFTERWARDS: u32 = 5 * 60;
/// The least that Kubernetes gives.
const TOKEN_SECONDS: u32 = 10 * 60;
/// Where volumes are mounted in the worker: below this, as in the Flink pods.
const VOLUMES: &str = "/volumes";
const TOKEN: &str = "/token";
/// On the Job and its pod: which run it is of.
pub(super) const RUN_UID: &str = "flink-retention.dev/run-uid";

/// For which run a worker is made.
#[derive(Debug)]
pub(super) struct For<'a> {
    pub(super) run: OwnerReference,
    pub(super) mode: Mode,
    /// The nodes that have a claim now which only one node can have.
    pub(super) node: Option<&'a str>,
}

/// Where a path of the Flink pods is in the worker.
pub(super) fn local(path: &str) -> String {
    format!("{VOLUMES}{path}")
}

/// The Job. A `DryRun` mounts everything to be read only.
pub(super) fn job(
    workers: &Workers,
    plan: &WorkerPlan,
    wanted: &For<'_>,
) -> Result<Job, serde_json::Error> {
    let For { run, mode, node } = wanted;
    let read_only = *mode == Mode::DryRun;
    let names: BTreeMap<&str, String> = plan
        .claims
        .keys()
        .enumerate()
        .map(|(number, claim)| (claim.as_str(), format!("claim-{number}")))
        .collect();
    let mut volumes: Vec<Value> = names
        .iter()
        .map(|(claim, name)| json!({"name": name, "persistentVolumeClaim": {"claimName": claim}}))
        .collect();
    volumes.push(json!({"name": "token", "projected": {"sources": [
        {"serviceAccountToken": {"audience": AUDIENCE, "expirationSeconds": TOKEN_SECONDS, "path": "token"}},
    ]}}));
    let mut mounts = vec![json!({"name": "token", "mountPath": TOKEN, "readOnly": true})];
    let mut arguments = vec![
        "worker".to_owned(),
        format!("--operator={}", workers.address),
        format!("--token-file={TOKEN}/token"),
        "--log-format=json".to_owned(),
    ];
    arguments.extend(read_only.then(|| "--read-only".to_owned()));
    for mount in &plan.mounts {
        let mut volume_mount = json!({
            "name": names.get(mount.claim.as_str()),
            "mountPath": local(&mount.path),
            "readOnly": read_only || mount.read_only,
        });
        if !mount.sub_path.is_empty() {
            volume_mount["subPath"] = json!(mount.sub_path);
        }
        mounts.push(volume_mount);
        arguments.push(format!(
            "--mount=file:{}={}",
            mount.path,
            local(&mount.path)
        ));
    }
    let labels = json!({
        "app.kubernetes.io/name": "flink-retention-worker",
        "app.kubernetes.io/managed-by": "flink-retention",
        RUN_UID: run.uid,
    });
    let pod = json!({
        "restartPolicy": "Never",
        "serviceAccountName": plan.service_account,
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": 5,
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": plan.file_user.user,
            "runAsGroup": plan.file_user.group,
            "supplementalGroups": plan.file_user.groups,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "tolerations": plan.tolerations,
        "affinity": node.map(|node| json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}],
        }}})),
        "containers": [{
            "name": "worker",
            "image": workers.image,
            "args": arguments,
            "env": [{"name": "FLINK_RETENTION_OPERATOR_CERTIFICATE", "value": workers.certificate}],
            "resources": {
                "requests": {"cpu": "50m", "memory": "64Mi"},
                "limits": {"cpu": "1", "memory": "256Mi"},
            },
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": true,
            },
            "volumeMounts": mounts,
        }],
        "volumes": volumes,
    });
    serde_json::from_value(json!({
        "metadata": {
            "generateName": "flink-retention-worker-",
            "labels": labels,
            "ownerReferences": [run],
        },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": LONGEST_RUN,
            "ttlSecondsAfterFinished": KEPT_AFTERWARDS,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }))
}
