//! `flink-retention plan`: what is to become of every file, and why. Changes nothing.

pub(super) mod files;
mod people;
pub(super) mod snapshots;

use super::Exit;
use super::directory::Directory;
use super::invocation::{Invocation, WorldArguments};
use super::output::{Format, Output};
use super::policy::PolicyArguments;
use super::trouble;
use crate::engine::Mode;

/// Show what is to become of every file, and why; changes nothing
///
/// Decisions: keep (something needs it), expire (of a snapshot that no rule keeps), orphan (no snapshot names it),
/// protected (no snapshot names it, but a guard objects). A job that is not named as stopped may be running, and then
/// its files are protected. With --output json: one line for each file, with path, decision, reason and bytes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// Checkpoint and savepoint directories, as state.checkpoints.dir names them: all that snapshots of these jobs may
    /// be in. Paths of this machine, or `s3://bucket/prefix`, as whoever the AWS command line would be
    /// here, `gs://bucket/prefix`, as whoever `GOOGLE_APPLICATION_CREDENTIALS` names, or
    /// `hdfs://namenode:port/path`, as whoever `hdfs dfs` would be
    #[arg(required = true, value_name = "DIR", value_parser = Directory::parser())]
    directories: Vec<Directory>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    world: WorldArguments,
    #[command(flatten)]
    policy: PolicyArguments,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        directories,
        output: format,
        world,
        policy,
    } = arguments;
    let invocation = Invocation::new(&world, &directories, policy.policy()).await?;
    let report = invocation.run(Mode::DryRun).await?;
    let mut output = Output::new();
    match format {
        Format::Json => {
            for file in files::of(&report, &invocation.bases.locations) {
                output.json(&file)?;
            }
        }
        Format::Table => people::show(&mut output, &report)?,
    }
    output.finish()?;
    trouble::of(&report)
}
