//! `flink-retention referrers`: what is known to name files of a directory, and is to be forgotten.

use jiff::Timestamp;
use retention::location::{Location, Store};
use retention::mark::Referrer;
use serde::Serialize;
use std::collections::BTreeSet;

use super::bases::Bases;
use super::directory::Directory;
use super::mounts::MountArguments;
use super::output::{Format, Output, table};
use super::{Exit, UsageError};
use crate::engine::journal::{Epoch, Journal};
use crate::engine::{Clock, SystemClock};

/// Show the directories elsewhere whose snapshots were seen to name files of a directory, and forget some
///
/// Each run that enforces reads them, also when no resource knows them any more. One that cannot be read, or in which
/// nothing of Flink is left, protects everything in the directory; when it names nothing there any more it is forgotten by
/// itself. Forget one only if it is gone for good: files that its snapshots need may go then. A run that is under way in
/// the directory stops before its next batch. With --output json: one line for each.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// Checkpoint and savepoint directories, as state.checkpoints.dir names them: paths of this machine, or
    /// `s3://bucket/prefix`, as whoever the AWS command line would be
    /// here, `gs://bucket/prefix`, as whoever `GOOGLE_APPLICATION_CREDENTIALS` names, or
    /// `hdfs://namenode:port/path`, as whoever `hdfs dfs` would be
    #[arg(required = true, value_name = "DIR", value_parser = Directory::parser())]
    directories: Vec<Directory>,
    /// Forget this one, as it is shown here
    #[arg(long, value_name = "LOCATION")]
    forget: Vec<String>,
    /// Really forget; without it nothing is changed
    #[arg(long)]
    yes: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    mounts: MountArguments,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    directory: String,
    /// What names files in it, as `--forget` takes it.
    referrer: String,
    last_seen: Timestamp,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Remembered,
    /// It would be forgotten with --yes.
    WouldForget,
    Forgotten,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        directories,
        forget,
        yes,
        output: format,
        mounts,
    } = arguments;
    let forget: BTreeSet<String> = forget.into_iter().collect();
    let bases = Bases::open(&mounts, &directories).await?;
    let mut memories = Vec::new();
    for location in &bases.locations {
        memories.extend(Memory::of(bases.journal(location)?, location).await?);
    }
    // A command that makes no sense changes nothing.
    let remembered = memories.iter().flat_map(|memory| &memory.referrers);
    let known: BTreeSet<String> = remembered.map(|known| name(&known.directory)).collect();
    if let Some(unknown) = forget.difference(&known).next() {
        return Err(UsageError(format!(
            "--forget {unknown}: no such referrer is remembered; without --forget they are shown"
        ))
        .into());
    }
    let mut rows = Vec::new();
    for memory in memories {
        if yes {
            memory.forget(&forget).await?;
        }
        rows.extend(memory.rows(&forget, yes));
    }
    show(&rows, format)?;
    Ok(Exit::Fine)
}

/// What is remembered beside one directory.
struct Memory<'l> {
    location: &'l Location,
    journal: Journal,
    seen: Epoch,
    referrers: Vec<Referrer>,
}

impl<'l> Memory<'l> {
    /// None where nobody has acted yet.
    async fn of(journal: Journal, location: &'l Location) -> anyhow::Result<Option<Self>> {
        let Some(seen) = journal.latest_epoch().await? else {
            return Ok(None);
        };
        let referrers = journal.referrers().await?;
        Ok(Some(Self {
            location,
            journal,
            seen,
            referrers,
        }))
    }

    async fn forget(&self, names: &BTreeSet<String>) -> anyhow::Result<()> {
        let is_meant = |directory: &Location| names.contains(&name(directory));
        if self
            .referrers
            .iter()
            .any(|known| is_meant(&known.directory))
        {
            let now = SystemClock.now();
            self.journal.forget(&self.seen, is_meant, now).await?;
        }
        Ok(())
    }

    fn rows(&self, forget: &BTreeSet<String>, yes: bool) -> impl Iterator<Item = Row> {
        self.referrers.iter().map(move |known| {
            let referrer = name(&known.directory);
            Row {
                directory: self.location.to_string(),
                outcome: match (forget.contains(&referrer), yes) {
                    (false, _) => Outcome::Remembered,
                    (true, false) => Outcome::WouldForget,
                    (true, true) => Outcome::Forgotten,
                },
                referrer,
                last_seen: known.last_seen,
            }
        })
    }
}

/// As `--mount` has it: the same path in two namespaces is two places.
fn name(directory: &Location) -> String {
    match directory.store() {
        Store::File {
            namespace: Some(namespace),
            volume: _,
        } => format!("{namespace}/{directory}"),
        Store::File { .. } | Store::Object { .. } | Store::Hdfs { .. } | Store::Other { .. } => {
            directory.to_string()
        }
    }
}

fn show(rows: &[Row], format: Format) -> anyhow::Result<()> {
    let mut output = Output::new();
    match format {
        Format::Json => {
            for row in rows {
                output.json(row)?;
            }
        }
        Format::Table if rows.is_empty() => {
            output.line("nothing elsewhere is known to name files here")?;
        }
        Format::Table => {
            let mut lines = table(&["directory", "referrer", "last seen", ""], &[]);
            for row in rows {
                lines.add_row([
                    row.directory.clone(),
                    row.referrer.clone(),
                    format!("{:.0}", row.last_seen),
                    row.outcome.sentence().to_owned(),
                ]);
            }
            output.table(&lines)?;
        }
    }
    output.finish()?;
    Ok(())
}

impl Outcome {
    fn sentence(self) -> &'static str {
        match self {
            Self::Remembered => "remembered",
            Self::WouldForget => "forgotten with --yes",
            Self::Forgotten => "forgotten",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use retention::location::Origin;

    #[test]
    fn the_same_path_in_two_namespaces_has_two_names() {
        let names = ["a", "b"].map(|namespace| {
            let origin = Origin {
                namespace: Some(namespace.to_owned()),
                ..Origin::default()
            };
            name(&Location::parse("/x", &origin).unwrap())
        });
        assert_eq!(names, ["a/file:/x", "b/file:/x"]);
    }
}
