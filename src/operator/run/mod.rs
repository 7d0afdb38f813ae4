//! What is said about a run, what is done about it next, and how long it is kept: pure functions.

mod bound;
mod history;
mod next;
mod pins;
mod report;
mod schedule;

pub(super) use bound::bounded;
pub(super) use history::{Completed, FinishedRun, superfluous, ttl_ends};
pub(super) use next::{End, Next, attempt, awaits_approval, broken_off, keeps_busy, next};
pub(super) use report::{Absent, Ending, RunIdentity, Stopped, ended, refused};
pub(super) use schedule::{last_scheduled, run_name};
