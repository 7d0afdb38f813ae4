use super::gaps::Surroundings;
use super::listing::holds_no_metadata;
use super::references::{ReferenceScan, TOLD_TO_STOP, add_late, inner_bases};
use crate::engine::Clock;
use crate::engine::journal::{Journal, OwnerId};
use futures::StreamExt;
use jiff::Timestamp;
use retention::evidence::Evidence;
use retention::inventory::{BaseId, Inventory, ListedFile, Listing};
use retention::layout::{self, FileKind, JobDirectory, Placement};
use retention::location::Location;
use retention::reference::FileName;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use storage::{Descend, Entry, EntryKind, Key, Storage, StorageError, Walk};

/// Where a journal has its epochs.
const OWNERS: &str = ".flink-retention/owner";

/// Lists every file of a base against the references that were read before, and records how the listing ended. Bases in
/// it are left out: they are bases of their own; and so are directories that `owner` prunes under their own names.
///
/// Memory grows with what nobody names, not with what is listed.
pub async fn list_files(
    scan: ReferenceScan<'_>,
    clock: &dyn Clock,
    inventory: &mut Inventory,
    base: BaseId,
    evidence: &Evidence,
    owner: Option<&OwnerId>,
) {
    let Some(location) = inventory.base(base).map(|base| base.location.clone()) else {
        return;
    };
    let (listing, late) = match scan.stores.resolve(&location) {
        None => {
            let why = "it cannot be reached from here; mount it, or grant access".to_owned();
            (Listing::Incomplete { why }, Vec::new())
        }
        Some((storage, root)) => {
            let above = journal_above(scan, &location, inventory).await;
            let apart = pruned_apart(&storage, &root, &location, evidence, owner).await;
            let (apart, by_others) = match apart {
                Ok(apart) => (apart, None),
                Err(why) => (Vec::new(), Some(why)),
            };
            if let Some(base) = inventory.bases.get_mut(base.0) {
                base.apart = apart.iter().map(|(_, apart)| apart.clone()).collect();
            }
            let mut lister = Lister::new(inventory, base, location.clone(), root.clone());
            lister.inner.extend(apart.into_iter().map(|(key, _)| key));
            let walk = Walk::new(storage.as_ref(), root).run(|entry| {
                scan.progress.advance(1);
                lister.visit(&entry)
            });
            let ended = scan.cancel.run_until_cancelled(walk).await;
            let listing = match ended {
                Some(Ok(_)) => {
                    let finished = clock.now();
                    let below = lister.journal_below(storage.as_ref()).await;
                    match above.or(by_others).or(below) {
                        Some(why) => Listing::Incomplete { why },
                        None => Listing::Complete { finished },
                    }
                }
                Some(Err(error)) => Listing::Incomplete {
                    why: error.to_string(),
                },
                None => Listing::Incomplete {
                    why: TOLD_TO_STOP.to_owned(),
                },
            };
            (listing, lister.end(evidence))
        }
    };
    if let Some(base) = inventory.bases.get_mut(base.0) {
        base.listing = listing;
    }
    if !late.is_empty() {
        add_late(scan, inventory, base, late, evidence).await;
        let known = metadata_paths(inventory, base);
        inventory
            .unreferenced
            .retain(|file| file.base != base || !known.contains(&*file.path));
    }
}

/// Whoever prunes a directory around this one judges the same files, and would not see that somebody else does.
/// Where nobody may look, nothing is known; bases that this run knows leave each other out.
async fn journal_above(
    scan: ReferenceScan<'_>,
    location: &Location,
    inventory: &Inventory,
) -> Option<String> {
    let mut location = location.clone();
    while location.parent() != location {
        location = location.parent();
        if inventory.bases.iter().any(|base| base.location == location) {
            continue;
        }
        let Some((storage, key)) = scan.stores.resolve(&location) else {
            continue;
        };
        match is_pruned(storage.as_ref(), &key).await {
            Ok(false) | Err(StorageError::PermissionDenied { .. }) => {}
            Ok(true) => {
                return Some(format!(
                    "it is part of {location}, which is pruned as a whole; name that directory, or remove the journal {} \
                     in it if nobody acts there any more",
                    layout::JOURNAL_DIRECTORY
                ));
            }
            Err(error) => return Some(error.to_string()),
        }
    }
    None
}

