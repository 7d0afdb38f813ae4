//! Everything that a look at the jobs needs of the API server, beside what the observer sees.

use std::collections::{BTreeMap, BTreeSet};

use kube::api::{DynamicObject, ListParams};
use kube::core::DeserializeGuard;
use kube::{Api, ResourceExt};
use retention::evidence::JobName;

use super::context::Operator;
use super::job_changes::KINDS;
use crate::api::flink::FlinkKind;
use crate::api::{CheckpointInventory, RetentionPolicy};

/// What is listed for a look.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) objects: Vec<Found>,
    pub(super) recorded: Inventories,
    pub(super) policies: Vec<(String, RetentionPolicy)>,
    /// Kinds that the API server does not know.
    pub(super) not_installed: BTreeSet<FlinkKind>,
}

/// Lists everything, each scope by itself: a namespace that cannot be read, for it was deleted perhaps and its role with
/// it, must not hide the others. Its jobs are then neither seen nor recorded, so nothing is written for them. The last
/// problem goes along; it is all there is if nothing could be listed.
pub(super) async fn gather(operator: &Operator) -> Result<(Gathered, Option<Unlisted>), Unlisted> {
    let (mut gathered, mut listed, mut unlisted) = (Gathered::default(), false, None);
    for scope in operator.scopes() {
        match gather_in(operator, scope.as_deref()).await {
            Ok(Gathered {
                objects,
                recorded,
                policies,
                not_installed,
            }) => {
                gathered.not_installed.extend(not_installed);
                listed = true;
                gathered.objects.extend(objects);
                gathered.recorded.extend(recorded);
                gathered.policies.extend(policies);
            }
            Err(error) => unlisted = Some(error),
        }
    }
    match unlisted {
        Some(error) if !listed => Err(error),
        unlisted => Ok((gathered, unlisted)),
    }
}

async fn gather_in(operator: &Operator, scope: Option<&str>) -> Result<Gathered, Unlisted> {
    let mut not_installed = BTreeSet::new();
    Ok(Gathered {
        objects: flink_objects(operator, scope, &mut not_installed).await?,
        not_installed,
        recorded: inventories(operator, scope).await?,
        policies: policies(operator, scope).await?,
    })
}

/// Something that could not be listed.
#[derive(Debug, thiserror::Error)]
#[error("cannot list {what} in {namespace}: {error}")]
pub(super) struct Unlisted {
    what: &'static str,
    namespace: String,
    error: Box<kube::Error>,
}

pub(super) type Inventories = BTreeMap<(String, String), Result<CheckpointInventory, ()>>;

/// A Flink resource, as far as it is needed to record it. Also one that cannot be decoded has labels and a uid.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: JobName,
    pub(super) uid: Option<String>,
    pub(super) labels: BTreeMap<String, String>,
}

async fn flink_objects(
    operator: &Operator,
    scope: Option<&str>,
    not_installed: &mut BTreeSet<FlinkKind>,
) -> Result<Vec<Found>, Unlisted> {
    let mut found = Vec::new();
    for kind in KINDS {
        let resource = kind.api_resource();
        let client = operator.client.0.clone();
        let api: Api<DynamicObject> = match scope {
            None => Api::all_with(client, &resource),
            Some(name) => Api::namespaced_with(client, name, &resource),
        };
        match api.list_metadata(&ListParams::default()).await {
            Ok(list) => {
                found.extend(list.items.into_iter().map(|object| Found {
                    name: JobName {
                        kind: kind.as_str().to_owned(),
                        namespace: object.namespace().unwrap_or_default(),
                        name: object.name_any(),
                    },
                    uid: object.uid(),
                    labels: object.metadata.labels.unwrap_or_default(),
                }));
            }
            // Any subset of Flink's kinds may be installed.
            Err(error) if super::server_side::is_gone(&error) => {
                not_installed.insert(kind);
            }
            Err(error) => return Err(not_listed(kind.as_str(), scope, error)),
        }
    }
    Ok(found)
}

fn not_listed(what: &'static str, scope: Option<&str>, error: kube::Error) -> Unlisted {
    Unlisted {
        what,
        namespace: scope.map_or_else(
            || "all namespaces".to_owned(),
            |name| format!("namespace {name}"),
        ),
        error: Box::new(error),
    }
}

async fn inventories(operator: &Operator, scope: Option<&str>) -> Result<Inventories, Unlisted> {
    let api: Api<DeserializeGuard<CheckpointInventory>> = operator.within(scope);
    let list = api
        .list(&ListParams::default())
        .await
        .map_err(|error| not_listed("CheckpointInventory", scope, error))?;
    let mut found = Inventories::new();
    for DeserializeGuard(read) in list {
        let metadata = match &read {
            Ok(inventory) => &inventory.metadata,
            Err(invalid) => {
                tracing::warn!(
                    namespace = invalid.metadata.namespace,
                    name = invalid.metadata.name,
                    error = invalid.error,
                    "this CheckpointInventory cannot be read and is left as it is"
                );
                &invalid.metadata
            }
        };
        let key = (
            metadata.namespace.clone().unwrap_or_default(),
            metadata.name.clone().unwrap_or_default(),
        );
        found.insert(key, read.map_err(|_| ()));
    }
    Ok(found)
}

async fn policies(
    operator: &Operator,
    scope: Option<&str>,
) -> Result<Vec<(String, RetentionPolicy)>, Unlisted> {
    let api: Api<DeserializeGuard<RetentionPolicy>> = operator.within(scope);
    let list = api
        .list(&ListParams::default())
        .await
        .map_err(|error| not_listed("RetentionPolicy", scope, error))?;
    let readable = list
        .into_iter()
        .filter_map(|DeserializeGuard(read)| read.ok());
    Ok(readable
        .map(|policy| (policy.namespace().unwrap_or_default(), policy))
        .collect())
}
