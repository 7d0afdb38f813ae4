use crate::engine::{Clock, Progress, Stores};
use retention::inventory::{BaseId, Inventory, ListedFile, Listing};
use retention::layout::{self, FileKind};
use retention::location::Location;
use retention::reference::FileName;
use std::collections::BTreeSet;
use storage::{Descend, Entry, EntryKind, Key, Walk};

/// Lists every file of a base against the references that were read before, and records how the listing ended.
///
/// Memory grows with what nobody names, not with what is listed.
pub async fn list_files(
    stores: &Stores,
    clock: &dyn Clock,
    progress: &dyn Progress,
    inventory: &mut Inventory,
    base: BaseId,
) {
    let Some(location) = inventory.base(base).map(|base| base.location.clone()) else {
        return;
    };
    let listing = match stores.resolve(&location) {
        None => Listing::Incomplete {
            why: "it cannot be reached from here; mount it, or grant access".to_owned(),
        },
        Some((storage, root)) => {
            let mut lister = Lister {
                metadata: metadata_paths(inventory, base),
                inventory,
                base,
                location,
                root: root.clone(),
            };
            let walk = Walk::new(storage.as_ref(), root);
            let walked = walk
                .run(|entry| {
                    progress.advance(1);
                    lister.visit(&entry)
                })
                .await;
            match walked {
                Ok(_) => Listing::Complete {
                    finished: clock.now(),
                },
                Err(error) => Listing::Incomplete {
                    why: error.to_string(),
                },
            }
        }
    };
    if let Some(base) = inventory.bases.get_mut(base.0) {
        base.listing = listing;
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
    /// The `_metadata` files that are snapshots of the inventory.
    metadata: BTreeSet<Box<str>>,
}

impl Lister<'_> {
    fn visit(&mut self, entry: &Entry) -> Descend {
        let Some(relative) = entry.key.relative_to(&self.root) else {
            return Descend::No;
        };
        if entry.kind == EntryKind::Directory {
            let journal = relative.as_str() == layout::JOURNAL_DIRECTORY;
            return if journal { Descend::No } else { Descend::Yes };
        }
        let path = relative.as_str();
        if !self.metadata.contains(path) {
            self.file(path, entry);
        }
        Descend::No
    }

    fn file(&mut self, path: &str, entry: &Entry) {
        let placement = layout::place(path);
        if let Some(job) = &placement.job {
            let facts = self
                .inventory
                .job_directories
                .entry((self.base, job.clone()))
                .or_default();
            facts.has_merged |= placement.kind == FileKind::Merged;
            facts.has_forst |= placement.kind == FileKind::ForSt;
            facts.has_changelog |= placement.kind == FileKind::Changelog;
        }
        let (size, modified) = (entry.version.size, entry.version.modified);
        let regular = entry.kind == EntryKind::File;
        let name = FileName::of(path);
        let directory = self.location.join(path).parent();
        if regular
            && self
                .inventory
                .references
                .found(&directory, &name, size, modified)
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
