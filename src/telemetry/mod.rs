//! What the operator tells about itself: metrics, logs, and the endpoints at which probes and Prometheus ask.

pub mod http;
pub mod job_metrics;
pub mod logs;
pub mod metrics;
mod storage_requests;

pub use job_metrics::{JobLabels, JobMetrics, JobRow};
pub use metrics::Metrics;
