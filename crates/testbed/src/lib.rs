//! Real parts for tests and the demo: Flink's own files with their truth, a Kubernetes control plane, Flink processes.

pub mod cache;
pub mod completed_checkpoint;
pub mod control_plane;
pub mod corpus;
pub mod flink;
pub mod hdfs;
mod maven;
pub mod metadata_writer;
pub mod object_store;
pub mod process;
pub mod proxy;
pub mod real_cluster;
pub mod scratch;
pub mod snapshot;
pub mod tools;
