//! The cluster's processes have network, mounts and process numbers of their own, so that with the last of them bridges,
//! rules, mounts and containers are gone, however it ended. Control groups and the directory are removed from outside.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::{Error, existing, network, requirements};
use crate::process::Watchdog;

/// Names the directory, and tells a process that it is apart.
const DIRECTORY: &str = "FLINK_RETENTION_APART";

/// With `$1` as the directory: removes it and the control groups of its containers, which end, and give these free, a
/// moment after they are killed. Where a container was, containerd keeps a directory of its name.
const TIDY_UP: &str = r#"
for attempt in 1 2 3 4 5; do
    groups=$(find /sys/fs/cgroup -mindepth 1 -maxdepth 3 -type d -path '*/k8s.io/*')
    left=
    for container in "$1"/containerd/io.containerd.runtime.v2.task/k8s.io/*; do
        for group in $groups; do
            if [ "${group##*/}" = "${container##*/}" ]; then rmdir "$group" 2>/dev/null || left=1; fi
        done
    done
    if [ -z "$left" ]; then break; fi
    sleep 1
done
rmdir /sys/fs/cgroup/k8s.io /sys/fs/cgroup/*/k8s.io 2>/dev/null
rm -rf -- "$1"
"#;

/// Runs this program once more, apart from the machine, and there `run`; gives its exit code. Beside an existing cluster
/// nothing has to be apart.
pub fn apart(run: impl FnOnce() -> ExitCode) -> Result<ExitCode, Error> {
    if existing::kubeconfig().is_some() {
        return Ok(run());
    }
    if env::var_os(DIRECTORY).is_some() {
        network::prepare()?;
        return Ok(run());
    }
    requirements::check()?;
    let directory = tempfile::Builder::new()
        .prefix("flink-retention-cluster-")
        .disable_cleanup(true)
        .tempdir()
        .map_err(Error::io("create a directory in", env::temp_dir()))?;
    run_again(directory.path())
}

/// The directory of what is apart.
pub(super) fn directory() -> Result<PathBuf, Error> {
    env::var_os(DIRECTORY)
        .map(PathBuf::from)
        .ok_or_else(|| Error::Missing {
            what: "a cluster was started beside the machine's own network".to_owned(),
            remedy: "start it within `real_cluster::apart`",
        })
}

fn run_again(directory: &Path) -> Result<ExitCode, Error> {
    let failed = |source| Error::io("run unshare in", directory)(source);
    let this = env::current_exe().map_err(failed)?;
    // Whoever ends us ends what is apart, too: first the shell that kills, then, when that is done, the one that tidies up.
    let tidy_up = Watchdog::start(TIDY_UP, directory).map_err(failed)?;
    let mut child = Command::new("unshare")
        .args([
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ])
        .arg(this)
        .args(env::args_os().skip(1))
        .env(DIRECTORY, directory)
        .env("TMPDIR", directory)
        .spawn()
        .map_err(failed)?;
    let end_with_us =
        Watchdog::start(r#"kill -KILL "$1""#, child.id().to_string()).map_err(failed)?;
    let status = child.wait().map_err(failed)?;
    drop(end_with_us);
    drop(tidy_up);
    let mut tidy = Command::new("sh");
    tidy.args([OsStr::new("-c"), OsStr::new(TIDY_UP), OsStr::new("sh")]);
    tidy.arg(directory).status().map_err(failed)?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
