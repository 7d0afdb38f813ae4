//! What a run works through: as whom its policy reaches storage.

use std::sync::Arc;

use futures::StreamExt;
use retention::layout::JOURNAL_DIRECTORY;
use retention::location::{Location, ObjectStore, Store};
use storage::{Key, PatientBuckets, Requests, S3Access, S3Account, StorageError};

use crate::api::retention_run::Phase;
use crate::engine::{MetadataCache, Observer, Stores};
use crate::operator::context::Operator;
use crate::operator::identity::{Identity, NoIdentity};
use crate::operator::volumes;

/// The ports of one run.
#[derive(Debug)]
pub(super) struct Reach {
    pub(super) stores: Arc<Stores>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) cache: Arc<MetadataCache>,
}

/// A run that reaches none of its directories.
#[derive(Debug)]
pub(super) enum Unreached {
    Nobody(NoIdentity),
    Storage(StorageError),
}

impl Reach {
    /// Fails if no directory can be looked into: then there is nothing to say about any.
    pub(super) async fn of(
        operator: &Operator,
        namespace: &str,
        identity: Identity,
        bases: &[Location],
    ) -> Result<Self, Unreached> {
        match identity {
            Identity::Operator => Ok(Self {
                stores: Arc::clone(&operator.stores),
                observer: Arc::clone(&operator.observer) as Arc<dyn Observer>,
                cache: Arc::clone(&operator.cache),
            }),
            Identity::Tenant(access) => Self::of_tenant(operator, namespace, access, bases).await,
            Identity::Nobody(why) => Err(Unreached::Nobody(why)),
        }
    }

    /// Volumes are looked at as ever: what jobs of other policies keep there may name files of this one.
    async fn of_tenant(
        operator: &Operator,
        namespace: &str,
        access: S3Access,
        bases: &[Location],
    ) -> Result<Self, Unreached> {
        // What a bucket does to one tenant is no news for another, who may be somebody else there.
        let endpoint = access.endpoint.clone().unwrap_or_default();
        let region = access.region.clone().unwrap_or_default();
        let whose = format!("{namespace} {endpoint} {region}");
        let account = Arc::new(S3Account::new(access));
        let patient = PatientBuckets::new(
            Arc::clone(&account) as _,
            Arc::clone(&operator.patience),
            whose,
        );
        let mut stores = operator.mounted.clone();
        for base in bases {
            let (bucket, key) = in_bucket(base).ok_or_else(|| not_in_s3(base))?;
            let own = Key::parse(JOURNAL_DIRECTORY).map_err(|_| not_in_s3(base))?;
            let directory = account.directory(bucket, &key, own);
            let directory = Arc::new(directory.map_err(Unreached::Storage)?);
            stores.add(base.clone(), Arc::new(patient.directory(bucket, directory)));
        }
        let counting: Arc<dyn Requests> = Arc::new(operator.metrics.clone());
        let stores = volumes::shared_by_tenants(
            &stores.looking_into(Arc::new(patient)),
            &operator.memory,
            &counting,
        );
        let stores = Arc::new(stores);
        let reach = Self {
            observer: Arc::new(operator.observer.through(Arc::clone(&stores))),
            stores,
            // Who answers may be of the tenant's own choice: what he says is true for nobody else.
            cache: Arc::default(),
        };
        match reach.first_failure(bases).await {
            Some(error) => Err(Unreached::Storage(error)),
            None => Ok(reach),
        }
    }

    /// Of directories none of which can be looked into. One that can is worth a run, which says what is wrong elsewhere.
    async fn first_failure(&self, bases: &[Location]) -> Option<StorageError> {
        let mut first = None;
        for base in bases {
            let (storage, key) = self.stores.resolve(base)?;
            match storage.list_level(&key).next().await {
                Some(Err(error)) => first = first.or(Some(error)),
                Some(Ok(_)) | None => return None,
            }
        }
        first
    }
}

fn in_bucket(base: &Location) -> Option<(&str, Key)> {
    match base.store() {
        Store::Object {
            kind: ObjectStore::S3,
            bucket,
        } => Some((
            bucket,
            Key::parse(base.path().trim_start_matches('/')).ok()?,
        )),
        Store::Object {
            kind: ObjectStore::Gcs | ObjectStore::Azure | ObjectStore::Oss,
            bucket: _,
        }
        | Store::File { .. }
        | Store::Hdfs { .. }
        | Store::Other { .. } => None,
    }
}

fn not_in_s3(base: &Location) -> Unreached {
    Unreached::Storage(StorageError::NotFound {
        operation: storage::Operation::Open,
        path: base.to_string(),
    })
}

impl Unreached {
    /// A stable word, how the run ends, and what is to be done.
    pub(super) fn told(&self, namespace: &str, account: &str) -> (&'static str, Phase, String) {
        match self {
            Self::Nobody(why) => (why.word(), Phase::Blocked, why.sentence(namespace, account)),
            Self::Storage(error) => {
                let (word, phase) = match error {
                    StorageError::Unauthenticated { .. } => ("CredentialsRefused", Phase::Blocked),
                    StorageError::PermissionDenied { .. } => ("StorageForbidden", Phase::Blocked),
                    _ => ("StorageError", Phase::Failed),
                };
                (word, phase, error.to_string())
            }
        }
    }
}
