use crate::engine::{MetadataCache, Progress, Stores};
use futures::stream::{self, StreamExt};
use retention::evidence::{Evidence, Gap, HaEntry, HighAvailability, Radius};
use retention::guard::Guard;
use retention::inventory::{
    Base, BaseId, Inventory, Listing, Snapshot, SnapshotKind, SnapshotPlace, Source,
};
use retention::layout::{self, FileKind, Placement};
use retention::location::Location;
use retention::reference::{ParsedSnapshot, Reference, deduplicate};
use std::sync::Arc;
use storage::{Descend, Entry, EntryKind, Key, Storage, StorageError, Walk};

/// The largest `_metadata` that is read: beyond it a file is unreadable, and protects.
const METADATA_LIMIT: u64 = 512 * 1024 * 1024;
const READS_AT_ONCE: usize = 16;

/// What a reference scan needs.
#[derive(Clone, Copy, Debug)]
pub struct ReferenceScan<'a> {
    pub stores: &'a Stores,
    pub cache: &'a MetadataCache,
    pub progress: &'a dyn Progress,
}

/// Reads every snapshot in every directory that a known job uses, policy or not, and those of high-availability data.
///
/// `bases` come first in the inventory, in their order; further bases of the evidence follow. What cannot be read
/// becomes a gap.
pub async fn read_references(
    scan: ReferenceScan<'_>,
    bases: &[Location],
    evidence: &Evidence,
) -> Inventory {
    let mut inventory = Inventory::default();
    for location in with_others(bases, evidence) {
        add_base(scan, &mut inventory, location).await;
    }
    add_high_availability(&mut inventory, evidence);
    inventory
}

/// Adds what the high-availability data of the evidence names.
pub fn add_high_availability(inventory: &mut Inventory, evidence: &Evidence) {
    for job in &evidence.jobs {
        if let HighAvailability::Map(map) = &job.high_availability {
            for entry in &map.entries {
                add_entry(inventory, entry);
            }
        }
    }
}

/// Reads the bases of the evidence that the inventory does not have yet: a resource has appeared in between.
pub async fn add_new_bases(
    scan: ReferenceScan<'_>,
    inventory: &mut Inventory,
    evidence: &Evidence,
) {
    let known: Vec<Location> = inventory
        .bases
        .iter()
        .map(|base| base.location.clone())
        .collect();
    for location in with_others(&known, evidence).into_iter().skip(known.len()) {
        add_base(scan, inventory, location).await;
    }
}

async fn add_base(scan: ReferenceScan<'_>, inventory: &mut Inventory, location: Location) {
    let base = BaseId(inventory.bases.len());
    match read_base(scan, base, &location).await {
        Ok(found) => found.into_iter().for_each(|found| add(inventory, found)),
        Err(gap) => inventory.gaps.push(gap),
    }
    inventory.bases.push(Base {
        location,
        listing: Listing::NotAsked,
    });
}

/// The given bases, then those of the evidence that lie in none of them.
fn with_others(bases: &[Location], evidence: &Evidence) -> Vec<Location> {
    let mut all: Vec<Location> = bases.to_vec();
    let mut others: Vec<&Location> = evidence.bases().collect();
    others.sort_by_key(|location| location.path().len());
    for other in others {
        if !all.iter().any(|base| other.relative_to(base).is_some()) {
            all.push(other.clone());
        }
    }
    all
}

enum Found {
    Snapshot {
        place: SnapshotPlace,
        location: Location,
        parsed: Arc<ParsedSnapshot>,
    },
    Unreadable(Gap),
}

async fn read_base(
    scan: ReferenceScan<'_>,
    base: BaseId,
    location: &Location,
) -> Result<Vec<Found>, Gap> {
    let Some((storage, root)) = scan.stores.resolve(location) else {
        return Err(unreachable(
            location,
            "it cannot be reached from here; mount it, or grant access".to_owned(),
        ));
    };
    let (listed, hidden) = match list_metadata(storage.as_ref(), &root).await {
        Ok(listed) => listed,
        // A job that has not written yet has no directory yet, and a directory that is gone holds nothing.
        Err(error) if error.is_not_found() && is_absent(storage.as_ref(), &root).await => {
            Default::default()
        }
        Err(error) => return Err(unreachable(location, error.to_string())),
    };
    let storage = &storage;
    let root = &root;
    let mut found: Vec<Found> =
        stream::iter(listed)
            .map(|entry| async move {
                read_one(scan, base, location, storage.as_ref(), root, entry).await
            })
            .buffer_unordered(READS_AT_ONCE)
            .filter_map(|found| async move { found })
            .collect()
            .await;
    found.extend(
        hidden
            .iter()
            .map(|entry| Found::Unreadable(behind_a_link(location, root, entry))),
    );
    Ok(found)
}

