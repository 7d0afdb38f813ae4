//! What the operator tells about itself: metrics, logs, and the endpoints at which probes and Prometheus ask.

mod exposition;
pub mod http;
pub mod job_metrics;
pub mod logs;
pub mod metrics;
pub mod policy_metrics;
mod storage_requests;

pub use job_metrics::{JobLabels, JobMetrics, JobRow};
pub use metrics::Metrics;
pub use policy_metrics::{LastRun, NextRun, PolicyMetrics, PolicyRow};
