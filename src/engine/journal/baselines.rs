use super::JournalError;
use super::documents::Documents;
use retention::mark::Baselines;
use std::collections::BTreeMap;

const DIRECTORY: &str = "baselines";

/// The baselines of a tenure. One that has none yet begins with those of the tenure before, as far as they can only
/// protect: since when a job has been restorable lets files go, and is for each owner to see for himself.
pub(super) async fn read(documents: &Documents, tenure: u64) -> Result<Baselines, JournalError> {
    if let Some(own) = documents.read(&document(tenure)).await? {
        return Ok(own);
    }
    let former = tenures(documents).await?;
    let Some(&former) = former.iter().rfind(|&&former| former < tenure) else {
        return Ok(Baselines::default());
    };
    let former: Option<Baselines> = documents.read(&document(former)).await?;
    Ok(Baselines {
        restorable_since: BTreeMap::new(),
        ..former.unwrap_or_default()
    })
}

pub(super) async fn write(
    documents: &Documents,
    tenure: u64,
    baselines: &Baselines,
) -> Result<(), JournalError> {
    documents.write(&document(tenure), baselines).await
}

/// Deletes the baselines of tenures before this one.
pub(super) async fn forget_former(documents: &Documents, tenure: u64) -> Result<(), JournalError> {
    for entry in documents.list(DIRECTORY).await? {
        let of = entry.key.file_name().and_then(number);
        if of.is_some_and(|of| of < tenure) {
            documents.delete(&entry).await?;
        }
    }
    Ok(())
}

async fn tenures(documents: &Documents) -> Result<Vec<u64>, JournalError> {
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

fn document(tenure: u64) -> String {
    format!("{DIRECTORY}/{tenure:020}.json")
}
