//! Where Flink's files are: a narrow [port](Storage), its adapters, and what is built on nothing but the port.
//!
//! The port can list one level, look at, read and delete *one* object, and write an object of our own. It cannot
//! delete recursively, follow a symbolic link or match a pattern, so no caller can ask for that by mistake.

mod budgeted;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
#[cfg(any(test, feature = "contract"))]
pub mod faults;
mod hdfs;
mod local;
#[cfg(any(test, feature = "contract"))]
pub mod memory;
mod object;
mod observed;
mod patient;
pub mod port;
pub mod walk;

pub use budgeted::{Budgeted, MemoryBudget};
pub use hdfs::{HdfsAccess, HdfsAuthority, HdfsCluster, HdfsStorage, NoAuthority};
pub use local::LocalStorage;
pub use object::{
    Access, Account, AzureAccess, AzureAccount, AzureIdentity, Buckets, Directories, GcsAccess,
    GcsAccount, GcsCredentials, NoAzureIdentity, NoServiceAccountKey, ObjectStorage, S3Access,
    S3Account, S3Credentials, Secret, ServiceAccountKey,
};
pub use observed::{Observed, Requests};
pub use patient::{Patience, Patient, PatientBuckets};
pub use port::{
    Capabilities, ConditionalDelete, Contents, Deletion, Entry, EntryKind, InvalidKey, Key,
    Operation, PartialWrite, Put, RemovedDirectory, Storage, StorageError, Version,
};
pub use walk::{CompleteWalk, Descend, Walk};
