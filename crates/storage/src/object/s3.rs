//! AWS S3, and what speaks like it.

mod access;
mod open;
pub(super) mod page;

pub use access::{S3Access, S3Credentials, Secret};
