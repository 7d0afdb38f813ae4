//! The object stores that the command line reaches, each as whoever the environment names for it.

use std::sync::Arc;

use anyhow::Context;
use storage::{Directories, Key, Storage};

use super::directory::{BucketStore, InBucket};
use super::{azure, gcs, s3};
use crate::engine::Stores;

/// Those that the directories of one command are in. Nobody need be named for a store that no directory is in.
#[derive(Debug)]
pub(super) struct Accounts(Vec<(BucketStore, Arc<dyn Directories>)>);

impl Accounts {
    pub(super) fn of<'a>(places: impl IntoIterator<Item = &'a InBucket>) -> anyhow::Result<Self> {
        let mut accounts: Vec<(BucketStore, Arc<dyn Directories>)> = Vec::new();
        for store in places.into_iter().map(|place| place.store) {
            if accounts.iter().all(|(known, _)| *known != store) {
                accounts.push((
                    store,
                    match store {
                        BucketStore::S3 => Arc::new(s3::account()),
                        BucketStore::Gcs => Arc::new(gcs::account()?),
                        BucketStore::Azure => Arc::new(azure::account()?),
                    },
                ));
            }
        }
        Ok(Self(accounts))
    }

    /// A directory in which something can be changed; `own` is one of ours in it.
    pub(super) fn directory(&self, place: &InBucket, own: Key) -> anyhow::Result<Arc<dyn Storage>> {
        Ok(self.at(place)?.directory(&place.bucket, &place.key, own)?)
    }

    /// The whole bucket, only to look.
    pub(super) fn bucket_of(&self, place: &InBucket) -> anyhow::Result<Arc<dyn Storage>> {
        let bucket = &place.bucket;
        let found = self.at(place)?.look_into(bucket);
        found.with_context(|| format!("{bucket:?} cannot be asked for; check its name"))
    }

    /// Lets what snapshots name in other directories and buckets of these stores be looked at.
    pub(super) fn looked_into_by(&self, stores: Stores) -> Stores {
        self.0.iter().fold(stores, |stores, (store, account)| {
            stores.looking_into(store.kind(), Arc::clone(account) as _)
        })
    }

    fn at(&self, place: &InBucket) -> anyhow::Result<&dyn Directories> {
        let account = self.0.iter().find(|(store, _)| *store == place.store);
        let (_, account) = account.with_context(|| format!("{} was not named", place.location))?;
        Ok(account.as_ref())
    }
}
