//! What a worker of a namespace mounts, and as whom. Pure.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Toleration;
use retention::location::{Location, Origin, Store};

use super::template::{ClaimMount, FileUser, InvalidTemplate, JobPod, below};
use crate::api::Reason;

/// A worker that could be made.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::operator) struct WorkerPlan {
    pub(super) service_account: String,
    pub(in crate::operator) mounts: Vec<ClaimMount>,
    /// By their names, whether they are reached from one node at a time only.
    pub(super) claims: BTreeMap<String, bool>,
    pub(super) file_user: FileUser,
    pub(super) tolerations: Vec<Toleration>,
}

#[cfg(test)]
impl WorkerPlan {
    pub(in crate::operator) fn of_nothing() -> Self {
        Self {
            service_account: "default".to_owned(),
            mounts: Vec::new(),
            claims: BTreeMap::new(),
            file_user: FileUser::of_flink(),
            tolerations: Vec::new(),
        }
    }
}

/// What is known of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// `ReadWriteMany` or `ReadOnlyMany`.
    ManyNodes,
    /// `ReadWriteOnce`.
    OneNode,
    /// `ReadWriteOncePod`.
    OnePod,
}

/// Why no worker can be made for a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::operator) enum NoWorker {
    /// The operator was not told where workers find it.
    NotServed,
    /// We may not look at what it would mount.
    Forbidden {
        resources: &'static str,
    },
    InvalidTemplate {
        deployment: String,
        why: String,
    },
    /// Two deployments mean two places by one path.
    VolumesDiffer {
        path: String,
        deployments: [String; 2],
    },
    /// Their files belong to different users.
    UsersDiffer {
        deployments: [String; 2],
    },
    /// A pod that has it keeps all others from starting.
    VolumeExclusive {
        claim: String,
    },
    ClaimNotFound {
        claim: String,
    },
    /// Two ways to one directory, one of them with the operator's own identity.
    MountedByOperator {
        path: String,
    },
}

impl NoWorker {
    /// A stable word.
    pub(in crate::operator) fn word(&self) -> Reason {
        match self {
            Self::NotServed => Reason::WorkersNotServed,
            Self::Forbidden { .. } => Reason::WorkerForbidden,
            Self::InvalidTemplate { .. } => Reason::PodTemplateUnreadable,
            Self::VolumesDiffer { .. } => Reason::VolumesDiffer,
            Self::UsersDiffer { .. } => Reason::UsersDiffer,
            Self::VolumeExclusive { .. } => Reason::VolumeExclusive,
            Self::ClaimNotFound { .. } => Reason::ClaimNotFound,
            Self::MountedByOperator { .. } => Reason::MountedByOperator,
        }
    }

    /// What is wrong, and who has to do what.
    pub(in crate::operator) fn sentence(&self, namespace: &str) -> String {
        match self {
            Self::NotServed => {
                "This operator makes no workers: its chart needs `workers.enabled: true`."
                    .to_owned()
            }
            Self::Forbidden { resources } => format!(
                "The operator may not read {resources} in namespace {namespace}: its chart needs `workers: {{enabled: true, namespaces: [{namespace}]}}`."
            ),
            Self::InvalidTemplate { deployment, why } => format!(
                "The pod template of FlinkDeployment {deployment} cannot be read ({why}): repair it."
            ),
            Self::VolumesDiffer {
                path,
                deployments: [one, other],
            } => format!(
                "FlinkDeployments {one} and {other} mount different volumes at {path}, so that one path means two files: mount each volume at a path of its own."
            ),
            Self::UsersDiffer {
                deployments: [one, other],
            } => format!(
                "FlinkDeployments {one} and {other} write as different users or groups, and a worker is only one: give their pod templates the same `securityContext`, or leave one of them to another way."
            ),
            Self::VolumeExclusive { claim } => format!(
                "Claim {claim} is ReadWriteOncePod: a worker that mounts it would keep Flink from starting. Use ReadWriteOnce or ReadWriteMany."
            ),
            Self::ClaimNotFound { claim } => format!(
                "There is no claim {claim} in namespace {namespace}, which a pod template mounts: create it."
            ),
            Self::MountedByOperator { path } => format!(
                "The operator itself mounts {path} of namespace {namespace}: use `storage: {{operatorIdentity: {{}}}}`, or take its `--mount` away."
            ),
        }
    }
}

impl From<InvalidTemplate> for NoWorker {
    fn from(InvalidTemplate { deployment, why }: InvalidTemplate) -> Self {
        Self::InvalidTemplate { deployment, why }
    }
}

impl WorkerPlan {
    /// The claims that are to be looked at before a worker is planned: all that the pods mount. What other jobs of the
    /// namespace keep elsewhere may name files of this policy's jobs, and protects all of them until it is read.
    pub(super) fn claims(pods: &[JobPod]) -> BTreeSet<&str> {
        let mounts = pods.iter().flat_map(|pod| &pod.mounts);
        mounts.map(|mount| mount.claim.as_str()).collect()
    }

