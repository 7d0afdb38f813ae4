//! Azure Blob Storage, by its blob endpoint. Accounts with a hierarchical namespace (ADLS Gen2) have one, too, so `wasbs`
//! and `abfss` lead to the same objects.

mod access;
pub(super) mod directory;
mod identity;
mod open;
pub(super) mod page;
pub(super) mod refusal;

pub use access::AzureAccess;
pub use identity::{AzureIdentity, NoAzureIdentity};
