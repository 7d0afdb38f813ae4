use std::error::Error;
use std::sync::Arc;

use opendal::ErrorKind;

use super::ObjectStorage;
use crate::port::{Key, Operation, Storage, StorageError};

/// What a store says when it does not know who asks. (To HEAD it says nothing; then it may also be that it knows and
/// forbids.)
const UNKNOWN_CREDENTIALS: [(&str, &str); 9] = [
    ("InvalidAccessKeyId", "it does not know the access key"),
    (
        "SignatureDoesNotMatch",
        "the secret access key is another one",
    ),
    ("ExpiredToken", "they have expired"),
    ("InvalidToken", "the session token is invalid"),
    ("TokenRefreshRequired", "they have expired"),
    ("InvalidClientTokenId", "it does not know the access key"),
    // Azure does not say which part is wrong.
    (
        "AuthenticationFailed",
        "the key, signature or token is another one or has expired",
    ),
    ("Server failed to authenticate", "it does not know who asks"),
    // What the client says.
    ("failed to load signing credential", "none were found"),
];
/// A store can say anything.
const LONGEST: usize = 300;

impl ObjectStorage {
    /// An error of the client in the words of the port.
    pub(super) fn failure(
        &self,
        operation: Operation,
        key: &Key,
        error: &opendal::Error,
    ) -> StorageError {
        let path = self.location(key);
        let said = self.said(error);
        let unknown = UNKNOWN_CREDENTIALS
            .into_iter()
            .find(|(says, _)| said.0.contains(says))
            .map(|(_, why)| why)
            .or_else(|| is_unauthorized(error).then_some("it does not know who asks"));
        let unavailable = |why| StorageError::Unavailable {
            operation,
            path: path.clone(),
            cause: Arc::new(why),
        };
        if let Some(why) = unknown {
            let why = match self.search.outcome().why_none {
                Some(why) if why.is_momentary => {
                    let why = self.one_line(&why.text);
                    return unavailable(Said(format!("there are no credentials now: {why}")));
                }
                Some(why) => self.one_line(&why.text),
                None => why.to_owned(),
            };
            return StorageError::Unauthenticated {
                operation,
                path,
                why,
            };
        }
        match error.kind() {
            // Of Azure; what is missing in a bucket that is missing is not known.
            ErrorKind::NotFound
                if ["ContainerNotFound", "ResourceNotFound"]
                    .into_iter()
                    .any(|code| said.0.contains(code)) =>
            {
                unavailable(Said(NO_BUCKET.to_owned()))
            }
            ErrorKind::NotFound => StorageError::NotFound { operation, path },
            // Most often the transport has noticed before.
            ErrorKind::PermissionDenied if said.0.contains("RequestTimeTooSkewed") => {
                unavailable(Said(CLOCKS_DIFFER.to_owned()))
            }
            ErrorKind::PermissionDenied => StorageError::PermissionDenied { operation, path },
            ErrorKind::Unsupported => StorageError::Unsupported {
                operation,
                path,
                cause: Arc::new(said),
            },
            // What the client makes of NoSuchBucket, and of nothing else that a store says.
            ErrorKind::ConfigInvalid if error.message().contains("NoSuchBucket") => {
                unavailable(Said(NO_BUCKET.to_owned()))
            }
            _ => unavailable(said),
        }
    }

    /// The same for questions to which a missing directory is no answer, since there are no directories: then the
    /// bucket is missing.
    pub(super) fn bucket_failure(
        &self,
        operation: Operation,
        key: &Key,
        error: &opendal::Error,
    ) -> StorageError {
        match self.failure(operation, key, error) {
            StorageError::NotFound { operation, path } => StorageError::Unavailable {
                operation,
                path,
                cause: Arc::new(Said(NO_BUCKET.to_owned())),
            },
            other => other,
        }
    }

    fn said(&self, error: &opendal::Error) -> Said {
        let mut text = error.message().to_owned();
        let mut source = error.source();
        while let Some(error) = source {
            let more = error.to_string();
            if !text.contains(&more) {
                text = format!("{text}: {more}");
            }
            source = error.source();
        }
        let text = self.one_line(&text);
        Said(format!("{text} (at {})", self.service))
    }

    /// Short, and without what no message may show.
    fn one_line(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let found = self.search.outcome().secrets;
        for secret in self.secrets.iter().chain(&found) {
            if !secret.reveal().trim().is_empty() {
                text = text.replace(secret.reveal(), "(secret)");
            }
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        words.join(" ").chars().take(LONGEST).collect()
    }
}

/// The client has no kind of error for 401, but shows the answer in the error's context.
fn is_unauthorized(error: &opendal::Error) -> bool {
    error.to_string().contains("Parts { status: 401")
}

const NO_BUCKET: &str = "the store knows no such bucket";
const CLOCKS_DIFFER: &str =
    "the clocks of this machine and of the store differ too much (RequestTimeTooSkewed)";

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(String);
