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
    /// Their names, and those of the ones that cannot be read.
    pub(super) names: BTreeSet<(String, String)>,
    /// Namespaces whose policies could not be listed.
    pub(super) unlisted: BTreeSet<String>,
    pub(super) problem: Option<Unlisted>,
}

impl Policies {
    fn add(&mut self, policy: DeserializeGuard<RetentionPolicy>) {
        let namespace = policy.namespace().unwrap_or_default();
        self.names.insert((namespace.clone(), policy.name_any()));
        if let Ok(policy) = policy.0 {
            self.all.push((namespace, policy));
        }
    }

    /// Whether this policy may be there.
    pub(super) fn may_have(&self, namespace: &str, name: &str) -> bool {
        self.unlisted.contains(namespace)
            || self
                .names
                .contains(&(namespace.to_owned(), name.to_owned()))
    }
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
            (Ok(policies), _) => policies.into_iter().for_each(|policy| gathered.add(policy)),
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
) -> Result<Vec<DeserializeGuard<RetentionPolicy>>, Unlisted> {
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
    Ok(list.items)
}
