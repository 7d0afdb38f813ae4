use retention::location::Location;
use retention::reference::ParsedSnapshot;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use storage::Version;

/// Parsed `_metadata` files, for as long as the file does not change: snapshots are written once, so most runs read
/// only the new ones.
#[derive(Debug, Default)]
pub struct MetadataCache {
    entries: Mutex<HashMap<Location, Entry>>,
}

#[derive(Debug)]
struct Entry {
    version: Version,
    snapshot: Arc<ParsedSnapshot>,
    used: bool,
}

impl MetadataCache {
    /// The parsed snapshot, if the file is still the version that was parsed.
    #[must_use]
    pub fn get(&self, metadata: &Location, version: &Version) -> Option<Arc<ParsedSnapshot>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries
            .get_mut(metadata)
            .filter(|entry| entry.version == *version)?;
        entry.used = true;
        Some(Arc::clone(&entry.snapshot))
    }

    /// Remembers a parsed snapshot. A version that cannot tell a change is not worth remembering.
    pub fn insert(&self, metadata: Location, version: Version, snapshot: Arc<ParsedSnapshot>) {
        if version.is_verifiable() {
            let entry = Entry {
                version,
                snapshot,
                used: true,
            };
            self.entries
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(metadata, entry);
        }
    }

    /// Forgets what has not been asked for since the last call. Call it when a run is over.
    pub fn sweep(&self) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| std::mem::take(&mut entry.used));
    }
}
