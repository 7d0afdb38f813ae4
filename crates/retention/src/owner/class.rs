use crate::evidence::JobEvidence;
use jiff::Timestamp;

/// What a job directory is to us (storage life cycle 11.2, C1 to C5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OwnerClass {
    /// The current id of a resource that runs.
    Running,
    /// The current id of a resource that is suspended and will come back.
    Suspended,
    /// An id whose job is over: by its resource, by a person's word, because its resource was deleted, or because a
    /// policy adopts it.
    Terminal,
    /// An id that a resource had before, superseded by a job that completed checkpoints of its own.
    Former,
    /// Nobody known, or more than one, or not proven.
    Unknown,
}

/// The owner of a job directory, and how that is known.
#[derive(Clone, Debug)]
pub struct Owner<'a> {
    pub class: OwnerClass,
    /// The resource that claims the directory, alone.
    pub job: Option<&'a JobEvidence>,
    /// Why the class is what it is.
    pub why: String,
    /// Since when the resource that had the directory is known to be deleted, where that is what made it terminal.
    pub deleted: Option<Timestamp>,
    /// Nobody is known, and the policy adopts it.
    pub adopted: bool,
}

impl OwnerClass {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Suspended => "suspended",
            Self::Terminal => "terminal",
            Self::Former => "former",
            Self::Unknown => "unknown",
        }
    }
}
