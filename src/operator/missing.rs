//! Which resources were deleted, for certain: they were missing from two complete looks in a row, while their kind and
//! their namespace were there. Not kept beyond a restart, which only makes it later.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use retention::evidence::JobName;

use super::context::Operator;
use crate::api::flink::FlinkKind;

/// The resources that were missing from the last look.
#[derive(Debug, Default)]
pub(super) struct Missing(BTreeSet<JobName>);

impl Missing {
    /// Those that were missing from the last look as well.
    pub(super) fn again(&mut self, now: BTreeSet<JobName>) -> BTreeSet<JobName> {
        let again = now.intersection(&self.0).cloned().collect();
        self.0 = now;
        again
    }
}

/// Of resources that a complete list did not show, those whose absence says something.
pub(super) async fn certain(
    operator: &Operator,
    absent: BTreeSet<JobName>,
    not_installed: &BTreeSet<FlinkKind>,
) -> BTreeSet<JobName> {
    let installed = |job: &JobName| {
        FlinkKind::from_name(&job.kind).is_some_and(|kind| !not_installed.contains(&kind))
    };
    let absent: BTreeSet<JobName> = absent.into_iter().filter(installed).collect();
    let namespaces: BTreeSet<&str> = absent.iter().map(|job| job.namespace.as_str()).collect();
    let mut standing = BTreeSet::new();
    for namespace in namespaces {
        if stands(operator, namespace).await {
            standing.insert(namespace.to_owned());
        }
    }
    absent
        .into_iter()
        .filter(|job| standing.contains(&job.namespace))
        .collect()
}

/// Whether a namespace is there and is not being deleted. What cannot be read is neither.
async fn stands(operator: &Operator, namespace: &str) -> bool {
    let namespaces: Api<Namespace> = Api::all(operator.client.0.clone());
    match namespaces.get_metadata_opt(namespace).await {
        Ok(found) => found.is_some_and(|found| found.metadata.deletion_timestamp.is_none()),
        Err(error) => {
            tracing::warn!(namespace, %error, "cannot read the namespace, so no deletion in it is recorded");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn jobs(names: &[&str]) -> BTreeSet<JobName> {
        let job = |name: &&str| JobName {
            kind: "FlinkDeployment".to_owned(),
            namespace: "flink".to_owned(),
            name: (*name).to_owned(),
        };
        names.iter().map(job).collect()
    }

    #[test]
    fn only_what_is_missing_twice_in_a_row_counts() {
        let mut missing = Missing::default();
        assert_eq!(missing.again(jobs(&["a", "b"])), jobs(&[]));
        assert_eq!(missing.again(jobs(&["b", "c"])), jobs(&["b"]));
        assert_eq!(missing.again(jobs(&["a"])), jobs(&[]));
        assert_eq!(missing.again(jobs(&["a"])), jobs(&["a"]));
    }
}
