//! AWS S3, and what speaks like it.

mod access;
mod of_this_process;
mod open;
pub(super) mod page;
mod profile;
pub(super) mod refusal;

pub use access::{S3Access, S3Credentials};
