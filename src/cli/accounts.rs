//! The object stores that the command line reaches, each as whoever the environment names for it.

use std::sync::Arc;

use anyhow::Context;
use storage::{Buckets, GcsAccount, Key, ObjectStorage, S3Account, Storage};

use super::directory::{BucketStore, InBucket};
use super::{gcs, s3};

/// Those that the directories of one command are in. Nobody need be named for a store that no directory is in.
#[derive(Debug)]
pub(super) struct Accounts {
    /// Who this is, is looked for only when it is asked.
    pub(super) s3: Arc<S3Account>,
    gcs: Option<Arc<GcsAccount>>,
}

impl Accounts {
    pub(super) fn of<'a>(places: impl IntoIterator<Item = &'a InBucket>) -> anyhow::Result<Self> {
        let in_gcs = places
            .into_iter()
            .any(|place| place.store == BucketStore::Gcs);
        Ok(Self {
            s3: Arc::new(s3::account()),
            gcs: in_gcs.then(gcs::account).transpose()?.map(Arc::new),
        })
    }

    /// A directory in which something can be changed; `own` is one of ours in it.
    pub(super) fn directory(&self, place: &InBucket, own: Key) -> anyhow::Result<ObjectStorage> {
        let InBucket {
            store,
            bucket,
            key,
            location: _,
        } = place;
        Ok(match store {
            BucketStore::S3 => self.s3.directory(bucket, key, own)?,
            BucketStore::Gcs => self.gcs()?.directory(bucket, key, own)?,
        })
    }

    /// The whole bucket, only to look.
    pub(super) fn bucket_of(&self, place: &InBucket) -> anyhow::Result<Arc<dyn Storage>> {
        let bucket = &place.bucket;
        let found = match place.store {
            BucketStore::S3 => self.s3.look_into(bucket),
            BucketStore::Gcs => self.gcs()?.look_into(bucket),
        };
        found.with_context(|| format!("{bucket:?} cannot be asked for; check its name"))
    }

    fn gcs(&self) -> anyhow::Result<&GcsAccount> {
        let account = self.gcs.as_deref();
        account.context("no directory in Google Cloud Storage was named")
    }
}
