//! The operator as a process, with the arguments, the file and the rights that the chart gives it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

use testbed::process::Process;

use crate::kubernetes::{Kubernetes, RELEASE_NAMESPACE};

const LOG_LINES: usize = 60;

pub(crate) struct Operator {
    process: Process,
    metrics: SocketAddr,
}

impl Operator {
    /// Its file and its log are below `directory`.
    pub(crate) fn start(kubernetes: &Kubernetes, directory: &Path) -> Self {
        fs::create_dir_all(directory).unwrap();
        let administrator = directory.join("administrator.yaml");
        fs::write(&administrator, kubernetes.administrator_file()).unwrap();
        let metrics = free_address();
        let arguments = kubernetes.operator_arguments().map(|argument| {
            match argument.split_once('=').map(|(flag, _)| flag) {
                Some(flag @ "--metrics-address") => format!("{flag}={metrics}"),
                Some(flag @ "--administrator-config") => {
                    format!("{flag}={}", administrator.display())
                }
                _ => argument.replace("$(POD_NAMESPACE)", RELEASE_NAMESPACE),
            }
        });
        let mut command = Command::new(env!("CARGO_BIN_EXE_flink-retention"));
        command
            .args(arguments)
            .env("KUBECONFIG", kubernetes.operator_kubeconfig())
            .env("POD_NAMESPACE", RELEASE_NAMESPACE)
            .env("POD_NAME", "operator-0")
            .env("RUST_LOG", "info");
        let log = directory.join("operator.log");
        let process = Process::spawn("flink-retention operator", &mut command, &log).unwrap();
        Self { process, metrics }
    }

    /// The lines of `/metrics` that begin in one of these ways.
    pub(crate) fn metrics(&self, prefixes: &[&str]) -> String {
        let url = format!("http://{}/metrics", self.metrics);
        let text = ureq::get(&url).call().unwrap().body_mut().read_to_string();
        let text = text.unwrap();
        let wanted = |line: &&str| prefixes.iter().any(|prefix| line.starts_with(prefix));
        text.lines().filter(wanted).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.process.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}
