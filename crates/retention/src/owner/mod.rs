//! What a job directory is to us. Every doubt ends as `Unknown`, with the reason.

mod adopt;
mod class;
mod classify;
mod savepoints;

pub use class::{Owner, OwnerClass};
pub use classify::Owners;
