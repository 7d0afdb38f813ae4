//! The policies that a look at the jobs tells of.

use std::collections::BTreeSet;

use kube::api::ListParams;
use kube::core::DeserializeGuard;
use kube::{Api, ResourceExt};

use super::context::Operator;
use crate::api::RetentionPolicy;

/// The policies of all scopes, with their namespaces.
#[derive(Debug, Default)]
pub(super) struct Policies {
    pub(super) all: Vec<(String, RetentionPolicy)>,
    /// Namespaces whose policies could not be listed.
    pub(super) unlisted: BTreeSet<String>,
    pub(super) problem: Option<Unlisted>,
}

/// Something that could not be listed.
#[derive(Debug, thiserror::Error)]
#[error("cannot list RetentionPolicy in {namespace}: {error}")]
pub(super) struct Unlisted {
    namespace: String,
    error: Box<kube::Error>,
}

/// Lists each scope by itself: a namespace that cannot be read, for it was deleted perhaps and its role with it, must
/// not hide the others.
pub(super) async fn policies(operator: &Operator) -> Result<Policies, Unlisted> {
    let mut gathered = Policies::default();
    for scope in operator.scopes() {
        match (policies_in(operator, scope.as_deref()).await, scope) {
            (Ok(policies), _) => gathered.all.extend(policies),
            (Err(error), None) => return Err(error),
            (Err(error), Some(namespace)) => {
                gathered.unlisted.insert(namespace);
                gathered.problem = Some(error);
            }
        }
    }
    Ok(gathered)
}

async fn policies_in(
    operator: &Operator,
    scope: Option<&str>,
) -> Result<Vec<(String, RetentionPolicy)>, Unlisted> {
    let api: Api<DeserializeGuard<RetentionPolicy>> = operator.within(scope);
    let list = api
        .list(&ListParams::default())
        .await
        .map_err(|error| Unlisted {
            namespace: scope.map_or_else(
                || "all namespaces".to_owned(),
                |name| format!("namespace {name}"),
            ),
            error: Box::new(error),
        })?;
    let readable = list
        .into_iter()
        .filter_map(|DeserializeGuard(read)| read.ok());
    Ok(readable
        .map(|policy| (policy.namespace().unwrap_or_default(), policy))
        .collect())
}
