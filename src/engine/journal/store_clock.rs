use super::JournalError;
use super::documents::Documents;
use jiff::{SignedDuration, Timestamp};

/// When something was written, by our clock: not before, and not after.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    pub from: Timestamp,
    pub until: Timestamp,
}

/// How far the clock of the store is ahead of ours at least; negative: behind. By the time that it gave to a document
/// of ours (storage life cycle 9.3, 11.6 E7).
pub(super) async fn skew(
    documents: &Documents,
    document: &str,
    written: Written,
) -> Result<SignedDuration, JournalError> {
    let Written { from, until } = written;
    let found = documents.stat(document).await?;
    let modified = found.and_then(|entry| entry.version.modified);
    let modified = modified.ok_or_else(|| JournalError::NoStoreTime {
        location: documents.location.clone(),
        document: document.to_owned(),
    })?;
    Ok(if modified < from {
        modified.duration_since(from)
    } else if modified > until {
        modified.duration_since(until)
    } else {
        SignedDuration::ZERO
    })
}
