//! The decision for every file, with its reasons. Pure: the same input gives the same plan.

mod build;
mod context;
mod decision;
mod exclusive;
mod forgotten;
mod ripeness;
mod summary;
mod survey;
mod unread_maps;

pub use build::plan;
pub use context::{Candidate, Context};
pub use decision::{Decision, ExpireReason, OrphanKind, Plan, PlanEntry, SnapshotEntry};
pub use forgotten::forgotten;
pub use ripeness::{Ripeness, Waiting};
pub use summary::{Amount, JobSummary, summarise};
pub(crate) use survey::{Reads, Survey};
