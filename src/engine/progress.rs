use std::fmt::{self, Debug};

/// Is told how far a run has come; called often, must be cheap.
pub trait Progress: Send + Sync + Debug {
    fn step(&self, step: Step);
    /// `count` more things (snapshots, files) of the current step are done.
    fn advance(&self, count: u64);
}

/// The parts of a run that can take long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Observe,
    ReadSnapshots,
    ListFiles,
    CheckFiles,
    Verify,
    Delete,
}

impl Step {
    /// A stable name, for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::ReadSnapshots => "read_snapshots",
            Self::ListFiles => "list_files",
            Self::CheckFiles => "check_files",
            Self::Verify => "verify",
            Self::Delete => "delete",
        }
    }
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn step(&self, _: Step) {}
    fn advance(&self, _: u64) {}
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Observe => "asking about jobs",
            Self::ReadSnapshots => "reading snapshots",
            Self::ListFiles => "listing files",
            Self::CheckFiles => "checking referenced files",
            Self::Verify => "verifying",
            Self::Delete => "deleting",
        })
    }
}
