use retention::location::Location;
use retention::reference::ParsedSnapshot;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use storage::Version;

/// How many references all that is remembered may have, of 32 bytes each. What does not fit is read anew.
const ROOM: usize = 4_000_000;

/// Runs that end while another works must not take from it what it will ask for again.
const RUNS_LATER: u32 = 3;

/// Parsed `_metadata` files, for as long as the file does not change: snapshots are written once, so most runs read
/// only the new ones.
#[derive(Debug)]
pub struct MetadataCache {
    remembered: Mutex<Remembered>,
    room: usize,
}

impl Default for MetadataCache {
    fn default() -> Self {
        Self::with_room(ROOM)
    }
}

#[derive(Debug, Default)]
struct Remembered {
    entries: HashMap<Location, Entry>,
    /// Of all of them together.
    references: usize,
}

#[derive(Debug)]
struct Entry {
    version: Version,
    snapshot: Arc<ParsedSnapshot>,
    /// How many runs have ended since it was asked for.
    unused: u32,
}

impl MetadataCache {
    fn with_room(references: usize) -> Self {
        Self {
            remembered: Mutex::default(),
            room: references,
        }
    }

    /// The parsed snapshot, if the file is still the version that was parsed.
    #[must_use]
    pub fn get(&self, metadata: &Location, version: &Version) -> Option<Arc<ParsedSnapshot>> {
        let mut remembered = self.remembered();
        let entry = remembered
            .entries
            .get_mut(metadata)
            .filter(|entry| entry.version == *version)?;
        entry.unused = 0;
        Some(Arc::clone(&entry.snapshot))
    }

    /// Remembers a parsed snapshot. A version that cannot tell a change is not worth remembering.
    pub fn insert(&self, metadata: Location, version: Version, snapshot: Arc<ParsedSnapshot>) {
        let mut remembered = self.remembered();
        remembered.forget(&metadata);
        let references = remembered.references.saturating_add(snapshot.len());
        if version.is_verifiable() && references <= self.room {
            let entry = Entry {
                version,
                snapshot,
                unused: 0,
            };
            remembered.references = references;
            remembered.entries.insert(metadata, entry);
        }
    }

    /// Forgets what some runs on end have not asked for. Call it when a run is over; those that work beside it will ask again.
    pub fn sweep(&self) {
        let mut remembered = self.remembered();
        let Remembered {
            entries,
            references,
        } = &mut *remembered;
        entries.retain(|_, entry| {
            entry.unused = entry.unused.saturating_add(1);
            entry.unused <= RUNS_LATER
        });
        *references = entries.values().map(|entry| entry.snapshot.len()).sum();
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    fn forget(&mut self, metadata: &Location) {
        if let Some(entry) = self.entries.remove(metadata) {
            self.references = self.references.saturating_sub(entry.snapshot.len());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use retention::location::Origin;
    use testbed::snapshot::SnapshotFile;

    fn at(path: &str) -> Location {
        Location::parse(path, &Origin::default()).unwrap()
    }

    fn version(etag: &str) -> Version {
        Version {
            size: 1,
            modified: None,
            etag: Some(etag.to_owned()),
        }
    }

    fn snapshot(references: usize) -> Arc<ParsedSnapshot> {
        let file = SnapshotFile {
            checkpoint_id: 1,
            shared: (0..references)
                .map(|number| (format!("file:/s/{number}"), 1))
                .collect(),
            exclusive: Vec::new(),
        };
        let parsed = ParsedSnapshot::read(&file.to_bytes(), &at("/c"), &Origin::default());
        Arc::new(parsed.unwrap())
    }

    #[test]
    fn what_does_not_fit_is_not_remembered_until_something_goes() {
        let cache = MetadataCache::with_room(100);
        let (most, few) = (snapshot(75), snapshot(50));
        let known = |name: &str, etag| cache.get(&at(name), &version(etag)).is_some();
        cache.insert(at("/a"), version("1"), Arc::clone(&most));
        cache.insert(at("/b"), version("1"), Arc::clone(&few));
        assert!(known("/a", "1") && !known("/b", "1"));
        // In place of itself it counts once.
        cache.insert(at("/a"), version("2"), most);
        assert!(known("/a", "2") && !known("/a", "1"));
        for _ in 0..=RUNS_LATER {
            cache.sweep();
        }
        cache.insert(at("/b"), version("1"), few);
        assert!(known("/b", "1") && !known("/a", "2"));
    }
}
