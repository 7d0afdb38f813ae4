//! Every metric, as the operator itself exports it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::exported::{everything, parse};
use super::text::cell;

const OF_RUNS: [&str; 4] = ["run", "deleted", "guard_hits", "last_success"];

/// The parts of `docs/metrics.md` that are made.
const PARTS: [&str; 5] = ["jobs", "policies", "runs", "operator", "process"];

/// The part that a metric belongs to.
fn part_of(name: &str) -> &'static str {
    let Some(own) = name.strip_prefix("flink_retention_") else {
        return "process";
    };
    if own.starts_with("job_") {
        "jobs"
    } else if own.starts_with("policy_") {
        "policies"
    } else if OF_RUNS.iter().any(|word| own.starts_with(word)) {
        "runs"
    } else {
        "operator"
    }
}

#[derive(Default)]
struct Family {
    help: String,
    kind: String,
    labels: BTreeSet<String>,
}

pub(crate) fn tables() -> Vec<(&'static str, String)> {
    let families = families();
    let table = |part| {
        let mut table =
            "| metric | type | unit | labels | meaning |\n|---|---|---|---|---|\n".to_owned();
        for (name, family) in families.iter().filter(|(name, _)| part_of(name) == part) {
            writeln!(table, "{}", row(name, family)).unwrap();
        }
        (part, table)
    };
    PARTS.map(table).into()
}

fn row(name: &str, family: &Family) -> String {
    let Family { help, kind, labels } = family;
    assert!(!help.is_empty(), "{name} says nothing of itself");
    let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
    format!(
        "| `{name}` | {kind} | {} | {} | {} |",
        unit(name),
        labels.join(", "),
        cell(help)
    )
}

fn unit(name: &str) -> &'static str {
    let name = name.trim_end_matches("_total");
    if name.ends_with("_timestamp_seconds") || name == "process_start_time_seconds" {
        "seconds since 1970"
    } else if name.ends_with("_seconds") {
        "seconds"
    } else if name.ends_with("_bytes") {
        "bytes"
    } else {
        ""
    }
}

fn families() -> BTreeMap<String, Family> {
    let metrics = everything();
    let text = metrics.encode().unwrap();
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("HELP"), Some(name), Some(help)) => {
                help.clone_into(&mut families.entry(name.to_owned()).or_default().help);
            }
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => {
                kind.clone_into(&mut families.entry(name.to_owned()).or_default().kind);
                name.clone_into(&mut current);
            }
            _ => {
                let (series, _) = line.rsplit_once(' ').unwrap();
                let labels = parse(series).1.into_keys().filter(|label| *label != "le");
                let family = families.get_mut(&current).unwrap();
                family.labels.extend(labels.map(str::to_owned));
            }
        }
    }
    // A family shows itself with its first series only.
    for name in metrics.names() {
        assert!(
            families.contains_key(&name),
            "{name}: let tests/chart/exported.rs count something in it, so that it can be documented"
        );
    }
    families
}
