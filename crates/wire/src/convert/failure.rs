use std::sync::Arc;
use std::time::Duration;

use storage::{Operation, StorageError};

use crate::error::WireError;
use crate::limits::LONGEST_DETAIL;
use crate::message::{Cause, Failure};

/// An error of the worker's store, for the wire. What was asked, and of which path, the other side knows.
pub(crate) fn failure(error: &StorageError) -> Failure {
    let (cause, detail, amount) = match error {
        StorageError::NotFound { .. } => (Cause::NotFound, String::new(), 0),
        StorageError::PermissionDenied { .. } => (Cause::PermissionDenied, String::new(), 0),
        StorageError::Unauthenticated { why, .. } => (Cause::Unauthenticated, why.clone(), 0),
        StorageError::NotADirectory { obstacle, .. } => (Cause::NotADirectory, obstacle.clone(), 0),
        StorageError::IsADirectory { .. } => (Cause::IsADirectory, String::new(), 0),
        StorageError::NotAFile { .. } => (Cause::NotAFile, String::new(), 0),
        StorageError::SymlinkInPath { link, .. } => (Cause::SymlinkInPath, link.clone(), 0),
        StorageError::TooLarge { size, .. } => (Cause::TooLarge, String::new(), *size),
        StorageError::ChangedWhileRead { .. } => (Cause::ChangedWhileRead, String::new(), 0),
        StorageError::BeingWritten { .. } => (Cause::BeingWritten, String::new(), 0),
        StorageError::Reserved { reserved, .. } => (Cause::Reserved, reserved.clone(), 0),
        StorageError::IsRoot { .. } => (Cause::IsRoot, String::new(), 0),
        StorageError::Unverifiable { .. } => (Cause::Unverifiable, String::new(), 0),
        StorageError::RootChanged { root, .. } => (Cause::RootChanged, root.clone(), 0),
        StorageError::Unsupported { cause, .. } => (Cause::Unsupported, cause.to_string(), 0),
        StorageError::NoAnswer { patience, .. } => {
            (Cause::NoAnswer, String::new(), millis(*patience))
        }
        StorageError::NotAsked { .. } => (Cause::NotAsked, String::new(), 0),
        StorageError::TooLate { within, .. } => (Cause::TooLate, String::new(), millis(*within)),
        StorageError::Unavailable { cause, .. } => (Cause::Unavailable, cause.to_string(), 0),
    };
    told(cause, &detail, amount)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Why the worker itself does not do it.
pub(crate) fn refused(why: &impl ToString) -> Failure {
    told(Cause::Refused, &why.to_string(), 0)
}

fn told(cause: Cause, detail: &str, amount: u64) -> Failure {
    Failure {
        cause: cause.into(),
        detail: printable(detail),
        amount,
    }
}

/// The same error here: of `operation`, at `path`, with the `limit` that was given.
pub(crate) fn storage_error(
    failure: Failure,
    operation: Operation,
    path: String,
    limit: u64,
) -> StorageError {
    let Failure {
        cause,
        detail,
        amount,
    } = failure;
    let detail = printable(&detail);
    let unavailable = |path, cause: WireError| StorageError::Unavailable {
        operation,
        path,
        cause: Arc::new(cause),
    };
    match Cause::try_from(cause) {
        Ok(Cause::NotFound) => StorageError::NotFound { operation, path },
        Ok(Cause::PermissionDenied) => StorageError::PermissionDenied { operation, path },
        Ok(Cause::Unauthenticated) => StorageError::Unauthenticated {
            operation,
            path,
            why: detail,
        },
        Ok(Cause::NotADirectory) => StorageError::NotADirectory {
            operation,
            path,
            obstacle: detail,
        },
        Ok(Cause::IsADirectory) => StorageError::IsADirectory { operation, path },
        Ok(Cause::NotAFile) => StorageError::NotAFile { operation, path },
        Ok(Cause::SymlinkInPath) => StorageError::SymlinkInPath {
            operation,
            path,
            link: detail,
        },
        Ok(Cause::TooLarge) => StorageError::TooLarge {
            path,
            size: amount,
            limit,
        },
        Ok(Cause::ChangedWhileRead) => StorageError::ChangedWhileRead { path },
        Ok(Cause::BeingWritten) => StorageError::BeingWritten { path },
        Ok(Cause::Reserved) => StorageError::Reserved {
            operation,
            path,
            reserved: detail,
        },
        Ok(Cause::IsRoot) => StorageError::IsRoot { operation, path },
        Ok(Cause::Unverifiable) => StorageError::Unverifiable { path },
        Ok(Cause::RootChanged) => StorageError::RootChanged {
            operation,
            path,
            root: detail,
        },
        Ok(Cause::Unsupported) => StorageError::Unsupported {
            operation,
            path,
            cause: Arc::new(WireError::Told(detail)),
        },
        Ok(Cause::NoAnswer) => StorageError::NoAnswer {
            operation,
            path,
            patience: Duration::from_millis(amount),
        },
        Ok(Cause::NotAsked) => StorageError::NotAsked { operation, path },
        Ok(Cause::TooLate) => StorageError::TooLate {
            operation,
            path,
            within: Duration::from_millis(amount),
        },
        Ok(Cause::Unavailable) => unavailable(path, WireError::Told(detail)),
        Ok(Cause::Refused) => unavailable(path, WireError::Refused(detail)),
        Ok(Cause::Missing) | Err(_) => {
            unavailable(path, WireError::Malformed("a failure of no known cause"))
        }
    }
}

/// What the other side says, short and on one line.
pub(crate) fn printable(text: &str) -> String {
    let end = text.floor_char_boundary(LONGEST_DETAIL);
    let (shown, rest) = text.split_at(end.min(text.len()));
    let mut shown = shown.replace(char::is_control, " ");
    if !rest.is_empty() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn every_error(operation: Operation) -> Vec<StorageError> {
        let path = "/volume/a".to_owned();
        let why = "why".to_owned();
        let cause: Arc<dyn std::error::Error + Send + Sync> =
            Arc::new(std::io::Error::other("a cause"));
        let clone = || path.clone();
        vec![
            StorageError::NotFound {
                operation,
                path: clone(),
            },
            StorageError::PermissionDenied {
                operation,
                path: clone(),
            },
            StorageError::Unauthenticated {
                operation,
                path: clone(),
                why: why.clone(),
            },
            StorageError::NotADirectory {
                operation,
                path: clone(),
                obstacle: why.clone(),
            },
            StorageError::IsADirectory {
                operation,
                path: clone(),
            },
            StorageError::NotAFile {
                operation,
                path: clone(),
            },
            StorageError::SymlinkInPath {
                operation,
                path: clone(),
                link: why.clone(),
            },
            StorageError::TooLarge {
                path: clone(),
                size: 9,
                limit: 7,
            },
            StorageError::ChangedWhileRead { path: clone() },
            StorageError::BeingWritten { path: clone() },
            StorageError::Reserved {
                operation,
                path: clone(),
                reserved: why.clone(),
            },
            StorageError::IsRoot {
                operation,
                path: clone(),
            },
            StorageError::Unverifiable { path: clone() },
            StorageError::RootChanged {
                operation,
                path: clone(),
                root: why,
            },
            StorageError::Unsupported {
                operation,
                path: clone(),
                cause: Arc::clone(&cause),
            },
            StorageError::NoAnswer {
                operation,
                path: clone(),
                patience: Duration::from_mins(2),
            },
            StorageError::NotAsked {
                operation,
                path: clone(),
            },
            StorageError::TooLate {
                operation,
                path: clone(),
                within: Duration::from_secs(9),
            },
            StorageError::Unavailable {
                operation,
                path: clone(),
                cause,
            },
        ]
    }

    #[test]
    fn an_error_says_the_same_on_the_other_side() {
        for operation in Operation::ALL {
            for error in every_error(operation) {
                let there = storage_error(failure(&error), operation, error.path().to_owned(), 7);
                assert_eq!(there.to_string(), error.to_string());
                assert_eq!(there.category(), error.category());
            }
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let text = "é".repeat(LONGEST_DETAIL);
        let failure = refused(&text);
        assert!(failure.detail.len() <= LONGEST_DETAIL + '…'.len_utf8());
        assert!(failure.detail.ends_with("é…"));
        assert_eq!(printable("a\nb\u{1b}[31m"), "a b [31m");
    }
}
