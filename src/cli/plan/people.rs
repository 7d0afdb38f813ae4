//! The plan as tables: by job and class, then why.

use std::collections::BTreeMap;
use std::io;

use comfy_table::Table;
use jiff::{SignedDuration, Timestamp};
use retention::guard::Guard;
use retention::inventory::BaseId;
use retention::layout::JobDirectory;
use retention::plan::{Amount, JobSummary};

use super::snapshots::{self, Group};
use crate::cli::output::{Output, count, size, table};
use crate::cli::places::job_name;
use crate::cli::report::savings;
use crate::cli::unnamed;
use crate::engine::Report;

/// The guards that a row names.
const TOP_GUARDS: usize = 3;

pub(in crate::cli) fn show(output: &mut Output, report: &Report) -> io::Result<()> {
    output.line(savings::by_job(report).all().line())?;
    output.line("")?;
    for (position, base) in report.inventory.bases.iter().enumerate() {
        let of_base: Vec<&JobSummary> = report
            .summaries
            .iter()
            .filter(|summary| summary.base == BaseId(position))
            .collect();
        if of_base.is_empty() {
            continue;
        }
        output.line(&base.location)?;
        output.table(&amounts(report, &of_base))?;
        output.line("")?;
        output.table(&reasons(&of_base))?;
        output.line("")?;
    }
    totals(output, report)
}

fn amounts(report: &Report, summaries: &[&JobSummary]) -> Table {
    let newest = newest(report);
    let mut table = table(
        &[
            "job",
            "class",
            "live",
            "retained",
            "orphaned",
            "marked",
            "protected",
            "newest",
            "deletion",
        ],
        &[2, 3, 4, 5, 6],
    );
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    for summary in summaries {
        let key = (summary.base, summary.directory.clone());
        table.add_row([
            name(summary),
            summary.class.as_str().to_owned(),
            amount(summary.live),
            amount(summary.retained),
            amount(summary.orphaned),
            amount(summary.marked),
            amount(summary.protected),
            newest
                .get(&key)
                .cloned()
                .unwrap_or_else(|| "none".to_owned()),
            deletion(summary, report.finished),
        ]);
    }
    table
}

fn reasons(summaries: &[&JobSummary]) -> Table {
    let mut table = table(&["job", "class because", "protected by"], &[]);
    for summary in summaries {
        table.add_row([name(summary), summary.why.clone(), guards(summary)]);
    }
    table
}

fn guards(summary: &JobSummary) -> String {
    let mut guards: Vec<_> = summary.by_guard.iter().collect();
    guards.sort_by_key(|(_, amount)| std::cmp::Reverse(amount.bytes));
    let mut words: Vec<String> = guards
        .iter()
        .take(TOP_GUARDS)
        .map(|(guard, amount)| {
            format!(
                "{guard} ({}, {})",
                count(amount.files, "file", "files"),
                size(amount.bytes)
            )
        })
        .collect();
    if guards.len() > TOP_GUARDS {
        words.push(count(
            (guards.len() - TOP_GUARDS) as u64,
            "other guard",
            "other guards",
        ));
    }
    if words.is_empty() {
        "-".to_owned()
    } else {
        words.join(", ")
    }
}

fn name(summary: &JobSummary) -> String {
    summary
        .directory
        .as_ref()
        .map_or_else(|| "(no job)".to_owned(), job_name)
}

fn newest(report: &Report) -> BTreeMap<(BaseId, Option<JobDirectory>), String> {
    snapshots::by_group(&report.inventory)
        .into_iter()
        .filter_map(|((base, group), stored)| {
            let Group::Job(directory) = group else {
                return None;
            };
            let newest = snapshots::newest_restorable(&stored, &report.inventory)?;
            Some(((base, Some(directory)), newest.location.name().to_owned()))
        })
        .collect()
}

/// When the first superfluous file may go.
fn deletion(summary: &JobSummary, now: Timestamp) -> String {
    if summary.ripe.files > 0 {
        return "now".to_owned();
    }
    if let Some(earliest) = summary.earliest {
        return format!("in {}", short(earliest.duration_since(now)));
    }
    if summary.orphaned.files > 0 {
        "unmarked".to_owned()
    } else {
        "-".to_owned()
    }
}

fn short(duration: SignedDuration) -> String {
    let minutes = duration.as_mins().max(0);
    match minutes {
        0 => "1m".to_owned(),
        1..=119 => format!("{minutes}m"),
        120..=4319 => format!("{}h", minutes / 60),
        _ => format!("{}d", minutes / 1440),
    }
}

fn amount(amount: Amount) -> String {
    if amount.files == 0 {
        "-".to_owned()
    } else {
        size(amount.bytes)
    }
}

fn totals(output: &mut Output, report: &Report) -> io::Result<()> {
    let sum = |of: fn(&JobSummary) -> Amount| {
        let mut total = Amount::default();
        for summary in &report.summaries {
            total += of(summary);
        }
        total
    };
    for (word, total) in [
        ("live", sum(|summary| summary.live)),
        ("retained", sum(|summary| summary.retained)),
        ("orphaned", sum(|summary| summary.orphaned)),
        ("  marked", sum(|summary| summary.marked)),
        ("  ripe", sum(|summary| summary.ripe)),
        ("protected", sum(|summary| summary.protected)),
    ] {
        let files = count(total.files, "file", "files");
        output.line(format_args!(
            "{word:<10} {:>10} in {files}",
            size(total.bytes)
        ))?;
    }
    let unknown = |summary: &JobSummary| summary.by_guard.contains_key(&Guard::UnknownOwner);
    if report.summaries.iter().any(unknown) {
        output.line(
            "name jobs that do not run with --stopped JOBID, or all of them with --stopped all",
        )?;
    }
    if let Some(unnamed) = unnamed::line(&report.evidence) {
        output.line(unnamed)?;
    }
    Ok(())
}