    /// `bases` are the directories that the policy is for. `access` knows the claims that exist.
    pub(super) fn new(
        service_account: Option<&str>,
        pods: &[JobPod],
        bases: &[Location],
        access: &BTreeMap<String, Access>,
    ) -> Result<Self, NoWorker> {
        agree(pods)?;
        let needed: BTreeSet<&str> = bases
            .iter()
            .filter(|base| matches!(base.store(), Store::File { .. }))
            .flat_map(|base| pods.iter().filter_map(|pod| pod.place(base.path())))
            .map(|(claim, _)| claim)
            .collect();
        for &claim in &needed {
            match access.get(claim) {
                None => {
                    return Err(NoWorker::ClaimNotFound {
                        claim: claim.to_owned(),
                    });
                }
                Some(Access::OnePod) => {
                    return Err(NoWorker::VolumeExclusive {
                        claim: claim.to_owned(),
                    });
                }
                Some(Access::OneNode | Access::ManyNodes) => {}
            }
        }
        // Those of others only where that is in nobody's way.
        let is_mounted = |mount: &&ClaimMount| {
            needed.contains(mount.claim.as_str())
                || access.get(&mount.claim) == Some(&Access::ManyNodes)
        };
        let mut mounts: BTreeMap<&str, ClaimMount> = BTreeMap::new();
        for mount in pods.iter().flat_map(|pod| &pod.mounts).filter(is_mounted) {
            let known = mounts.entry(&mount.path).or_insert_with(|| mount.clone());
            // Who of them may write can be different ones.
            known.read_only &= mount.read_only;
        }
        let of_needed = |pod: &&JobPod| {
            pod.mounts
                .iter()
                .any(|mount| needed.contains(mount.claim.as_str()))
        };
        let mut users = pods.iter().filter(of_needed);
        let first = users.next();
        if let Some(one) = first
            && let Some(other) = users.find(|other| other.file_user != one.file_user)
        {
            return Err(NoWorker::UsersDiffer {
                deployments: [one.deployment.clone(), other.deployment.clone()],
            });
        }
        let claims = mounts.values().map(|mount| {
            let one_node = access.get(&mount.claim) != Some(&Access::ManyNodes);
            (mount.claim.clone(), one_node)
        });
        Ok(Self {
            service_account: service_account
                .or_else(|| first?.service_account.as_deref())
                .unwrap_or("default")
                .to_owned(),
            claims: claims.collect(),
            mounts: mounts.values().cloned().collect(),
            file_user: first.map_or_else(FileUser::of_flink, |pod| pod.file_user.clone()),
            tolerations: first.map(|pod| pod.tolerations.clone()).unwrap_or_default(),
        })
    }

    /// What path strings of the namespace leave out, as its worker sees it.
    pub(in crate::operator) fn origin(&self, namespace: &str) -> Origin {
        Origin {
            namespace: Some(namespace.to_owned()),
            default_scheme: None,
            volumes: self.mounts.iter().map(|mount| mount.path.clone()).collect(),
        }
    }

    /// Whether the worker reaches a location that was parsed by [`Self::origin`].
    pub(in crate::operator) fn reaches(&self, location: &Location) -> bool {
        match location.store() {
            Store::File {
                volume: Some(volume),
                ..
            } => self.mounts.iter().any(|mount| &mount.path == volume),
            Store::File { volume: None, .. }
            | Store::Object { .. }
            | Store::Hdfs { .. }
            | Store::Other { .. } => false,
        }
    }
}

/// Wherever two pods have something at one path, it is the same: a path means one file then.
fn agree(pods: &[JobPod]) -> Result<(), NoWorker> {
    for (position, one) in pods.iter().enumerate() {
        for other in pods.iter().skip(position + 1) {
            let paths = one.mounts.iter().chain(&other.mounts);
            let differing = paths.map(|mount| &mount.path).find(|path| {
                let (here, there) = (one.place(path), other.place(path));
                here.is_some() && there.is_some() && here != there
            });
            if let Some(path) = differing {
                return Err(NoWorker::VolumesDiffer {
                    path: path.clone(),
                    deployments: [one.deployment.clone(), other.deployment.clone()],
                });
            }
        }
    }
    Ok(())
}

/// The mount of the operator at or around one of these paths, or below it.
pub(super) fn meets<'a>(mounted: &'a [String], plan: &WorkerPlan) -> Option<&'a String> {
    mounted.iter().find(|own| {
        plan.mounts
            .iter()
            .any(|mount| below(own, &mount.path).is_some() || below(&mount.path, own).is_some())
    })
}

#[cfg(test)]
mod tests;
