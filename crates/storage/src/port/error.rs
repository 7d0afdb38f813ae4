use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Why a store could not answer. Each says which path, and what to do.
///
/// Every variant means "we do not know", never "it is not there", except [`StorageError::NotFound`].
#[derive(Debug, Clone, thiserror::Error)]
pub enum StorageError {
    #[error(
        "cannot {operation} {path}: it does not exist; check the spelling and that the volume is mounted"
    )]
    NotFound { operation: Operation, path: String },
    #[error("cannot {operation} {path}: permission denied; give this user {} it", operation.needed_permission())]
    PermissionDenied { operation: Operation, path: String },
    /// Nobody knows who asks: the credentials are wrong or have run out.
    #[error(
        "cannot {operation} {path}: the store does not accept the credentials ({why}); check or renew them"
    )]
    Unauthenticated {
        operation: Operation,
        path: String,
        why: String,
    },
    #[error("cannot {operation} {path}: {obstacle} is not a directory; name a directory")]
    NotADirectory {
        operation: Operation,
        path: String,
        obstacle: String,
    },
    #[error("cannot {operation} {path}: it is a directory; name a file in it")]
    IsADirectory { operation: Operation, path: String },
    #[error(
        "cannot {operation} {path}: it is a pipe, socket or device, which is never opened; move it away"
    )]
    NotAFile { operation: Operation, path: String },
    #[error(
        "cannot {operation} {path}: {link} is a symbolic link, and links are never followed; name the real path"
    )]
    SymlinkInPath {
        operation: Operation,
        path: String,
        link: String,
    },
    #[error(
        "cannot read {path}: it has {size} bytes, more than the limit of {limit} bytes; raise the limit or move it"
    )]
    TooLarge { path: String, size: u64, limit: u64 },
    #[error("cannot read {path}: it was changed while it was read; run again when it is complete")]
    ChangedWhileRead { path: String },
    #[error(
        "cannot delete {path}: somebody has it open and is writing; run again when it is closed"
    )]
    BeingWritten { path: String },
    #[error(
        "cannot {operation} {path}: {reserved} is of the store itself, and nothing in it is judged or deleted; name a directory outside of it, in which there is no trash"
    )]
    Reserved {
        operation: Operation,
        path: String,
        /// A trash, or a directory of the store's own snapshots.
        reserved: String,
    },
    #[error(
        "cannot {operation} {path}: the root of the store cannot be the target; name something below it"
    )]
    IsRoot { operation: Operation, path: String },
    #[error(
        "cannot delete {path}: neither a modification time nor an etag is known to compare; list it again"
    )]
    Unverifiable { path: String },
    #[error(
        "cannot {operation} {path}: {root} is not the directory that was opened; was the volume unmounted? Run again"
    )]
    RootChanged {
        operation: Operation,
        path: String,
        root: String,
    },
    #[error(
        "cannot {operation} {path}: the store does not support it ({cause}); put it on another store"
    )]
    Unsupported {
        operation: Operation,
        path: String,
        cause: Arc<dyn Error + Send + Sync>,
    },
    /// Nothing is known, not even whether what was to be changed is or will be.
    #[error(
        "cannot {operation} {path}: the storage has not answered within {} s{}; is the server behind it up?", patience.as_secs(), operation.if_without_answer()
    )]
    NoAnswer {
        operation: Operation,
        path: String,
        patience: Duration,
    },
    /// Nothing was done.
    #[error(
        "cannot {operation} {path}: the storage was not asked, since it has not answered what it was asked before; is the server behind it up?"
    )]
    NotAsked { operation: Operation, path: String },
    /// Nothing was done: whoever asked has given up by now, or decided too long ago.
    #[error(
        "cannot {operation} {path}: looking at it took longer than {} s, so it was left alone; run again", within.as_secs()
    )]
    TooLate {
        operation: Operation,
        path: String,
        within: Duration,
    },
    #[error("cannot {operation} {path}: {cause}; check the volume or service and run again")]
    Unavailable {
        operation: Operation,
        path: String,
        cause: Arc<dyn Error + Send + Sync>,
    },
}

impl StorageError {
    /// A stable name of the kind of error, for metrics and conditions.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::PermissionDenied { .. } => "permission_denied",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::NotADirectory { .. } => "not_a_directory",
            Self::IsADirectory { .. } => "is_a_directory",
            Self::NotAFile { .. } => "not_a_file",
            Self::SymlinkInPath { .. } => "symlink_in_path",
            Self::TooLarge { .. } => "too_large",
            Self::ChangedWhileRead { .. } => "changed_while_read",
            Self::BeingWritten { .. } => "being_written",
            Self::Reserved { .. } => "reserved",
            Self::IsRoot { .. } => "is_root",
            Self::Unverifiable { .. } => "unverifiable",
            Self::RootChanged { .. } => "root_changed",
            Self::Unsupported { .. } => "unsupported",
            Self::NoAnswer { .. } | Self::NotAsked { .. } | Self::TooLate { .. } => "no_answer",
            Self::Unavailable { .. } => "unavailable",
        }
    }

    /// The full path that was asked for.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::NotFound { path, .. }
            | Self::PermissionDenied { path, .. }
            | Self::Unauthenticated { path, .. }
            | Self::NotADirectory { path, .. }
            | Self::IsADirectory { path, .. }
            | Self::NotAFile { path, .. }
            | Self::SymlinkInPath { path, .. }
            | Self::TooLarge { path, .. }
            | Self::ChangedWhileRead { path }
            | Self::BeingWritten { path }
            | Self::Reserved { path, .. }
            | Self::IsRoot { path, .. }
            | Self::Unverifiable { path }
            | Self::RootChanged { path, .. }
            | Self::Unsupported { path, .. }
            | Self::NoAnswer { path, .. }
            | Self::NotAsked { path, .. }
            | Self::TooLate { path, .. }
            | Self::Unavailable { path, .. } => path,
        }
    }

    /// Whether the thing asked for is not there, for certain.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

/// Why nothing is changed in a store that was opened to look into it.
#[derive(Debug, thiserror::Error)]
#[error("it is outside of the directories that were named, and there it is only looked at")]
pub(crate) struct OnlyLookedAt;

/// What was asked of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    Open,
    List,
    Stat,
    Read,
    Delete,
    RemoveDirectory,
    Write,
}

impl Operation {
    /// All of them, for metrics that start at zero.
    pub const ALL: [Self; 7] = [
        Self::Open,
        Self::List,
        Self::Stat,
        Self::Read,
        Self::Delete,
        Self::RemoveDirectory,
        Self::Write,
    ];

    /// A stable name, for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::List => "list",
            Self::Stat => "stat",
            Self::Read => "read",
            Self::Delete => "delete",
            Self::RemoveDirectory => "remove_directory",
            Self::Write => "write",
        }
    }

    /// What may have become of it where the answer is missing.
    fn if_without_answer(self) -> &'static str {
        match self {
            Self::Open | Self::List | Self::Stat | Self::Read => "",
            Self::Delete | Self::RemoveDirectory | Self::Write => {
                ", and may still do it, or has done it"
            }
        }
    }

    fn needed_permission(self) -> &'static str {
        match self {
            Self::Open | Self::List => "read and execute permission on",
            Self::Stat => "execute permission on the directories above",
            Self::Read => "read permission on",
            Self::Delete | Self::RemoveDirectory | Self::Write => {
                "write permission on the directory of"
            }
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::RemoveDirectory => "remove directory",
            other => other.as_str(),
        })
    }
}
