//! The network of the node, and which addresses are whose.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::Error;

/// Of the node, as pods see it.
pub(super) const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 88, 0, 1);
pub(super) const PODS: &str = "10.88.0.0/16";
/// Of the API server's services.
const SERVICES: &str = "10.0.0.0/24";
const BRIDGE: &str = "pods0";

/// What programs write without being asked where to, and what the machine's own programs may have there.
const HIDDEN: [&str; 3] = ["/run", "/var/lib/cni", "/var/lib/kubelet"];

/// Makes the bridge to which pods are connected, in the network of this process, and hides what belongs to the machine.
pub(super) fn prepare() -> Result<(), Error> {
    for directory in HIDDEN {
        fs::create_dir_all(directory).map_err(Error::io("create", directory))?;
        run("mount", &["-t", "tmpfs", "tmpfs", directory])?;
    }
    let address = format!("{GATEWAY}/16");
    run("ip", &["link", "set", "lo", "up"])?;
    run("ip", &["link", "add", "name", BRIDGE, "type", "bridge"])?;
    run("ip", &["address", "add", &address, "dev", BRIDGE])?;
    run("ip", &["link", "set", BRIDGE, "up"])?;
    // Only the node itself needs it: pods have a way to everywhere, which begins at the node.
    run("ip", &["route", "add", SERVICES, "dev", BRIDGE])
}

/// Writes how pods are connected; the addresses that are taken are in `directory` as well.
pub(super) fn write_configuration(directory: &Path) -> Result<(), Error> {
    let configuration = json!({
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [
            {
                "type": "bridge",
                "bridge": BRIDGE,
                "isGateway": true,
                "ipMasq": true,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": PODS}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": true}},
        ],
    });
    fs::create_dir_all(directory).map_err(Error::io("create", directory))?;
    let file = directory.join("pods.conflist");
    fs::write(&file, configuration.to_string()).map_err(Error::io("write", file))
}

fn run(program: &str, arguments: &[&str]) -> Result<(), Error> {
    super::node::run(Command::new(program).args(arguments)).map(drop)
}
