//! Which cluster and namespace, as kubectl finds them.

use std::fmt::Debug;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use k8s_openapi::NamespaceResourceScope;
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, Resource};
use serde::de::DeserializeOwned;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct ConnectionArguments {
    /// The kubeconfig; without it as kubectl finds it (KUBECONFIG, else ~/.kube/config), in a pod its service account
    #[arg(long, value_name = "FILE", global = true)]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; without it the current one
    #[arg(long, value_name = "NAME", global = true)]
    context: Option<String>,
    /// The namespace; without it that of the context
    #[arg(short, long, global = true)]
    namespace: Option<String>,
}

/// An API server, and the namespace that is meant.
#[derive(Clone)]
pub(super) struct Cluster {
    pub(super) client: Client,
    pub(super) namespace: String,
}

impl ConnectionArguments {
    pub(super) async fn open(&self) -> anyhow::Result<Cluster> {
        let config = self
            .config()
            .await
            .context("cannot tell which cluster is meant; name a kubeconfig with --kubeconfig")?;
        let namespace = self.namespace.clone();
        Ok(Cluster {
            namespace: namespace.unwrap_or_else(|| config.default_namespace.clone()),
            client: Client::try_from(config).context("cannot use the kubeconfig")?,
        })
    }

    async fn config(&self) -> anyhow::Result<Config> {
        let options = KubeConfigOptions {
            context: self.context.clone(),
            ..KubeConfigOptions::default()
        };
        Ok(match (&self.kubeconfig, &self.context) {
            (Some(file), _) => {
                let file = Kubeconfig::read_from(file)?;
                Config::from_custom_kubeconfig(file, &options).await?
            }
            (None, Some(_)) => Config::from_kubeconfig(&options).await?,
            (None, None) => Config::infer().await?,
        })
    }
}

impl Cluster {
    pub(super) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// All objects of a kind, by namespace and name.
    pub(super) async fn list<K>(&self, in_all_namespaces: bool) -> anyhow::Result<Vec<K>>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let api = if in_all_namespaces {
            Api::all(self.client.clone())
        } else {
            self.api::<K>()
        };
        let listed = api.list(&ListParams::default()).await;
        let listed = listed.map_err(|error| self.told::<K>("list", None, error))?;
        let mut items = listed.items;
        items.sort_by(|a, b| {
            (&a.meta().namespace, &a.meta().name).cmp(&(&b.meta().namespace, &b.meta().name))
        });
        Ok(items)
    }

    /// None if there is no such object.
    pub(super) async fn find<K>(&self, name: &str) -> anyhow::Result<Option<K>>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let found = self.api::<K>().get_opt(name).await;
        found.map_err(|error| self.told::<K>("get", Some(name), error))
    }

    pub(super) async fn get<K>(&self, name: &str) -> anyhow::Result<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let kind = K::kind(&());
        self.find(name).await?.with_context(|| {
            let namespace = &self.namespace;
            format!("there is no {kind} {name} in namespace {namespace}; see kubectl -n {namespace} get {}", K::plural(&()))
        })
    }

    /// What the API server said, and of what.
    pub(super) fn told<K>(
        &self,
        verb: &str,
        name: Option<&str>,
        error: kube::Error,
    ) -> anyhow::Error
    where
        K: Resource<DynamicType = ()>,
    {
        let (kind, namespace) = (K::kind(&()), &self.namespace);
        let what = name.map_or_else(
            || format!("{kind} objects"),
            |name| format!("{kind} {name}"),
        );
        match error {
            // The path itself is unknown to the server.
            kube::Error::Api(status) if status.code == 404 => anyhow!(
                "the cluster does not know {kind}; install the definitions: flink-retention crds | kubectl apply --server-side -f -"
            ),
            kube::Error::Api(status) => {
                anyhow!(
                    "cannot {verb} {what} in namespace {namespace}: {}",
                    status.message
                )
            }
            error => anyhow::Error::new(error)
                .context(format!("cannot {verb} {what} in namespace {namespace}")),
        }
    }
}
