//! `flink-retention takeover`: makes somebody else the owner of a directory.

use serde::Serialize;

use super::Exit;
use super::bases::Bases;
use super::directory::Directory;
use super::mounts::MountArguments;
use super::output::{Format, Output};
use crate::engine::journal::{Epoch, Journal, OwnerId};
use crate::engine::{Clock, SystemClock};
use crate::owner_id::owner_id;

/// Act on a directory in place of an owner that is gone; without --yes only say who that is
///
/// One owner acts on a directory at a time: an operator, by its cluster and its lease, or whoever
/// uses the command line. Take a directory over only if its owner is gone for good or is told to leave it alone: what
/// protects a file may be known in one cluster only. The marks of the former owner do not count, so nothing is deleted
/// before everything was marked again and the grace period has passed again. With --output json: one line for each
/// directory.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// Checkpoint and savepoint directories, as state.checkpoints.dir names them: paths of this machine, or
    /// `s3://bucket/prefix`, as whoever the AWS command line would be
    /// here, `gs://bucket/prefix`, as whoever `GOOGLE_APPLICATION_CREDENTIALS` names, or
    /// `hdfs://namenode:port/path`, as whoever `hdfs dfs` would be
    #[arg(required = true, value_name = "DIR", value_parser = Directory::parser())]
    directories: Vec<Directory>,
    /// Who is to be the owner: for an operator what its own message says: <uid of the namespace kube-system>/<namespace>/<name of its lease>
    #[arg(long, value_name = "ID", default_value = "command-line", value_parser = owner_id)]
    owner_id: String,
    /// Take it over; without it nothing is changed
    #[arg(long)]
    yes: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    mounts: MountArguments,
}

/// What became of one directory.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    directory: String,
    outcome: Outcome,
    /// The owner before, and when it last began to act.
    #[serde(skip_serializing_if = "Option::is_none")]
    former: Option<Epoch>,
    /// The owner now.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<Epoch>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    TakenOver,
    /// It would be taken over with --yes.
    OwnedByAnother,
    AlreadyOurs,
    /// The first run that enforces becomes the owner.
    WithoutOwner,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        directories,
        owner_id,
        yes,
        output: format,
        mounts,
    } = arguments;
    let bases = Bases::open(&mounts, &directories).await?;
    let owner = OwnerId(owner_id);
    let mut output = Output::new();
    let mut left = false;
    for location in &bases.locations {
        let journal = bases.journal(location)?;
        let row = take_over(&journal, location.to_string(), &owner, yes).await?;
        left |= row.outcome == Outcome::OwnedByAnother;
        match format {
            Format::Table => output.line(sentence(&row, &owner))?,
            Format::Json => output.json(&row)?,
        }
    }
    output.finish()?;
    Ok(if left { Exit::Findings } else { Exit::Fine })
}

async fn take_over(
    journal: &Journal,
    directory: String,
    owner: &OwnerId,
    yes: bool,
) -> anyhow::Result<Row> {
    let seen = journal.latest_epoch().await?;
    let (outcome, former, epoch) = match seen {
        None => (Outcome::WithoutOwner, None, None),
        Some(seen) if seen.owner == *owner => (Outcome::AlreadyOurs, None, Some(seen)),
        Some(seen) if !yes => (Outcome::OwnedByAnother, Some(seen), None),
        Some(seen) => {
            let epoch = journal.take_over(&seen, owner, SystemClock.now()).await?;
            (Outcome::TakenOver, Some(seen), Some(epoch))
        }
    };
    Ok(Row {
        directory,
        outcome,
        former,
        epoch,
    })
}

fn sentence(row: &Row, owner: &OwnerId) -> String {
    let Row {
        directory,
        outcome,
        former,
        epoch: _,
    } = row;
    let before = former.as_ref().map_or_else(String::new, |former| {
        format!(
            "{}, which last acted at {:.0} (epoch {})",
            former.owner, former.taken, former.number
        )
    });
    match outcome {
        Outcome::TakenOver => format!(
            "{directory} belongs to {owner} now. It belonged to {before}. Its marks do not count: the next run marks anew."
        ),
        Outcome::OwnedByAnother => format!(
            "{directory} belongs to {before}. Nothing was changed. If that one is gone for good, --yes makes {owner} the owner."
        ),
        Outcome::AlreadyOurs => {
            format!("{directory} belongs to {owner} already. Nothing was changed.")
        }
        Outcome::WithoutOwner => format!(
            "{directory} has no owner yet: the first run that deletes becomes it. Nothing was changed."
        ),
    }
}
