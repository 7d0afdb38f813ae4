//! The binary `flink-retention`.

use std::process::ExitCode;

use clap::Parser;
use flink_retention::cli::crds;

/// Keeps exactly the Apache Flink state worth keeping
#[derive(Parser)]
#[command(name = "flink-retention", version)]
enum Command {
    /// Print the definitions of the Kubernetes resources
    Crds(crds::Arguments),
}

fn main() -> ExitCode {
    let Command::Crds(arguments) = Command::parse();
    match crds::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
