//! What is said about one Flink resource: pure functions from evidence and the last scan to a status.

mod disagreement;
mod latest;
mod row;
mod scan;
mod status;

pub(super) use row::row;
pub(super) use scan::{JobScan, Sum, amount, job_scans, protected_by, reasons};
pub(super) use status::{Facts, status};
