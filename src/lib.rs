//! The operator and the command line around the pure crates: Kubernetes, REST, storage and clocks live here.

pub mod api;
pub mod cli;
pub mod engine;
pub mod observe;
pub mod operator;
mod owner_id;
pub mod telemetry;
