//! One run of a job, seen while it lives: within it checkpoint numbers compare, and nowhere else.
//!
//! With Kubernetes high availability a run is one uid of the job's map, and the map has the counter and the retained
//! checkpoints. Without, it is one start of the job as its JobManager tells it, and the checkpoint statistics have to do.

mod highly_available;
mod id;
mod live;
mod statistics;

pub(crate) use highly_available::HighlyAvailable;
pub use id::{JobStart, RestoredOnce, RunId};
pub(crate) use live::{LiveRun, Numbers, Passed, Retained, why_unproven};
