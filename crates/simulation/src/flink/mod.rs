//! What Flink does to its storage, as the storage life cycle describes it: plain incremental RocksDB, 1.18 and later.

mod checkpoint;
mod job_manager;
mod lifecycle;
mod registry;
mod resource;
mod snapshot;
mod step;
mod task;

pub(crate) use job_manager::{JobManager, Statistic, Status};
pub(crate) use resource::{Resource, Stage};
pub(crate) use snapshot::Snapshot;
