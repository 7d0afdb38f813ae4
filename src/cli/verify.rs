//! `flink-retention verify`: could every job be started again, and from what?

use jiff::Timestamp;
use retention::inventory::{BaseId, Inventory, Reading, Snapshot, SnapshotKind};
use retention::layout::JobDirectory;
use retention::location::Location;
use retention::policy::Policy;
use retention::restorable::{Missing, Restorable};
use serde::Serialize;

use super::Exit;
use super::directory::Directory;
use super::exit::complain;
use super::invocation::{Invocation, WorldArguments};
use super::output::{Format, Output, count, size};
use super::places::job_name;
use super::plan::snapshots::{Group, Stored, by_group, disagreement, newest_restorable};
use super::trouble;
use crate::engine::Mode;

/// Check that every job could be started from its newest snapshot, and show the path for `flink run -s`
///
/// A snapshot is restorable if its _metadata can be read and every file that it names is there and long enough. Exit
/// code 3 if the newest snapshot of a job, or a savepoint, is not, or if that cannot be checked; if there are files of a
/// job, but no snapshot; and if the times and the numbers of its checkpoints disagree about which is the newest, as in
/// a copy. With --output json: one line for each job.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// Checkpoint and savepoint directories, as state.checkpoints.dir names them: paths of this machine, or
    /// `s3://bucket/prefix`, as whoever the AWS command line would be
    /// here, `gs://bucket/prefix`, as whoever `GOOGLE_APPLICATION_CREDENTIALS` names, or
    /// `hdfs://namenode:port/path`, as whoever `hdfs dfs` would be
    #[arg(required = true, value_name = "DIR", value_parser = Directory::parser())]
    directories: Vec<Directory>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    world: WorldArguments,
}

