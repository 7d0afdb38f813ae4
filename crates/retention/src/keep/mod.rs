//! Which snapshots stay, and why: a table with one verdict for each, so that a person can ask for any of them.

mod count;
mod facts;
mod newest;
mod period;
mod reason;
mod rules;
mod shared_files;
mod unrestorable;
mod verdict;

pub use facts::{Made, SnapshotFacts, Succession, facts, managed_by_flink};
pub use period::Period;
pub use reason::KeepReason;
pub use rules::{KeepRules, SavepointRules};
pub use unrestorable::Unrestorable;
pub use verdict::{SnapshotVerdict, Verdict, verdicts};
