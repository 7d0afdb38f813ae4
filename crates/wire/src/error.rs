//! What can be wrong with a connection to a worker.

use std::time::Duration;

/// Why a worker did not answer, or why its answer does not count. Never that something is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("the connection to the worker was cut ({0})")]
    Cut(String),
    #[error("the worker said nothing for {} s", .0.as_secs())]
    Silent(Duration),
    #[error("the worker's answer ended too early")]
    Short,
    #[error("the worker's answer makes no sense: {0}")]
    Malformed(&'static str),
    /// Nothing was done.
    #[error("the worker refused: {0}")]
    Refused(String),
    /// The worker's store said this.
    #[error("{0}")]
    Told(String),
    #[error("nobody holds the lease by which the worker could act: it only reads")]
    NoTerm,
    #[error("{0} bytes are more than a worker takes at once")]
    TooLong(u64),
}
