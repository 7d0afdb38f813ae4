//! Google Cloud Storage, by its JSON API.

mod access;
pub(super) mod dated;
mod open;
pub(super) mod page;
pub(super) mod refusal;

pub use access::{GcsAccess, GcsCredentials, NoServiceAccountKey, ServiceAccountKey};
