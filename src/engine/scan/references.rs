use super::gaps::{Surroundings, expected_in, unreachable};
use crate::engine::{MetadataCache, Progress, Stores};
use futures::stream::{self, StreamExt};
use retention::evidence::{Evidence, Gap, HaEntry, HighAvailability};
use retention::inventory::{
    Base, BaseId, Inventory, Listing, Reading, Snapshot, SnapshotKind, SnapshotPlace, Source,
};
use retention::layout::{self, FileKind, JobId, Placement};
use retention::location::Location;
use retention::reference::{ParsedSnapshot, Reference, deduplicate};
use std::collections::BTreeSet;
use std::sync::Arc;
use storage::{Descend, Entry, EntryKind, Key, Storage, StorageError, Walk};
use tokio_util::sync::CancellationToken;

/// The largest `_metadata` that is read: beyond it a file is unreadable, and protects.
const METADATA_LIMIT: u64 = 512 * 1024 * 1024;
const READS_AT_ONCE: usize = 16;
/// How often a base is listed at most while directories go away in it.
const LISTINGS: u32 = 3;
pub(super) const TOLD_TO_STOP: &str = "the run was told to stop";

/// What a reference scan needs.
#[derive(Clone, Copy, Debug)]
pub struct ReferenceScan<'a> {
    pub stores: &'a Stores,
    pub cache: &'a MetadataCache,
    pub progress: &'a dyn Progress,
    /// Ends the scan early: what was not read by then is a gap.
    pub cancel: &'a CancellationToken,
}

