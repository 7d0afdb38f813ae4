use storage::StorageError;

/// A journal that cannot be used. Nothing is deleted then.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("{location} is owned by {owner} (epoch {epoch})")]
    OwnedByAnother {
        location: String,
        owner: String,
        epoch: u64,
    },
    #[error(
        "{location} was taken over by epoch {found} while this run had epoch {ours}; it stops. Two runs at once, or one directory under two names?"
    )]
    Superseded {
        location: String,
        ours: u64,
        found: u64,
    },
    #[error(
        "{location} has the format version {found}, and this program knows {known}; use a newer program"
    )]
    UnknownFormat {
        location: String,
        found: u64,
        known: u64,
    },
    #[error(
        "{location}/{document} cannot be understood: {why}; move it away to begin anew, which delays deletions by one grace period"
    )]
    Damaged {
        location: String,
        document: String,
        why: String,
    },
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl JournalError {
    /// A stable word for metrics and conditions.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::OwnedByAnother { .. } => "owned_by_another",
            Self::Superseded { .. } => "superseded",
            Self::UnknownFormat { .. } => "unknown_format",
            Self::Damaged { .. } => "damaged",
            Self::Storage(error) => error.category(),
        }
    }
}
