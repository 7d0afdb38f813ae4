use std::sync::Arc;

use super::ObjectStorage;
use crate::port::{Key, Operation, Storage, StorageError};

/// A key that begins or ends with a blank: OpenDAL would cut the blank off and touch another object.
#[derive(Debug, thiserror::Error)]
#[error("its name begins or ends with white space, which the storage client cannot ask for")]
struct WhiteSpaceAtTheEnds;

impl ObjectStorage {
    /// The name of the object at `key` in the bucket.
    pub(super) fn object_name(
        &self,
        operation: Operation,
        key: &Key,
    ) -> Result<String, StorageError> {
        let name = format!("{}{key}", self.prefix);
        if is_taken_literally(&name) {
            return Ok(name);
        }
        Err(StorageError::Unsupported {
            operation,
            path: self.location(key),
            cause: Arc::new(WhiteSpaceAtTheEnds),
        })
    }

    /// What the names of all objects in `directory` begin with; `/` stands for the whole bucket.
    pub(super) fn directory_name(
        &self,
        operation: Operation,
        directory: &Key,
    ) -> Result<String, StorageError> {
        let mut name = self.prefix.clone();
        if !directory.is_root() {
            name.push_str(directory.as_str());
            name.push('/');
        }
        match name.as_str() {
            "" => Ok("/".to_owned()),
            _ if is_taken_literally(&name) => Ok(name),
            _ => Err(StorageError::Unsupported {
                operation,
                path: self.location(directory),
                cause: Arc::new(WhiteSpaceAtTheEnds),
            }),
        }
    }
}

/// Whether OpenDAL asks for exactly this name: it trims white space (`normalize_path`). Empty segments, which it drops
/// too, cannot occur in a [`Key`].
pub(super) fn is_taken_literally(name: &str) -> bool {
    name.trim() == name
}
