use std::path::Path;

use serde_json::{Value, json};

/// A claim; with a directory of the node, bound to that, else of the cluster's own class.
pub(super) fn claim(namespace: &str, name: &str, directory: Option<&Path>) -> String {
    let size = json!({"storage": "1Gi"});
    let mut claim = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": size}},
    });
    let Some(directory) = directory else {
        return claim.to_string();
    };
    let volume_name = format!("{namespace}-{name}");
    claim["spec"]["storageClassName"] = json!("");
    claim["spec"]["volumeName"] = json!(volume_name);
    let volume: Value = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume_name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": size,
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": directory, "type": "Directory"},
        },
    });
    format!("{volume}\n---\n{claim}")
}
