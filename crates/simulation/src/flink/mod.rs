//! What Flink does to its storage, as the storage life cycle describes it.

mod backend;
mod checkpoint;
mod commit;
mod corner;
mod job_manager;
mod lifecycle;
mod metadata;
mod operations;
mod registry;
mod resource;
mod restart;
mod setup;
mod snapshot;
mod step;
mod task;

pub(crate) use corner::Corner;
pub(crate) use job_manager::{JobManager, Statistic, Status};
pub(crate) use resource::{ClaimMode, Deletion, Resource, Stage};
pub(crate) use setup::{Backend, Setup, populate};
pub(crate) use snapshot::Snapshot;
