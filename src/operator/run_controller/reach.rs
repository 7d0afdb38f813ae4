//! What a run works through: as whom its policy reaches storage.

use std::sync::Arc;

use futures::StreamExt;
use retention::layout::JOURNAL_DIRECTORY;
use retention::location::{Location, ObjectStore, Store};
use storage::{
    AzureAccount, Directories, GcsAccount, Key, Patience, PatientBuckets, Requests, S3Account,
    Storage, StorageError,
};

use crate::api::Reason;
use crate::api::retention_run::Phase;
use crate::engine::{MetadataCache, Observer, Stores};
use crate::operator::context::Operator;
use crate::operator::identity::{Identity, NoIdentity, Tenant};
use crate::operator::volumes;
use crate::operator::workers::{Hired, NotWorking};

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
    Worker(NotWorking),
    Storage(StorageError),
}

impl Reach {
    /// Fails if no directory can be looked into: then there is nothing to say about any.
    pub(super) async fn of(
        operator: &Operator,
        namespace: &str,
        identity: Identity,
        worker: Option<&Hired>,
        bases: &[Location],
    ) -> Result<Self, Unreached> {
        match identity {
            Identity::Operator => Ok(Self {
                stores: Arc::clone(&operator.stores),
                observer: Arc::clone(&operator.observer) as Arc<dyn Observer>,
                cache: Arc::clone(&operator.cache),
            }),
            Identity::Tenant(tenant) => Self::of_tenant(operator, namespace, *tenant, bases).await,
            Identity::Worker(_) => Self::of_worker(operator, worker, bases).await,
            Identity::Nobody(why) => Err(Unreached::Nobody(why)),
        }
    }

    /// Where there is nothing to look at there is no worker either.
    async fn of_worker(
        operator: &Operator,
        worker: Option<&Hired>,
        bases: &[Location],
    ) -> Result<Self, Unreached> {
        let mut stores = operator.mounted.clone();
        if let Some(worker) = worker {
            let mounted = worker.mount_in(&mut stores, &operator.patience);
            mounted.map_err(Unreached::Worker)?;
        }
        Self::through(operator, &stores, bases).await
    }

    /// Volumes are looked at as ever: what jobs of other policies keep there may name files of this one.
    async fn of_tenant(
        operator: &Operator,
        namespace: &str,
        tenant: Tenant,
        bases: &[Location],
    ) -> Result<Self, Unreached> {
        let accounts = Accounts::of(tenant, namespace, &operator.patience);
        let mut stores = operator.mounted.clone();
        for base in bases {
            stores.add(base.clone(), accounts.directory(base)?);
        }
        for (kind, account) in accounts.0 {
            stores = stores.looking_into(kind, account);
        }
        Self::through(operator, &stores, bases).await
    }

    /// The same observer, who reads as somebody else.
    async fn through(
        operator: &Operator,
        stores: &Stores,
        bases: &[Location],
    ) -> Result<Self, Unreached> {
        let counting: Arc<dyn Requests> = Arc::new(operator.metrics.clone());
        let stores = volumes::shared_by_tenants(stores, &operator.memory, &counting);
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

/// The buckets that a tenant reaches.
struct Accounts(Vec<(ObjectStore, Arc<PatientBuckets>)>);

impl Accounts {
    /// What a bucket does to one tenant is no news for another, who may be somebody else there.
    fn of(tenant: Tenant, namespace: &str, patience: &Arc<Patience>) -> Self {
        let Tenant { s3, gcs, azure } = tenant;
        let patient = |kind, account: Arc<dyn Directories>, whose: String| {
            let whose = format!("{namespace} {whose}");
            let buckets = PatientBuckets::new(account, Arc::clone(patience), whose);
            (kind, Arc::new(buckets))
        };
        let s3 = s3.map(|access| {
            let endpoint = access.endpoint.clone().unwrap_or_default();
            let region = access.region.clone().unwrap_or_default();
            let whose = format!("s3 {endpoint} {region}");
            patient(ObjectStore::S3, Arc::new(S3Account::new(access)), whose)
        });
        let gcs = gcs.map(|access| {
            let whose = format!("gs {}", access.endpoint.as_deref().unwrap_or_default());
            patient(ObjectStore::Gcs, Arc::new(GcsAccount::new(access)), whose)
        });
        let azure = azure.map(|access| {
            let endpoint = access.endpoint.as_deref().unwrap_or_default();
            let whose = format!("azure {} {endpoint}", access.identity.account());
            patient(
                ObjectStore::Azure,
                Arc::new(AzureAccount::new(access)),
                whose,
            )
        });
        Self(s3.into_iter().chain(gcs).chain(azure).collect())
    }

    fn directory(&self, base: &Location) -> Result<Arc<dyn Storage>, Unreached> {
        let nowhere = || {
            let (operation, path) = (storage::Operation::Open, base.to_string());
            Unreached::Storage(StorageError::NotFound { operation, path })
        };
        let Store::Object { kind, bucket } = base.store() else {
            return Err(nowhere());
        };
        let account = self.0.iter().find(|(known, _)| known == kind);
        let (_, account) = account.ok_or_else(nowhere)?;
        let key = Key::parse(base.path().trim_start_matches('/')).map_err(|_| nowhere())?;
        let own = Key::parse(JOURNAL_DIRECTORY).map_err(|_| nowhere())?;
        let directory = account.directory(bucket, &key, own);
        directory.map_err(Unreached::Storage)
    }
}

impl Unreached {
    /// A stable word, how the run ends, and what is to be done.
    pub(super) fn told(&self, namespace: &str, account: &str) -> (Reason, Phase, String) {
        match self {
            Self::Nobody(why) => (why.word(), Phase::Blocked, why.sentence(namespace, account)),
            Self::Worker(why) => (why.word(), why.phase(), why.to_string()),
            Self::Storage(error) => {
                let (word, phase) = match error {
                    StorageError::Unauthenticated { .. } => {
                        (Reason::CredentialsRefused, Phase::Blocked)
                    }
                    StorageError::PermissionDenied { .. } => {
                        (Reason::StorageForbidden, Phase::Blocked)
                    }
                    _ => (Reason::StorageError, Phase::Failed),
                };
                (word, phase, error.to_string())
            }
        }
    }
}
