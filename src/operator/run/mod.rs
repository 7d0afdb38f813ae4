//! What is said about a run, and how long it is kept: pure functions.

mod history;
mod report;
mod schedule;

pub(super) use history::{Completed, FinishedRun, superfluous, ttl_ends};
pub(super) use report::{Ending, ended, refused};
pub(super) use schedule::{last_scheduled, run_name};
