use std::sync::Arc;

use hdfs_native::HdfsError;

use super::HdfsStorage;
use crate::port::{Key, Operation, Storage, StorageError};

const FORBIDDEN: &str = "org.apache.hadoop.security.AccessControlException";
const FORBIDDEN_IN_SNAPSHOT: &str =
    "org.apache.hadoop.hdfs.protocol.SnapshotAccessControlException";
const UNKNOWN_USER: [&str; 3] = [
    "org.apache.hadoop.security.authorize.AuthorizationException",
    "org.apache.hadoop.security.token.SecretManager$InvalidToken",
    "javax.security.sasl.SaslException",
];
const NO_SUCH_NAME: [&str; 3] = [
    "org.apache.hadoop.fs.InvalidPathException",
    "org.apache.hadoop.hdfs.protocol.FSLimitException$PathComponentTooLongException",
    "org.apache.hadoop.hdfs.protocol.FSLimitException$MaxDirectoryItemsExceededException",
];
const LINK: &str = "org.apache.hadoop.hdfs.protocol.UnresolvedPathException";
const NO_DIRECTORY: &str = "org.apache.hadoop.fs.ParentNotDirectoryException";
const NOT_EMPTY: &str = "org.apache.hadoop.fs.PathIsNotEmptyDirectoryException";
const NO_FILE: &str = "java.io.FileNotFoundException";
/// What a `NameNode` says, and what that means for a person.
const MEANT: [(&str, &str); 6] = [
    (
        "org.apache.hadoop.hdfs.protocol.NSQuotaExceededException",
        "the quota of names is used up",
    ),
    (
        "org.apache.hadoop.hdfs.protocol.DSQuotaExceededException",
        "the quota of space is used up",
    ),
    (
        "org.apache.hadoop.hdfs.server.namenode.SafeModeException",
        "the NameNode is in safe mode and lets nobody change anything",
    ),
    (
        "org.apache.hadoop.ipc.RetriableException",
        "the NameNode asks to be left alone for now",
    ),
    (
        "org.apache.hadoop.ipc.StandbyException",
        "this NameNode is on standby; name the nameservice, with its configuration in HADOOP_CONF_DIR",
    ),
    (
        "org.apache.hadoop.hdfs.protocol.SnapshotException",
        "a snapshot of HDFS holds it",
    ),
];
/// Of the standard library, when a name cannot be resolved.
const NO_HOST: &str = "failed to lookup address information";
/// A store can say anything.
const LONGEST: usize = 300;

/// Whether the path leads over a link, or is one.
pub(super) fn is_link(error: &HdfsError) -> bool {
    is(error, LINK)
}

/// Whether a directory was not removed because something is in it.
pub(super) fn is_not_empty(error: &HdfsError) -> bool {
    is(error, NOT_EMPTY)
}

/// Whether nothing is there. (What the `NameNode` says so of a directory that was to be read as a file, too.)
pub(super) fn is_not_found(error: &HdfsError) -> bool {
    matches!(error, HdfsError::FileNotFound(_)) || is(error, NO_FILE)
}

fn is(error: &HdfsError, class: &str) -> bool {
    matches!(error, HdfsError::RPCError(found, _) | HdfsError::FatalRPCError(found, _) if found == class)
}

impl HdfsStorage {
    /// An error of the client in the words of the port, after a look at what is in the way, if something is.
    pub(super) async fn failure(
        &self,
        operation: Operation,
        key: &Key,
        error: HdfsError,
    ) -> StorageError {
        let path = self.location(key);
        if let HdfsError::RPCError(class, text) | HdfsError::FatalRPCError(class, text) = &error {
            let class = class.as_str();
            // To whoever may not do everything a file on the way is one that he may not enter.
            let on_the_way = class == FORBIDDEN && text.contains("is not a directory");
            if on_the_way || class == NO_DIRECTORY || class == LINK {
                return self.obstacle(operation, key, &error).await;
            }
            if class == FORBIDDEN || class == FORBIDDEN_IN_SNAPSHOT {
                return StorageError::PermissionDenied { operation, path };
            }
            if UNKNOWN_USER.contains(&class) {
                let why = said(&error).0;
                return StorageError::Unauthenticated {
                    operation,
                    path,
                    why,
                };
            }
            if NO_SUCH_NAME.contains(&class) {
                let cause = Arc::new(said(&error));
                return StorageError::Unsupported {
                    operation,
                    path,
                    cause,
                };
            }
        }
        if is_not_found(&error) {
            return StorageError::NotFound { operation, path };
        }
        let cause = Arc::new(said(&error));
        match error {
            HdfsError::SASLError(why) => StorageError::Unauthenticated {
                operation,
                path,
                why,
            },
            HdfsError::GSSAPIError(..) | HdfsError::NoSASLMechanism => {
                StorageError::Unauthenticated {
                    operation,
                    path,
                    why: cause.0.clone(),
                }
            }
            HdfsError::UnsupportedFeature(_)
            | HdfsError::UnsupportedErasureCodingPolicy(_)
            | HdfsError::TrashNotEnabled => StorageError::Unsupported {
                operation,
                path,
                cause,
            },
            _ => StorageError::Unavailable {
                operation,
                path,
                cause,
            },
        }
    }

    pub(super) fn unavailable(
        &self,
        operation: Operation,
        key: &Key,
        why: impl Into<String>,
    ) -> StorageError {
        StorageError::Unavailable {
            operation,
            path: self.location(key),
            cause: Arc::new(Said(why.into())),
        }
    }
}

/// On one line: a `NameNode` sends its stack along.
pub(super) fn said(error: &HdfsError) -> Said {
    let text = match error {
        HdfsError::RPCError(class, text) | HdfsError::FatalRPCError(class, text) => {
            let first = text.lines().next().unwrap_or_default();
            let meant = MEANT.iter().find(|(said, _)| said == class);
            match meant {
                Some((_, meaning)) => format!("{meaning} ({first})"),
                None => format!("{first} ({class})"),
            }
        }
        HdfsError::TrashNotEnabled => {
            "the NameNode keeps no trash (fs.trash.interval is 0)".to_owned()
        }
        HdfsError::IOError(why) if why.to_string().contains(NO_HOST) => {
            "no host has this name, and no nameservice of the configuration that HADOOP_CONF_DIR names"
                .to_owned()
        }
        other => other.to_string(),
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    Said(words.join(" ").chars().take(LONGEST).collect())
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Said(String);

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_is_said_has_one_line_and_says_what_to_do() {
        let standby = HdfsError::RPCError(
            "org.apache.hadoop.ipc.StandbyException".to_owned(),
            "Operation category READ is not supported in state standby.\n\tat Server.java:1"
                .to_owned(),
        );
        let unknown =
            io::Error::other("failed to lookup address information: Name or service not known");
        let endless = HdfsError::RPCError("x".repeat(10_000), "why".to_owned());
        for (error, part) in [
            (standby, "name the nameservice"),
            (HdfsError::IOError(unknown), "HADOOP_CONF_DIR"),
            (endless, "why (xxx"),
        ] {
            let said = said(&error).to_string();
            assert!(said.contains(part), "{said}");
            assert!(!said.contains('\n') && said.len() <= LONGEST, "{said}");
        }
    }
}
