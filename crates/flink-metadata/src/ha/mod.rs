//! What Flink's high-availability services keep.
//!
//! Two hops lead from Kubernetes to a checkpoint: a value in the job's HA `ConfigMap` (key
//! `checkpointID-<19 digits>`) names a file in HA storage ([`parse_config_map_value`]); that file holds the serialized
//! `CompletedCheckpoint` ([`parse_blob`]), with its pointer and every handle in it. ZooKeeper nodes hold the same first
//! object without Base64 ([`parse_pointer`]).

mod checkpoint;
mod handles;
mod pointer;
mod uri;

pub use checkpoint::{HaCheckpoint, parse_blob};
pub use pointer::{HaPointer, parse_config_map_value, parse_pointer};
