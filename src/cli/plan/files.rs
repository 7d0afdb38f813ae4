//! Every file of the listed directories with its decision, each once.

use std::collections::HashMap;

use jiff::Timestamp;
use retention::inventory::{BaseId, Inventory};
use retention::layout::place;
use retention::location::Location;
use retention::plan::{PlanEntry, Ripeness};
use retention::reference::{FileId, Found};
use serde::Serialize;

use crate::cli::places::kind_word;
use crate::engine::Report;

/// One line of `plan --output json`.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct File {
    /// As Flink sees it.
    pub(in crate::cli) path: Location,
    /// `keep`, `expire`, `orphan`, `protected`.
    pub(in crate::cli) decision: &'static str,
    pub(in crate::cli) reason: String,
    pub(in crate::cli) bytes: u64,
    pub(in crate::cli) kind: &'static str,
    /// Since when it has been marked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) since: Option<Timestamp>,
    /// What a superfluous file still waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) waiting: Option<String>,
}

/// All files in and below the bases, sorted by path within each.
pub(in crate::cli) fn of(report: &Report, bases: &[Location]) -> Vec<File> {
    let mut files: HashMap<Location, File> = HashMap::new();
    let mut add = |file: File| {
        files.entry(file.path.clone()).or_insert(file);
    };
    for entry in &report.plan.entries {
        if let Some(file) = planned(&report.inventory, entry) {
            add(file);
        }
    }
    for file in snapshots(report).chain(referenced(&report.inventory)) {
        if bases
            .iter()
            .any(|base| file.path.relative_to(base).is_some())
        {
            add(file);
        }
    }
    let mut files: Vec<File> = files.into_values().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// A file that the plan has a decision for.
pub(in crate::cli) fn planned(inventory: &Inventory, entry: &PlanEntry) -> Option<File> {
    Some(File {
        path: inventory.location(entry.base, &entry.path)?,
        decision: entry.decision.word(),
        reason: entry.decision.reason(),
        bytes: entry.size,
        kind: kind_word(entry.placement.kind),
        since: entry.since,
        waiting: match &entry.ripeness {
            Ripeness::Waiting(waiting) => Some(waiting.to_string()),
            Ripeness::NotApplicable | Ripeness::Ripe => None,
        },
    })
}

/// Every `_metadata` that was read, with the reasons for its snapshot.
fn snapshots(report: &Report) -> impl Iterator<Item = File> {
    report.plan.snapshots.iter().filter_map(|judged| {
        let snapshot = report.inventory.snapshots.get(judged.snapshot)?;
        let place = snapshot.place.as_ref()?;
        Some(File {
            path: report
                .inventory
                .location(place.base, &place.metadata_path)?,
            decision: "keep",
            reason: format!("snapshot: {}", judged.verdict),
            bytes: place.metadata_size,
            kind: kind_word(place.placement.kind),
            since: None,
            waiting: None,
        })
    })
}

/// Every file that a snapshot names and that is there.
fn referenced(inventory: &Inventory) -> impl Iterator<Item = File> {
    let named_by = first_names(inventory);
    let table = &inventory.references;
    table.files().filter_map(move |file| {
        let Found::Present { size, modified: _ } = table.state(file) else {
            return None;
        };
        let path = table.location(file)?;
        let (base, relative) = relative(inventory, &path)?;
        let reason = match named_by.get(&file) {
            Some((first, 1)) => format!("named by {first}"),
            Some((first, count)) => format!("named by {first} and {} more", count - 1),
            None => "named by high-availability data".to_owned(),
        };
        let _: BaseId = base;
        Some(File {
            kind: kind_word(place(relative).kind),
            path,
            decision: "keep",
            reason,
            bytes: size,
            since: None,
            waiting: None,
        })
    })
}

/// The first snapshot that names each file, and how many do.
fn first_names(inventory: &Inventory) -> HashMap<FileId, (String, u64)> {
    let mut names: HashMap<FileId, (usize, u64)> = HashMap::new();
    for (position, snapshot) in inventory.snapshots.iter().enumerate() {
        for reference in &snapshot.references {
            names.entry(reference.file).or_insert((position, 0)).1 += 1;
        }
    }
    names
        .into_iter()
        .filter_map(|(file, (position, count))| {
            let snapshot = inventory.snapshots.get(position)?;
            Some((file, (snapshot.directory_key().to_string(), count)))
        })
        .collect()
}

/// The base that holds a location, and the path in it.
fn relative<'l>(inventory: &Inventory, location: &'l Location) -> Option<(BaseId, &'l str)> {
    inventory
        .bases
        .iter()
        .enumerate()
        .filter_map(|(position, base)| {
            Some((BaseId(position), location.relative_to(&base.location)?))
        })
        .min_by_key(|(_, path)| path.len())
}
