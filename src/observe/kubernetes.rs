//! Lists and gets from the API server: consistent reads, never its watch cache at `resourceVersion=0`.

use crate::api::CheckpointInventory;
use crate::api::flink::FlinkKind;
use crate::api::names::{SUSPEND_ANNOTATION, is_on};
use crate::observe::source::{ConfigMapData, ObjectName, Process, Resources, Source, Unread};
use crate::observe::{FlinkObject, RawObject};
use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use kube::api::{
    Api, ApiResource, DynamicObject, ListParams, ObjectList, ObjectMeta, PartialObjectMeta,
};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::fmt::{self, Debug};

/// A page of large objects is a few MiB while it is read.
const PAGE: u32 = 100;
/// A list of many pages may outlive the version that it began with; then it begins anew.
const ATTEMPTS: usize = 3;
const REQUESTS_AT_ONCE: usize = 8;

/// Which namespaces are in sight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Namespaces {
    #[default]
    All,
    Only(BTreeSet<String>),
}

/// The objects of an API server.
#[derive(Clone)]
pub struct KubernetesSource {
    client: Client,
    namespaces: Namespaces,
}

impl KubernetesSource {
    #[must_use]
    pub fn new(client: Client, namespaces: Namespaces) -> Self {
        Self { client, namespaces }
    }

    /// One list for all namespaces, or one for each.
    fn scopes(&self) -> Vec<Option<String>> {
        match &self.namespaces {
            Namespaces::All => vec![None],
            Namespaces::Only(names) => names.iter().cloned().map(Some).collect(),
        }
    }

    fn api(&self, scope: Option<&str>, resource: &ApiResource) -> Api<DynamicObject> {
        match scope {
            None => Api::all_with(self.client.clone(), resource),
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, resource),
        }
    }

    async fn flink(&self, kind: FlinkKind, resources: &mut Resources) {
        for scope in self.scopes() {
            let api = self.api(scope.as_deref(), &kind.api_resource());
            match list(&api, |object| FlinkObject::read(kind, object)).await {
                Ok(objects) => resources.flink.extend(objects),
                // Any subset of Flink's kinds may be installed.
                Err(ListError::NoSuchKind) => {
                    resources.not_installed.insert(kind);
                }
                Err(error) => {
                    let unread = error.unread(kind.as_str(), scope);
                    if kind.has_job() {
                        resources.hidden_jobs.push(unread.clone());
                    }
                    resources.unread.push(unread);
                }
            }
        }
    }

    async fn inventories(&self, resources: &mut Resources) {
        let resource = ApiResource::erase::<CheckpointInventory>(&());
        for scope in self.scopes() {
            let api = self.api(scope.as_deref(), &resource);
            match list(&api, RawObject::from).await {
                Ok(objects) => resources.inventories.extend(objects),
                Err(error) => {
                    let unread = error.unread("CheckpointInventory", scope);
                    resources.hidden_jobs.push(unread.clone());
                    resources.unread.push(unread);
                }
            }
        }
    }

    async fn config_map_names(&self, resources: &mut Resources) {
        for scope in self.scopes() {
            let api = namespaced::<ConfigMap>(&self.client, scope.as_deref());
            match list_metadata(&api, object_name).await {
                Ok(found) => resources.config_maps.extend(found),
                Err(error) => resources.unread.push(error.unread("ConfigMap", scope)),
            }
        }
    }

    /// What is said of every namespace that has something of ours.
    async fn namespaces(&self, resources: &mut Resources) {
        let flink = resources.flink.iter().map(|object| &object.name.namespace);
        let flink = flink.filter(|namespace| !namespace.is_empty()).cloned();
        let inventories = resources.inventories.iter();
        let names: BTreeSet<String> = flink
            .chain(inventories.filter_map(ResourceExt::namespace))
            .collect();
        let api: Api<Namespace> = Api::all(self.client.clone());
        let read: Vec<_> = stream::iter(names)
            .map(|name| {
                let api = api.clone();
                async move {
                    let read = api.get_metadata_opt(&name).await;
                    (name, read)
                }
            })
            .buffered(REQUESTS_AT_ONCE)
            .collect()
            .await;
        for (name, read) in read {
            let metadata = read
                .as_ref()
                .map(|found| found.as_ref().map(|found| &found.metadata));
            if let Some(why) = suspends(&name, metadata) {
                resources.suspended_namespaces.insert(name.clone(), why);
            }
            if let Some(why) = ends(&name, metadata) {
                resources.ending_namespaces.insert(name, why);
            }
        }
    }
}

#[async_trait]
impl Source for KubernetesSource {
    async fn resources(&self) -> Resources {
        let mut resources = Resources::default();
        for kind in FlinkKind::ALL {
            self.flink(kind, &mut resources).await;
        }
        self.inventories(&mut resources).await;
        self.config_map_names(&mut resources).await;
        self.namespaces(&mut resources).await;
        resources
    }

    async fn config_map(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<ConfigMapData>, Unread> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        let found = api.get_opt(name).await.map_err(|error| Unread {
            what: format!("ConfigMap {namespace}/{name}"),
            namespace: Some(namespace.to_owned()),
            why: says(&error),
        })?;
        Ok(found.map(|map| ConfigMapData {
            uid: map.metadata.uid.unwrap_or_default(),
            data: map.data.unwrap_or_default(),
        }))
    }

