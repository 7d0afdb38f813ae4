//! The snapshots of each job directory, newest first.

use std::collections::BTreeMap;

use jiff::Timestamp;
use retention::inventory::{BaseId, Inventory, Snapshot, SnapshotPlace};
use retention::layout::{JobDirectory, checkpoint_id};
use retention::location::Location;
use retention::restorable::Restorable;

/// A `_metadata` that was listed.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Stored<'i> {
    /// What Flink would be started from.
    pub(in crate::cli) location: Location,
    pub(in crate::cli) completed: Option<Timestamp>,
    /// None where it cannot be read.
    pub(in crate::cli) snapshot: Option<&'i Snapshot>,
}

/// Whose snapshots: a job directory, or a savepoint that lies in none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cli) enum Group {
    Job(JobDirectory),
    Savepoint(String),
}

/// Every snapshot of the inventory, readable or not, by group and newest first.
pub(in crate::cli) fn by_group(
    inventory: &Inventory,
) -> BTreeMap<(BaseId, Group), Vec<Stored<'_>>> {
    let mut groups: BTreeMap<(BaseId, Group), Vec<Stored<'_>>> = BTreeMap::new();
    for (snapshot, place) in inventory.stored() {
        let stored = Stored {
            location: snapshot.location.clone(),
            completed: place.modified,
            snapshot: Some(snapshot),
        };
        groups
            .entry((place.base, group(place)))
            .or_default()
            .push(stored);
    }
    for (file, location) in inventory.unreadable() {
        let group = match &file.placement.job {
            Some(job) => Group::Job(JobDirectory::clone(job)),
            None => Group::Savepoint(location.name().to_owned()),
        };
        groups.entry((file.base, group)).or_default().push(Stored {
            location,
            completed: file.modified,
            snapshot: None,
        });
    }
    for stored in groups.values_mut() {
        stored.sort_by_key(|stored| {
            let number = stored.snapshot.map(|snapshot| snapshot.checkpoint_id);
            std::cmp::Reverse((stored.completed, number, stored.location.clone()))
        });
    }
    groups
}

/// The newest snapshot of a group that Flink could start from.
pub(in crate::cli) fn newest_restorable<'s, 'i>(
    stored: &'s [Stored<'i>],
    inventory: &Inventory,
) -> Option<&'s Stored<'i>> {
    stored.iter().find(|stored| {
        stored
            .snapshot
            .is_some_and(|snapshot| Restorable::of(snapshot, inventory).is_yes())
    })
}

/// Of the checkpoints of a group the one with the newest time and the one with the highest number, where these are two: in
/// a copy times are those of the copying, and numbers begin anew where a job is started anew under its id.
pub(in crate::cli) fn disagreement<'s, 'i>(
    stored: &'s [Stored<'i>],
) -> Option<(&'s Stored<'i>, &'s Stored<'i>)> {
    let numbered = || {
        let checkpoints = stored.iter();
        checkpoints.filter_map(|stored| Some((checkpoint_id(stored.location.name())?, stored)))
    };
    let (last, by_time) = numbered().next()?;
    let (highest, by_number) = numbered().max_by_key(|(number, _)| *number)?;
    (highest > last).then_some((by_time, by_number))
}

fn group(place: &SnapshotPlace) -> Group {
    match (&place.placement.job, &place.placement.snapshot) {
        (Some(job), _) => Group::Job(JobDirectory::clone(job)),
        (None, Some(directory)) => Group::Savepoint(directory.path.clone()),
        (None, None) => Group::Savepoint(
            place
                .metadata_path
                .trim_end_matches("/_metadata")
                .to_owned(),
        ),
    }
}
