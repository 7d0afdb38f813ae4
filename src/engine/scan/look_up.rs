use super::ReferenceScan;
use crate::engine::Stores;
use futures::stream::{self, StreamExt};
use retention::inventory::Inventory;
use retention::location::Location;
use retention::reference::{FileId, Found};
use storage::EntryKind;

const LOOK_UPS_AT_ONCE: usize = 64;

/// Looks for every referenced file that no listing has shown, so that restorability is known. What cannot be looked
/// at stays unknown.
pub async fn look_up(scan: ReferenceScan<'_>, inventory: &mut Inventory) {
    let unknown: Vec<(FileId, Location)> = inventory
        .references
        .unknown()
        .filter_map(|file| Some((file, inventory.references.location(file)?)))
        .collect();
    let mut answers = stream::iter(unknown)
        .map(|(file, location)| async move { (file, look(scan.stores, &location).await) })
        .buffer_unordered(LOOK_UPS_AT_ONCE);
    while let Some(Some((file, found))) = scan.cancel.run_until_cancelled(answers.next()).await {
        inventory.references.set(file, found);
        scan.progress.advance(1);
    }
}

async fn look(stores: &Stores, location: &Location) -> Found {
    let Some((storage, key)) = stores.resolve(location) else {
        return Found::Unknown;
    };
    match storage.stat(&key).await {
        Ok(Some(entry)) if entry.kind == EntryKind::File => Found::Present {
            size: entry.version.size,
            modified: entry.version.modified,
        },
        // What is there is no file that Flink could read.
        Ok(Some(_) | None) => Found::Absent,
        Err(_) => Found::Unknown,
    }
}
