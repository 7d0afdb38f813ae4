use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use crate::tools;

/// Why a control plane cannot be started or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Tools(#[from] tools::Error),
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// Another process took the port between our look and the server's start; another port may do.
    #[error("{server} found its port taken; its log is {}", log.display())]
    PortTaken { server: &'static str, log: PathBuf },
    #[error("{server} ended ({status}) before it was ready; its log is {}; the end of it:\n{last_lines}", log.display())]
    Ended {
        server: &'static str,
        status: ExitStatus,
        log: PathBuf,
        last_lines: String,
    },
    #[error("{server} was not ready after {seconds} s ({reason}); its log is {}", log.display())]
    NotReady {
        server: &'static str,
        seconds: u64,
        reason: String,
        log: PathBuf,
    },
    #[error("no free loopback port found")]
    NoFreePort,
    #[error(
        "service account {namespace}/{name} is unknown here: name it with ControlPlane::builder().service_account(...) before the start"
    )]
    UnknownServiceAccount { namespace: String, name: String },
    /// kubectl's own words, such as the API server's refusal.
    #[error("kubectl {arguments}: {message}")]
    Kubectl { arguments: String, message: String },
}

impl Error {
    pub(crate) fn io(
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
