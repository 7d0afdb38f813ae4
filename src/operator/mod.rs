//! The operator: controllers behind a leader's lease.
//!
//! ```text
//!  lease  ->  inventory controller  ->  policy controller  ->  run controller
//!             records every Flink        judges each policy,     executes runs, one
//!             resource, says what        creates its runs,       after the other,
//!             is known of it             tidies up               through the engine
//! ```
//!
//! Each reconcile reads as the five steps observe, scan, plan, enact, report; what decides is pure and receives no
//! client.

pub mod administrator;
pub mod arguments;
mod audience;
mod context;
mod definitions;
mod endpoint;
mod events;
mod gathered;
mod identity;
mod inventory;
mod inventory_controller;
mod jitter;
mod job_changes;
pub mod lease;
pub mod lineage;
mod log_level;
mod missing;
mod policy;
mod policy_controller;
mod run;
mod run_controller;
pub mod schedule;
mod server_side;
mod start;
mod stop;
mod unreadable;
mod volumes;
mod workers;

pub use arguments::Arguments;
pub use start::{OperatorError, run};
