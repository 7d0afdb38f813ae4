//! The commands of `flink-retention`, one file each.

mod accounts;
mod azure;
mod bases;
mod completions;
pub mod crds;
mod directory;
mod exit;
mod explain;
mod gcs;
mod hdfs;
mod homes;
mod inspect;
mod invocation;
mod jobs;
mod kube;
mod mounts;
mod observer;
mod output;
mod places;
mod plan;
mod policy;
mod progress;
mod prune;
mod referrers;
mod report;
mod s3;
mod said_to_run;
mod takeover;
mod trouble;
mod unnamed;
mod verify;
mod worker;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

pub use exit::{Exit, UsageError};

const EXIT_CODES: &str = "\
Exit codes:
  0  done, and all is well
  1  failed; one line on stderr says what, where and what to do
  2  the command line makes no sense
  3  done, and there is something to look at, such as a job that cannot be restored";

/// Keeps exactly the Apache Flink state worth keeping
#[derive(Debug, Parser)]
#[command(name = "flink-retention", version, after_help = EXIT_CODES)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(after_help = EXIT_CODES)]
    Inspect(inspect::Arguments),
    #[command(after_help = EXIT_CODES)]
    Plan(plan::Arguments),
    #[command(after_help = EXIT_CODES)]
    Report(report::Arguments),
    #[command(after_help = EXIT_CODES)]
    Prune(prune::Arguments),
    #[command(after_help = EXIT_CODES)]
    Verify(verify::Arguments),
    #[command(after_help = EXIT_CODES)]
    Explain(explain::Arguments),
    #[command(after_help = EXIT_CODES)]
    Kube(kube::Arguments),
    #[command(after_help = EXIT_CODES)]
    Operator(Box<crate::operator::Arguments>),
    #[command(after_help = EXIT_CODES)]
    Takeover(takeover::Arguments),
    #[command(after_help = EXIT_CODES)]
    Referrers(referrers::Arguments),
    // People do not run it: the operator does, in a Job.
    #[command(hide = true, after_help = EXIT_CODES)]
    Worker(worker::Arguments),
    Completions(completions::Arguments),
    /// Print the definitions of the Kubernetes resources
    Crds(crds::Arguments),
}

const OPERATOR_THREADS: usize = 4;

/// Every command and flag, for the documentation.
#[must_use]
pub fn command() -> clap::Command {
    Program::command()
}

/// Runs the program with the arguments of this process.
#[must_use]
pub fn main() -> ExitCode {
    let command = called();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all();
    if matches!(command, Command::Operator(_)) {
        // It mostly waits; on a large node each further thread would only keep memory of its own.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        runtime.worker_threads(cores.min(OPERATOR_THREADS));
    }
    let done = match runtime.build() {
        Ok(runtime) => {
            let done = runtime.block_on(run(command));
            // A file system that hangs must not keep a process alive that has lost its lease.
            runtime.shutdown_background();
            done
        }
        Err(error) => Err(anyhow::Error::new(error).context("cannot start threads")),
    };
    exit::report(done)
}

/// By the name that the program was called with.
fn called() -> Command {
    let name = std::env::args_os().next().map(PathBuf::from);
    let is_plugin = name
        .as_deref()
        .and_then(Path::file_stem)
        .is_some_and(|name| name == kube::PLUGIN);
    if is_plugin {
        Command::Kube(kube::Plugin::parse().arguments)
    } else {
        Program::parse().command
    }
}

async fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Inspect(arguments) => inspect::run(arguments).await,
        Command::Plan(arguments) => plan::run(arguments).await,
        Command::Report(arguments) => report::run(arguments).await,
        Command::Prune(arguments) => prune::run(arguments).await,
        Command::Verify(arguments) => verify::run(arguments).await,
        Command::Explain(arguments) => explain::run(arguments).await,
        Command::Kube(arguments) => kube::run(arguments).await,
        Command::Operator(arguments) => {
            crate::operator::run(*arguments).await?;
            Ok(Exit::Fine)
        }
        Command::Takeover(arguments) => takeover::run(arguments).await,
        Command::Referrers(arguments) => referrers::run(arguments).await,
        Command::Worker(arguments) => worker::run(arguments).await,
        Command::Completions(arguments) => completions::run(arguments).map(|()| Exit::Fine),
        Command::Crds(arguments) => crds::run(&arguments).map(|()| Exit::Fine),
    }
}
