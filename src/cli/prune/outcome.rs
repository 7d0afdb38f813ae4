//! What a prune did, or would do.

use std::collections::BTreeMap;

use retention::guard::Guard;
use retention::plan::{Amount, Decision, PlanEntry};
use serde::Serialize;

use crate::cli::output::{Format, Output, count, size, table};
use crate::cli::trouble::hinders;
use crate::cli::unnamed;
use crate::engine::Report;
use crate::engine::report::Outcome;

/// The runs of one command together.
#[derive(Debug)]
pub(super) struct Pass {
    /// The last look at the storage.
    pub(super) report: Report,
    pub(super) outcome: Outcome,
    pub(super) would_go: Vec<PlanEntry>,
    pub(super) dry: bool,
    /// What is deleted is in the trash.
    pub(super) trash: bool,
}

/// One line of `prune --output json`.
#[derive(Serialize)]
struct Line<'a> {
    path: String,
    /// `deleted`, `spared`, `failed`, or `would-delete` without --yes.
    outcome: &'a str,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

/// The last line.
#[derive(Serialize)]
struct Summary {
    dry_run: bool,
    /// What was deleted is in the trash, and takes space until that is emptied.
    trash: bool,
    deleted: Amount,
    would_delete: Amount,
    spared: usize,
    failed: usize,
    /// Superfluous, and not yet due.
    waiting: Amount,
    protected: BTreeMap<Guard, Amount>,
    blocked: Vec<String>,
    /// By directory: how far the clock of its store is ahead of this machine's at least, in milliseconds; negative:
    /// behind.
    store_ahead_milliseconds: BTreeMap<String, i64>,
}

impl Pass {
    pub(super) fn show(&self, format: Format) -> anyhow::Result<()> {
        let mut output = Output::new();
        let lines = self.lines();
        let summary = self.summary();
        match format {
            Format::Json => {
                for line in &lines {
                    output.json(line)?;
                }
                output.json(&summary)?;
            }
            Format::Table => {
                people(&mut output, &lines, &summary)?;
                if let Some(unnamed) = unnamed::line(&self.report.evidence) {
                    output.line(unnamed)?;
                }
            }
        }
        output.finish()?;
        Ok(())
    }

    /// Work that was not done is a failure.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let hindrance = self.outcome.blocked.iter().find(|blocked| hinders(blocked));
        if let Some(blocked) = hindrance {
            anyhow::bail!("{blocked}");
        }
        if let Some(first) = self.outcome.failed.first() {
            anyhow::bail!(
                "{} could not be deleted; the first: {}: {}",
                count(self.outcome.failed.len() as u64, "file", "files"),
                first.path,
                first.why
            );
        }
        Ok(())
    }

    fn lines(&self) -> Vec<Line<'static>> {
        let Outcome {
            blocked: _,
            deleted,
            spared,
            failed,
            // A command asks before it begins.
            asked: _,
            // In the summary.
            store_ahead: _,
        } = &self.outcome;
        let line = |outcome, path: &str, reason: &str, bytes| Line {
            path: path.to_owned(),
            outcome,
            reason: reason.to_owned(),
            bytes,
        };
        let location = |entry: &PlanEntry| {
            self.report
                .inventory
                .location(entry.base, &entry.path)
                .map(|location| location.to_string())
                .unwrap_or_default()
        };
        let deleted = deleted
            .iter()
            .map(|file| line("deleted", &file.path, &file.reason, Some(file.bytes)));
        let spared = spared
            .iter()
            .map(|file| line("spared", &file.path, &file.why, None));
        let failed = failed
            .iter()
            .map(|file| line("failed", &file.path, &file.why, None));
        let would_go = self.would_go.iter().map(|entry| {
            line(
                "would-delete",
                &location(entry),
                &entry.decision.reason(),
                Some(entry.size),
            )
        });
        deleted
            .chain(spared)
            .chain(failed)
            .chain(would_go)
            .collect()
    }

    fn summary(&self) -> Summary {
        let mut protected: BTreeMap<Guard, Amount> = BTreeMap::new();
        let mut waiting = Amount::default();
        let mut would_delete = Amount::default();
        for entry in &self.report.plan.entries {
            let amount = Amount {
                files: 1,
                bytes: entry.size,
            };
            match &entry.decision {
                Decision::Keep(_) => {}
                Decision::Protected(protection) => {
                    *protected.entry(protection.guard).or_default() += amount;
                }
                Decision::Expire(_) | Decision::Orphan(_) => waiting += amount,
            }
        }
        for entry in &self.would_go {
            would_delete += Amount {
                files: 1,
                bytes: entry.size,
            };
        }
        waiting.files = waiting.files.saturating_sub(would_delete.files);
        waiting.bytes = waiting.bytes.saturating_sub(would_delete.bytes);
        Summary {
            dry_run: self.dry,
            trash: self.trash,
            deleted: self.outcome.deleted_amount(),
            would_delete,
            spared: self.outcome.spared.len(),
            failed: self.outcome.failed.len(),
            waiting,
            protected,
            blocked: self
                .outcome
                .blocked
                .iter()
                .map(ToString::to_string)
                .collect(),
            store_ahead_milliseconds: self
                .outcome
                .store_ahead
                .iter()
                .map(|(base, ahead)| {
                    let ahead = i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX);
                    (base.clone(), ahead)
                })
                .collect(),
        }
    }
}

fn people(output: &mut Output, lines: &[Line<'_>], summary: &Summary) -> std::io::Result<()> {
    let mut files = table(&["what", "size", "why", "file"], &[1]);
    // Paths are for copying: they are not broken into pieces, so this table may be wider than others.
    files.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    for line in lines {
        files.add_row([
            line.outcome.replace('-', " "),
            line.bytes.map_or_else(|| "-".to_owned(), size),
            line.reason.clone(),
            line.path.clone(),
        ]);
    }
    output.table(&files)?;
    if !lines.is_empty() {
        output.line("")?;
    }
    let said = |amount: Amount| {
        format!(
            "{}, {}",
            count(amount.files, "file", "files"),
            size(amount.bytes)
        )
    };
    if summary.dry_run {
        output.line(format_args!("would delete {}", said(summary.would_delete)))?;
    } else {
        output.line(format_args!("deleted {}", said(summary.deleted)))?;
        if summary.trash && summary.deleted.files > 0 {
            output
                .line("that is in the trash now: its space is free when the NameNode empties it")?;
        }
        if summary.spared > 0 {
            output.line(format_args!(
                "spared {} when looked at again",
                count(summary.spared as u64, "file", "files")
            ))?;
        }
    }
    if summary.waiting.files > 0 {
        output.line(format_args!(
            "waiting {}: superfluous, but too young or not marked for long enough",
            said(summary.waiting)
        ))?;
    }
    for (guard, amount) in &summary.protected {
        output.line(format_args!("protected by {guard} {}", said(*amount)))?;
    }
    if summary.protected.contains_key(&Guard::UnknownOwner) {
        output.line(
            "name jobs that do not run with --stopped JOBID, or all of them with --stopped all",
        )?;
    }
    for blocked in &summary.blocked {
        output.line(format_args!("stopped early: {blocked}"))?;
    }
    if summary.dry_run {
        output.line("nothing was changed: this was a dry run; repeat it with --yes")?;
    }
    Ok(())
}
