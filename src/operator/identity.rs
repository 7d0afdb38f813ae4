//! As whom a policy reaches its storage. Exactly one identity; nothing falls back to another.

mod tenant;

use k8s_openapi::api::core::v1::Secret as SecretObject;
use kube::Api;

use super::server_side::{is_forbidden, is_gone};
use super::workers::{NoWorker, WorkerPlan};
use crate::api::Reason;
use crate::api::names::is_object_name;
use crate::api::retention_policy::{StorageAccess, WorkerIdentity};
pub(super) use tenant::Tenant;
use tenant::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, SERVICE_ACCOUNT_KEY, STORAGE_ACCOUNT};

/// Who asks the storage.
#[derive(Debug)]
pub(super) enum Identity {
    /// The operator itself, within what was granted to the namespace.
    Operator,
    /// Whoever the Secret of the namespace says, wherever the store lets him.
    Tenant(Box<Tenant>),
    /// A Job in the namespace, for the volumes that Flink's pods have there.
    Worker(Box<WorkerPlan>),
    Nobody(NoIdentity),
}

/// Why nobody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoIdentity {
    /// The spec names none that this version honours.
    Unnamed,
    /// An older definition let it through.
    NoSecretName {
        name: String,
    },
    /// There can be no worker.
    Worker(NoWorker),
    SecretForbidden {
        name: String,
    },
    SecretNotFound {
        name: String,
    },
    SecretIncomplete {
        name: String,
        why: String,
    },
}

impl Identity {
    /// Reads the Secret, if the policy names one. It is read whenever it is needed, never watched and never kept. A worker
    /// is only planned.
    pub(super) async fn of<F>(
        storage: &StorageAccess,
        secrets: &Api<SecretObject>,
        plan: impl FnOnce(WorkerIdentity) -> F,
    ) -> Result<Self, kube::Error>
    where
        F: Future<Output = Result<Result<WorkerPlan, NoWorker>, kube::Error>>,
    {
        let StorageAccess {
            secret_ref,
            worker,
            operator_identity,
            s3: _,
            gcs: _,
            azure: _,
            requests_per_second: _,
        } = storage;
        let name = match (secret_ref, worker, operator_identity) {
            (Some(secret), None, None) => secret.name.clone(),
            (None, None, Some(_)) => return Ok(Self::Operator),
            (None, Some(worker), None) => {
                return Ok(match plan(worker.clone()).await? {
                    Ok(plan) => Self::Worker(Box::new(plan)),
                    Err(why) => Self::Nobody(NoIdentity::Worker(why)),
                });
            }
            _ => return Ok(Self::Nobody(NoIdentity::Unnamed)),
        };
        if !is_object_name(&name) {
            return Ok(Self::Nobody(NoIdentity::NoSecretName { name }));
        }
        let secret = match secrets.get(&name).await {
            Ok(secret) => secret,
            Err(error) if is_gone(&error) => {
                return Ok(Self::Nobody(NoIdentity::SecretNotFound { name }));
            }
            Err(error) if is_forbidden(&error) => {
                return Ok(Self::Nobody(NoIdentity::SecretForbidden { name }));
            }
            Err(error) => return Err(error),
        };
        Ok(match Tenant::of(&secret, storage) {
            Ok(tenant) => Self::Tenant(Box::new(tenant)),
            Err(why) => Self::Nobody(NoIdentity::SecretIncomplete { name, why }),
        })
    }

    /// Why nobody asks, if that is so.
    pub(super) fn missing(&self) -> Option<&NoIdentity> {
        match self {
            Self::Nobody(why) => Some(why),
            Self::Operator | Self::Tenant(_) | Self::Worker(_) => None,
        }
    }
}

impl NoIdentity {
    /// A stable word.
    pub(super) fn word(&self) -> Reason {
        match self {
            Self::Unnamed => Reason::NoIdentity,
            Self::NoSecretName { .. } => Reason::InvalidSecretName,
            Self::Worker(why) => why.word(),
            Self::SecretForbidden { .. } => Reason::SecretForbidden,
            Self::SecretNotFound { .. } => Reason::SecretNotFound,
            Self::SecretIncomplete { .. } => Reason::SecretIncomplete,
        }
    }

    /// What is wrong, and who has to do what. `account` is the operator's own, as `namespace:name`.
    pub(super) fn sentence(&self, namespace: &str, account: &str) -> String {
        match self {
            Self::Unnamed => {
                "The policy says not as whom its storage is reached: name a Secret in `storage.secretRef`, or set `storage.worker: {}` or `storage.operatorIdentity: {}`.".to_owned()
            }
            Self::NoSecretName { name } => format!(
                "{name:?} in `storage.secretRef` is no name that a Secret can have: write lowercase letters, digits, `-` and `.`, with a letter or digit at both ends."
            ),
            Self::Worker(why) => why.sentence(namespace),
            Self::SecretForbidden { name } => format!(
                "The operator may not read Secret {name}; allow it: `kubectl create role -n {namespace} flink-retention-{name} --verb=get --resource=secrets --resource-name={name}` and `kubectl create rolebinding -n {namespace} flink-retention-{name} --role=flink-retention-{name} --serviceaccount={account}`."
            ),
            Self::SecretNotFound { name } => format!(
                "There is no Secret {name} in namespace {namespace}: create it with the keys {ACCESS_KEY_ID} and {SECRET_ACCESS_KEY} for S3, {SERVICE_ACCOUNT_KEY} for Google Cloud Storage, or {STORAGE_ACCOUNT} and AZURE_STORAGE_ACCOUNT_KEY for Azure Storage."
            ),
            Self::SecretIncomplete { name, why } => format!("Secret {name} {why}."),
        }
    }
}
