//! Flink's side: resources as its operator leaves them, and state on a volume, which a pod writes as Flink's would.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use testbed::snapshot::SnapshotFile;

use super::image;
use super::shell::until;
use super::stage::Stage;

/// Where pods have the volume.
pub(crate) const VOLUME: &str = "/opt/flink/volume";
/// `state.checkpoints.dir` of the example's values.
const BASE: &str = "file:///opt/flink/volume/checkpoints";
/// What no snapshot names, each of so many bytes.
const ORPHAN: &[u8] = b"left behind";

/// Numbers of files that the checkpoint names.
const SHARED: u64 = 0xc003;
const OWN: u64 = 0xe003;

/// A job that is over.
pub(crate) struct Job {
    pub(crate) name: &'static str,
    pub(crate) id: &'static str,
    pub(crate) orphans: u64,
}

pub(crate) const LEDGER: Job = Job {
    name: "ledger",
    id: "000000000000000000000000000ced9e",
    orphans: 20,
};

impl Job {
    /// Its resource, and its state: one checkpoint, and files that nothing names.
    pub(crate) fn leave(&self, stage: &Stage, namespace: &str) {
        self.apply(stage, namespace);
        let directory = tempfile::tempdir().unwrap();
        self.write(directory.path());
        let from = directory.path().display();
        stage.run(&format!(
            "tar -C {from} -cf - checkpoints | kubectl -n {namespace} exec -i writer -- tar -C {VOLUME} -xf -"
        ));
    }

    /// The files that its checkpoint names, as [`files`] has them.
    pub(crate) fn needed(&self) -> Vec<String> {
        let needed = [
            format!("chk-3/{}", self.uuid(OWN)),
            "chk-3/_metadata".to_owned(),
            format!("shared/{}", self.uuid(SHARED)),
        ];
        let id = self.id;
        let mut files = needed.map(|file| format!("{VOLUME}/checkpoints/{id}/{file}"));
        files.sort();
        files.to_vec()
    }

    /// A name as Flink gives to files.
    fn uuid(&self, number: u64) -> String {
        format!("{}-0000-4000-8000-{number:012x}", &self.id[24..])
    }

    fn apply(&self, stage: &Stage, namespace: &str) {
        let Self {
            name,
            id,
            orphans: _,
        } = self;
        let spec = json!({
            "flinkVersion": "v2_1",
            "serviceAccount": "flink",
            "flinkConfiguration": {"execution.checkpointing.dir": BASE, "state.backend.type": "rocksdb"},
            "job": {"state": "running", "upgradeMode": "last-state", "jarURI": "local:///job.jar"},
            "podTemplate": {"spec": {
                "securityContext": {"fsGroup": 9999},
                "containers": [{
                    "name": "flink-main-container",
                    "volumeMounts": [{"name": "state", "mountPath": VOLUME}],
                }],
                "volumes": [{"name": "state", "persistentVolumeClaim": {"claimName": "flink"}}],
            }},
        });
        stage.apply(
            &json!({
                "apiVersion": "flink.apache.org/v1beta1",
                "kind": "FlinkDeployment",
                "metadata": {"name": name, "namespace": namespace, "labels": {"team": "payments"}},
                "spec": spec,
            })
            .to_string(),
        );
        let deployed = json!({
            "spec": spec,
            "resource_metadata": {"apiVersion": "flink.apache.org/v1beta1", "firstDeployment": false},
        });
        let status = json!({"status": {
            "observedGeneration": 1,
            "lifecycleState": "STABLE",
            "jobManagerDeploymentStatus": "READY",
            "jobStatus": {"jobId": id, "state": "FINISHED"},
            "reconciliationStatus": {"state": "DEPLOYED", "lastReconciledSpec": deployed.to_string()},
        }});
        stage.run(&format!(
            "kubectl -n {namespace} patch flinkdep/{name} --subresource=status --type=merge -p '{status}'"
        ));
    }

    fn write(&self, root: &Path) {
        let Self {
            name: _,
            id,
            orphans,
        } = self;
        let file = |path: &str, bytes: &[u8]| {
            let path = root.join("checkpoints").join(id).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            let an_hour_ago = SystemTime::now() - Duration::from_hours(1);
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(an_hour_ago).unwrap();
        };
        let (shared, own) = (self.uuid(SHARED), self.uuid(OWN));
        let snapshot = SnapshotFile {
            checkpoint_id: 3,
            shared: vec![(format!("{BASE}/{id}/shared/{shared}"), 6)],
            exclusive: vec![(own.clone(), 4)],
        };
        file(&format!("shared/{shared}"), b"shared");
        file(&format!("chk-3/{own}"), b"own!");
        file("chk-3/_metadata", &snapshot.to_bytes());
        for number in 0..*orphans {
            file(&format!("shared/{}", self.uuid(0x10_0000 + number)), ORPHAN);
        }
    }
}

/// Starts the pod that has the volume, as a Flink pod would.
pub(crate) fn start_writer(stage: &Stage, namespace: &str) {
    stage.claim(namespace);
    let pod: Value = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "writer", "namespace": namespace},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 9999, "runAsGroup": 9999, "fsGroup": 9999,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [{
                "name": "writer",
                "image": image::SHELL,
                "imagePullPolicy": "IfNotPresent",
                "command": ["sleep", "infinity"],
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
                "volumeMounts": [{"name": "state", "mountPath": VOLUME}],
            }],
            "volumes": [{"name": "state", "persistentVolumeClaim": {"claimName": "flink"}}],
        },
    });
    stage.apply(&pod.to_string());
    stage.run(&format!(
        "kubectl -n {namespace} wait pod/writer --for=condition=Ready --timeout=120s"
    ));
}

/// Waits until there are fewer of them than that.
pub(crate) fn until_one_goes(stage: &Stage, namespace: &str, whole: usize) {
    until("a file to go", || {
        let left = files(stage, namespace).len();
        if left < whole {
            Ok(())
        } else {
            Err(format!("{left} files"))
        }
    });
}

/// The files of the jobs, without what the operator keeps beside them.
pub(crate) fn files(stage: &Stage, namespace: &str) -> Vec<String> {
    let found = stage.run(&format!(
        "kubectl -n {namespace} exec writer -- find {VOLUME} -type f -not -path '*/.flink-retention/*'"
    ));
    let mut files: Vec<String> = found.lines().map(ToOwned::to_owned).collect();
    files.sort();
    files
}
