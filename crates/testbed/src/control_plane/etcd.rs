use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;

use super::{Error, port, ready};
use crate::process::Process;

/// Starts the store and gives its URL.
pub(super) fn start(program: &Path, root: &Path) -> Result<(Process, String), Error> {
    let port = port::free()?;
    let url = format!("http://127.0.0.1:{port}");
    let mut command = Command::new(program);
    command
        .arg("--data-dir")
        .arg(root.join("etcd"))
        .args([
            "--listen-client-urls",
            &url,
            "--advertise-client-urls",
            &url,
        ])
        .args(["--listen-peer-urls", "http://127.0.0.1:0"])
        // The data does not outlive the test, so a power cut need not be survived.
        .arg("--unsafe-no-fsync");
    let log = root.join("etcd.log");
    let mut process =
        Process::spawn("etcd", &mut command, &log).map_err(Error::io("run", program))?;
    ready::wait("etcd", &mut process, || {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .map(drop)
            .map_err(|error| error.to_string())
    })?;
    Ok((process, url))
}
