//! `flink-retention report`: what is stored, what keeps it, and what could go, on one page. Changes nothing.

mod contents;
mod gather;
mod page;
mod people;
pub(super) mod savings;
mod snapshots;

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value;

use self::contents::{Contents, FORMAT_VERSION};
use super::Exit;
use super::directory::Directory;
use super::invocation::{Invocation, WorldArguments};
use super::output::{Format, Output, plain};
use super::policy::PolicyArguments;
use super::trouble;
use crate::engine::Mode;

/// Show what is stored by job, what keeps each snapshot, and what could go; changes nothing
///
/// With --html: one page without scripts that needs no other file and no network. Rows are bounded: what is largest is
/// named, the rest is counted. With --output json the same as one document, which --from reads again: a page can be
/// made where the storage is out of reach.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// Checkpoint and savepoint directories, as state.checkpoints.dir names them: all that snapshots of these jobs may
    /// be in. Paths of this machine, or `s3://bucket/prefix`, as whoever the AWS command line would be
    /// here, `gs://bucket/prefix`, as whoever `GOOGLE_APPLICATION_CREDENTIALS` names, or
    /// `hdfs://namenode:port/path`, as whoever `hdfs dfs` would be
    #[arg(required_unless_present = "from", value_name = "DIR", value_parser = Directory::parser())]
    directories: Vec<Directory>,
    /// Look at no storage, but at what `report --output json` has printed
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = [
            "directories",
            "JobArguments",
            "MountArguments",
            "SavepointArguments",
            // The groups of structs that hold other groups are empty.
            "owner_id",
            "min_age",
            "grace_period",
            "keep_last",
            "keep_within",
            "unrestorable_expire_after",
            "pin",
            "max_bytes_per_run",
            "settle",
            "clock_skew",
        ]
    )]
    from: Option<PathBuf>,
    /// Write the report as a page into this file, in place of what is there
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    html: Option<PathBuf>,
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
        from,
        html,
        output: format,
        world,
        policy,
    } = arguments;
    let Some(from) = from else {
        let invocation = Invocation::new(&world, &directories, policy.policy()).await?;
        let report = invocation.run(Mode::DryRun).await?;
        show(&gather::contents(&report), html.as_deref(), format)?;
        return trouble::of(&report);
    };
    show(&stored(&from)?, html.as_deref(), format)?;
    Ok(Exit::Fine)
}

fn show(contents: &Contents, html: Option<&Path>, format: Format) -> anyhow::Result<()> {
    let mut output = Output::new();
    match (html, format) {
        (Some(file), _) => {
            refuse_other_files(file)?;
            std::fs::write(file, page::page(contents))
                .with_context(|| format!("cannot write {}", file.display()))?;
            output.line(contents.savings.line())?;
        }
        (None, Format::Json) => output.json(contents)?,
        (None, Format::Table) => people::show(&mut output, contents)?,
    }
    Ok(output.finish()?)
}

/// A slip of the hand must not end a snapshot: in the place of a file comes a report only if that is one.
fn refuse_other_files(file: &Path) -> anyhow::Result<()> {
    let mut begins = Vec::new();
    let existing = match std::fs::File::open(file) {
        Ok(existing) => existing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot look at {}", file.display()));
        }
    };
    let of_page = b"<!DOCTYPE html>";
    let read = existing.take(of_page.len() as u64).read_to_end(&mut begins);
    read.with_context(|| format!("cannot look at {}", file.display()))?;
    if begins.is_empty() || begins.eq_ignore_ascii_case(of_page) {
        return Ok(());
    }
    bail!(
        "{} is there already, and is no report; name another file",
        file.display()
    )
}

fn stored(file: &Path) -> anyhow::Result<Contents> {
    /// Read first, so that another version is told from damage.
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        format_version: u32,
    }
    let name = file.display();
    let text = std::fs::read(file).with_context(|| format!("cannot read {name}"))?;
    let no_report = || format!("{name} is not what `flink-retention report --output json` prints");
    let Version { format_version } = serde_json::from_slice(&text).with_context(no_report)?;
    if format_version != FORMAT_VERSION {
        bail!(
            "{name} has format {format_version}, and this version reads format {FORMAT_VERSION}; make the report anew"
        );
    }
    let mut document = serde_json::from_slice(&text).with_context(no_report)?;
    disarm(&mut document);
    serde_json::from_value(document).with_context(no_report)
}

/// Whoever wrote it, nothing in it acts on a terminal.
fn disarm(document: &mut Value) {
    match document {
        Value::String(text) => *text = plain(text),
        Value::Array(values) => values.iter_mut().for_each(disarm),
        Value::Object(fields) => {
            let armed = std::mem::take(fields).into_iter();
            *fields = armed
                .map(|(name, mut value)| {
                    disarm(&mut value);
                    (plain(&name), value)
                })
                .collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use clap::{Args, Command};
    use serde_json::json;

    #[test]
    fn nothing_in_a_stored_report_acts_on_a_terminal() {
        let mut document = json!({"a\u{1b}[2J": ["b\u{7}", {"c": "d\u{202e}"}], "n": 7});
        super::disarm(&mut document);
        let shown = document.to_string();
        assert!(
            !shown.contains("\\u001b") && !shown.contains("\\u0007"),
            "{shown}"
        );
        assert!(
            !shown.contains('\u{202e}') && shown.contains("\"n\":7"),
            "{shown}"
        );
    }

    #[test]
    fn a_page_takes_the_place_of_no_other_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("_metadata");
        assert!(super::refuse_other_files(&file).is_ok(), "nothing is there");
        std::fs::write(&file, b"\x49\x60\x67\x2d state").unwrap();
        let refused = super::refuse_other_files(&file).unwrap_err().to_string();
        assert!(refused.contains("is no report"), "{refused}");
        std::fs::write(&file, "<!DOCTYPE html><html>").unwrap();
        assert!(super::refuse_other_files(&file).is_ok(), "a page of before");
    }

    #[test]
    fn a_stored_report_is_made_of_nothing_else() {
        let command = super::Arguments::augment_args(Command::new("report"));
        let from = command.get_arguments().find(|arg| arg.get_id() == "from");
        let refused = command.get_arg_conflicts_with(from.unwrap());
        let refused: BTreeSet<_> = refused.iter().map(|arg| arg.get_id()).collect();
        let all = command.get_arguments().map(clap::Arg::get_id);
        let rest: Vec<_> = all.filter(|id| !refused.contains(id)).collect();
        assert_eq!(rest, ["from", "html", "output"]);
    }
}
