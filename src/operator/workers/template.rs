//! What a `FlinkDeployment` says about its JobManager's pod, as far as a worker has to be like it.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec, Toleration, VolumeMount};
use kube::ResourceExt;
use kube::api::DynamicObject;
use retention::location::{Location, Origin};
use serde_json::Value;

/// Flink's container, in templates as in pods (`Constants.MAIN_CONTAINER_NAME`).
const MAIN_CONTAINER: &str = "flink-main-container";
/// The user and group `flink` of Flink's images, to which their entry point drops from root.
const FLINK: i64 = 9999;

/// A claim that Flink's container has mounted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::operator) struct ClaimMount {
    /// Absolute, without a slash at its end.
    pub(in crate::operator) path: String,
    pub(super) claim: String,
    pub(super) sub_path: String,
    pub(super) read_only: bool,
}

/// As whom Flink reads and writes files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileUser {
    pub(super) user: i64,
    pub(super) group: Option<i64>,
    /// Also the `fsGroup`: as one more group of the process it lets us reach the same files, and nobody changes owners.
    pub(super) groups: BTreeSet<i64>,
}

impl FileUser {
    pub(super) fn of_flink() -> Self {
        Self {
            user: FLINK,
            group: Some(FLINK),
            groups: BTreeSet::new(),
        }
    }
}

/// The pod of a JobManager.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct JobPod {
    pub(super) deployment: String,
    pub(super) service_account: Option<String>,
    pub(super) mounts: Vec<ClaimMount>,
    pub(super) file_user: FileUser,
    pub(super) tolerations: Vec<Toleration>,
}

/// A template that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InvalidTemplate {
    pub(super) deployment: String,
    pub(super) why: String,
}

impl JobPod {
    /// What is said of the JobManager counts before what is said of all pods.
    pub(super) fn of(deployment: &DynamicObject) -> Result<Self, InvalidTemplate> {
        let name = deployment.name_any();
        let spec = &deployment.data["spec"];
        let templates = [&spec["jobManager"]["podTemplate"], &spec["podTemplate"]];
        let mut pods = Vec::new();
        for template in templates {
            pods.extend(pod_spec(template).map_err(|error| InvalidTemplate {
                deployment: name.clone(),
                why: error.to_string(),
            })?);
        }
        Ok(Self {
            service_account: spec["serviceAccount"].as_str().map(str::to_owned),
            mounts: mounts(&pods),
            file_user: file_user(&pods),
            tolerations: pods
                .iter()
                .find_map(|pod| pod.tolerations.clone())
                .unwrap_or_default(),
            deployment: name,
        })
    }

    /// What the pod sees at a path: a claim, and where in it.
    pub(super) fn place(&self, path: &str) -> Option<(&str, String)> {
        let covering = self
            .mounts
            .iter()
            .filter_map(|mount| Some((mount, below(path, &mount.path)?)));
        let (mount, rest) = covering.max_by_key(|(mount, _)| mount.path.len())?;
        let within = format!("{}{rest}", mount.sub_path);
        Some((&mount.claim, within.trim_matches('/').to_owned()))
    }
}

/// The rest of a path after a directory, with its first slash.
pub(super) fn below<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(directory.trim_end_matches('/'))?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

fn pod_spec(template: &Value) -> Result<Option<PodSpec>, serde_json::Error> {
    if template.is_null() {
        return Ok(None);
    }
    let template: PodTemplateSpec = serde_json::from_value(template.clone())?;
    Ok(template.spec)
}

fn main_containers(pods: &[PodSpec]) -> impl Iterator<Item = &Container> {
    let containers = pods.iter().flat_map(|pod| &pod.containers);
    containers.filter(|container| container.name == MAIN_CONTAINER)
}

fn mounts(pods: &[PodSpec]) -> Vec<ClaimMount> {
    let mut mounts: Vec<ClaimMount> = Vec::new();
    for mount in
        main_containers(pods).flat_map(|container| container.volume_mounts.iter().flatten())
    {
        if let Some(mount) = claim_mount(mount, pods)
            && !mounts.iter().any(|other| other.path == mount.path)
        {
            mounts.push(mount);
        }
    }
    mounts
}

