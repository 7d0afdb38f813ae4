//! What lasts between runs, beside the data of each base in `.flink-retention/`: who owns the base, marks, baselines,
//! and a record of every batch of deletions.
//!
//! ```text
//! .flink-retention/format.json            the format version; an unknown one makes the journal read-only
//!                  owner/<n>.json         epochs: the highest is the owner
//!                  marks/<n>/<directory>.json
//!                                         marks of one job directory, as the run of epoch <n> left them; more documents
//!                                         where they are many
//!                  baselines/<n>.json     of the same run; written last, so that its marks are complete
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
mod store_clock;

pub use digest::{InvalidDigest, PlanDigest};
pub use epoch::{Epoch, LeaseTerm, OwnerId};
pub use error::JournalError;
pub use proposals::{MAX_FILES, Proposal, ProposedFile, VALID_FOR};
pub use records::{BatchRecord, RecordedFile};
pub use store_clock::Written;

use documents::Documents;
use jiff::{SignedDuration, Timestamp};
use retention::layout::JOURNAL_DIRECTORY;
use retention::location::Location;
use retention::mark::{Baselines, Marks, Referrer};
use std::sync::Arc;
use storage::{Key, Storage};

/// Losing so many races in a row means that something is wrong.
const TRIES: u32 = 8;

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

    /// What the last run left that wrote all of it: marks only if it was of the same owner; empty where no run has been.
    pub async fn read(&self, epoch: &Epoch) -> Result<(Marks, Baselines), JournalError> {
        for _ in 0..TRIES {
            let Some(written) = baselines::last_written(&self.documents, epoch).await? else {
                return Ok(<(Marks, Baselines)>::default());
            };
            let marks = if written >= epoch.tenure {
                marks::read(&self.documents, written).await?
            } else {
                Marks::default()
            };
            // A later run forgets these first, so that while they are there the marks were complete.
            if let Some(baselines) = baselines::read(&self.documents, epoch, written).await? {
                return Ok((marks, baselines));
            }
        }
        Err(self.forgotten_again())
    }

    /// The directories that whoever owns the base saw to name files in it.
    pub async fn referrers(&self) -> Result<Vec<Referrer>, JournalError> {
        let Some(latest) = self.latest_epoch().await? else {
            return Ok(Vec::new());
        };
        for _ in 0..TRIES {
            let Some(written) = baselines::last_written(&self.documents, &latest).await? else {
                return Ok(Vec::new());
            };
            if let Some(baselines) = baselines::read(&self.documents, &latest, written).await? {
                return Ok(baselines.referrers);
            }
        }
        Err(self.forgotten_again())
    }

    fn forgotten_again(&self) -> JournalError {
        let why = "other processes write marks again and again";
        self.documents.damaged("baselines", &why)
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

    /// How far the clock of the store is ahead of ours at least, by the epoch that was just taken.
    pub async fn skew_at_epoch(
        &self,
        epoch: &Epoch,
        written: Written,
    ) -> Result<SignedDuration, JournalError> {
        store_clock::skew(&self.documents, &epoch::document(epoch.number), written).await
    }

    /// The same by the record of a batch that was just written.
    pub async fn skew_at_record(
        &self,
        run: &str,
        number: u32,
        written: Written,
    ) -> Result<SignedDuration, JournalError> {
        store_clock::skew(&self.documents, &records::document(run, number), written).await
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

    /// Drops those directories from what is remembered for which a person answers, and gives them. A run that is under
    /// way stops.
    pub async fn forget(
        &self,
        seen: &Epoch,
        is_meant: impl Fn(&Location) -> bool,
        now: Timestamp,
    ) -> Result<Vec<Referrer>, JournalError> {
        let epoch = epoch::interrupt(&self.documents, seen, now).await?;
        self.documents.raise_format().await?;
        let (marks, mut baselines) = self.read(&epoch).await?;
        let (forgotten, left) = std::mem::take(&mut baselines.referrers)
            .into_iter()
            .partition(|referrer| is_meant(&referrer.directory));
        baselines.referrers = left;
        self.write(&epoch, &marks, &baselines).await?;
        Ok(forgotten)
    }

    /// Fails if anybody has taken a later epoch. Asked before each batch.
    pub async fn check(&self, epoch: &Epoch) -> Result<(), JournalError> {
        epoch::check(&self.documents, epoch).await
    }

    /// Writes all marks, and then baselines, which say that the marks are complete. Of this epoch: a run that was held
    /// up while a later one began must not bring back the marks that the later one has ended.
    pub async fn write(
        &self,
        epoch: &Epoch,
        marks: &Marks,
        baselines: &Baselines,
    ) -> Result<(), JournalError> {
        self.check(epoch).await?;
        marks::write(&self.documents, epoch.number, marks).await?;
        baselines::write(&self.documents, epoch.number, baselines).await?;
        baselines::forget_former(&self.documents, epoch.number).await?;
        marks::forget_former(&self.documents, epoch.number).await?;
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
