//! Named checks that can only say *keep*, and why. The first that speaks decides.

mod chain;
mod evidence;
mod name;
mod ownership;
mod running;
mod savepoint;
mod shape;

use std::sync::Arc;

pub use chain::{check, check_expiring};
pub use name::Guard;

/// What a guard said of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protection {
    pub guard: Guard,
    /// One sentence for a person.
    pub why: Arc<str>,
}
