//! Links and files where directories should be. HDFS can have symbolic links; the `NameNode` never follows one for us, and
//! says only that there is one somewhere on the way.

use hdfs_native::HdfsError;
use hdfs_native::client::FileStatus;

use super::HdfsStorage;
use super::ask::question;
use super::error::{is_link, said};
use crate::port::{Key, Operation, Storage, StorageError};

/// What the path meets first.
enum Obstacle {
    Link,
    File,
}

impl HdfsStorage {
    /// Names what is in the way.
    pub(super) async fn obstacle(
        &self,
        operation: Operation,
        key: &Key,
        error: &HdfsError,
    ) -> StorageError {
        let path = self.location(key);
        match self.first_obstacle(&self.path(key)).await {
            Some((link, Obstacle::Link)) => StorageError::SymlinkInPath {
                operation,
                path,
                link: self.location_of(&link),
            },
            Some((file, Obstacle::File)) => StorageError::NotADirectory {
                operation,
                path,
                obstacle: self.location_of(&file),
            },
            None => self.unavailable(operation, key, said(error).to_string()),
        }
    }

    /// Whether the path itself is a link, and not one of the directories that lead there.
    pub(super) async fn is_link_itself(&self, path: &str) -> bool {
        matches!(self.first_obstacle(path).await, Some((first, Obstacle::Link)) if first == path)
    }

    async fn first_obstacle(&self, path: &str) -> Option<(String, Obstacle)> {
        let ends = path.char_indices().skip(1);
        let ends = ends.filter_map(|(position, character)| (character == '/').then_some(position));
        for end in ends.chain([path.len()]) {
            let reached = path.get(..end)?;
            match self.status(reached).await {
                Ok(status) if status.isdir => {}
                Ok(_) => return Some((reached.to_owned(), Obstacle::File)),
                Err(error) if is_link(&error) => {
                    return Some((reached.to_owned(), Obstacle::Link));
                }
                Err(_) => return None,
            }
        }
        None
    }

    /// The link at `key`, of which the `NameNode` says something only in a listing.
    pub(super) async fn link(
        &self,
        operation: Operation,
        key: &Key,
    ) -> Result<Option<FileStatus>, StorageError> {
        let Some(parent) = key.parent() else {
            return Ok(None);
        };
        let path = self.path(key);
        let listing = self.client.list_status_iter(&self.path(&parent), false);
        loop {
            let next = question(async { listing.next().await.transpose() }).await;
            match next {
                Ok(Some(status)) if status.path == path => return Ok(Some(status)),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(None),
                Err(error) => {
                    let why = said(&error).to_string();
                    return Err(self.unavailable(operation, key, why));
                }
            }
        }
    }
}
