//! Starts a Kubernetes cluster of one node and leaves it to you: a shell in which `kubectl` and `helm` reach it.

use std::error::Error;
use std::process::{Command, ExitCode};
use std::{env, iter};

use testbed::real_cluster::{self, RealCluster};
use testbed::tools;

fn main() -> ExitCode {
    let code = real_cluster::apart(|| match shell() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    });
    code.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

/// What is said behind the name of the program is run instead of an interactive shell.
fn shell() -> Result<ExitCode, Box<dyn Error>> {
    let cluster = RealCluster::start()?;
    if let Some(logs) = cluster.logs() {
        eprintln!("logs of the node: {}", logs.display());
    }
    let programs = [tools::kubectl()?, tools::helm()?];
    let inherited = env::var_os("PATH").unwrap_or_default();
    let directories = programs.iter().filter_map(|program| program.parent());
    let path = env::join_paths(
        directories
            .map(ToOwned::to_owned)
            .chain(env::split_paths(&inherited)),
    )?;
    let given: Vec<_> = env::args_os().skip(1).collect();
    let mut command = match given.split_first() {
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments);
            command
        }
        None => Command::new("bash"),
    };
    let status = command
        .envs(iter::once(("PATH", path)))
        .env("KUBECONFIG", cluster.kubeconfig())
        .status()?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
