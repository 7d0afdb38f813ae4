use super::JournalError;
use super::documents::Documents;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
    documents
        .write(&format!("runs/{run}/{number:06}.json"), record)
        .await
}
