use super::journal::{Journal, OwnerId};
use super::metadata_cache::MetadataCache;
use super::report::{Blocked, Outcome, Report};
use super::{Clock, Observer, Progress, Step, Stores, enact, scan};
use retention::inventory::BaseId;
use retention::location::Location;
use retention::mark::{self, Baselines, Marks};
use retention::plan::{Context, plan, summarise};
use retention::policy::Policy;
use storage::StorageError;
use tokio_util::sync::CancellationToken;

/// One execution of a policy over some bases.
#[derive(Debug)]
pub struct Run<'a> {
    pub observer: &'a dyn Observer,
    pub stores: &'a Stores,
    pub clock: &'a dyn Clock,
    pub progress: &'a dyn Progress,
    pub cache: &'a MetadataCache,
    pub policy: &'a Policy,
    /// The directories whose files are judged.
    pub bases: Vec<Location>,
    /// Whose storage may be acted upon within these bases: job ids of the policy's jobs. None: any known owner.
    pub scope: Option<Scope>,
    pub mode: Mode,
    /// Who we are in the journals. With none, no journal is read or written, and nothing can be deleted.
    pub owner: Option<OwnerId>,
    pub cancel: CancellationToken,
}

/// The jobs that a policy selects, by the names of their resources.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub jobs: std::collections::BTreeSet<retention::evidence::JobName>,
}

/// What a run may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Look and tell: nothing is written anywhere.
    DryRun,
    /// Mark, and delete what is ripe.
    Enforce,
}

/// A run that could not say anything.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("{location} cannot be reached from here; mount it and say so with --mount")]
    Unreachable { location: String },
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl RunError {
    /// A stable word for metrics and conditions.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Storage(error) => error.category(),
        }
    }
}
