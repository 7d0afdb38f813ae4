use super::gaps::Surroundings;
use super::listing::holds_no_metadata;
use super::references::{ReferenceScan, TOLD_TO_STOP, add_late, inner_bases};
use crate::engine::Clock;
use jiff::Timestamp;
use retention::evidence::Evidence;
use retention::inventory::{BaseId, Inventory, ListedFile, Listing};
use retention::layout::{self, FileKind, Placement};
use retention::location::Location;
use retention::reference::FileName;
use std::collections::{BTreeMap, BTreeSet};
use storage::{Descend, Entry, EntryKind, Key, Storage, StorageError, Walk};

/// Lists every file of a base against the references that were read before, and records how the listing ended. Bases in
/// it are left out: they are bases of their own.
///
/// Memory grows with what nobody names, not with what is listed.
pub async fn list_files(
    scan: ReferenceScan<'_>,
    clock: &dyn Clock,
    inventory: &mut Inventory,
    base: BaseId,
    evidence: &Evidence,
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
            let above = journal_above(storage.as_ref(), &root, &location, inventory).await;
            let mut lister = Lister::new(inventory, base, location.clone(), root.clone());
            let walk = Walk::new(storage.as_ref(), root).run(|entry| {
                scan.progress.advance(1);
                lister.visit(&entry)
            });
            let ended = scan.cancel.run_until_cancelled(walk).await;
            let listing = match ended {
                Some(Ok(_)) => match above.or(lister.journal_below.take()) {
                    Some(why) => Listing::Incomplete { why },
                    None => Listing::Complete {
                        finished: clock.now(),
                    },
                },
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
            .retain(|file| file.base != base || !known.contains(&file.path));
    }
}

/// Whoever prunes a directory around this one judges the same files, and would not see that somebody else does.
/// Where nobody may look, nothing is known; bases that this run knows leave each other out.
async fn journal_above(
    storage: &dyn Storage,
    root: &Key,
    location: &Location,
    inventory: &Inventory,
) -> Option<String> {
    let (mut key, mut location) = (root.clone(), location.clone());
    while let Some(parent) = key.parent() {
        (key, location) = (parent, location.parent());
        if inventory.bases.iter().any(|base| base.location == location) {
            continue;
        }
        let journal = key.join(layout::JOURNAL_DIRECTORY).ok()?;
        match storage.stat(&journal).await {
            Ok(None) | Err(StorageError::PermissionDenied { .. }) => {}
            Ok(Some(_)) => {
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
    /// The bases in this one.
    inner: BTreeSet<Key>,
    /// The `_metadata` files that are snapshots of the inventory.
    metadata: BTreeSet<Box<str>>,
    /// Those that the reference scan did not see.
    late: Vec<Entry>,
    /// Those of them that it never sees.
    among_data_files: Vec<Location>,
    /// A directory in this one is a base of its own to somebody, and why that is in the way.
    journal_below: Option<String>,
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
            location,
            root,
            late: Vec::new(),
            among_data_files: Vec::new(),
            journal_below: None,
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
                self.journal_below = Some(format!(
                    "{} in it is pruned under its own name; name that directory, or remove the journal {relative} if \
                     nobody acts there any more",
                    self.location.join(relative.as_str()).parent()
                ));
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

    /// What the file tells of its job directory.
    fn note(&mut self, placement: &Placement, entry: &Entry) {
        let Some(job) = &placement.job else {
            return;
        };
        let facts = self
            .inventory
            .job_directories
            .entry((self.base, job.clone()))
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
                    path,
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
