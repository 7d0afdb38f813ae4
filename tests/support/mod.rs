//! What tests of the operator stand on: a real API server with the chart's definitions and roles, the operator as a
//! process, and Flink resources as Flink's operator leaves them.
#![allow(
    dead_code,
    unused_imports,
    reason = "each test program uses a part of it"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub(crate) mod bucket;
pub(crate) mod cluster;
pub(crate) mod flink_job;
#[path = "../chart/helm.rs"]
pub(crate) mod helm;
pub(crate) mod operator;
pub(crate) mod tree;

pub(crate) use cluster::Cluster;
pub(crate) use flink_job::FlinkJob;
pub(crate) use operator::OperatorProcess;
pub(crate) use tree::Tree;