    async fn processes(&self, namespace: &str) -> Result<Vec<Process>, Unread> {
        let scope = Some(namespace.to_owned());
        let deployments = namespaced::<Deployment>(&self.client, Some(namespace));
        let deployments = list_metadata(&deployments, process)
            .await
            .map_err(|error| error.unread("Deployment", scope.clone()))?;
        let pods = namespaced::<Pod>(&self.client, Some(namespace));
        let pods = list_metadata(&pods, process)
            .await
            .map_err(|error| error.unread("Pod", scope))?;
        Ok(deployments.into_iter().chain(pods).collect())
    }
}

fn object_name(metadata: ObjectMeta) -> ObjectName {
    ObjectName {
        namespace: metadata.namespace.unwrap_or_default(),
        name: metadata.name.unwrap_or_default(),
    }
}

fn process(metadata: ObjectMeta) -> Process {
    Process {
        name: metadata.name.unwrap_or_default(),
        labels: metadata.labels.unwrap_or_default(),
    }
}

fn namespaced<K>(client: &Client, scope: Option<&str>) -> Api<K>
where
    K: Resource<Scope = kube::core::NamespaceResourceScope>,
    K::DynamicType: Default,
{
    match scope {
        None => Api::all(client.clone()),
        Some(namespace) => Api::namespaced(client.clone(), namespace),
    }
}

type ReadMetadata<'a> = Result<Option<&'a ObjectMeta>, &'a kube::Error>;

fn suspends(name: &str, read: ReadMetadata<'_>) -> Option<String> {
    match read {
        Ok(metadata) => {
            let annotation = metadata?.annotations.as_ref()?.get(SUSPEND_ANNOTATION);
            is_on(annotation)
                .then(|| format!("namespace {name} has the annotation {SUSPEND_ANNOTATION}"))
        }
        Err(error) => Some(format!(
            "whether namespace {name} has the annotation {SUSPEND_ANNOTATION} cannot be read: {}",
            says(error)
        )),
    }
}

/// Why an object that is missing from a namespace need not have been deleted by anybody who meant it.
fn ends(name: &str, read: ReadMetadata<'_>) -> Option<String> {
    match read {
        Ok(None) => Some(format!("namespace {name} does not exist")),
        Ok(Some(metadata)) if metadata.deletion_timestamp.is_some() => {
            Some(format!("namespace {name} is being deleted"))
        }
        Ok(Some(_)) => None,
        Err(error) => Some(format!("namespace {name} cannot be read: {}", says(error))),
    }
}

#[derive(Debug)]
enum ListError {
    /// 404 on a list: the kind is not installed. (Of a namespace that does not exist the list is empty.)
    NoSuchKind,
    Failed(String),
}

impl ListError {
    fn unread(self, kind: &str, namespace: Option<String>) -> Unread {
        let within = namespace.as_ref().map_or_else(String::new, |namespace| {
            format!(" of namespace {namespace}")
        });
        Unread {
            what: format!("the {kind} objects{within}"),
            namespace,
            why: match self {
                Self::NoSuchKind => {
                    "the API server does not know the kind; install the definitions with `flink-retention crds`"
                        .to_owned()
                }
                Self::Failed(why) => why,
            },
        }
    }
}

/// Each page is read and given up before the next one comes: as trees of values a thousand objects take tens of MiB.
async fn list<T: Clone>(
    api: &Api<DynamicObject>,
    read: impl Fn(DynamicObject) -> T + Copy + Send,
) -> Result<Vec<T>, ListError> {
    let page = |parameters| async move { Ok(each(api.list(&parameters).await?, read)) }.boxed();
    pages(page).await
}

async fn list_metadata<K, T: Clone>(
    api: &Api<K>,
    read: impl Fn(ObjectMeta) -> T + Copy + Send,
) -> Result<Vec<T>, ListError>
where
    K: Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let page = |parameters| {
        async move {
            let list = api.list_metadata(&parameters).await?;
            Ok(each(list, |object: PartialObjectMeta<K>| {
                read(object.metadata)
            }))
        }
        .boxed()
    };
    pages(page).await
}

fn each<T: Clone, U: Clone>(list: ObjectList<T>, read: impl Fn(T) -> U) -> ObjectList<U> {
    let ObjectList {
        types,
        metadata,
        items,
    } = list;
    ObjectList {
        types,
        metadata,
        items: items.into_iter().map(read).collect(),
    }
}

/// All pages of one version, or nothing.
async fn pages<'a, T: Clone>(
    fetch: impl Fn(ListParams) -> BoxFuture<'a, kube::Result<ObjectList<T>>>,
) -> Result<Vec<T>, ListError> {
    let mut problem = String::new();
    'attempts: for _ in 0..ATTEMPTS {
        let mut items = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let parameters = ListParams {
                limit: Some(PAGE),
                continue_token: token.take(),
                ..ListParams::default()
            };
            let first = parameters.continue_token.is_none();
            match fetch(parameters).await {
                Ok(page) => {
                    items.extend(page.items);
                    token = page.metadata.continue_.filter(|token| !token.is_empty());
                    if token.is_none() {
                        return Ok(items);
                    }
                }
                Err(kube::Error::Api(status)) if status.code == 404 && first => {
                    return Err(ListError::NoSuchKind);
                }
                Err(kube::Error::Api(status)) if status.code == 410 => {
                    problem.clone_from(&status.message);
                    continue 'attempts;
                }
                Err(error) => return Err(ListError::Failed(says(&error))),
            }
        }
    }
    Err(ListError::Failed(format!(
        "the list expired {ATTEMPTS} times while it was read: {problem}"
    )))
}

/// The sentence of the API server; it names the missing permission.
fn says(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("{} ({})", status.message, status.code),
        other => other.to_string(),
    }
}

impl Debug for KubernetesSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KubernetesSource")
            .field("namespaces", &self.namespaces)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
