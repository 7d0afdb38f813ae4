use super::JournalError;
use super::documents::Documents;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How many runs that deleted something are remembered: a month at one every six hours, and never without bound.
const KEPT_RUNS: usize = 120;

/// A batch of deletions, for people: nothing is ever resumed from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchRecord {
    pub epoch: u64,
    pub begun: Timestamp,
    /// None while the batch is being deleted, and for ever if the process died meanwhile.
    pub ended: Option<Timestamp>,
    pub files: Vec<RecordedFile>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedFile {
    pub path: String,
    pub size: u64,
    pub modified: Timestamp,
    pub reason: String,
    /// `deleted`, `already-gone`, or why not.
    pub outcome: Option<String>,
}

pub(super) async fn write(
    documents: &Documents,
    run: &str,
    number: u32,
    record: &BatchRecord,
) -> Result<(), JournalError> {
    documents.write(&document(run, number), record).await
}

pub(super) fn document(run: &str, number: u32) -> String {
    format!("runs/{run}/{number:06}.json")
}

/// Deletes the records of all but the newest runs, and what is left of their directories.
pub(super) async fn forget_old(documents: &Documents) -> Result<(), JournalError> {
    let mut runs = documents.directories("runs").await?;
    runs.sort();
    let old = runs.len().saturating_sub(KEPT_RUNS);
    for run in runs.into_iter().take(old) {
        documents.delete_directory(&format!("runs/{run}")).await?;
    }
    Ok(())
}
