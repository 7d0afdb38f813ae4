//! What lasts between runs, beside the data of each base in `.flink-retention/`: who owns the base, marks, baselines,
//! and a record of every batch of deletions.
//!
//! ```text
//! .flink-retention/format.json            the format version; an unknown one makes the journal read-only
//!                  owner/<n>.json         epochs: the highest is the owner
//!                  marks/<n>/<directory>.json
//!                                         marks of one job directory, set by the owner whose first epoch is <n>; more
//!                                         documents where they are many
//!                  baselines/<n>.json     of the same owner
//!                  runs/<run>/<n>.json    a batch, written before it is deleted and completed afterwards;
//!                                         the newest runs only
//!                  plans/<time>-<digest>/<n>.json  what a person is asked to approve
//! ```

mod baselines;
mod digest;
mod documents;
mod epoch;
mod error;
mod marks;
mod proposals;
mod records;

pub use digest::{InvalidDigest, PlanDigest};
pub use epoch::{Epoch, LeaseTerm, OwnerId};
pub use error::JournalError;
pub use proposals::{MAX_FILES, Proposal, ProposedFile, VALID_FOR};
pub use records::{BatchRecord, RecordedFile};

use documents::Documents;
use jiff::Timestamp;
use retention::layout::JOURNAL_DIRECTORY;
use retention::location::Location;
use retention::mark::{Baselines, Marks};
use std::sync::Arc;
use storage::{Key, Storage};

/// The journal of one base.
#[derive(Clone, Debug)]
pub struct Journal {
    documents: Documents,
}

impl Journal {
    /// The journal of the base at `base` in `storage`. Nothing is read or made yet.
    #[must_use]
    pub fn of(storage: Arc<dyn Storage>, base: &Key, location: &Location) -> Option<Self> {
        let directory = base.join(JOURNAL_DIRECTORY).ok()?;
        Some(Self {
            documents: Documents {
                storage,
                directory,
                location: location.join(JOURNAL_DIRECTORY).to_string(),
            },
        })
    }

    /// What earlier runs of the same owner left; empty where no run has been.
    pub async fn read(&self, epoch: &Epoch) -> Result<(Marks, Baselines), JournalError> {
        let marks = marks::read(&self.documents, epoch.tenure).await?;
        let baselines = baselines::read(&self.documents, epoch.tenure).await?;
        Ok((marks, baselines))
    }

    /// The epoch of whoever owns the base; none where nobody has acted yet.
    pub async fn latest_epoch(&self) -> Result<Option<Epoch>, JournalError> {
        if self.documents.check_format().await? {
            epoch::highest(&self.documents).await
        } else {
            Ok(None)
        }
    }

    /// Becomes the owner with a new epoch, unless somebody else is the owner.
    pub async fn take(
        &self,
        owner: &OwnerId,
        term: Option<&LeaseTerm>,
        now: Timestamp,
    ) -> Result<Epoch, JournalError> {
        self.documents.establish_format().await?;
        let epoch = epoch::take(&self.documents, owner, term, now).await?;
        self.documents.raise_format().await?;
        Ok(epoch)
    }

    /// Becomes the owner in place of the one whose epoch was seen, unless somebody was faster. His marks count no more:
    /// everything is to be marked again before anything goes.
    pub async fn take_over(
        &self,
        seen: &Epoch,
        owner: &OwnerId,
        now: Timestamp,
    ) -> Result<Epoch, JournalError> {
        let epoch = epoch::take_over(&self.documents, seen, owner, now).await?;
        self.documents.raise_format().await?;
        Ok(epoch)
    }

    /// Fails if anybody has taken a later epoch. Asked before each batch.
    pub async fn check(&self, epoch: &Epoch) -> Result<(), JournalError> {
        epoch::check(&self.documents, epoch).await
    }

    /// Replaces all marks and baselines.
    pub async fn write(
        &self,
        epoch: &Epoch,
        marks: &Marks,
        baselines: &Baselines,
    ) -> Result<(), JournalError> {
        self.check(epoch).await?;
        baselines::write(&self.documents, epoch.tenure, baselines).await?;
        marks::write(&self.documents, epoch.tenure, marks).await?;
        baselines::forget_former(&self.documents, epoch.tenure).await?;
        marks::forget_former(&self.documents, epoch.tenure).await?;
        records::forget_old(&self.documents).await
    }

    /// Writes down what a person is asked to approve, and gives its location.
    pub async fn propose(
        &self,
        epoch: &Epoch,
        proposal: &Proposal,
        now: Timestamp,
    ) -> Result<String, JournalError> {
        self.check(epoch).await?;
        proposals::forget_old(&self.documents, now).await?;
        let directory = proposals::write(&self.documents, proposal, now).await?;
        Ok(format!("{}/{directory}", self.documents.location))
    }

    /// The proposal of this digest, if it is in this journal.
    pub async fn proposal(&self, digest: &PlanDigest) -> Result<Option<Proposal>, JournalError> {
        if self.documents.check_format().await? {
            proposals::read(&self.documents, digest).await
        } else {
            Ok(None)
        }
    }

    /// Writes a batch down: before it is deleted with no outcome, afterwards with it.
    pub async fn record(
        &self,
        run: &str,
        number: u32,
        record: &BatchRecord,
    ) -> Result<(), JournalError> {
        records::write(&self.documents, run, number, record).await
    }
}
