//! `flink-retention inspect`: what a snapshot consists of and depends on.

mod facts;
mod find;
mod operators;
mod people;

use std::collections::BTreeSet;

use anyhow::bail;
use retention::location::Location;

use super::Exit;
use super::mounts::MountArguments;
use super::output::{Format, Output, count};
use super::places::{home, owner};
use crate::cli::directory::Directory;
use facts::Facts;
use find::Found;

/// Show what a snapshot holds and which files it needs
///
/// Reads `_metadata` files of Flink 1.3 to 2.3. With a single snapshot, --output json prints one document; below any
/// other directory it prints one line for each snapshot, those that cannot be read with an `error`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// A `_metadata` file, the directory of a snapshot, or any directory: then all snapshots below it. A path of this
    /// machine, `s3://bucket/key`, `gs://bucket/key` or `hdfs://…`
    #[arg(value_parser = Directory::parser())]
    path: Directory,
    /// Print only the directories that the snapshots depend on, one a line: their own, those of other jobs whose files
    /// they share, changelog and savepoint directories
    #[arg(long)]
    directories: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t, conflicts_with = "directories")]
    output: Format,
    #[command(flatten)]
    mounts: MountArguments,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let stores = arguments.mounts.open().await?;
    let place = find::Place::of(&stores, &arguments.path).await?;
    let mut output = Output::new();
    let mut directories = BTreeSet::new();
    let (mut snapshots, mut unreadable) = (0, Vec::new());
    for key in &place.metadata {
        let Found { location, contents } = place.read(key).await;
        snapshots += 1;
        let facts =
            contents.and_then(|bytes| Facts::read(&bytes, &location, &stores.origin_of(&location)));
        match facts {
            Ok(facts) if arguments.directories => directories.extend(dependencies(&facts)),
            Ok(facts) => match arguments.output {
                Format::Json => output.json(&facts)?,
                Format::Table => people::show(&mut output, &facts)?,
            },
            Err(error) => {
                let error = format!("{error:#}");
                if !place.single && arguments.output == Format::Json {
                    output.json(&serde_json::json!({"metadata": location, "error": error}))?;
                }
                unreadable.push(format!("{location}: {error}"));
            }
        }
    }
    for directory in &directories {
        output.line(directory)?;
    }
    output.finish()?;
    match unreadable.as_slice() {
        [] => Ok(Exit::Fine),
        [only] if place.single => bail!("{only}"),
        [first, ..] => bail!(
            "{} of {} cannot be read; the first: {first}",
            unreadable.len(),
            count(snapshots, "snapshot", "snapshots"),
        ),
    }
}

/// The directories of everything that it names, and its own: also of a savepoint that holds all of its state itself.
fn dependencies(facts: &Facts) -> BTreeSet<Location> {
    let mut directories: BTreeSet<Location> = facts.locations().map(|file| home(&file)).collect();
    let own = home(&facts.metadata);
    // A `_metadata` that was copied to some directory does not depend on that.
    if owner(&own).is_some() || directories.is_empty() {
        directories.insert(own);
    }
    directories
}
