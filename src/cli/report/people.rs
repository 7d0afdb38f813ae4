//! The report as tables.

use std::io;

use comfy_table::Table;
use jiff::Timestamp;

use super::contents::{Amount, Contents, Fate, Job, Orphan, Top};
use crate::cli::output::{Output, count, size, table};

/// The rows of each job's snapshots, and of files; the page has more.
const ROWS: usize = 10;

pub(super) fn show(output: &mut Output, contents: &Contents) -> io::Result<()> {
    output.line(contents.savings.line())?;
    output.line("")?;
    output.table(&jobs(contents))?;
    more(
        output,
        &contents.jobs,
        contents.jobs.first.len(),
        "job",
        "jobs",
    )?;
    for job in &contents.jobs.first {
        snapshots(output, job)?;
    }
    if !contents.orphans.first.is_empty() {
        output.line("\nlargest superfluous files")?;
        for orphan in contents.orphans.first.iter().take(ROWS) {
            let Orphan {
                path,
                bytes,
                modified: _,
                reason,
                goes,
            } = orphan;
            // Paths are longer than a table is wide, and people copy them.
            let bytes = size(*bytes);
            output.line(format_args!("  {bytes:>10}  {reason}, {goes}: {path}"))?;
        }
        more(output, &contents.orphans, ROWS, "file", "files")?;
    }
    if !contents.guards.is_empty() {
        output.line("\nkept by guards")?;
        output.table(&guards(contents))?;
    }
    if !contents.problems.first.is_empty() {
        output.line("\nin the way")?;
        for problem in &contents.problems.first {
            output.line(format_args!("  {}: {}", problem.what, problem.why))?;
        }
        let all = contents.problems.first.len();
        more(output, &contents.problems, all, "place", "places")?;
    }
    Ok(())
}

fn more<T>(
    output: &mut Output,
    top: &Top<T>,
    shown: usize,
    one: &str,
    many: &str,
) -> io::Result<()> {
    let hidden = top
        .more
        .saturating_add(top.first.len().saturating_sub(shown) as u64);
    if hidden == 0 {
        return Ok(());
    }
    output.line(format_args!("  and {} more", count(hidden, one, many)))
}

fn jobs(contents: &Contents) -> Table {
    let mut table = table(
        &[
            "job",
            "directories",
            "snapshots",
            "live",
            "retained",
            "protected",
            "orphaned",
            "may go now",
        ],
        &[1, 2, 3, 4, 5, 6, 7],
    );
    for job in &contents.jobs.first {
        let mut row = vec![
            job.name.clone(),
            number(&job.directories),
            number(&job.snapshots),
        ];
        row.extend(job.total.named().map(|(_, amount)| short(amount)));
        row.push(short(job.savings.ripe));
        table.add_row(row);
    }
    table
}

fn number<T>(top: &Top<T>) -> String {
    top.more.saturating_add(top.first.len() as u64).to_string()
}

fn snapshots(output: &mut Output, job: &Job) -> io::Result<()> {
    if job.snapshots.first.is_empty() {
        return Ok(());
    }
    output.line(format_args!("\nsnapshots of {}", job.name))?;
    let mut table = table(
        &[
            "snapshot",
            "completed",
            "state",
            "",
            "because",
            "holds",
            "alone",
        ],
        &[5, 6],
    );
    for snapshot in job.snapshots.first.iter().take(ROWS) {
        table.add_row([
            snapshot.name.clone(),
            time(snapshot.completed),
            snapshot.state.clone(),
            word(snapshot.fate).to_owned(),
            snapshot.because.clone(),
            short(snapshot.holds),
            short(snapshot.alone),
        ]);
    }
    output.table(&table)?;
    more(output, &job.snapshots, ROWS, "snapshot", "snapshots")
}

fn guards(contents: &Contents) -> Table {
    let mut table = table(&["guard", "bytes", "files", "for example"], &[1, 2]);
    for guarded in &contents.guards {
        table.add_row([
            guarded.guard.clone(),
            size(guarded.amount.bytes),
            guarded.amount.files.to_string(),
            guarded.why.clone(),
        ]);
    }
    table
}

fn short(amount: Amount) -> String {
    if amount.files == 0 {
        "-".to_owned()
    } else {
        size(amount.bytes)
    }
}

pub(super) fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::Live => "live",
        Fate::Retained => "retained",
        Fate::Protected => "protected",
        Fate::Expires => "goes",
    }
}

pub(super) fn time(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{time:.0}"))
}
