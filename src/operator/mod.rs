//! The operator: controllers behind a leader's lease.

pub mod administrator;
pub mod arguments;
mod jitter;
pub mod lease;
pub mod lineage;
pub mod schedule;

pub use arguments::Arguments;
