//! From which snapshot a job would be started, and whether it could be.

use jiff::Timestamp;
use retention::evidence::{HighAvailability, JobEvidence, JobManager};
use retention::inventory::{Inventory, Snapshot, SnapshotKind, Source};
use retention::layout::{JobDirectory, JobId};
use retention::location::Location;
use retention::reference::{DirectoryKey, Required};
use retention::restorable::Restorable;

use super::disagreement::disagreement;
use crate::api::amount::int64;
use crate::api::checkpoint_inventory::{
    EvidenceSource, LatestRestorable, SnapshotCounts, SnapshotKind as Kind,
};
use crate::api::quantity::count;
use crate::api::time::whole_seconds;

const SAMPLE: usize = 3;

/// What a scan says about the newest snapshot of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::operator) enum Verdict {
    /// Every file of it was seen.
    Verified {
        files: u64,
        /// A newer `_metadata` than the one that Flink names, which cannot be read: torn, or still being written.
        unreadable: Option<String>,
    },
    /// Files of it are missing or too short.
    Broken { why: String, missing: u64 },
    /// Its `_metadata` cannot be read.
    Unreadable { why: String },
    /// It lies, or names files, where this process cannot look.
    Unverified { why: String },
    /// There is none.
    NoSnapshot,
}

/// The newest snapshot of a job, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    /// The newest snapshot that can be restored; another one than the newest if that one is broken.
    pub(super) latest: Option<LatestRestorable>,
    /// Where those who name the newest snapshot disagree: which one Flink would use, and why.
    pub(super) disagreement: Option<String>,
    pub(super) counts: SnapshotCounts,
}

/// A completed snapshot that Flink itself names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedByFlink {
    pub(super) location: Location,
    pub(super) checkpoint_id: u64,
    pub(super) kind: Kind,
    pub(super) job_id: JobId,
    pub(super) completed: Option<Timestamp>,
    pub(super) bytes: Option<u64>,
    pub(super) source: EvidenceSource,
}

/// The newest completed snapshot by Flink's own word: of its high-availability store, from which it would itself
/// recover, else of the `JobManager`.
pub(super) fn named_by_flink(job: &JobEvidence) -> Option<NamedByFlink> {
    let by_map = match &job.high_availability {
        HighAvailability::Map(map) => map.latest(),
        HighAvailability::NotConfigured
        | HighAvailability::NoMap { .. }
        | HighAvailability::Unreadable { .. }
        | HighAvailability::Unsupported { .. } => None,
    };
    if let Some(entry) = by_map {
        let checkpoint = &entry.checkpoint;
        let stored = checkpoint.references.iter().map(|reference| {
            let Required(bytes) = reference.required;
            bytes
        });
        return Some(NamedByFlink {
            location: checkpoint.pointer.clone()?,
            checkpoint_id: entry.checkpoint_id,
            kind: kind_of(checkpoint.pointer.as_ref()?),
            job_id: checkpoint.job_id,
            completed: Some(checkpoint.completed),
            bytes: Some(stored.fold(checkpoint.inline_bytes, u64::saturating_add)),
            source: EvidenceSource::HA,
        });
    }
    let JobManager::Answered(rest) = &job.job_manager else {
        return None;
    };
    let newest = rest.latest_completed()?;
    Some(NamedByFlink {
        location: newest.external_path.clone()?,
        checkpoint_id: newest.id,
        kind: if newest.is_savepoint {
            Kind::Savepoint
        } else {
            Kind::Checkpoint
        },
        job_id: rest.job_id,
        completed: newest.latest_ack,
        bytes: None,
        source: EvidenceSource::REST,
    })
}

impl NamedByFlink {
    /// Not verified: nobody has looked at its files.
    pub(super) fn unverified(&self) -> LatestRestorable {
        LatestRestorable {
            path: LatestRestorable::path(self.location.to_string()),
            kind: self.kind,
            checkpoint_id: i64::try_from(self.checkpoint_id).ok(),
            job_id: Some(self.job_id.to_string()),
            completion_time: self.completed.map(whole_seconds),
            bytes: self.bytes.map(int64),
            format_version: None,
            source: self.source,
            verified_time: None,
        }
    }
}