/// Reads every snapshot in every directory that a known job uses, policy or not, and those of high-availability data.
///
/// `bases` come first in the inventory, in their order; further bases of the evidence follow, and those that are only
/// `remembered`. What cannot be read becomes a gap.
pub async fn read_references(
    scan: ReferenceScan<'_>,
    bases: &[Location],
    remembered: &[Location],
    evidence: &Evidence,
) -> Inventory {
    let mut inventory = Inventory::default();
    let all = with_others(bases, remembered, evidence);
    for location in &all {
        add_base(scan, &mut inventory, location, &all, evidence).await;
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
    let all = with_others(&known, &[], evidence);
    for location in all.iter().skip(known.len()) {
        add_base(scan, inventory, location, &all, evidence).await;
    }
}

/// Reads `_metadata` files that the reference scan did not see and the listing of files did: written in between, as a
/// rule. One that cannot be read is a gap.
pub(super) async fn add_late(
    scan: ReferenceScan<'_>,
    inventory: &mut Inventory,
    base: BaseId,
    entries: Vec<Entry>,
    evidence: &Evidence,
) {
    let Some(location) = inventory.base(base).map(|base| base.location.clone()) else {
        return;
    };
    let Some((storage, root)) = scan.stores.resolve(&location) else {
        return;
    };
    let read = read_all(scan, base, &location, (storage.as_ref(), &root), entries).await;
    let gaps = gaps(&location, evidence, &read);
    if let Some(base) = inventory.bases.get_mut(base.0) {
        base.reading = with_late(base.reading, reading(&gaps, &read));
    }
    inventory.gaps.extend(gaps);
    for found in read {
        add(inventory, found);
    }
}

/// What is known of a base after more of its snapshots were read.
fn with_late(before: Reading, late: Reading) -> Reading {
    match (before, late) {
        (Reading::Failed, _) | (_, Reading::Failed) => Reading::Failed,
        (Reading::Partly, _) | (_, Reading::Partly) => Reading::Partly,
        (Reading::ButTorn, _) | (_, Reading::ButTorn) => Reading::ButTorn,
        (Reading::Whole | Reading::Bare, Reading::Whole | Reading::Bare) => Reading::Whole,
    }
}

/// How much of a base was read, by what could not be.
fn reading(gaps: &[Gap], read: &[Found]) -> Reading {
    let torn = read.iter().filter(|found| match found {
        Found::Unreadable { torn, .. } => *torn,
        Found::Snapshot { .. } => false,
    });
    match gaps.len() {
        0 => Reading::Whole,
        count if count == torn.count() => Reading::ButTorn,
        _ => Reading::Partly,
    }
}

async fn add_base(
    scan: ReferenceScan<'_>,
    inventory: &mut Inventory,
    location: &Location,
    all: &[Location],
    evidence: &Evidence,
) {
    let base = BaseId(inventory.bases.len());
    let read = read_base(scan, base, location, all, evidence);
    let read = scan.cancel.run_until_cancelled(read).await;
    let read = read.unwrap_or_else(|| Err(unreachable(location, TOLD_TO_STOP.to_owned())));
    let reading = match read {
        Ok((reading, gaps, read)) => {
            inventory.gaps.extend(gaps);
            for found in read {
                add(inventory, found);
            }
            reading
        }
        Err(gap) => {
            inventory.gaps.push(gap);
            Reading::Failed
        }
    };
    inventory.bases.push(Base {
        location: location.clone(),
        reading,
        listing: Listing::NotAsked,
    });
}

/// The given bases, then those of the evidence and of earlier runs that no walk of the others would enter, then
/// checkpoints that a resource names elsewhere. (Savepoints name no file of others, so one that is out of reach is no
/// gap.)
fn with_others(bases: &[Location], remembered: &[Location], evidence: &Evidence) -> Vec<Location> {
    let mut all: Vec<Location> = bases.to_vec();
    let checkpoints = evidence
        .roots
        .iter()
        .filter_map(|root| root.location.as_ref())
        .filter(|location| !layout::is_savepoint_directory(location.name()));
    let others = evidence.bases().chain(checkpoints).chain(remembered);
    let mut others: Vec<&Location> = others.collect();
    others.sort_by_key(|location| location.path().len());
    for other in others {
        if !all.iter().any(|base| is_read_with(base, other)) {
            all.push(other.clone());
        }
    }
    all
}

fn is_read_with(base: &Location, other: &Location) -> bool {
    let relative = other.relative_to(base);
    relative.is_some_and(|relative| !layout::is_among_data_files(relative))
}

enum Found {
    Snapshot {
        place: SnapshotPlace,
        location: Location,
        parsed: Arc<ParsedSnapshot>,
    },
    Unreadable {
        metadata: Location,
        why: String,
        /// It ends early, and will never be read by anybody.
        torn: bool,
    },
}

async fn read_base(
    scan: ReferenceScan<'_>,
    base: BaseId,
    location: &Location,
    all: &[Location],
    evidence: &Evidence,
) -> Result<(Reading, Vec<Gap>, Vec<Found>), Gap> {
    let Some((storage, root)) = scan.stores.resolve(location) else {
        return Err(unreachable(
            location,
            "it cannot be reached from here; mount it, or grant access".to_owned(),
        ));
    };
    let inner = inner_bases(location, &root, all);
    let expected = expected_in(location, all, evidence);
    let unsettled = |listed: &ListedMetadata| {
        !listed.vanished.is_empty() || (listed.metadata.is_empty() && expected.is_some())
    };
    let listed = match list_again(storage.as_ref(), &root, &inner, unsettled).await {
        Ok(listed) => listed,
        // A job that has not written yet has no directory yet, and a directory that is gone holds nothing.
        Err(error) if error.is_not_found() && is_absent(storage.as_ref(), &root).await => {
            ListedMetadata::default()
        }
        Err(error) => return Err(unreachable(location, error.to_string())),
    };
    if listed.metadata.is_empty()
        && let Some(expected) = expected
    {
        let why = format!("no snapshot is in it, but {expected}; is the volume mounted?");
        return Err(unreachable(location, why));
    }
    let at = (storage.as_ref(), &root);
    let is_bare = listed.metadata.is_empty() && !listed.written;
    let read = read_all(scan, base, location, at, listed.metadata).await;
    let mut gaps = gaps(location, evidence, &read);
    let named = named_outside(location, &read);
    let surroundings = Surroundings {
        base: location,
        evidence,
        named: &named,
    };
    let places = |keys: &[Key]| -> Vec<Location> {
        keys.iter()
            .filter_map(|key| Some(location.join(key.relative_to(&root)?.as_str())))
            .collect()
    };
    gaps.extend(surroundings.behind_links(&places(&listed.hidden)));
    gaps.extend(surroundings.vanished(&places(&listed.vanished)));
    let reading = if is_bare {
        Reading::Bare
    } else {
        reading(&gaps, &read)
    };
    Ok((reading, gaps, read))
}

async fn read_all(
    scan: ReferenceScan<'_>,
    base: BaseId,
    location: &Location,
    (storage, root): (&dyn Storage, &Key),
    entries: Vec<Entry>,
) -> Vec<Found> {
    stream::iter(entries)
        .map(|entry| read_one(scan, base, location, storage, root, entry))
        .buffer_unordered(READS_AT_ONCE)
        .filter_map(|found| async move { found })
        .collect()
        .await
}

fn gaps(base: &Location, evidence: &Evidence, read: &[Found]) -> Vec<Gap> {
    let unreadable = |found: &Found| match found {
        Found::Unreadable { metadata, why, .. } => Some((metadata.clone(), why.clone())),
        Found::Snapshot { .. } => None,
    };
    let unreadable: Vec<(Location, String)> = read.iter().filter_map(unreadable).collect();
    if unreadable.is_empty() {
        return Vec::new();
    }
    let named = named_outside(base, read);
    let surroundings = Surroundings {
        base,
        evidence,
        named: &named,
    };
    unreadable
        .into_iter()
        .map(|(metadata, why)| surroundings.unreadable_snapshot(&metadata, why))
        .collect()
}

/// The directories outside of a base that snapshots in it name, and whose snapshots those are.
fn named_outside(base: &Location, read: &[Found]) -> BTreeSet<(Option<JobId>, Location)> {
    let mut named = BTreeSet::new();
    for found in read {
        let Found::Snapshot { place, parsed, .. } = found else {
            continue;
        };
        let job = place.placement.job.as_ref().and_then(|job| job.job_id);
        let outside = parsed
            .directories()
            .iter()
            .filter(|directory| directory.relative_to(base).is_none());
        named.extend(outside.map(|directory| (job, directory.clone())));
    }
    named
}

/// The keys of the bases that lie in another one: they are read as bases of their own.
pub(super) fn inner_bases(base: &Location, root: &Key, all: &[Location]) -> BTreeSet<Key> {
    all.iter()
        .filter_map(|other| Key::parse(other.relative_to(base)?).ok())
        .filter(|relative| !relative.is_root())
        .map(|relative| root.join_key(&relative))
        .collect()
}

async fn is_absent(storage: &dyn Storage, key: &Key) -> bool {
    matches!(storage.stat(key).await, Ok(None))
}

#[derive(Default)]
struct ListedMetadata {
    /// Every entry that is named `_metadata`, outside the directories that hold data files only.
    metadata: Vec<Entry>,
    /// The links and unnameable entries behind which more of them may be.
    hidden: Vec<Key>,
    /// Flink has written there: job directories, savepoints. A journal of ours says nothing: it may have been written while
    /// the volume was not mounted.
    written: bool,
    /// The directories that went away, but for those of checkpoints: Flink removes these all the time.
    vanished: Vec<Key>,
}

/// Lists anew while directories go away, so that what is moved meanwhile is seen in its new place, and a checkpoint that
/// replaces the only other one too.
async fn list_again(
    storage: &dyn Storage,
    root: &Key,
    inner: &BTreeSet<Key>,
    unsettled: impl Fn(&ListedMetadata) -> bool,
) -> Result<ListedMetadata, StorageError> {
    let mut listed = list_metadata(storage, root, inner).await?;
    for _ in 1..LISTINGS {
        if !unsettled(&listed) {
            break;
        }
        listed = list_metadata(storage, root, inner).await?;
    }
    Ok(listed)
}

async fn list_metadata(
    storage: &dyn Storage,
    root: &Key,
    inner: &BTreeSet<Key>,
) -> Result<ListedMetadata, StorageError> {
    let mut found = ListedMetadata::default();
    let walk = Walk::new(storage, root.clone())
        .run(|entry| {
            found.written |= entry.key.file_name().is_some_and(is_written);
            if entry.key.file_name() == Some(layout::METADATA_FILE) {
                found.metadata.push(entry);
                return Descend::Yes;
            }
            if holds_no_metadata(root, &entry.key) || inner.contains(&entry.key) {
                return Descend::No;
            }
            match entry.kind {
                EntryKind::Symlink | EntryKind::Other => found.hidden.push(entry.key),
                EntryKind::File | EntryKind::Directory => {}
            }
            Descend::Yes
        })
        .await?;
    let of_checkpoint = |key: &Key| key.file_name().and_then(layout::checkpoint_id).is_some();
    found.vanished = walk.vanished;
    found.vanished.retain(|key| !of_checkpoint(key));
    Ok(found)
}

pub(super) fn holds_no_metadata(root: &Key, directory: &Key) -> bool {
    let relative = directory.relative_to(root);
    relative.is_some_and(|relative| layout::holds_data_files_only(relative.as_str()))
}

fn is_written(name: &str) -> bool {
    name == layout::TASK_OWNED_DIRECTORY
        || name.parse::<JobId>().is_ok()
        || layout::is_savepoint_directory(name)
        || layout::checkpoint_id(name).is_some()
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
    let metadata = location.clone();
    let unreadable = |why: String| {
        Some(Found::Unreadable {
            metadata,
            why,
            torn: false,
        })
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
            Err(error) => {
                return Some(Found::Unreadable {
                    metadata: location,
                    why: error.to_string(),
                    torn: error.is_torn(),
                });
            }
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
        Found::Unreadable {
            metadata,
            why: _,
            torn,
        } => {
            inventory.torn.extend(torn.then_some(metadata));
            return;
        }
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
    // One without a file of its own is where its files are: it keeps them all the same.
    let home = checkpoint.references.first();
    let home = home.map(|reference| reference.location.parent());
    let Some(location) = checkpoint.pointer.clone().or(home) else {
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
        location,
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
