use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::calls::{Calls, GivenUp};
use super::{Patient, Storage};
use crate::object::{Buckets, Directories};
use crate::port::{Key, StorageError};

/// How long stores are waited for, and what is known of those that do not answer.
#[derive(Debug)]
pub struct Patience {
    longest: Duration,
    /// By their names. A call that hangs keeps what is known of its bucket: whoever asks next need not find out anew.
    buckets: Mutex<HashMap<String, Weak<Calls>>>,
}

impl Default for Patience {
    fn default() -> Self {
        Self::new(Self::LONGEST)
    }
}

impl Patience {
    /// A slow store has given the largest file by then, and one whose server fails over answers again as a rule.
    pub const LONGEST: Duration = Duration::from_mins(1);

    /// A call may take so long, and wait as long before.
    #[must_use]
    pub fn new(longest: Duration) -> Self {
        Self {
            longest,
            buckets: Mutex::default(),
        }
    }

    /// How long a call may take.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.longest
    }

    /// A store whose calls hold threads, and cannot be called off. To be made once for each volume: at most 16 calls of it
    /// are under way at once, with those that hang.
    #[must_use]
    pub fn volume(&self, inner: Arc<dyn Storage>) -> Patient {
        let calls = Arc::new(Calls::new(self.longest, GivenUp::GoesOn));
        Patient { inner, calls }
    }

    /// A store whose calls are requests. All that have the same `name` wait together.
    #[must_use]
    pub fn bucket(&self, name: &str, inner: Arc<dyn Storage>) -> Patient {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let known = buckets.get(name).and_then(Weak::upgrade);
        let calls = known.unwrap_or_else(|| {
            let calls = Arc::new(Calls::new(self.longest, GivenUp::IsDropped));
            // Tenants name buckets, so those that nobody asks for are forgotten.
            buckets.retain(|_, calls| calls.strong_count() > 0);
            buckets.insert(name.to_owned(), Arc::downgrade(&calls));
            calls
        });
        Patient { inner, calls }
    }
}

#[cfg(test)]
impl Patience {
    /// The names of the buckets of which anything is known.
    pub(super) fn known(&self) -> Vec<String> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.keys().cloned().collect()
    }
}

/// Buckets of one account, none of which is waited for without end.
#[derive(Debug)]
pub struct PatientBuckets {
    inner: Arc<dyn Directories>,
    patience: Arc<Patience>,
    /// Tells them apart from buckets of the same names elsewhere.
    account: String,
}

impl PatientBuckets {
    #[must_use]
    pub fn new(inner: Arc<dyn Directories>, patience: Arc<Patience>, account: String) -> Self {
        Self {
            inner,
            patience,
            account,
        }
    }

    fn patient(&self, bucket: &str, inner: Arc<dyn Storage>) -> Arc<dyn Storage> {
        let Self {
            inner: _,
            patience,
            account,
        } = self;
        Arc::new(patience.bucket(&format!("{account} {bucket}"), inner))
    }
}

impl Buckets for PatientBuckets {
    fn look_into(&self, bucket: &str) -> Option<Arc<dyn Storage>> {
        let inner = self.inner.look_into(bucket)?;
        Some(self.patient(bucket, inner))
    }
}

impl Directories for PatientBuckets {
    fn directory(
        &self,
        bucket: &str,
        prefix: &Key,
        own: Key,
    ) -> Result<Arc<dyn Storage>, StorageError> {
        let inner = self.inner.directory(bucket, prefix, own)?;
        Ok(self.patient(bucket, inner))
    }
}
