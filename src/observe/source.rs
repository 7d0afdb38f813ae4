use crate::api::flink::FlinkKind;
use crate::observe::{FlinkObject, RawObject};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

/// Where Kubernetes objects come from.
#[async_trait]
pub trait Source: Send + Sync + Debug {
    /// Everything that is in sight, in one go.
    async fn resources(&self) -> Resources;

    /// One `ConfigMap`, read now. `None` only if it does not exist for certain.
    async fn config_map(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<ConfigMapData>, Unread>;

    /// The pods and Deployments of a namespace, all of them, read now.
    async fn processes(&self, namespace: &str) -> Result<Vec<Process>, Unread>;
}

/// The objects in sight, and what could not be read.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    pub flink: Vec<FlinkObject>,
    /// `CheckpointInventory` objects.
    pub inventories: Vec<RawObject>,
    /// Only their names: most are none of ours.
    pub config_maps: BTreeSet<ObjectName>,
    /// Namespaces in which nothing may be deleted, and why.
    pub suspended_namespaces: BTreeMap<String, String>,
    /// Kinds that the API server does not know: that there is no object of them says nothing about any object.
    pub not_installed: BTreeSet<FlinkKind>,
    /// Namespaces in which the absence of an object says nothing, and why.
    pub ending_namespaces: BTreeMap<String, String>,
    pub unread: Vec<Unread>,
    /// Those of them that hide jobs, or records of jobs.
    pub hidden_jobs: Vec<Unread>,
}

impl Resources {
    /// Why it is not known for certain that an object which is not listed was deleted, if that is so.
    pub(super) fn absence_in_doubt(&self, kind: &str, namespace: &str) -> Option<String> {
        let kind_is_unknown =
            FlinkKind::from_name(kind).is_none_or(|kind| self.not_installed.contains(&kind));
        if kind_is_unknown {
            return Some(format!("the API server does not know the kind {kind}"));
        }
        if let Some(why) = self.ending_namespaces.get(namespace) {
            return Some(why.clone());
        }
        let unread = self
            .unread
            .iter()
            .find(|unread| unread.concerns(namespace))?;
        Some(format!(
            "{} could not be listed: {}",
            unread.what, unread.why
        ))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    pub namespace: String,
    pub name: String,
}

/// Something that was asked for and not learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// As a person would name it: `FlinkDeployments in namespace flink`.
    pub what: String,
    /// None: of all namespaces.
    pub namespace: Option<String>,
    /// Why, and what to do.
    pub why: String,
}

impl Unread {
    #[must_use]
    pub fn concerns(&self, namespace: &str) -> bool {
        let of = self.namespace.as_deref();
        of.is_none_or(|of| of == namespace)
    }
}

/// The parts of a `ConfigMap` that matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigMapData {
    pub uid: String,
    pub data: BTreeMap<String, String>,
}

/// A pod or a Deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    pub name: String,
    pub labels: BTreeMap<String, String>,
}