async fn is_absent(storage: &dyn Storage, key: &Key) -> bool {
    matches!(storage.stat(key).await, Ok(None))
}

/// Every entry that is named `_metadata`, outside the directories that hold data files only; and the links and
/// unnameable entries behind which more of them may be.
async fn list_metadata(
    storage: &dyn Storage,
    root: &Key,
) -> Result<(Vec<Entry>, Vec<Entry>), StorageError> {
    let (mut listed, mut hidden) = (Vec::new(), Vec::new());
    let root_of_walk = root.clone();
    Walk::new(storage, root.clone())
        .run(|entry| {
            let name = entry.key.file_name().unwrap_or_default().to_owned();
            if name == layout::METADATA_FILE {
                listed.push(entry);
                return Descend::Yes;
            }
            let in_job_directory = entry.key.relative_to(&root_of_walk).is_some_and(|path| {
                let mut segments = path.segments().rev().skip(1);
                segments
                    .next()
                    .is_none_or(|parent| parent.parse::<layout::JobId>().is_ok())
            });
            let data_only = match name.as_str() {
                layout::JOURNAL_DIRECTORY => true,
                layout::SHARED_DIRECTORY
                | layout::TASK_OWNED_DIRECTORY
                | layout::CHANGELOG_DIRECTORY => in_job_directory,
                _ => false,
            };
            match entry.kind {
                EntryKind::Symlink | EntryKind::Other if !data_only => hidden.push(entry),
                EntryKind::Symlink | EntryKind::Other | EntryKind::File | EntryKind::Directory => {}
            }
            if data_only { Descend::No } else { Descend::Yes }
        })
        .await?;
    Ok((listed, hidden))
}

async fn read_one(
    scan: ReferenceScan<'_>,
    base: BaseId,
    base_location: &Location,
    storage: &dyn Storage,
    root: &Key,
    entry: Entry,
) -> Option<Found> {
    let relative = entry.key.relative_to(root)?;
    let location = base_location.join(relative.as_str());
    let directory = location.parent();
    let unreadable = |why: String| {
        Some(Found::Unreadable(unreadable_snapshot(
            base_location,
            &location,
            why,
        )))
    };
    match entry.kind {
        EntryKind::File => {}
        EntryKind::Directory => return None,
        EntryKind::Symlink | EntryKind::Other => {
            return unreadable(
                "it is no regular file, and links are not followed; replace it by the file"
                    .to_owned(),
            );
        }
    }
    let cached = scan.cache.get(&location, &entry.version);
    let (parsed, version) = if let Some(parsed) = cached {
        (parsed, entry.version)
    } else {
        let contents = match storage.read(&entry.key, METADATA_LIMIT).await {
            Ok(contents) => contents,
            // Listed, and gone: Flink has subsumed it.
            Err(error) if error.is_not_found() && is_absent(storage, &entry.key).await => {
                return None;
            }
            Err(error) => return unreadable(error.to_string()),
        };
        let parsed = match ParsedSnapshot::read(
            &contents.bytes,
            &directory,
            &scan.stores.origin_of(base_location),
        ) {
            Ok(parsed) => Arc::new(parsed),
            Err(error) => return unreadable(error.to_string()),
        };
        scan.cache
            .insert(location, contents.version.clone(), Arc::clone(&parsed));
        (parsed, contents.version)
    };
    scan.progress.advance(1);
    Some(Found::Snapshot {
        place: SnapshotPlace {
            base,
            metadata_path: relative.as_str().into(),
            placement: placement(relative.as_str(), &parsed),
            metadata_size: version.size,
            modified: version.modified,
        },
        location: directory,
        parsed,
    })
}

