//! Directories that were seen to name files of a base, and that nobody has looked into this time.

use crate::evidence::{Gap, Radius};
use crate::guard::Guard;
use crate::inventory::{BaseId, Inventory, Reading};
use crate::location::{Location, Store};
use crate::mark::{Baselines, Referrer};

/// For each base, what earlier runs know to name files in it and this one could not read: it may name any of them.
///
/// What was seen counts more than what an administrator says, so an exclusive base is protected like any other.
#[must_use]
pub fn forgotten(inventory: &Inventory, baselines: &[Baselines]) -> Vec<Gap> {
    baselines
        .iter()
        .enumerate()
        .filter_map(|(position, baselines)| {
            let base = inventory.base(BaseId(position))?;
            let gaps = baselines.referrers.iter().filter_map(|referrer| {
                let Referrer {
                    directory,
                    last_seen,
                    unnamed_since: _,
                } = referrer;
                let why = unread(inventory, directory)?;
                Some(Gap {
                    guard: Guard::MissingEvidence,
                    what: name(directory, &base.location),
                    why: format!("its snapshots named files here until {last_seen:.0}, and {why}"),
                    radius: vec![Radius::Below(base.location.clone())],
                })
            });
            Some(gaps.collect::<Vec<_>>())
        })
        .flatten()
        .collect()
}

/// Nobody is told a path of another namespace.
fn name(directory: &Location, base: &Location) -> String {
    match (directory.store(), base.store()) {
        (
            Store::File {
                namespace: Some(theirs),
                volume: _,
            },
            Store::File {
                namespace: Some(ours),
                volume: _,
            },
        ) if theirs != ours => format!("a directory of namespace {theirs}"),
        _ => directory.to_string(),
    }
}

fn unread(inventory: &Inventory, directory: &Location) -> Option<&'static str> {
    match inventory.read_with(directory).map(|base| base.reading) {
        // What ends early can be restored by nobody, so it needs nothing.
        Some(Reading::Whole | Reading::ButTorn) => None,
        Some(Reading::Partly) => Some("not every snapshot in it can be read now"),
        Some(Reading::Bare) => Some(
            "nothing of Flink is in it now; mount the volume again, or if it was really cleared, say so with \
             flink-retention referrers",
        ),
        Some(Reading::Failed) | None => Some(
            "it cannot be read now; mount it or grant access, or if it is gone for good, say so with flink-retention \
             referrers",
        ),
    }
}
