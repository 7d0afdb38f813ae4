use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use super::{ObjectStorage, S3Access};
use crate::port::{Key, Storage, StorageError};

/// Opens buckets, all as one identity, and only to look at what is in them.
pub trait Buckets: Send + Sync + Debug {
    /// The whole bucket; nothing can be written or deleted through it. None if it cannot be reached under this name.
    fn look_into(&self, bucket: &str) -> Option<Arc<dyn Storage>>;
}

/// The buckets that one identity reaches at one store that speaks S3.
#[derive(Debug)]
pub struct S3Account {
    access: S3Access,
    opened: Mutex<HashMap<String, Arc<ObjectStorage>>>,
}

impl S3Account {
    #[must_use]
    pub fn new(access: S3Access) -> Self {
        Self {
            access,
            opened: Mutex::default(),
        }
    }

    /// A directory in which files can be written and deleted. `own` is a directory of our own in it, in which it is tried
    /// out whether the store heeds conditions. Asks nothing of the store yet.
    pub fn directory(
        &self,
        bucket: &str,
        prefix: &Key,
        own: Key,
    ) -> Result<ObjectStorage, StorageError> {
        ObjectStorage::s3(&self.access, bucket, prefix, Some(own))
    }
}

impl Buckets for S3Account {
    fn look_into(&self, bucket: &str) -> Option<Arc<dyn Storage>> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(storage) = opened.get(bucket) {
            return Some(Arc::clone(storage) as Arc<dyn Storage>);
        }
        let storage = ObjectStorage::s3(&self.access, bucket, &Key::root(), None).ok()?;
        let storage = Arc::new(storage);
        opened.insert(bucket.to_owned(), Arc::clone(&storage));
        Some(storage)
    }
}
