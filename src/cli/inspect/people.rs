//! A snapshot as a person wants to see it.

use std::collections::BTreeMap;
use std::io;

use comfy_table::Table;

use super::facts::Facts;
use crate::cli::output::{Output, count, size, table};

pub(super) fn show(output: &mut Output, facts: &Facts) -> io::Result<()> {
    output.line(&facts.pointer)?;
    for (name, value) in header(facts) {
        output.line(format_args!("  {name:<12} {value}"))?;
    }
    output.line("")?;
    output.table(&operators(facts))?;
    let files = files(facts);
    if files.row_count() > 0 {
        output.line("")?;
        output.table(&files)?;
    }
    output.line("")
}

fn header(facts: &Facts) -> Vec<(&'static str, String)> {
    let kind = match &facts.properties {
        None => "not stated by this version of the format".to_owned(),
        Some(properties) if properties.is_savepoint => {
            format!("savepoint, {} format", properties.format.to_lowercase())
        }
        Some(properties) => format!("checkpoint, sharing {}", properties.sharing),
    };
    let stated: u64 = facts.files.iter().filter_map(|file| file.size).sum();
    let mut header = vec![
        ("checkpoint", facts.checkpoint_id.to_string()),
        ("kind", kind),
        (
            "metadata",
            format!(
                "version {}, {}",
                facts.version,
                size(facts.file_size as u64)
            ),
        ),
        (
            "files",
            format!(
                "{}, {}",
                count(facts.files.len() as u64, "file", "files"),
                size(stated)
            ),
        ),
        (
            "inline",
            format!(
                "{}, {}",
                count(facts.inline_count, "handle", "handles"),
                size(facts.inline_bytes)
            ),
        ),
    ];
    if !facts.segments.is_empty() {
        let bytes = facts
            .segments
            .iter()
            .filter_map(|segment| segment.size)
            .sum();
        let segments = count(facts.segments.len() as u64, "segment", "segments");
        let of = count(merged(facts).len() as u64, "merged file", "merged files");
        header.push(("segments", format!("{segments} of {of}, {}", size(bytes))));
    }
    if !facts.directories.is_empty() {
        let directories = count(facts.directories.len() as u64, "directory", "directories");
        header.push((
            "must stay",
            format!("{directories} of merged files (see --output json)"),
        ));
    }
    header
}

fn operators(facts: &Facts) -> Table {
    let mut table = table(
        &[
            "operator",
            "parallelism",
            "files",
            "exclusive",
            "shared",
            "other",
            "inline",
        ],
        &[1, 2, 3, 4, 5, 6],
    );
    for operator in &facts.operators {
        let name = operator.name.clone().or_else(|| operator.uid.clone());
        table.add_row([
            name.unwrap_or_else(|| operator.id.to_string()),
            format!("{}/{}", operator.parallelism, operator.max_parallelism),
            operator.files.to_string(),
            size(operator.exclusive_bytes),
            size(operator.shared_bytes),
            size(operator.other_bytes),
            size(operator.inline_bytes),
        ]);
    }
    table
}

/// Whole files, then merged ones, each with the part of its path below its owner.
fn files(facts: &Facts) -> Table {
    let mut table = table(&["size", "kind", "owner", "file"], &[0]);
    let own = own_prefix(facts);
    let mut row = |bytes: Option<u64>, kind: &str, owner: Option<&str>, path: &str| {
        let owner = owner.unwrap_or("-").to_owned();
        let below = path
            .split_once(&format!("/{owner}/"))
            .map_or(path, |(_, rest)| rest);
        let below = path.strip_prefix(&own).unwrap_or(below);
        table.add_row([
            bytes.map_or_else(|| "unknown".to_owned(), size),
            kind.to_owned(),
            owner,
            below.to_owned(),
        ]);
    };
    for file in &facts.files {
        row(file.size, file.kind, file.owner.as_deref(), &file.path);
    }
    for (path, (parts, bytes, owner)) in merged(facts) {
        let kind = format!("merged, {}", count(parts, "segment", "segments"));
        row(Some(bytes), &kind, owner, path);
    }
    table
}

/// What a path in the same base begins with, where nobody owns the file.
fn own_prefix(facts: &Facts) -> String {
    format!("{}/", crate::cli::places::home(&facts.metadata))
}

/// Physical files by path: segments, bytes and owner.
fn merged(facts: &Facts) -> BTreeMap<&str, (u64, u64, Option<&str>)> {
    let mut merged = BTreeMap::new();
    for segment in &facts.segments {
        let (parts, bytes, owner) = merged.entry(segment.path.as_str()).or_insert((0, 0, None));
        *parts += 1;
        *bytes += segment.size.unwrap_or(0);
        *owner = segment.owner.as_deref();
    }
    merged
}
