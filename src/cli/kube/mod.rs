//! `flink-retention kube`, and `kubectl flink-retention` where the program has that plugin's name: our resources as people
//! ask for them, with the rights of whoever asks.

mod answer;
mod approve;
mod columns;
mod connection;
mod explain;
mod follow;
mod run;
mod status;
mod words;

use clap::{Parser, Subcommand};

use self::answer::Form;
use self::connection::ConnectionArguments;
use super::{EXIT_CODES, Exit};

/// What kubectl looks for, as it cannot have a dash in the name of a plugin.
pub(super) const PLUGIN: &str = "kubectl-flink_retention";

/// Look at retention policies and the state of Flink jobs, run and approve
#[derive(Debug, Parser)]
#[command(name = "kubectl flink-retention", version, after_help = EXIT_CODES)]
pub(super) struct Plugin {
    #[command(flatten)]
    pub(super) arguments: Arguments,
}

/// Ask the API server, as kubectl does: policies, runs and what is known of each job
///
/// The same as `kubectl flink-retention`, once this program lies in the PATH under the name kubectl-flink_retention.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: ConnectionArguments,
    /// How to print
    #[arg(short, long, value_enum, default_value_t, global = true)]
    output: Form,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    Status(status::Arguments),
    Run(run::Arguments),
    Approve(approve::Arguments),
    Explain(explain::Arguments),
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        command,
        connection,
        output,
    } = arguments;
    let cluster = connection.open().await?;
    match command {
        Command::Status(arguments) => status::run(&cluster, &arguments, output).await,
        Command::Run(arguments) => run::run(&cluster, arguments, output).await,
        Command::Approve(arguments) => approve::run(&cluster, arguments, output).await,
        Command::Explain(arguments) => explain::run(&cluster, &arguments, output).await,
    }
}
