use std::io;
use std::path::PathBuf;

use crate::{control_plane, tools};

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{what}; {remedy}, or set KUBECONFIG to use a cluster that runs")]
    Missing { what: String, remedy: &'static str },
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("`{line}` failed: {message}")]
    Command { line: String, message: String },
    #[error(transparent)]
    ControlPlane(#[from] control_plane::Error),
    #[error(transparent)]
    Tools(#[from] tools::Error),
    /// What was waited for in vain, and the logs to read.
    #[error("{what}; the logs are in {}", logs.display())]
    NotReady { what: String, logs: PathBuf },
}

impl Error {
    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
