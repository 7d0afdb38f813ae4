use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Error, Image, network, node, requirements};
use crate::process::Process;

/// containerd, with everything of its own below one directory.
#[derive(Debug)]
pub(super) struct ContainerRuntime {
    _containerd: Process,
    socket: PathBuf,
    images: PathBuf,
}

impl ContainerRuntime {
    /// Starts it, and waits until it answers.
    pub(super) fn start(directory: &Path, logs: &Path) -> Result<Self, Error> {
        let of_network = directory.join("network");
        network::write_configuration(&of_network)?;
        let images = directory.join("images");
        fs::create_dir_all(&images).map_err(Error::io("create", &images))?;
        let socket = directory.join("containerd.sock");
        let configuration = directory.join("containerd.toml");
        let text = configure(directory, &of_network, &socket)?;
        fs::write(&configuration, text).map_err(Error::io("write", &configuration))?;
        let mut command = Command::new("containerd");
        command.arg("--config").arg(&configuration);
        let containerd = Process::spawn("containerd", &mut command, &logs.join("containerd.log"))
            .map_err(Error::io("run", "containerd"))?;
        let runtime = Self {
            _containerd: containerd,
            socket,
            images,
        };
        node::until("containerd does not answer", logs, || {
            node::run(runtime.client().arg("version")).map(drop)
        })?;
        Ok(runtime)
    }

    /// Makes an image known to it.
    pub(super) fn import(&self, image: &Image) -> Result<(), Error> {
        let archive = self.images.join("image.tar");
        image.write(&archive)?;
        node::run(
            self.client()
                .args(["--namespace=k8s.io", "images", "import"])
                .arg(&archive),
        )?;
        fs::remove_file(&archive).map_err(Error::io("remove", archive))
    }

    /// For the kubelet.
    pub(super) fn endpoint(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    fn client(&self) -> Command {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(&self.socket);
        command
    }
}

fn configure(directory: &Path, of_network: &Path, socket: &Path) -> Result<String, Error> {
    let directory = directory.display();
    let plugins = requirements::network_plugins()?.display();
    Ok(format!(
        r#"version = 2
root = "{directory}/containerd"
state = "/run/containerd-state"

[grpc]
address = "{socket}"

[plugins."io.containerd.internal.v1.opt"]
path = "{directory}/opt"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
# Root may not lower it where it lacks CAP_SYS_RESOURCE, and runc would die.
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{of_network}"
"#,
        socket = socket.display(),
        of_network = of_network.display(),
        pause = node::PAUSE,
    ))
}