/// None of other kinds of volumes: some are gone with their pod, and some reach what only the node's owner may.
fn claim_mount(mount: &VolumeMount, pods: &[PodSpec]) -> Option<ClaimMount> {
    let mut volumes = pods.iter().flat_map(|pod| pod.volumes.iter().flatten());
    let volume = volumes.find(|volume| volume.name == mount.name)?;
    let claim = volume.persistent_volume_claim.as_ref()?;
    // Only the pod itself knows what its expression comes to.
    if mount.sub_path_expr.is_some() || !mount.mount_path.starts_with('/') {
        return None;
    }
    let path = Location::parse(&mount.mount_path, &Origin::default()).ok()?;
    Some(ClaimMount {
        path: path.path().to_owned(),
        claim: claim.claim_name.clone(),
        sub_path: mount.sub_path.clone().unwrap_or_default(),
        read_only: mount.read_only == Some(true) || claim.read_only == Some(true),
    })
}

fn file_user(pods: &[PodSpec]) -> FileUser {
    let mut contexts = pods.iter().filter_map(|pod| pod.security_context.as_ref());
    let of_container =
        || main_containers(pods).filter_map(|container| container.security_context.as_ref());
    let user = of_container()
        .find_map(|context| context.run_as_user)
        .or_else(|| contexts.clone().find_map(|context| context.run_as_user))
        // Who starts as root does not stay so.
        .filter(|&user| user != 0)
        .unwrap_or(FLINK);
    let group = of_container()
        .find_map(|context| context.run_as_group)
        .or_else(|| contexts.clone().find_map(|context| context.run_as_group))
        .or((user == FLINK).then_some(FLINK));
    let supplemental = contexts
        .clone()
        .find_map(|context| context.supplemental_groups.clone());
    let fs_group = contexts.find_map(|context| context.fs_group);
    FileUser {
        user,
        group,
        groups: supplemental.into_iter().flatten().chain(fs_group).collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn job_pod(spec: &Value) -> Result<JobPod, InvalidTemplate> {
        let object = json!({
            "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
            "metadata": {"name": "orders", "namespace": "flink"}, "spec": spec,
        });
        JobPod::of(&serde_json::from_value(object).unwrap())
    }

    fn template(mounts: &Value, context: &Value) -> Value {
        json!({"spec": {
            "securityContext": context,
            "containers": [{"name": MAIN_CONTAINER, "volumeMounts": mounts}],
            "volumes": [
                {"name": "state", "persistentVolumeClaim": {"claimName": "state"}},
                {"name": "scratch", "emptyDir": {}},
                {"name": "node", "hostPath": {"path": "/"}},
            ],
        }})
    }

    #[test]
    fn only_claims_are_mounted_and_the_template_of_the_job_manager_counts_first() {
        let common = template(
            &json!([
                {"name": "state", "mountPath": "/data/", "subPath": "a"},
                {"name": "scratch", "mountPath": "/scratch"},
                {"name": "node", "mountPath": "/host"},
                {"name": "unknown", "mountPath": "/unknown"},
                {"name": "state", "mountPath": "/by/name", "subPathExpr": "$(POD_NAME)"},
            ]),
            &json!({"fsGroup": 7, "supplementalGroups": [8]}),
        );
        let own = template(
            &json!([{"name": "state", "mountPath": "/data", "subPath": "b", "readOnly": true}]),
            &json!({"runAsUser": 5}),
        );
        let spec = json!({"serviceAccount": "flink", "podTemplate": common, "jobManager": {"podTemplate": own}});
        let pod = job_pod(&spec).unwrap();
        let mount = ClaimMount {
            path: "/data".to_owned(),
            claim: "state".to_owned(),
            sub_path: "b".to_owned(),
            read_only: true,
        };
        assert_eq!(pod.mounts, [mount]);
        assert_eq!(pod.service_account.as_deref(), Some("flink"));
        let FileUser {
            user,
            group,
            groups,
        } = &pod.file_user;
        assert_eq!((*user, *group), (5, None));
        assert_eq!(groups, &BTreeSet::from([7, 8]));
        assert_eq!(pod.place("/data/ckp"), Some(("state", "b/ckp".to_owned())));
        assert_eq!(pod.place("/database"), None);
    }

    #[test]
    fn without_a_user_it_is_that_of_the_image() {
        for context in [json!({}), json!({"runAsUser": 0})] {
            let spec = json!({"podTemplate": template(&json!([]), &context)});
            let FileUser { user, group, .. } = job_pod(&spec).unwrap().file_user;
            assert_eq!((user, group), (FLINK, Some(FLINK)));
        }
    }

    #[test]
    fn a_template_that_makes_no_sense_is_not_guessed() {
        assert_eq!(job_pod(&json!({})).unwrap().mounts, []);
        let error = job_pod(&json!({"podTemplate": {"spec": {"volumes": 7}}})).unwrap_err();
        assert_eq!(error.deployment, "orders");
    }
}
