//! What a run found and did: the input of tables, status, metrics and explanations.

use super::journal::PlanDigest;
use jiff::{SignedDuration, Timestamp};
use retention::breaker::Shrink;
use retention::evidence::Evidence;
use retention::inventory::Inventory;
use retention::mark::{Baselines, Marks};
use retention::plan::{Amount, JobSummary, Plan};
use std::collections::BTreeMap;

/// Everything about one run over some bases.
#[derive(Debug)]
pub struct Report {
    pub started: Timestamp,
    pub finished: Timestamp,
    /// Observed after the last file was listed.
    pub evidence: Evidence,
    pub inventory: Inventory,
    /// The marks and baselines that the plan was made with, by base.
    pub marks: Vec<Marks>,
    pub baselines: Vec<Baselines>,
    pub plan: Plan,
    pub summaries: Vec<JobSummary>,
    pub outcome: Outcome,
}

/// What was done about the plan.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Why nothing, or not everything, was done.
    pub blocked: Vec<Blocked>,
    pub deleted: Vec<Deleted>,
    /// Chosen for deletion, and spared when looked at again.
    pub spared: Vec<Spared>,
    /// Could not be deleted, and why.
    pub failed: Vec<Failed>,
    /// What a person is asked to approve.
    pub asked: Option<Asked>,
    /// How far the clock of each base's store was ahead of ours at least, as far as this run wrote there; negative:
    /// behind.
    pub store_ahead: BTreeMap<String, SignedDuration>,
}

/// A plan that was written down for a person. See [`super::Consent`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub digest: PlanDigest,
    /// Where it is written.
    pub location: String,
    /// The files that would go.
    pub files: Amount,
}

/// A file that is gone because of us.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Deleted {
    /// Its location as Flink wrote it.
    pub path: String,
    pub bytes: u64,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Spared {
    pub path: String,
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Failed {
    pub path: String,
    pub why: String,
}

/// A reason for which a whole base, or a whole run, was not acted upon. The word is a condition reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// Another operator owns the base.
    BaseOwnedByAnother {
        base: String,
        owner: String,
        /// When that one last began to act.
        taken: Timestamp,
        us: String,
    },
    /// The journal has a format that this version does not know, or cannot be read or written.
    JournalUnusable { base: String, why: String },
    /// The clocks of the store and of this process are too far apart to tell how old anything is.
    ClockSkew {
        base: String,
        /// How far the store is ahead; negative: behind.
        ahead: SignedDuration,
        /// How far clocks may be apart.
        allowed: SignedDuration,
    },
    /// A listing of the base was not complete.
    IncompleteListing { base: String, why: String },
    /// What must not shrink has shrunk.
    ReferencedShrank { base: String, shrink: Shrink },
    /// What was approved is written down nowhere, or is not what was approved any more.
    PlanNotFound { digest: PlanDigest },
    /// Looking at what was to be deleted once more took longer than what was found by that holds.
    VerificationTooSlow {
        base: String,
        took: SignedDuration,
        allowed: SignedDuration,
    },
    /// The policy's limit for one run was reached; the next run goes on.
    LimitReached { max_bytes: u64 },
    /// The run was told to stop.
    Cancelled,
}

impl Outcome {
    #[must_use]
    pub fn deleted_amount(&self) -> Amount {
        Amount {
            files: self.deleted.len() as u64,
            bytes: self.deleted.iter().map(|file| file.bytes).sum(),
        }
    }
}

impl Blocked {
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::BaseOwnedByAnother { .. } => "BaseOwnedByAnother",
            Self::JournalUnusable { .. } => "JournalUnusable",
            Self::ClockSkew { .. } => "ClockSkew",
            Self::IncompleteListing { .. } => "IncompleteListing",
            Self::ReferencedShrank { .. } => "ReferencedShrank",
            Self::PlanNotFound { .. } => "PlanNotFound",
            Self::VerificationTooSlow { .. } => "VerificationTooSlow",
            Self::LimitReached { .. } => "LimitReached",
            Self::Cancelled => "Cancelled",
        }
    }
}

impl std::fmt::Display for Blocked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BaseOwnedByAnother {
                base,
                owner,
                taken,
                us,
            } => {
                write!(
                    f,
                    "{base} is owned by {owner}, who last acted at {taken:.0}; if that is this operator's former name, set --owner-id {owner}; if that one is gone for good, and only then, take it over: flink-retention takeover <the directory, where it is mounted> --owner-id {us} --yes"
                )
            }
            Self::JournalUnusable { base, why } => {
                write!(f, "the journal of {base} cannot be used: {why}")
            }
            Self::ClockSkew {
                base,
                ahead,
                allowed,
            } => {
                let side = if ahead.is_negative() {
                    "behind"
                } else {
                    "ahead of"
                };
                let apart = SignedDuration::from_secs(ahead.abs().as_secs());
                write!(
                    f,
                    "the clock of the store of {base} is {apart:#} {side} ours, and clocks may be {allowed:#} apart: nothing is marked or deleted; set the clocks right"
                )
            }
            Self::IncompleteListing { base, why } => {
                write!(f, "{base} was not listed completely: {why}")
            }
            Self::ReferencedShrank { base, shrink } => write!(f, "{base}: {shrink}"),
            Self::PlanNotFound { digest } => {
                write!(
                    f,
                    "the approved plan {digest} is in no journal of the policy's directories any more; nothing is deleted, and a new run asks again"
                )
            }
            Self::VerificationTooSlow {
                base,
                took,
                allowed,
            } => {
                let took = SignedDuration::from_secs(took.as_secs());
                write!(
                    f,
                    "looking once more at all evidence before deleting in {base} took {took:#}, and what was found holds for {allowed:#}: nothing more is deleted there in this run, and if the next one takes as long, nothing in that either. What takes the time is reading every snapshot of all known directories, waiting for JobManagers that do not answer, or storage.requestsPerSecond: raise that, see that the JobManagers answer, or keep fewer snapshots"
                )
            }
            Self::LimitReached { max_bytes } => {
                write!(
                    f,
                    "the limit of {max_bytes} bytes for one run was reached; the next run goes on"
                )
            }
            Self::Cancelled => f.write_str("the run was told to stop"),
        }
    }
}
