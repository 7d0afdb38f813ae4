use super::ReferenceScan;
use crate::engine::Stores;
use futures::stream::{self, StreamExt};
use retention::inventory::{Inventory, Reading};
use retention::location::{Location, Store};
use retention::reference::{FileId, Found};
use storage::EntryKind;

const LOOK_UPS_AT_ONCE: usize = 64;

/// Looks for every referenced file that no listing has shown, so that restorability is known. What cannot be looked
/// at stays unknown, and so does what is missing where a volume may not be mounted.
pub async fn look_up(scan: ReferenceScan<'_>, inventory: &mut Inventory) {
    let unknown: Vec<(FileId, Location, bool)> = inventory
        .references
        .unknown()
        .filter_map(|file| {
            let location = inventory.references.location(file)?;
            let shows_flink = shows_flink(inventory, &location.parent());
            Some((file, location, shows_flink))
        })
        .collect();
    let mut answers = stream::iter(unknown)
        .map(|(file, location, shows_flink)| async move {
            let found = match look(scan.stores, &location).await {
                Found::Absent
                    if !shows_flink && !is_there(scan.stores, &location.parent()).await =>
                {
                    Found::Unknown
                }
                found => found,
            };
            (file, found)
        })
        .buffer_unordered(LOOK_UPS_AT_ONCE);
    while let Some(Some((file, found))) = scan.cancel.run_until_cancelled(answers.next()).await {
        inventory.references.set(file, found);
        scan.progress.advance(1);
    }
}

/// Whether a directory is in a base in which files of Flink were seen, so that it is what Flink sees.
fn shows_flink(inventory: &Inventory, directory: &Location) -> bool {
    let read_with = inventory
        .bases
        .iter()
        .filter(|base| directory.relative_to(&base.location).is_some());
    let base = read_with.max_by_key(|base| base.location.path().len());
    base.is_some_and(|base| match base.reading {
        Reading::Whole | Reading::ButTorn | Reading::Partly => true,
        Reading::Bare | Reading::Failed => false,
    })
}

/// A volume that is not mounted looks like an empty directory. Object stores have neither.
async fn is_there(stores: &Stores, directory: &Location) -> bool {
    match directory.store() {
        Store::Object { .. } => true,
        Store::File { .. } | Store::Hdfs { .. } | Store::Other { .. } => {
            let Some((storage, key)) = stores.resolve(directory) else {
                return false;
            };
            matches!(storage.stat(&key).await, Ok(Some(_)))
        }
    }
}

async fn look(stores: &Stores, location: &Location) -> Found {
    let Some((storage, key)) = stores.resolve(location) else {
        return Found::Unknown;
    };
    match storage.stat(&key).await {
        Ok(Some(entry)) => match entry.kind {
            EntryKind::File => Found::Present {
                size: entry.version.size,
                modified: entry.version.modified,
            },
            // What is there is no file that Flink could read.
            EntryKind::Directory => Found::Absent,
            // Flink follows links, and we do not.
            EntryKind::Symlink | EntryKind::Other => Found::Unknown,
        },
        Ok(None) => Found::Absent,
        Err(_) => Found::Unknown,
    }
}