/// Judges the snapshots of a job that a scan found.
pub(super) fn judge(job: &JobEvidence, inventory: &Inventory, verified: Timestamp) -> Judged {
    let mut stored: Vec<(&Snapshot, Restorable)> = inventory
        .snapshots
        .iter()
        .filter(|snapshot| {
            snapshot.source == Source::Metadata && belongs(snapshot.job(), &snapshot.location, job)
        })
        .map(|snapshot| (snapshot, Restorable::of(snapshot, inventory)))
        .collect();
    stored.sort_by_key(|(snapshot, _)| {
        std::cmp::Reverse((snapshot.completed, snapshot.checkpoint_id))
    });
    let named = named_by_flink(job);
    let by_name = named.as_ref().and_then(|named| {
        let key = DirectoryKey::of(named.location.path());
        stored
            .iter()
            .find(|(snapshot, _)| snapshot.directory_key() == key)
    });
    let unreadable = unreadable(job, inventory);
    let named_unreadable = named.as_ref().and_then(|named| {
        let key = DirectoryKey::of(named.location.path());
        let mut torn = unreadable.iter();
        torn.find(|(_, location)| DirectoryKey::of(location.path()) == key)
    });
    let newer_than = |completed: Timestamp| {
        let newest = unreadable.first();
        newest.filter(|(modified, _)| modified.is_some_and(|modified| modified > completed))
    };
    let verdict = match (by_name, &named, stored.first()) {
        // What Flink names is what it would start from: a newer one may still be in the making.
        (Some((snapshot, restorable)), _, _) => {
            let newer = newer_than(snapshot.completed);
            verdict(
                snapshot,
                restorable,
                newer.map(|torn| cannot_be_read(inventory, torn)),
            )
        }
        (None, Some(named), _) => match named_unreadable {
            Some(torn) => Verdict::Unreadable {
                why: cannot_be_read(inventory, torn),
            },
            None => Verdict::Unverified {
                why: format!("{} was not seen by the scan", named.location),
            },
        },
        (None, None, Some((snapshot, restorable))) => match newer_than(snapshot.completed) {
            Some(torn) => Verdict::Unreadable {
                why: cannot_be_read(inventory, torn),
            },
            None => verdict(snapshot, restorable, None),
        },
        (None, None, None) => match unreadable.first() {
            Some(torn) => Verdict::Unreadable {
                why: cannot_be_read(inventory, torn),
            },
            None => Verdict::NoSnapshot,
        },
    };
    let source = match &named {
        Some(named) => named.source,
        None => EvidenceSource::Storage,
    };
    let whole = |(_, restorable): &&(&Snapshot, Restorable)| restorable.is_yes();
    let latest = match by_name.filter(whole) {
        Some((snapshot, restorable)) => Some(described(
            snapshot,
            restorable,
            source,
            named.as_ref(),
            verified,
        )),
        None => stored.iter().find(whole).map(|(snapshot, restorable)| {
            described(
                snapshot,
                restorable,
                EvidenceSource::Storage,
                None,
                verified,
            )
        }),
    };
    let newest = stored.iter().find(whole).map(|(snapshot, _)| *snapshot);
    Judged {
        verdict,
        latest,
        disagreement: disagreement(job, newest),
        counts: counts(&stored, &unreadable),
    }
}

/// When it was written, and the directory that it would describe.
type Torn = (Option<Timestamp>, Location);

/// Every `_metadata` of a job that cannot be read, newest first.
fn unreadable(job: &JobEvidence, inventory: &Inventory) -> Vec<Torn> {
    let mut torn: Vec<Torn> = inventory
        .unreadable()
        .filter(|(file, location)| belongs(file.placement.job.as_deref(), location, job))
        .map(|(file, location)| (file.modified, location))
        .collect();
    torn.sort_by(|one, other| other.cmp(one));
    torn
}

fn cannot_be_read(inventory: &Inventory, (_, location): &Torn) -> String {
    format!(
        "the newest snapshot {location} is unreadable: {}",
        inventory.why_unreadable(location)
    )
}

