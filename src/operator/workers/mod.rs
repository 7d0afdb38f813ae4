//! Workers: storage that only the tenant's own pods reach.
//!
//! ```text
//!  gather, plan   which claims the pods of a namespace mount, or why there can be no worker
//!  job, hired     a Job for one run, until that is over, Flink needs the claim, or its time is up
//!  door, review   where its pod dials in, and whether it is the one that is awaited
//! ```

mod awaited;
mod door;
mod gather;
mod hired;
mod job;
mod not_working;
mod plan;
mod review;
mod template;
mod volumes;

use std::net::SocketAddr;
use std::time::Duration;

pub(super) use awaited::Awaited;
pub(super) use door::Door;
pub(super) use gather::{Wanted, plan};
pub(super) use hired::{Hired, Limits};
pub(super) use not_working::NotWorking;
pub(super) use plan::{NoWorker, WorkerPlan};

/// How workers are made, and where they dial in.
#[derive(Debug)]
pub(super) struct Workers {
    pub(super) awaited: Awaited,
    /// Of this process, as PEM.
    pub(super) certificate: String,
    pub(super) address: SocketAddr,
    pub(super) image: String,
    /// How long a worker may take to come.
    pub(super) start_within: Duration,
}