/// One line of `verify --output json`.
#[derive(Debug, Serialize)]
struct Verdict {
    /// The job id, or the name of a savepoint that lies in no job's directory.
    job: String,
    directory: Location,
    /// `restorable`, `not-restorable`, `unreadable`, `unverified`, `no-snapshot`, `ambiguous`.
    state: &'static str,
    /// By its time.
    newest: Option<Location>,
    /// Where it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest_by_number: Option<Location>,
    completed: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_files: Option<u64>,
    /// The first few of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
    /// What `flink run -s` should be given: the newest snapshot that is restorable.
    restore_from: Option<Location>,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        directories,
        output: format,
        world,
    } = arguments;
    let invocation = Invocation::new(&world, &directories, Policy::default()).await?;
    let report = invocation.run(Mode::DryRun).await?;
    let inventory = &report.inventory;
    let own = |base: BaseId| base.0 < invocation.bases.locations.len();
    let groups = by_group(inventory);
    let with_snapshots = groups
        .iter()
        .filter(|((base, _), _)| own(*base))
        .filter_map(|((base, group), stored)| verdict(inventory, *base, group, stored));
    let without = inventory
        .job_directories
        .keys()
        .filter(|(base, job)| own(*base) && !groups.contains_key(&(*base, Group::Job(job.clone()))))
        .filter_map(|(base, job)| without_snapshot(inventory, *base, job));
    let verdicts: Vec<Verdict> = with_snapshots.chain(without).collect();
    let mut output = Output::new();
    for verdict in &verdicts {
        match format {
            Format::Json => output.json(verdict)?,
            Format::Table => show(&mut output, verdict)?,
        }
    }
    output.finish()?;
    if verdicts.is_empty() {
        if trouble::of(&report)? == Exit::Findings {
            return Ok(Exit::Findings);
        }
        anyhow::bail!(
            "there is no snapshot in {}; check that these are the directories that Flink writes to",
            invocation
                .bases
                .locations
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    let bad: Vec<&Verdict> = verdicts
        .iter()
        .filter(|verdict| verdict.state != "restorable")
        .collect();
    let Some(first) = bad.first() else {
        return trouble::of(&report);
    };
    complain(&format!(
        "{} of {} cannot be started from the newest snapshot; the first: {}: {}",
        bad.len(),
        count(verdicts.len() as u64, "job", "jobs"),
        first.newest.as_ref().unwrap_or(&first.directory),
        first.why.as_deref().unwrap_or(first.state)
    ));
    Ok(Exit::Findings)
}

fn verdict(
    inventory: &Inventory,
    base: BaseId,
    group: &Group,
    stored: &[Stored<'_>],
) -> Option<Verdict> {
    let newest = stored.first()?;
    let base = &inventory.base(base)?.location;
    let (job, directory) = match group {
        Group::Job(job) => (job_name(job), directory(base, job)),
        Group::Savepoint(path) => (newest.location.name().to_owned(), base.join(path)),
    };
    let mut verdict = Verdict {
        job,
        directory,
        state: "unreadable",
        newest: Some(newest.location.clone()),
        newest_by_number: None,
        completed: newest.completed,
        kind: newest.snapshot.map(kind),
        files: None,
        bytes: None,
        why: None,
        missing_files: None,
        missing: Vec::new(),
        restore_from: newest_restorable(stored, inventory).map(|stored| stored.location.clone()),
    };
    if let Some((by_time, by_number)) = disagreement(stored) {
        verdict.state = "ambiguous";
        verdict.newest = Some(by_time.location.clone());
        verdict.completed = by_time.completed;
        verdict.kind = by_time.snapshot.map(kind);
        verdict.newest_by_number = Some(by_number.location.clone());
        verdict.restore_from = None;
        verdict.why = Some(format!(
            "{} has the newest time and {} the highest number, as in a copy; see which of them Flink made last",
            by_time.location.name(),
            by_number.location.name()
        ));
        return Some(verdict);
    }
    match newest
        .snapshot
        .map(|snapshot| Restorable::of(snapshot, inventory))
    {
        None => verdict.why = Some(inventory.why_unreadable(&newest.location).to_owned()),
        Some(Restorable::Yes { files, bytes }) => {
            verdict.state = "restorable";
            (verdict.files, verdict.bytes) = (Some(files), Some(bytes));
        }
        Some(Restorable::No { missing, sample }) => {
            verdict.state = "not-restorable";
            verdict.missing_files = Some(missing);
            verdict.missing = sample.iter().map(absence).collect();
            let first = verdict.missing.first().cloned().unwrap_or_default();
            verdict.why = Some(format!(
                "{} missing, such as {first}",
                count(missing, "file that it needs is", "files that it needs are")
            ));
        }
        Some(Restorable::Unverified { files, sample }) => {
            verdict.state = "unverified";
            let first = sample.first().map(ToString::to_string).unwrap_or_default();
            verdict.why = Some(format!(
                "{} cannot be looked at from here, such as {first}: its directory is gone, or its volume is not mounted; mount it and say so with --mount",
                count(files, "file that it needs", "files that it needs")
            ));
        }
    }
    Some(verdict)
}

/// Files of a job, and nothing that it could be started from. None where that may be because nothing could be read.
fn without_snapshot(inventory: &Inventory, base: BaseId, job: &JobDirectory) -> Option<Verdict> {
    let base = inventory.base(base)?;
    match base.reading {
        Reading::Failed => return None,
        Reading::Whole | Reading::Bare | Reading::ButTorn | Reading::Partly => {}
    }
    Some(Verdict {
        job: job_name(job),
        directory: directory(&base.location, job),
        state: "no-snapshot",
        newest: None,
        newest_by_number: None,
        completed: None,
        kind: None,
        files: None,
        bytes: None,
        why: Some("it has files here, and no completed checkpoint or savepoint".to_owned()),
        missing_files: None,
        missing: Vec::new(),
        restore_from: None,
    })
}

fn directory(base: &Location, job: &JobDirectory) -> Location {
    if job.path.is_empty() {
        base.clone()
    } else {
        base.join(&job.path)
    }
}

fn kind(snapshot: &Snapshot) -> &'static str {
    match snapshot.kind {
        SnapshotKind::Checkpoint => "checkpoint",
        SnapshotKind::Savepoint => "savepoint",
    }
}

fn absence(missing: &Missing) -> String {
    match missing.found {
        None => missing.location.to_string(),
        Some(found) => format!("{} (too short: {found} bytes)", missing.location),
    }
}

fn show(output: &mut Output, verdict: &Verdict) -> std::io::Result<()> {
    output.line(format_args!("{}  {}", verdict.job, verdict.state))?;
    if verdict.state != "restorable"
        && let Some(newest) = &verdict.newest
    {
        output.line(format_args!("  newest {newest}"))?;
    }
    match (&verdict.restore_from, verdict.state) {
        (Some(path), "restorable") => output.line(format_args!("  -s {path}"))?,
        (Some(older), _) => {
            output.line(format_args!("  restorable is the older one: -s {older}"))?;
        }
        (None, "ambiguous") => {
            if let Some(by_number) = &verdict.newest_by_number {
                output.line(format_args!("  or {by_number}"))?;
            }
        }
        (None, "no-snapshot") => output.line(format_args!("  in {}", verdict.directory))?,
        (None, _) => output.line("  no older snapshot of it is restorable")?,
    }
    if let (Some(files), Some(bytes)) = (verdict.files, verdict.bytes) {
        output.line(format_args!(
            "  {}, {}",
            count(files, "file", "files"),
            size(bytes)
        ))?;
    }
    match (&verdict.why, verdict.missing.as_slice()) {
        (Some(why), [] | [_]) => output.line(format_args!("  {why}"))?,
        (_, missing) => {
            for path in missing {
                output.line(format_args!("  missing {path}"))?;
            }
            let more = verdict
                .missing_files
                .unwrap_or(0)
                .saturating_sub(missing.len() as u64);
            if more > 0 {
                output.line(format_args!(
                    "  missing {} more",
                    count(more, "file", "files")
                ))?;
            }
        }
    }
    Ok(())
}
