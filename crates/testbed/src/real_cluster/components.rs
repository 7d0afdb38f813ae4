//! What makes pods of Deployments and Jobs, gives them nodes, and leads to Services and their names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::{Error, network, node};
use crate::process::Process;

/// Where the programs are.
pub(super) struct Programs {
    /// A directory with several.
    pub kubernetes: PathBuf,
    pub coredns: PathBuf,
}

/// Starts them. They find the API server, and each other, by themselves.
pub(super) fn start(
    programs: &Programs,
    directory: &Path,
    kubeconfig: &Path,
    certificates: &Path,
    logs: &Path,
) -> Result<Vec<Process>, Error> {
    let of_names = directory.join("Corefile");
    let names = format!(
        ".:53 {{\n  bind {}\n  errors\n  kubernetes cluster.local {{\n    kubeconfig {}\n  }}\n}}\n",
        network::GATEWAY,
        kubeconfig.display()
    );
    fs::write(&of_names, names).map_err(Error::io("write", &of_names))?;
    let of_proxy = directory.join("kube-proxy.json");
    let proxy = json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": kubeconfig},
        "hostnameOverride": node::NAME,
        "clusterCIDR": network::PODS,
        // All pods are on one bridge: answers would go past the node, which alone knows whom they were meant to come from.
        "iptables": {"masqueradeAll": true},
        "conntrack": {"maxPerCore": 0},
    });
    fs::write(&of_proxy, proxy.to_string()).map_err(Error::io("write", &of_proxy))?;
    let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
    let alone = "--leader-elect=false".to_owned();
    let silent = "--secure-port=0".to_owned();
    let certificate = |name: &str| certificates.join(name).display().to_string();
    let kubernetes = |name: &str| programs.kubernetes.join(name);
    let components = [
        (
            "kube-controller-manager",
            kubernetes("kube-controller-manager"),
            vec![
                kubeconfig.clone(),
                alone.clone(),
                silent.clone(),
                format!("--root-ca-file={}", certificate("apiserver.crt")),
                format!(
                    "--service-account-private-key-file={}",
                    certificate("apiserver.key")
                ),
            ],
        ),
        (
            "kube-scheduler",
            kubernetes("kube-scheduler"),
            vec![kubeconfig, alone, silent],
        ),
        (
            "kube-proxy",
            kubernetes("kube-proxy"),
            vec![format!("--config={}", of_proxy.display())],
        ),
        (
            "coredns",
            programs.coredns.clone(),
            vec![format!("-conf={}", of_names.display())],
        ),
    ];
    components
        .into_iter()
        .map(|(name, program, arguments)| {
            let mut command = Command::new(&program);
            command.args(arguments);
            Process::spawn(name, &mut command, &logs.join(format!("{name}.log")))
                .map_err(Error::io("run", program))
        })
        .collect()
}
