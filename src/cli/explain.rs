//! `flink-retention explain`: who needs a file, or since when nobody does.

use std::path::PathBuf;

use anyhow::bail;
use jiff::Timestamp;
use retention::inventory::{BaseId, Inventory};
use retention::layout::{JobId, place};
use retention::location::Location;
use retention::plan::Context;
use retention::reference::{FileId, FileName, Found};
use serde::Serialize;

use super::Exit;
use super::directory::Directory;
use super::exit::complain;
use super::invocation::{Invocation, WorldArguments};
use super::mounts;
use super::output::{Format, Output, count, size};
use super::places;
use super::plan::files;
use super::policy::PolicyArguments;
use super::trouble;
use crate::engine::{Mode, Report};

/// Say who needs a file, or since when nobody does, and what that means for it
///
/// Exit code 3 if snapshots need the file and it is not there.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// The file, as a path of this machine or `s3://bucket/key` (also `gs://`, `hdfs://`); it need not exist
    #[arg(value_parser = Directory::parser())]
    file: Directory,
    /// The checkpoint and savepoint directories whose snapshots may need it; without it the one that the file lies in
    /// by Flink's layout; repeatable
    #[arg(long = "base", value_name = "DIR", value_parser = Directory::parser())]
    bases: Vec<Directory>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    world: WorldArguments,
    #[command(flatten)]
    policy: PolicyArguments,
}

/// The answer; its fields are the JSON of `explain`.
#[derive(Debug, Serialize)]
struct Explanation {
    path: Location,
    exists: bool,
    /// `keep`, `expire`, `orphan`, `protected`; `missing` for a file that is needed and not there.
    decision: &'static str,
    reason: String,
    bytes: Option<u64>,
    kind: &'static str,
    job: Option<String>,
    class: Option<&'static str>,
    class_because: Option<String>,
    /// Snapshots that name it, each with what is to become of the snapshot.
    needed_by: Vec<Need>,
    /// Snapshots that name a file of this name elsewhere.
    name_used_by: Vec<Need>,
    /// How many snapshots were read to find that out.
    snapshots_read: usize,
    since: Option<Timestamp>,
    waiting: Option<String>,
}

#[derive(Debug, Serialize)]
struct Need {
    snapshot: Location,
    because: String,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        file,
        bases,
        output: format,
        world,
        policy,
    } = arguments;
    let file = match file {
        Directory::Local(path) => Directory::Local(mounts::absolute(&path)?),
        elsewhere @ (Directory::Bucket(_) | Directory::Hdfs(_)) => elsewhere,
    };
    if let Directory::Local(path) = &file
        && path.is_dir()
    {
        bail!("{file} is a directory; name a file in it");
    }
    let bases = if bases.is_empty() {
        vec![base_of(&file)?]
    } else {
        bases
    };
    let invocation = Invocation::new(&world, &bases, policy.policy()).await?;
    let report = invocation.run(Mode::DryRun).await?;
    let path = match &file {
        Directory::Local(path) => mounts::location(&invocation.bases.stores, path)?,
        Directory::Bucket(place) => place.location.clone(),
        Directory::Hdfs(place) => place.location.clone(),
    };
    let Some(explanation) = explain(&report, &invocation, path) else {
        bail!(
            "{file} does not exist, and no snapshot that was read names it; check the spelling, or name its directory with \
             --base"
        );
    };
    let mut output = Output::new();
    match format {
        Format::Json => output.json(&explanation)?,
        Format::Table => show(&mut output, &explanation)?,
    }
    output.finish()?;
    if explanation.exists {
        return trouble::of(&report);
    }
    complain(&format!(
        "{} is needed and does not exist",
        explanation.path
    ));
    Ok(Exit::Findings)
}

/// The directory that holds the job directories, by Flink's layout.
fn base_of(file: &Directory) -> anyhow::Result<Directory> {
    let location = match file {
        Directory::Local(path) => {
            let text = path.to_string_lossy();
            let origin = retention::location::Origin::default();
            Location::parse(&format!("file:{text}"), &origin)?
        }
        Directory::Bucket(place) => place.location.clone(),
        Directory::Hdfs(place) => place.location.clone(),
    };
    let home = places::home(&location);
    let owned = places::owner(&home).is_some();
    let base = if owned { home.parent() } else { home };
    // A savepoint may lie in the directory of its job.
    let in_job = base.name().parse::<JobId>().is_ok();
    let base = if in_job { base.parent() } else { base };
    let elsewhere = Directory::elsewhere(&base);
    Ok(elsewhere.unwrap_or_else(|| Directory::Local(PathBuf::from(base.path()))))
}

