use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use super::ObjectStorage;
use crate::port::{Key, Storage, StorageError};

/// Opens buckets, all as one identity, and only to look at what is in them.
pub trait Buckets: Send + Sync + Debug {
    /// The whole bucket; nothing can be written or deleted through it. None if it cannot be reached under this name.
    fn look_into(&self, bucket: &str) -> Option<Arc<dyn Storage>>;
}

/// Opens directories of buckets to work in, all as one identity.
pub trait Directories: Buckets {
    /// A directory in which files can be written and deleted. `own` is a directory of our own in it, in which it is tried
    /// out whether the store heeds conditions. Asks nothing of the store yet.
    fn directory(
        &self,
        bucket: &str,
        prefix: &Key,
        own: Key,
    ) -> Result<Arc<dyn Storage>, StorageError>;
}

/// Where a kind of store is, and as whom it is reached.
pub trait Access: Send + Sync + Debug {
    /// A directory of a bucket. Asks nothing of the store yet. Without a directory of our `own` nothing can be written
    /// or deleted.
    fn open(
        &self,
        bucket: &str,
        prefix: &Key,
        own: Option<Key>,
    ) -> Result<ObjectStorage, StorageError>;
}

/// The buckets that one identity reaches at one store.
#[derive(Debug)]
pub struct Account<A> {
    access: A,
    opened: Mutex<HashMap<String, Arc<ObjectStorage>>>,
}

impl<A: Access> Account<A> {
    #[must_use]
    pub fn new(access: A) -> Self {
        Self {
            access,
            opened: Mutex::default(),
        }
    }

    /// As [`Directories::directory`], with all that an object store can do besides.
    pub fn directory(
        &self,
        bucket: &str,
        prefix: &Key,
        own: Key,
    ) -> Result<ObjectStorage, StorageError> {
        self.access.open(bucket, prefix, Some(own))
    }
}

impl<A: Access> Directories for Account<A> {
    fn directory(
        &self,
        bucket: &str,
        prefix: &Key,
        own: Key,
    ) -> Result<Arc<dyn Storage>, StorageError> {
        Ok(Arc::new(self.directory(bucket, prefix, own)?))
    }
}

impl<A: Access> Buckets for Account<A> {
    fn look_into(&self, bucket: &str) -> Option<Arc<dyn Storage>> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(storage) = opened.get(bucket) {
            return Some(Arc::clone(storage) as Arc<dyn Storage>);
        }
        let storage = self.access.open(bucket, &Key::root(), None).ok()?;
        let storage = Arc::new(storage);
        opened.insert(bucket.to_owned(), Arc::clone(&storage));
        Some(storage)
    }
}