/// Of a directory of one of the job's ids, or a savepoint that begins with one of them.
fn belongs(directory: Option<&JobDirectory>, location: &Location, job: &JobEvidence) -> bool {
    if let Some(id) = directory.and_then(|directory| directory.job_id) {
        return job.claims(id).is_some();
    }
    let former = job.lineage.entries.iter().map(|entry| entry.job_id);
    let mut prefixes = job
        .current
        .into_iter()
        .chain(former)
        .map(|id| format!("savepoint-{}-", id.savepoint_prefix()));
    prefixes.any(|prefix| location.name().starts_with(&prefix))
}

fn verdict(snapshot: &Snapshot, restorable: &Restorable, unreadable: Option<String>) -> Verdict {
    match restorable {
        Restorable::Yes { files, bytes: _ } => Verdict::Verified {
            files: *files,
            unreadable,
        },
        Restorable::No { missing, sample } => {
            let named: Vec<String> = sample
                .iter()
                .take(SAMPLE)
                .map(|missing| missing.location.to_string())
                .collect();
            Verdict::Broken {
                why: format!(
                    "{} of {} {} missing or too short, such as {}",
                    count(*missing, "file", "files"),
                    snapshot.location,
                    if *missing == 1 { "is" } else { "are" },
                    named.join(", ")
                ),
                missing: *missing,
            }
        }
        Restorable::Unverified { files, sample } => {
            let named: Vec<String> = sample
                .iter()
                .take(SAMPLE)
                .map(ToString::to_string)
                .collect();
            Verdict::Unverified {
                why: format!(
                    "{} of {} cannot be looked at from here (their directory is gone, or its volume is not mounted), such as {}",
                    count(*files, "file", "files"),
                    snapshot.location,
                    named.join(", ")
                ),
            }
        }
    }
}

fn described(
    snapshot: &Snapshot,
    restorable: &Restorable,
    source: EvidenceSource,
    named: Option<&NamedByFlink>,
    verified: Timestamp,
) -> LatestRestorable {
    let bytes = match restorable {
        Restorable::Yes { files: _, bytes } => Some(*bytes),
        Restorable::No { .. } | Restorable::Unverified { .. } => None,
    };
    let completed = named
        .and_then(|named| named.completed)
        .unwrap_or(snapshot.completed);
    LatestRestorable {
        path: LatestRestorable::path(snapshot.location.to_string()),
        kind: match snapshot.kind {
            SnapshotKind::Checkpoint => Kind::Checkpoint,
            SnapshotKind::Savepoint => Kind::Savepoint,
        },
        checkpoint_id: i64::try_from(snapshot.checkpoint_id).ok(),
        job_id: snapshot
            .job()
            .and_then(|directory| directory.job_id)
            .map(|id| id.to_string()),
        completion_time: Some(whole_seconds(completed)),
        bytes: bytes.map(int64),
        format_version: i32::try_from(snapshot.format_version).ok(),
        source,
        verified_time: Some(whole_seconds(verified)),
    }
}

fn counts(stored: &[(&Snapshot, Restorable)], unreadable: &[Torn]) -> SnapshotCounts {
    let number = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    let counted = |wanted: &dyn Fn(&Snapshot, &Restorable) -> bool| {
        stored
            .iter()
            .filter(|(snapshot, restorable)| wanted(snapshot, restorable))
            .count()
    };
    let torn = |kind: Kind| {
        let of_kind = |(_, location): &&Torn| kind_of(location) == kind;
        unreadable.iter().filter(of_kind).count()
    };
    let checkpoints = counted(&|snapshot, _| snapshot.kind == SnapshotKind::Checkpoint);
    let savepoints = counted(&|snapshot, _| snapshot.kind == SnapshotKind::Savepoint);
    let not_restorable = counted(&|_, restorable| !restorable.is_yes());
    SnapshotCounts {
        checkpoints: number(checkpoints.saturating_add(torn(Kind::Checkpoint))),
        savepoints: number(savepoints.saturating_add(torn(Kind::Savepoint))),
        not_restorable: number(not_restorable.saturating_add(unreadable.len())),
    }
}

fn kind_of(pointer: &Location) -> Kind {
    if pointer.name().starts_with("savepoint-") {
        Kind::Savepoint
    } else {
        Kind::Checkpoint
    }
}

#[cfg(test)]
mod tests;
