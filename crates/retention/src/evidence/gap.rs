use crate::guard::Guard;
use crate::layout::JobId;
use crate::location::{Location, Store};

/// Something that could not be learned: it protects all that it could have protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The guard that speaks for it.
    pub guard: Guard,
    /// What could not be read, as a person would name it.
    pub what: String,
    /// Why, and what to do.
    pub why: String,
    pub radius: Vec<Radius>,
}

/// What a gap may have protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Radius {
    /// Everything below a directory.
    Below(Location),
    /// Every directory of a job, in any base.
    Job(JobId),
    /// Everything in a store.
    Store(Store),
    /// Everything anywhere.
    All,
}

impl Gap {
    /// Whether this gap may concern a file at `location` in the directory of `job`.
    #[must_use]
    pub fn covers(&self, location: &Location, job: Option<JobId>) -> bool {
        self.radius.iter().any(|radius| match radius {
            Radius::Below(directory) => location.relative_to(directory).is_some(),
            Radius::Job(id) => job == Some(*id),
            Radius::Store(store) => location.store() == store,
            Radius::All => true,
        })
    }
}
