//! A validated policy: floors applied, nothing left to check.

use crate::keep::{KeepRules, SavepointRules};
use crate::layout::JobId;
use crate::location::Location;
use crate::reference::DirectoryKey;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

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
    /// Directories of nobody that may be treated as those of jobs that are over.
    pub adopt: Vec<Adoption>,
    /// By the administrator's word.
    pub exclusive: Vec<Exclusive>,
}

/// Job directories that belong to nobody known, and when they may be treated as those of jobs that are over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adoption {
    /// The directory right in which they lie.
    pub directory: Location,
    /// Their ids. None: all of them.
    pub jobs: Option<BTreeSet<JobId>>,
    /// How long nothing in one of them must have been modified.
    pub idle_for: SignedDuration,
    /// And nothing at or after this time.
    pub last_modified_before: Option<Timestamp>,
}

/// A directory of which an administrator says that no snapshot names a file in it, but those of jobs that keep their
/// state there; that all of these are in one namespace is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusive {
    pub location: Location,
    pub namespace: String,
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
    /// How long snapshots that cannot be restored stay at least.
    pub unrestorable: SignedDuration,
    /// How long nothing in an adopted directory must have been modified at least.
    pub adopt_idle: SignedDuration,
    /// How long checkpoints and savepoints stay at least, in a policy that has any rule for them.
    pub keep_within: Option<SignedDuration>,
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
            unrestorable: SignedDuration::from_hours(24),
            adopt_idle: SignedDuration::from_hours(30 * 24),
            keep_within: None,
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
            adopt: Vec::new(),
            exclusive: Vec::new(),
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
        self.unrestorable = self.unrestorable.map(|age| age.max(floors.unrestorable));
        for adoption in &mut self.adopt {
            adoption.idle_for = adoption.idle_for.max(floors.adopt_idle);
        }
        if let Some(rules) = &mut self.checkpoints {
            rules.keep_within = rules.keep_within.max(floors.keep_within);
        }
        if let Some(rules) = &mut self.savepoints {
            rules.keep.keep_within = rules.keep.keep_within.max(floors.keep_within);
        }
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
