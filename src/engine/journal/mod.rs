//! What lasts between runs, beside the data of each base in `.flink-retention/`: who owns the base, marks, baselines,
//! and a record of every batch of deletions.
//!
//! ```text
//! .flink-retention/format.json            the format version; an unknown one makes the journal read-only
//!                  owner/<n>.json         epochs: the highest is the owner
//!                  marks/<directory>.json marks of one job directory; more documents where they are many
//!                  baselines.json
//!                  runs/<run>/<n>.json    a batch, written before it is deleted and completed afterwards;
//!                                         the newest runs only
//!                  plans/<time>-<digest>/<n>.json  what a person is asked to approve
//! ```

mod digest;
mod documents;
mod epoch;
mod error;
mod marks;
mod proposals;
mod records;

pub use digest::{InvalidDigest, PlanDigest};
pub use epoch::{Epoch, OwnerId};
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

    /// What earlier runs left; empty where no run has been.
    pub async fn read(&self) -> Result<(Marks, Baselines), JournalError> {
        if !self.documents.check_format().await? {
            return Ok((Marks::default(), Baselines::default()));
        }
        let baselines = self
            .documents
            .read("baselines.json")
            .await?
            .unwrap_or_default();
        Ok((marks::read(&self.documents).await?, baselines))
    }

    /// The number of the latest epoch; zero where nobody has acted yet.
    pub async fn latest_epoch(&self) -> Result<u64, JournalError> {
        if self.documents.check_format().await? {
            epoch::latest(&self.documents).await
        } else {
            Ok(0)
        }
    }

    /// Becomes the owner with a new epoch, unless somebody else is the owner.
    pub async fn take(&self, owner: &OwnerId, now: Timestamp) -> Result<Epoch, JournalError> {
        self.documents.establish_format().await?;
        let epoch = epoch::take(&self.documents, owner, now).await?;
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
        self.documents.write("baselines.json", baselines).await?;
        marks::write(&self.documents, marks).await?;
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
