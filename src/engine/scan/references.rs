use super::gaps::{Surroundings, expected_in, unreachable, unseen_job};
use super::listing::{ListedMetadata, list_again};
use super::snapshots::{Found, SnapshotReader, Snapshots, is_absent};
use crate::engine::{MetadataCache, Progress, Stores};
use futures::stream::{self, StreamExt};
use retention::evidence::{Evidence, Gap, HaEntry, HighAvailability};
use retention::inventory::{
    Base, BaseId, Inventory, Listing, Reading, Snapshot, SnapshotKind, Source,
};
use retention::layout::{self, FileKind, JobId};
use retention::location::Location;
use retention::reference::{Reference, deduplicate};
use std::collections::BTreeSet;
use storage::{Entry, Key};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// How many are looked into at once.
const BASES_AT_ONCE: usize = 16;
/// How many are waited for at most, or wait to be added, while one before them hangs.
const BASES_AHEAD: usize = 64;
/// Of the snapshots of all of them together: each is in memory while it is parsed.
const READS_AT_ONCE: usize = 16;

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
    add_bases(scan, &mut inventory, &all, evidence).await;
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
    add_bases(scan, inventory, &all, evidence).await;
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
    let all: Vec<Location> = inventory
        .bases
        .iter()
        .map(|base| base.location.clone())
        .collect();
    let inner = inner_bases(&location, &root, &all);
    let reader = SnapshotReader {
        scan,
        reads: &Semaphore::new(READS_AT_ONCE),
        base,
        location: &location,
        storage: storage.as_ref(),
        root: &root,
        inner: &inner,
    };
    let of_base = inventory.stored().filter(|(_, place)| place.base == base);
    let known = of_base
        .filter_map(|(_, place)| Some(root.join_key(&Key::parse(&place.metadata_path).ok()?)));
    let known = known.collect();
    let listed = ListedMetadata {
        metadata: entries,
        ..ListedMetadata::default()
    };
    let (late, mut gaps, read) = match reader.read(listed, known).await {
        Ok(read) => settle(&reader, evidence, read),
        Err(error) => {
            let gap = unreachable(&location, evidence, error.to_string());
            (Reading::Failed, vec![gap], Vec::new())
        }
    };
    if let Some(base) = inventory.bases.get_mut(base.0) {
        base.reading = with_late(base.reading, late);
    }
    gaps.retain(|gap| !inventory.gaps.contains(gap));
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

/// Of all these bases, reads those that the inventory does not have yet. They are read side by side, so that one that
/// hangs holds up no other, and added in their order.
async fn add_bases(
    scan: ReferenceScan<'_>,
    inventory: &mut Inventory,
    all: &[Location],
    evidence: &Evidence,
) {
    let (places, reads) = (
        &Semaphore::new(BASES_AT_ONCE),
        &Semaphore::new(READS_AT_ONCE),
    );
    let bases = all.iter().enumerate().skip(inventory.bases.len());
    let read = bases.map(|(number, location)| async move {
        let read = async {
            let _place = places.acquire().await;
            read_base((scan, reads), BaseId(number), location, all, evidence).await
        };
        let read = scan.cancel.run_until_cancelled(read).await;
        let read =
            read.unwrap_or_else(|| Err(unreachable(location, evidence, TOLD_TO_STOP.to_owned())));
        (location, read)
    });
    let mut read = stream::iter(read).buffered(BASES_AHEAD);
    while let Some((location, read)) = read.next().await {
        add_base(inventory, location, read);
    }
}

fn add_base(
    inventory: &mut Inventory,
    location: &Location,
    read: Result<(Reading, Vec<Gap>, Vec<Found>), Gap>,
) {
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
        apart: Vec::new(),
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

async fn read_base(
    (scan, reads): (ReferenceScan<'_>, &Semaphore),
    base: BaseId,
    location: &Location,
    all: &[Location],
    evidence: &Evidence,
) -> Result<(Reading, Vec<Gap>, Vec<Found>), Gap> {
    let Some((storage, root)) = scan.stores.resolve(location) else {
        return Err(unreachable(
            location,
            evidence,
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
        Err(error) => return Err(unreachable(location, evidence, error.to_string())),
    };
    let is_bare = listed.metadata.is_empty() && !listed.written;
    let reader = SnapshotReader {
        scan,
        reads,
        base,
        location,
        storage: storage.as_ref(),
        root: &root,
        inner: &inner,
    };
    let read = reader.read(listed, BTreeSet::new()).await;
    let read = read.map_err(|error| unreachable(location, evidence, error.to_string()))?;
    if read.found.is_empty()
        && let Some(expected) = expected
    {
        let why = format!("no snapshot is in it, but {expected}; is the volume mounted?");
        return Err(unreachable(location, evidence, why));
    }
    let (reading, mut gaps, found) = settle(&reader, evidence, read);
    let homes = found.iter().map(home).collect();
    if let Some(gap) = unseen_job(location, all, evidence, &homes) {
        gaps.push(gap);
        // What is not found there is not known to be missing.
        return Ok((Reading::Failed, gaps, found));
    }
    Ok((if is_bare { Reading::Bare } else { reading }, gaps, found))
}

/// The directory of the job that has a snapshot.
fn home(found: &Found) -> Location {
    match found {
        Found::Unreadable { metadata, .. } => metadata.parent().parent(),
        Found::Snapshot { location, .. } => location.parent(),
    }
}

/// How much was read, what was not and what that protects, and what was.
fn settle(
    reader: &SnapshotReader<'_>,
    evidence: &Evidence,
    read: Snapshots,
) -> (Reading, Vec<Gap>, Vec<Found>) {
    let Snapshots {
        found,
        hidden,
        vanished,
        restless,
    } = read;
    let mut gaps = gaps(reader.location, evidence, &found);
    let named = named_outside(reader.location, &found);
    let surroundings = Surroundings {
        base: reader.location,
        evidence,
        named: &named,
    };
    let places = |keys: &BTreeSet<Key>| -> Vec<Location> {
        keys.iter()
            .filter_map(|key| Some(reader.location.join(key.relative_to(reader.root)?.as_str())))
            .collect()
    };
    gaps.extend(surroundings.behind_links(&places(&hidden)));
    gaps.extend(surroundings.vanished(&places(&vanished)));
    gaps.extend(surroundings.restless(&places(&restless)));
    (reading(&gaps, &found), gaps, found)
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
        let job = place.placement.job.as_deref().and_then(|job| job.job_id);
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
