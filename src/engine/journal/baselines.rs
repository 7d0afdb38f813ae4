use super::documents::Documents;
use super::{Epoch, JournalError};
use retention::mark::Baselines;
use std::collections::BTreeMap;

const DIRECTORY: &str = "baselines";

/// The last run before this epoch that has written all its marks, by its epoch: its baselines come last. Whatever a
/// slower run writes later is of a lower epoch, and nobody reads it.
pub(super) async fn last_written(
    documents: &Documents,
    epoch: &Epoch,
) -> Result<Option<u64>, JournalError> {
    let written = epochs(documents).await?;
    Ok(written
        .into_iter()
        .rfind(|&written| written <= epoch.number))
}

/// The baselines that a run wrote; none if a later run has forgotten them meanwhile. To another owner than the present one they are what can only protect: since when a
/// job has been restorable, or without processes, lets files go, and is for each owner to see for himself.
pub(super) async fn read(
    documents: &Documents,
    epoch: &Epoch,
    written: u64,
) -> Result<Option<Baselines>, JournalError> {
    let found: Option<Baselines> = documents.read(&document(written)).await?;
    let of_former_owner = written < epoch.tenure;
    Ok(found.map(|found| {
        if of_former_owner {
            Baselines {
                restorable_since: BTreeMap::new(),
                stopped_since: BTreeMap::new(),
                ..found
            }
        } else {
            found
        }
    }))
}

pub(super) async fn write(
    documents: &Documents,
    epoch: u64,
    baselines: &Baselines,
) -> Result<(), JournalError> {
    documents.write(&document(epoch), baselines).await
}

/// Deletes the baselines of runs before this one.
pub(super) async fn forget_former(documents: &Documents, epoch: u64) -> Result<(), JournalError> {
    for entry in documents.list(DIRECTORY).await? {
        let of = entry.key.file_name().and_then(number);
        if of.is_some_and(|of| of < epoch) {
            documents.delete(&entry).await?;
        }
    }
    Ok(())
}

/// Of the runs whose baselines are there, ascending.
pub(super) async fn epochs(documents: &Documents) -> Result<Vec<u64>, JournalError> {
    let listed = documents.list(DIRECTORY).await?;
    let numbers = listed
        .iter()
        .filter_map(|entry| number(entry.key.file_name()?));
    let mut numbers: Vec<u64> = numbers.collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn number(name: &str) -> Option<u64> {
    name.strip_suffix(".json")?.parse().ok()
}

fn document(epoch: u64) -> String {
    format!("{DIRECTORY}/{epoch:020}.json")
}
