//! Asks the API server for what a worker would mount.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::{DynamicObject, ListParams};
use kube::{Api, Client};
use retention::location::Location;

use super::Workers;
use super::plan::{Access, NoWorker, WorkerPlan, meets};
use super::template::JobPod;
use crate::api::flink::FlinkKind;
use crate::api::retention_policy::WorkerIdentity;
use crate::operator::server_side::{is_forbidden, is_gone};

/// Whose worker is planned.
pub(in crate::operator) struct Wanted<'a> {
    pub(in crate::operator) namespace: &'a str,
    pub(in crate::operator) identity: &'a WorkerIdentity,
    /// The directories of its policy.
    pub(in crate::operator) bases: &'a [Location],
    /// What the operator itself has mounted of the namespace.
    pub(in crate::operator) mounted: &'a [String],
}

/// Plans a worker, or says why there can be none.
pub(in crate::operator) async fn plan(
    client: &Client,
    workers: Option<&Workers>,
    wanted: Wanted<'_>,
) -> Result<Result<WorkerPlan, NoWorker>, kube::Error> {
    let Wanted {
        namespace,
        identity,
        bases,
        mounted,
    } = wanted;
    if workers.is_none() {
        return Ok(Err(NoWorker::NotServed));
    }
    let kind = FlinkKind::Deployment.api_resource();
    let deployments: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind);
    let deployments = match deployments.list(&ListParams::default()).await {
        Ok(deployments) => deployments.items,
        // The kind is not installed: nobody mounts anything.
        Err(error) if is_gone(&error) => Vec::new(),
        Err(error) => return Err(error),
    };
    let pods: Result<Vec<JobPod>, _> = deployments.iter().map(JobPod::of).collect();
    let pods = match pods {
        Ok(pods) => pods,
        Err(invalid) => return Ok(Err(invalid.into())),
    };
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    let mut access = BTreeMap::new();
    for name in WorkerPlan::claims(&pods) {
        match claims.get(name).await {
            Ok(claim) => {
                access.insert(name.to_owned(), access_of(&claim));
            }
            Err(error) if is_gone(&error) => {}
            Err(error) if is_forbidden(&error) => {
                let resources = "persistentvolumeclaims";
                return Ok(Err(NoWorker::Forbidden { resources }));
            }
            Err(error) => return Err(error),
        }
    }
    let account = identity.service_account_name.as_deref();
    let plan = WorkerPlan::new(account, &pods, bases, &access);
    Ok(plan.and_then(|plan| match meets(mounted, &plan) {
        Some(path) => Err(NoWorker::MountedByOperator { path: path.clone() }),
        None => Ok(plan),
    }))
}

/// The widest of what it allows counts, but for the one that excludes all others. A claim that says nothing is taken for
/// one of a single node.
fn access_of(claim: &PersistentVolumeClaim) -> Access {
    let spec = claim
        .spec
        .as_ref()
        .and_then(|spec| spec.access_modes.clone());
    let status = claim.status.as_ref();
    let bound = status.and_then(|status| status.access_modes.clone());
    // What was bound can be more than what was asked for, and the other way round: Kubernetes goes by what was asked for.
    let modes = spec.or(bound).unwrap_or_default();
    let has = |mode: &str| modes.iter().any(|other| other == mode);
    if has("ReadWriteOncePod") {
        Access::OnePod
    } else if has("ReadWriteMany") || has("ReadOnlyMany") && !has("ReadWriteOnce") {
        Access::ManyNodes
    } else {
        Access::OneNode
    }
}