/// The directories in this one that jobs use and that we prune under their own names. What others prune is not ours to
/// leave out: whoever becomes the owner of a directory around theirs shuts them out.
async fn pruned_apart(
    storage: &Arc<dyn Storage>,
    root: &Key,
    location: &Location,
    evidence: &Evidence,
    owner: Option<&OwnerId>,
) -> Result<Vec<(Key, Location)>, String> {
    let mut apart = Vec::new();
    let bases: BTreeSet<&Location> = evidence.bases().collect();
    for base in bases {
        let relative = base.relative_to(location).map(Key::parse);
        let Some(Ok(relative)) = relative else {
            continue;
        };
        let key = root.join_key(&relative);
        if key == *root {
            continue;
        }
        let Some(journal) = Journal::of(Arc::clone(storage), &key, base) else {
            continue;
        };
        match journal.latest_epoch().await {
            Ok(None) => {}
            Ok(Some(epoch)) if Some(&epoch.owner) == owner => apart.push((key, base.clone())),
            Ok(Some(_)) => return Err(pruned_by_others(base)),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(apart)
}

fn pruned_by_others(directory: &Location) -> String {
    format!(
        "{directory} in it is pruned under its own name; name that directory, or remove the journal {} in it if nobody acts \
         there any more (or it is a copy)",
        layout::JOURNAL_DIRECTORY
    )
}

/// Whether somebody has ever owned the journal of this directory. A name alone says nothing.
async fn is_pruned(storage: &dyn Storage, directory: &Key) -> Result<bool, StorageError> {
    let Ok(owners) = Key::parse(OWNERS) else {
        return Ok(false);
    };
    let owners = directory.join_key(&owners);
    match storage.list_level(&owners).next().await {
        Some(Ok(_)) => Ok(true),
        None => Ok(false),
        Some(Err(error)) if error.is_not_found() => Ok(false),
        Some(Err(error)) => Err(error),
    }
}

fn metadata_paths(inventory: &Inventory, base: BaseId) -> BTreeSet<Box<str>> {
    inventory
        .stored()
        .filter(|(_, place)| place.base == base)
        .map(|(_, place)| place.metadata_path.clone())
        .collect()
}

struct Lister<'i> {
    inventory: &'i mut Inventory,
    base: BaseId,
    location: Location,
    root: Key,
    /// The directory that the last file was in, by its path in the base: the next file is most often its neighbour.
    directory: (Box<str>, Location),
    /// And where that one is placed.
    neighbour: Placement,
    /// The bases in this one.
    inner: BTreeSet<Key>,
    /// The `_metadata` files that are snapshots of the inventory.
    metadata: BTreeSet<Box<str>>,
    /// Those that the reference scan did not see.
    late: Vec<Entry>,
    /// Those of them that it never sees.
    among_data_files: Vec<Location>,
    /// The directories in this one that have a journal, and so may be bases of their own to somebody.
    journals_below: Vec<Key>,
    /// The directories of checkpoints in which nothing was seen so far, with their times.
    empty_checkpoints: BTreeMap<Box<str>, Option<Timestamp>>,
}

impl<'i> Lister<'i> {
    fn new(inventory: &'i mut Inventory, base: BaseId, location: Location, root: Key) -> Self {
        let all: Vec<Location> = inventory
            .bases
            .iter()
            .map(|base| base.location.clone())
            .collect();
        Self {
            inner: inner_bases(&location, &root, &all),
            metadata: metadata_paths(inventory, base),
            inventory,
            base,
            directory: (Box::from(""), location.clone()),
            neighbour: layout::place(""),
            location,
            root,
            late: Vec::new(),
            among_data_files: Vec::new(),
            journals_below: Vec::new(),
            empty_checkpoints: BTreeMap::new(),
        }
    }

    fn visit(&mut self, entry: &Entry) -> Descend {
        let Some(relative) = entry.key.relative_to(&self.root) else {
            return Descend::No;
        };
        if let Some((parent, _)) = relative.as_str().rsplit_once('/') {
            self.empty_checkpoints.remove(parent);
        }
        if entry.kind == EntryKind::Directory {
            if layout::place_checkpoint_directory(relative.as_str()).is_some() {
                let path = relative.as_str().into();
                self.empty_checkpoints.insert(path, entry.version.modified);
            }
            let journal = entry.key.file_name() == Some(layout::JOURNAL_DIRECTORY);
            if journal && relative.as_str() != layout::JOURNAL_DIRECTORY {
                self.journals_below.extend(entry.key.parent());
            }
            let apart = journal || self.inner.contains(&entry.key);
            return if apart { Descend::No } else { Descend::Yes };
        }
        let path = relative.as_str();
        let placement = layout::place(path);
        self.note(&placement, entry);
        if !self.metadata.contains(path) {
            if entry.key.file_name() == Some(layout::METADATA_FILE) {
                self.unseen_metadata(path, entry);
            }
            self.file(path, placement, entry);
        }
        Descend::No
    }

    /// Which directory in this one is pruned by somebody.
    async fn journal_below(&self, storage: &dyn Storage) -> Option<String> {
        for directory in &self.journals_below {
            match is_pruned(storage, directory).await {
                Ok(false) => {}
                Ok(true) => {
                    let relative = directory.relative_to(&self.root)?;
                    return Some(pruned_by_others(&self.location.join(relative.as_str())));
                }
                Err(error) => return Some(error.to_string()),
            }
        }
        None
    }

    /// What the file tells of its job directory.
    fn note(&mut self, placement: &Placement, entry: &Entry) {
        let Some(job) = &placement.job else {
            return;
        };
        let facts = self
            .inventory
            .job_directories
            .entry((self.base, JobDirectory::clone(job)))
            .or_default();
        facts.has_merged |= placement.kind == FileKind::Merged;
        facts.has_forst |= placement.kind == FileKind::ForSt;
        facts.has_changelog |= placement.kind == FileKind::Changelog;
        facts.newest = facts.newest.max(entry.version.modified);
        facts.has_untimed |= entry.version.modified.is_none();
    }

    fn unseen_metadata(&mut self, path: &str, entry: &Entry) {
        let location = self.location.join(path);
        let name = location.to_string();
        let among_data_files = std::iter::successors(entry.key.parent(), Key::parent)
            .take_while(|directory| directory.starts_with(&self.root))
            .any(|directory| holds_no_metadata(&self.root, &directory));
        if among_data_files {
            self.among_data_files.push(location);
        } else if !self.inventory.gaps.iter().any(|gap| gap.what == name) {
            self.late.push(entry.clone());
        }
    }

    /// Notes what is empty, and what no reference scan would see; the rest is to be read.
    fn end(self, evidence: &Evidence) -> Vec<Entry> {
        for (path, modified) in self.empty_checkpoints {
            if let Some(placement) = layout::place_checkpoint_directory(&path) {
                self.inventory.unreferenced.push(ListedFile {
                    base: self.base,
                    path: path.into(),
                    placement,
                    size: 0,
                    modified,
                    regular: true,
                });
            }
        }
        let surroundings = Surroundings {
            base: &self.location,
            evidence,
            named: &BTreeSet::new(),
        };
        let gaps = self.among_data_files.iter();
        self.inventory
            .gaps
            .extend(gaps.map(|metadata| surroundings.among_data_files(metadata)));
        self.late
    }

    fn file(&mut self, path: &str, placement: Placement, entry: &Entry) {
        let (size, modified) = (entry.version.size, entry.version.modified);
        let regular = entry.kind == EntryKind::File;
        let name = FileName::of(path);
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        if *self.directory.0 != *parent {
            self.directory = (parent.into(), self.location.join(parent));
        }
        if regular
            && self
                .inventory
                .references
                .found(&self.directory.1, &name, size, modified)
        {
            return;
        }
        let placement = placement.beside(&self.neighbour);
        self.neighbour.clone_from(&placement);
        let file = ListedFile {
            base: self.base,
            path: path.into(),
            placement,
            size,
            modified,
            regular,
        };
        if self.inventory.references.protects(&name) {
            self.inventory.named_elsewhere.push(file);
        } else {
            self.inventory.unreferenced.push(file);
        }
    }
}
