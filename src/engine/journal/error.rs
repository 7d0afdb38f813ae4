use jiff::Timestamp;
use storage::StorageError;

/// A journal that cannot be used. Nothing is deleted then.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("{location} is owned by {owner} (epoch {epoch}, of {taken:.0})")]
    OwnedByAnother {
        location: String,
        owner: String,
        epoch: u64,
        /// When the owner last began to act.
        taken: Timestamp,
        /// Who asked.
        us: String,
    },
    #[error(
        "{location} was not taken over: it is at epoch {seen} no more, and owned by {owner}; look again who acts there"
    )]
    TakenMeanwhile {
        location: String,
        owner: String,
        /// The epoch that was to be replaced.
        seen: u64,
    },
    #[error(
        "{location} is not at epoch {ours} of this run any more (its last one is {found}); it stops. Two runs at once, one directory under two names, or files of owner/ deleted?"
    )]
    Superseded {
        location: String,
        ours: u64,
        found: u64,
    },
    #[error(
        "{location} was taken by a later holder of the lease (fencing number {later}, ours is {ours}); this process must not act any more"
    )]
    LeaseLost {
        location: String,
        ours: i32,
        later: i32,
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
    #[error(
        "{location}/{document} was just written, and the store does not say when; without its clock no age can be told"
    )]
    NoStoreTime { location: String, document: String },
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl JournalError {
    /// A stable word for metrics and conditions.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::OwnedByAnother { .. } => "owned_by_another",
            Self::TakenMeanwhile { .. } => "taken_meanwhile",
            Self::Superseded { .. } => "superseded",
            Self::LeaseLost { .. } => "lease_lost",
            Self::UnknownFormat { .. } => "unknown_format",
            Self::Damaged { .. } => "damaged",
            Self::NoStoreTime { .. } => "no_store_time",
            Self::Storage(error) => error.category(),
        }
    }
}