/// Where Flink's layout puts it; a snapshot in a directory of any other name is a savepoint that somebody copied.
fn placement(relative: &str, parsed: &ParsedSnapshot) -> Placement {
    let placement = layout::place(relative);
    match (placement.kind, parsed.kind) {
        (FileKind::CheckpointMetadata | FileKind::SavepointMetadata, _) => placement,
        _ => Placement {
            kind: FileKind::SavepointMetadata,
            ..placement
        },
    }
}

fn add(inventory: &mut Inventory, found: Found) {
    let (place, location, parsed) = match found {
        Found::Unreadable(gap) => return inventory.gaps.push(gap),
        Found::Snapshot {
            place,
            location,
            parsed,
        } => (place, location, parsed),
    };
    let references = parsed.insert_into(&mut inventory.references);
    let by_place = match place.placement.kind {
        FileKind::CheckpointMetadata => SnapshotKind::Checkpoint,
        _ => SnapshotKind::Savepoint,
    };
    inventory.snapshots.push(Snapshot {
        source: Source::Metadata,
        location,
        kind: match (by_place, parsed.kind) {
            // Where place and contents disagree, the more protected word holds.
            (SnapshotKind::Savepoint, _) | (_, Some(SnapshotKind::Savepoint)) => {
                SnapshotKind::Savepoint
            }
            (SnapshotKind::Checkpoint, Some(SnapshotKind::Checkpoint) | None) => {
                SnapshotKind::Checkpoint
            }
        },
        checkpoint_id: parsed.checkpoint_id,
        format_version: parsed.format_version,
        completed: place.modified.unwrap_or(jiff::Timestamp::UNIX_EPOCH),
        place: Some(place),
        references,
        inline_bytes: parsed.inline_bytes,
        contents: parsed.contents,
    });
}

fn add_entry(inventory: &mut Inventory, entry: &HaEntry) {
    let checkpoint = &entry.checkpoint;
    let Some(pointer) = &checkpoint.pointer else {
        return;
    };
    let references = checkpoint.references.iter().map(|reference| Reference {
        file: inventory
            .references
            .insert(&reference.location.parent(), reference.location.name()),
        required: reference.required,
    });
    let references = deduplicate(references.collect());
    inventory.snapshots.push(Snapshot {
        source: Source::HighAvailability,
        location: pointer.clone(),
        kind: SnapshotKind::Checkpoint,
        checkpoint_id: entry.checkpoint_id,
        format_version: 0,
        place: None,
        completed: checkpoint.completed,
        references,
        inline_bytes: checkpoint.inline_bytes,
        contents: checkpoint.contents,
    });
}

/// An unreadable snapshot may name any file of its base, and of the job that it belongs to, in any base.
fn unreadable_snapshot(base: &Location, metadata: &Location, why: String) -> Gap {
    let relative = metadata.relative_to(base).unwrap_or_default();
    let job = layout::place(relative).job.and_then(|job| job.job_id);
    Gap {
        guard: Guard::UnreadableSnapshot,
        what: metadata.to_string(),
        why,
        radius: std::iter::once(Radius::Below(base.clone()))
            .chain(job.map(Radius::Job))
            .collect(),
    }
}

/// Links are not followed, so whatever snapshots lie behind one were not read.
fn behind_a_link(base: &Location, root: &Key, entry: &Entry) -> Gap {
    let relative = entry
        .key
        .relative_to(root)
        .unwrap_or_else(|| entry.key.clone());
    Gap {
        guard: Guard::MissingEvidence,
        what: base.join(relative.as_str()).to_string(),
        why: "it is a link or has a name that cannot be read, and snapshots behind it would not be seen; replace it \
              by a directory or a mount"
            .to_owned(),
        radius: vec![Radius::Below(base.clone())],
    }
}

/// A base that was never read may hold references into any other base of its store.
fn unreachable(location: &Location, why: String) -> Gap {
    Gap {
        guard: Guard::MissingEvidence,
        what: location.to_string(),
        why,
        radius: vec![
            Radius::Below(location.clone()),
            Radius::Store(location.store().clone()),
        ],
    }
}
