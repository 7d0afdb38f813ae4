//! The parts of Flink's resources that we read.
//!
//! Tolerant of what a newer Flink operator adds: every field is optional, unknown fields and unknown words are kept or
//! ignored, numbers may be written as text. Not tolerant of what cannot be understood: a field of the wrong shape may
//! hide a root, so the whole object becomes [`Undecodable`] and its owner protects all that it could have named.
//!
//! These kinds belong to the Flink Kubernetes operator. We never define them and never write them.

pub mod blue_green;
pub mod deployment;
pub mod embedded_spec;
pub mod flink_configuration;
pub mod flink_duration;
pub mod job;
pub mod kind;
mod lenient;
pub mod options;
pub mod session_job;
pub mod snapshot;

pub use blue_green::FlinkBlueGreenDeployment;
pub use deployment::FlinkDeployment;
pub use embedded_spec::{EmbeddedSpec, InvalidEmbeddedSpec};
pub use flink_configuration::{FlinkConfiguration, InvalidConfiguration};
pub use job::{JobSpec, JobStatus, ReconciliationStatus, SavepointInfo};
pub use kind::FlinkKind;
pub use lenient::Undecodable;
pub use session_job::FlinkSessionJob;
pub use snapshot::FlinkStateSnapshot;
