//! Real Flink as plain processes: a `JobManager` in standalone application mode and a `TaskManager`, with Kubernetes
//! high availability against any API server that a kubeconfig names. No kubelet, no pods.
//!
//! The job ([`SequenceJob`]) has state that follows from one number, so a test can compare it exactly after a restore.

mod builder;
mod choice;
mod cluster;
mod configuration;
mod distribution;
mod error;
mod loader;
mod log;
mod rest;
mod sequence;
mod shared_state;

pub use builder::FlinkClusterBuilder;
pub use choice::{ClaimMode, Hold, SavepointFormat, StateBackend};
pub use cluster::FlinkCluster;
pub use distribution::{FlinkDistribution, FlinkVersion};
pub use error::FlinkError;
pub use loader::{LoadFrom, Loader, LoaderClock};
pub use rest::{CompletedCheckpoint, Rest};
pub use sequence::{KeyTotals, Progress, SequenceJob};
pub use shared_state::SharedState;
