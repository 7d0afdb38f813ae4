use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::components::Programs;
use super::container_runtime::ContainerRuntime;
use super::{Error, Image, apart, components, kubelet, network, volume};
use crate::control_plane::ControlPlane;
use crate::process::Process;
use crate::tools;

/// As the API server knows it.
pub(super) const NAME: &str = "node";
/// What keeps the namespaces of a pod while its containers come and go.
pub(super) const PAUSE: &str = "localhost/flink-retention/pause:1";
/// The user and group of Flink's images.
const FLINK: u32 = 9999;
/// Generous, for a machine that compiles meanwhile.
const LIMIT: Duration = Duration::from_mins(5);
const POLL: Duration = Duration::from_millis(200);

/// One node, and what a cluster needs beside it.
#[derive(Debug)]
pub struct Node {
    // The order of the fields is that of their end.
    _kubelet: Process,
    _components: Vec<Process>,
    runtime: ContainerRuntime,
    control_plane: ControlPlane,
    logs: PathBuf,
    volumes: PathBuf,
}

impl Node {
    pub(super) fn start() -> Result<Self, Error> {
        let programs = Programs {
            kubernetes: tools::kubernetes_node()?,
            coredns: tools::coredns()?,
        };
        let directory = apart::directory()?;
        let logs = directory.join("logs");
        fs::create_dir_all(logs.join("pods")).map_err(Error::io("create", &logs))?;
        let runtime = ContainerRuntime::start(&directory, &logs)?;
        let sleeps = json!({"Entrypoint": ["/bin/sleep", "infinity"], "User": "65535:65535"});
        runtime.import(&Image::of_programs(PAUSE, &["sleep"], sleeps)?)?;
        let control_plane = ControlPlane::builder().for_pods(network::GATEWAY).start()?;
        let kubeconfig = control_plane.kubeconfig_for_admin();
        let certificates = control_plane.root().join("certificates");
        let components =
            components::start(&programs, &directory, &kubeconfig, &certificates, &logs)?;
        let endpoint = runtime.endpoint();
        let kubelet = kubelet::start(
            &programs.kubernetes,
            &directory,
            &kubeconfig,
            &endpoint,
            &logs,
        )?;
        let node = Self {
            _kubelet: kubelet,
            _components: components,
            runtime,
            control_plane,
            volumes: directory.join("volumes"),
            logs,
        };
        node.wait()?;
        Ok(node)
    }

    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.control_plane.kubeconfig_for_admin()
    }

    pub(super) fn logs(&self) -> &Path {
        &self.logs
    }

    pub(super) fn load(&self, image: &Image) -> Result<(), Error> {
        self.runtime.import(image)
    }

    /// The volume is a new directory of this machine, which belongs to Flink's user.
    pub(super) fn claim(&self, namespace: &str, name: &str) -> Result<String, Error> {
        let failed = |source| Error::io("create a volume in", &self.volumes)(source);
        fs::create_dir_all(&self.volumes).map_err(failed)?;
        let directory = tempfile::Builder::new()
            .disable_cleanup(true)
            .tempdir_in(&self.volumes)
            .map_err(failed)?;
        let directory = directory.path();
        chown(directory, Some(FLINK), Some(FLINK)).map_err(Error::io("chown", directory))?;
        Ok(volume::claim(namespace, name, Some(directory)))
    }

    /// The node is ready, and the first namespace has the account with which pods are made.
    fn wait(&self) -> Result<(), Error> {
        until("the node is not ready", &self.logs, || {
            let ready = [
                "wait",
                "node",
                NAME,
                "--for=condition=Ready",
                "--timeout=5s",
            ];
            Ok(self.control_plane.kubectl(ready).map(drop)?)
        })?;
        until("there is no service account", &self.logs, || {
            let account = ["get", "serviceaccount", "default"];
            Ok(self.control_plane.kubectl(account).map(drop)?)
        })
    }
}

/// Asks again and again.
pub(super) fn until(
    what: &str,
    logs: &Path,
    mut ask: impl FnMut() -> Result<(), Error>,
) -> Result<(), Error> {
    let deadline = Instant::now() + LIMIT;
    loop {
        match ask() {
            Ok(()) => return Ok(()),
            Err(_) if Instant::now() < deadline => thread::sleep(POLL),
            Err(error) => {
                return Err(Error::NotReady {
                    what: format!("{what} after {} s ({error})", LIMIT.as_secs()),
                    logs: logs.to_owned(),
                });
            }
        }
    }
}

/// Runs a command to its end, and gives what it printed.
pub(super) fn run(command: &mut Command) -> Result<String, Error> {
    let line = format!("{command:?}");
    let output = command
        .output()
        .map_err(Error::io("run", command.get_program()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::Command { line, message })
}
