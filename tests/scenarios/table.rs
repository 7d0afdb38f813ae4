//! What a run decided, one line for each file.

use crate::state::{State, spelled, start};
use flink_retention::engine::Report;
use jiff::{SignedDuration, Timestamp};
use retention::inventory::Inventory;
use retention::plan::Ripeness;
use retention::reference::Found;
use std::collections::{BTreeMap, BTreeSet};

/// The decision for every file that was there, by its location.
pub(crate) fn decisions(report: &Report) -> BTreeMap<String, String> {
    let mut decisions = BTreeMap::new();
    let inventory = &report.inventory;
    for (path, names) in referenced(inventory) {
        decisions.insert(path, format!("keep: named by {}", names.join(", ")));
    }
    for judged in &report.plan.snapshots {
        let Some(snapshot) = inventory.snapshots.get(judged.snapshot) else {
            continue;
        };
        let place = snapshot.place.as_ref();
        if let Some(place) = place
            && let Some(at) = inventory.location(place.base, &place.metadata_path)
        {
            decisions.insert(spelled(&at), format!("keep: {}", judged.verdict));
        }
    }
    for entry in &report.plan.entries {
        let Some(at) = inventory.location(entry.base, &entry.path) else {
            continue;
        };
        let mut text = format!("{}: {}", entry.decision.word(), entry.decision.reason());
        if let Ripeness::Waiting(waiting) = &entry.ripeness {
            text = format!("{text}; {waiting}");
        }
        decisions.insert(spelled(&at), text);
    }
    for spared in &report.outcome.spared {
        decisions
            .entry(spared.path.clone())
            .and_modify(|text| *text = format!("{text}; spared: {}", spared.why));
    }
    for failed in &report.outcome.failed {
        decisions
            .entry(failed.path.clone())
            .and_modify(|text| *text = format!("{text}; failed: {}", failed.why));
    }
    for deleted in &report.outcome.deleted {
        decisions.insert(deleted.path.clone(), format!("deleted: {}", deleted.reason));
    }
    decisions
}

/// Every file that is there and named, with who names it.
fn referenced(inventory: &Inventory) -> Vec<(String, Vec<String>)> {
    let table = &inventory.references;
    table
        .files()
        .filter(|file| matches!(table.state(*file), Found::Present { .. }))
        .filter_map(|file| {
            let names = inventory
                .snapshots
                .iter()
                .filter(|snapshot| snapshot.references.iter().any(|named| named.file == file));
            let (mut stored, mut retained) = (Vec::new(), Vec::new());
            for snapshot in names {
                match snapshot.place {
                    Some(_) => stored.push(spelled(&snapshot.location)),
                    None => retained.push(spelled(&snapshot.location)),
                }
            }
            retained.retain(|location| !stored.contains(location));
            let retained = retained
                .iter()
                .map(|location| format!("{location} in high-availability data alone"));
            let mut names: Vec<String> = stored.into_iter().chain(retained).collect();
            names.sort();
            names.dedup();
            Some((spelled(&table.location(file)?), names))
        })
        .collect()
}

/// Times in a text as hours since the beginning, so that people can compare them with the steps.
pub(crate) fn with_relative_times(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let bare = word.trim_matches(|c: char| "();,".contains(c));
        match bare.parse::<Timestamp>() {
            Ok(time) if bare.contains('T') => word.replace(bare, &relative(time)),
            _ => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

pub(crate) fn relative(time: Timestamp) -> String {
    let since: SignedDuration = time.duration_since(start());
    let (hours, minutes) = (since.as_hours(), since.as_mins() % 60);
    if minutes == 0 {
        format!("{hours}h")
    } else {
        format!("{hours}h{:02}m", minutes.abs())
    }
}

/// The lines of a run: what is new since the last one.
pub(crate) fn lines(
    state: &State,
    report: &Report,
    last: &mut BTreeMap<String, String>,
) -> Vec<String> {
    let now = decisions(report);
    let deleted = report.outcome.deleted.len();
    let headline = match deleted {
        0 => format!("at {}", relative(report.started)),
        1 => format!("at {}: 1 file deleted", relative(report.started)),
        _ => format!("at {}: {deleted} files deleted", relative(report.started)),
    };
    let mut lines = vec![headline];
    for blocked in &report.outcome.blocked {
        lines.push(format!("{}: {blocked}", blocked.word()));
    }
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut files: BTreeSet<String> = state.files().iter().map(spelled).collect();
    // Links, which are no files.
    files.extend(now.keys().cloned());
    for file in files {
        let text = now
            .get(&file)
            .cloned()
            .unwrap_or_else(|| "not listed".to_owned());
        if last.get(&file) != Some(&text) {
            rows.push((file, text));
        }
    }
    for gone in &report.outcome.deleted {
        rows.push((gone.path.clone(), now[&gone.path].clone()));
    }
    let mut rows: Vec<(String, String)> = rows
        .into_iter()
        .map(|(file, text)| (state.names.shorten(&file), state.names.shorten(&text)))
        .collect();
    rows.sort();
    rows.dedup();
    let width = rows
        .iter()
        .map(|(file, _)| file.len())
        .max()
        .unwrap_or_default();
    lines.extend(
        rows.iter()
            .map(|(file, text)| format!("{file:width$}  {text}")),
    );
    *last = now;
    lines
        .into_iter()
        .map(|line| with_relative_times(&line))
        .collect()
}
