//! What the machine must have, with the words that say how it is had.

use std::env;
use std::path::{Path, PathBuf};

use super::Error;

/// Programs, and the packages of Debian and Ubuntu that they are in.
const PROGRAMS: [(&str, &str); 8] = [
    ("containerd", "apt-get install containerd"),
    ("ctr", "apt-get install containerd"),
    ("runc", "apt-get install runc"),
    ("iptables", "apt-get install iptables"),
    ("conntrack", "apt-get install conntrack"),
    ("unshare", "apt-get install util-linux"),
    ("mount", "apt-get install mount"),
    ("ip", "apt-get install iproute2"),
];

/// Where distributions put the plugins of the network.
const NETWORK_PLUGINS: [&str; 2] = ["/usr/lib/cni", "/opt/cni/bin"];

/// Fails for the first thing that is missing.
pub(super) fn check() -> Result<(), Error> {
    for (program, remedy) in PROGRAMS {
        if found(program).is_none() {
            return Err(Error::Missing {
                what: format!("a cluster needs `{program}`, which is not in the path"),
                remedy,
            });
        }
    }
    network_plugins()?;
    if rustix::process::geteuid().is_root() {
        Ok(())
    } else {
        Err(Error::Missing {
            what: "a cluster needs root, to start containers".to_owned(),
            remedy: "run it as root",
        })
    }
}

/// The directory with the plugins that connect pods.
pub(super) fn network_plugins() -> Result<&'static Path, Error> {
    NETWORK_PLUGINS
        .iter()
        .map(Path::new)
        .find(|directory| directory.join("bridge").is_file())
        .ok_or_else(|| Error::Missing {
            what: format!(
                "a cluster needs the plugins of the network, which are not in {}",
                NETWORK_PLUGINS.join(" or ")
            ),
            remedy: "apt-get install containernetworking-plugins",
        })
}

/// A program in the path.
pub(super) fn found(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}
