//! Which snapshots stay, and why: a table with one verdict for each, so that a person can ask for any of them.

mod facts;
mod rules;

pub use facts::{SnapshotFacts, Succession, facts};
pub use rules::{KeepReason, KeepRules, SnapshotVerdict, Verdict, verdicts};