fn explain(report: &Report, invocation: &Invocation, path: Location) -> Option<Explanation> {
    let inventory = &report.inventory;
    let context = Context::new(
        &report.evidence,
        inventory,
        &invocation.policy,
        &report.marks,
        &report.baselines,
        report.plan.now,
    );
    let (exact, elsewhere) = references(inventory, &path);
    let file = files::of(report, &invocation.bases.locations)
        .into_iter()
        .find(|file| file.path == path);
    if file.is_none() && exact.is_empty() {
        return None;
    }
    let owner = inventory
        .bases
        .iter()
        .enumerate()
        .find_map(|(position, base)| {
            let directory = place(path.relative_to(&base.location)?).job?;
            let owner = context.owners.get(BaseId(position), &directory)?;
            Some((places::job_name(&directory), owner))
        });
    let mut explanation = Explanation {
        exists: file.is_some(),
        decision: "missing",
        reason: "a snapshot names it, and it is not there".to_owned(),
        bytes: None,
        kind: places::kind_word(places::kind(&path)),
        job: owner.as_ref().map(|(job, _)| job.clone()),
        class: owner.as_ref().map(|(_, owner)| owner.class.as_str()),
        class_because: owner.as_ref().map(|(_, owner)| owner.why.clone()),
        needed_by: needs(report, &exact),
        name_used_by: needs(report, &elsewhere),
        snapshots_read: inventory.snapshots.len(),
        since: None,
        waiting: None,
        path,
    };
    if let Some(file) = file {
        explanation.decision = file.decision;
        explanation.reason = file.reason;
        explanation.bytes = Some(file.bytes);
        explanation.kind = file.kind;
        explanation.since = file.since;
        explanation.waiting = file.waiting;
    } else if exact
        .iter()
        .any(|&file| inventory.references.state(file) == Found::Unknown)
    {
        "it is named, and cannot be looked at from here".clone_into(&mut explanation.reason);
    }
    Some(explanation)
}

/// The references to exactly this file, and those to its name in other directories.
fn references(inventory: &Inventory, path: &Location) -> (Vec<FileId>, Vec<FileId>) {
    let table = &inventory.references;
    table
        .with_name(&FileName::of(path.path()))
        .partition(|&file| table.location(file).as_ref() == Some(path))
}

fn needs(report: &Report, files: &[FileId]) -> Vec<Need> {
    let verdict = |position: usize| {
        report
            .plan
            .snapshots
            .iter()
            .find(|judged| judged.snapshot == position)
            .map_or_else(
                || "high-availability data".to_owned(),
                |judged| judged.verdict.to_string(),
            )
    };
    report
        .inventory
        .snapshots
        .iter()
        .enumerate()
        .filter(|(_, snapshot)| {
            snapshot
                .references
                .iter()
                .any(|reference| files.contains(&reference.file))
        })
        .map(|(position, snapshot)| Need {
            snapshot: snapshot.location.clone(),
            because: verdict(position),
        })
        .collect()
}

fn show(output: &mut Output, explanation: &Explanation) -> std::io::Result<()> {
    let line = |name: &str, text: String| format!("  {name:<10} {text}");
    output.line(&explanation.path)?;
    output.line(line(
        "decision",
        format!("{}: {}", explanation.decision, explanation.reason),
    ))?;
    let bytes = explanation
        .bytes
        .map_or_else(|| "not there".to_owned(), size);
    output.line(line("file", format!("{}, {bytes}", explanation.kind)))?;
    if let (Some(job), Some(class), Some(because)) = (
        &explanation.job,
        explanation.class,
        &explanation.class_because,
    ) {
        output.line(line("job", format!("{job} is {class}: {because}")))?;
    }
    for need in &explanation.needed_by {
        output.line(line(
            "needed by",
            format!("{} ({})", need.snapshot, need.because),
        ))?;
    }
    for need in &explanation.name_used_by {
        output.line(line(
            "name in",
            format!("{} ({})", need.snapshot, need.because),
        ))?;
    }
    if explanation.needed_by.is_empty() && explanation.name_used_by.is_empty() {
        let read = count(explanation.snapshots_read as u64, "snapshot", "snapshots");
        output.line(line(
            "needed by",
            format!("none of the {read} that were read"),
        ))?;
    }
    if let Some(since) = explanation.since {
        output.line(line("marked", format!("since {since:.0}")))?;
    }
    if let Some(waiting) = &explanation.waiting {
        output.line(line("waiting", waiting.clone()))?;
    }
    Ok(())
}
