use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use super::log;
use crate::cache;
use crate::process::Process;

/// What can go wrong while Flink is built, started or asked.
#[derive(Debug, thiserror::Error)]
pub enum FlinkError {
    #[error("cannot run {tool}: {source}; install {install}, or set {variable}")]
    MissingTool {
        tool: &'static str,
        install: &'static str,
        variable: &'static str,
        source: io::Error,
    },
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("the {process} of Flink ended ({status}); the end of {}:\n{tail}", log.display())]
    Ended {
        process: String,
        status: ExitStatus,
        log: PathBuf,
        tail: String,
    },
    #[error("Flink's REST at {url} cannot be asked: {reason}")]
    Rest { url: String, reason: String },
    #[error("Flink could not make the savepoint: {answer}")]
    Savepoint { answer: serde_json::Value },
    #[error("Flink did not reach this within {} s: {goal}; last seen: {last}; logs:\n{logs}", limit.as_secs())]
    TimedOut {
        goal: String,
        limit: Duration,
        last: String,
        logs: String,
    },
    #[error(transparent)]
    Cache(#[from] cache::Error),
    #[error("line '{line}' of {} is not one that the job writes", path.display())]
    Results { path: PathBuf, line: String },
}

impl FlinkError {
    /// For `map_err`: what was being done to which path.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_path_buf(),
            source,
        }
    }

    pub(super) fn ended(process: &Process, status: ExitStatus) -> Self {
        Self::Ended {
            process: process.name().to_owned(),
            status,
            log: process.log().to_path_buf(),
            tail: log::tail(process.log()),
        }
    }
}
