use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::network::GATEWAY;
use super::{Error, node};
use crate::process::Process;

/// Starts what makes containers of pods.
pub(super) fn start(
    programs: &Path,
    directory: &Path,
    kubeconfig: &Path,
    runtime_endpoint: &str,
    logs: &Path,
) -> Result<Process, Error> {
    let names = directory.join("resolv.conf");
    fs::write(&names, format!("nameserver {GATEWAY}\n")).map_err(Error::io("write", &names))?;
    let configuration = directory.join("kubelet.json");
    let content = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": GATEWAY,
        "healthzPort": 0,
        // Only what is apart with it reaches it.
        "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}},
        "authorization": {"mode": "AlwaysAllow"},
        "containerRuntimeEndpoint": runtime_endpoint,
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": false,
        "enforceNodeAllocatable": [],
        "failCgroupV1": false,
        "failSwapOn": false,
        "localStorageCapacityIsolation": false,
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "100Mi", "imagefs.available": "100Mi"},
        "clusterDNS": [GATEWAY],
        "clusterDomain": "cluster.local",
        "resolvConf": names,
        "podLogsDir": logs.join("pods"),
        "volumePluginDir": directory.join("volume-plugins"),
        // Two minutes are long for tests that wait for a changed ConfigMap.
        "syncFrequency": "10s",
    });
    fs::write(&configuration, content.to_string()).map_err(Error::io("write", &configuration))?;
    let mut command = Command::new(programs.join("kubelet"));
    command
        .arg(format!("--config={}", configuration.display()))
        .arg(format!("--kubeconfig={}", kubeconfig.display()))
        .arg(format!(
            "--root-dir={}",
            directory.join("kubelet").display()
        ))
        .arg(format!("--node-ip={GATEWAY}"))
        .arg(format!("--hostname-override={}", node::NAME));
    Process::spawn("kubelet", &mut command, &logs.join("kubelet.log"))
        .map_err(Error::io("run", "kubelet"))
}
