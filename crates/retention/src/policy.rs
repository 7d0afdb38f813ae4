//! A validated policy: floors applied, nothing left to check.

use crate::keep::{KeepRules, SavepointRules};
use crate::reference::DirectoryKey;
use jiff::{SignedDuration, Timestamp};

/// What a person may ask for and an administrator may limit, after both have been heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Which completed checkpoints of former and terminal jobs stay. None: all of them.
    pub checkpoints: Option<KeepRules>,
    /// How long the state of a job stays after its resource was seen to be deleted. None: for ever.
    pub deleted_jobs: Option<SignedDuration>,
    /// Which savepoints stay. None: all of them.
    pub savepoints: Option<SavepointRules>,
    /// How long a snapshot that nobody can start from still stays. None: for ever.
    pub unrestorable: Option<SignedDuration>,
    /// Snapshots that stay whatever the rules say.
    pub pinned: Vec<DirectoryKey>,
    /// A file younger than this is never deleted.
    pub min_age: SignedDuration,
    /// How long a file must have been marked before it is deleted.
    pub grace_period: SignedDuration,
    pub margins: Margins,
    pub limits: Limits,
}

/// Bounds that only an administrator sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margins {
    /// How far the clocks of the JobManager, the store and this process may be apart, all together.
    pub clock_skew: SignedDuration,
    /// How long a witness checkpoint must have been complete: late confirmations reach tasks meanwhile.
    pub settle: SignedDuration,
}

/// What one run may do at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub max_bytes_per_run: Option<u64>,
    /// A run stops where a base has shrunk by more than this, in percent. None: it never does.
    pub max_referenced_shrink_percent: Option<u8>,
}

/// The lowest values that any policy may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floors {
    pub min_age: SignedDuration,
    pub grace_period: SignedDuration,
    /// How long the state of deleted jobs stays at least.
    pub deleted_jobs: SignedDuration,
    pub margins: Margins,
}

impl Default for Margins {
    fn default() -> Self {
        Self {
            clock_skew: SignedDuration::from_mins(10),
            settle: SignedDuration::from_mins(2),
        }
    }
}

impl Default for Floors {
    fn default() -> Self {
        Self {
            min_age: SignedDuration::from_hours(1),
            grace_period: SignedDuration::from_hours(1),
            deleted_jobs: SignedDuration::from_hours(7 * 24),
            margins: Margins::default(),
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            checkpoints: None,
            deleted_jobs: None,
            savepoints: None,
            unrestorable: None,
            pinned: Vec::new(),
            min_age: SignedDuration::from_hours(24),
            grace_period: SignedDuration::from_hours(24),
            margins: Margins::default(),
            limits: Limits::default(),
        }
    }
}

impl Policy {
    /// Raises every age to the administrator's floor; margins are the administrator's alone.
    #[must_use]
    pub fn with_floors(mut self, floors: &Floors) -> Self {
        self.min_age = self.min_age.max(floors.min_age);
        self.grace_period = self.grace_period.max(floors.grace_period);
        self.deleted_jobs = self.deleted_jobs.map(|age| age.max(floors.deleted_jobs));
        self.unrestorable = self.unrestorable.map(|after| after.max(floors.min_age));
        self.margins = floors.margins;
        self
    }

    /// Whether the state of a job may go whose resource was seen to be deleted then: its newest snapshot too.
    #[must_use]
    pub fn lets_deleted_go(&self, deleted: Timestamp, now: Timestamp) -> bool {
        self.deleted_jobs
            .is_some_and(|expire_after| now.duration_since(deleted) >= expire_after)
    }
}
