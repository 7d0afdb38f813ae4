//! Why a worker does not work.

use std::time::Duration;

use super::job::{LONGEST_RUN, RUN_UID};
use crate::api::Reason;
use crate::api::retention_run::Phase;

/// Why a worker does not work, or no more.
#[derive(Debug, thiserror::Error)]
pub(in crate::operator) enum NotWorking {
    #[error(
        "no worker came within {} s: {why}. See `kubectl describe pods -l {RUN_UID}={run_uid}` while a run waits", within.as_secs()
    )]
    Unschedulable {
        within: Duration,
        why: String,
        run_uid: String,
    },
    #[error(
        "pod {pod} waits for claim {claim}: the worker gave it back, so that Flink can start; the next run goes on"
    )]
    Yielded { pod: String, claim: String },
    #[error("its worker was there for {} min, which is the longest; the next run goes on", LONGEST_RUN / 60)]
    TooLong,
    #[error("{0} is not among the volumes that the worker has opened")]
    NoRoot(String),
    #[error("cannot {action}: {error}")]
    ApiServer {
        action: &'static str,
        error: Box<kube::Error>,
    },
    #[error("cannot write the Job of a worker: {0}")]
    NoJob(#[from] serde_json::Error),
}

impl NotWorking {
    /// How its run ends.
    pub(in crate::operator) fn phase(&self) -> Phase {
        match self {
            Self::Yielded { .. } | Self::TooLong => Phase::Cancelled,
            Self::Unschedulable { .. }
            | Self::NoRoot(_)
            | Self::ApiServer { .. }
            | Self::NoJob(_) => Phase::Failed,
        }
    }

    /// A stable word.
    pub(in crate::operator) fn word(&self) -> Reason {
        match self {
            Self::Unschedulable { .. } => Reason::WorkerUnschedulable,
            Self::Yielded { .. } => Reason::WorkerYielded,
            Self::TooLong => Reason::WorkerDeadline,
            Self::NoRoot(_) | Self::ApiServer { .. } | Self::NoJob(_) => Reason::WorkerFailed,
        }
    }
}

pub(super) fn api_server(action: &'static str) -> impl Fn(kube::Error) -> NotWorking {
    move |error| NotWorking::ApiServer {
        action,
        error: Box::new(error),
    }
}
