//! A Kubernetes cluster of one node in which pods run: Kubernetes' own programs around containerd and runc, built or
//! taken from packages. No Docker, and nothing of it outlives the process that started it.
//!
//! Where `KUBECONFIG` names a cluster (of kind, for example), that one is used.

mod apart;
mod components;
mod container_runtime;
mod error;
mod existing;
mod image;
mod kubelet;
mod network;
mod node;
mod requirements;
mod volume;

use std::path::{Path, PathBuf};

pub use apart::apart;
pub use error::Error;
pub use image::Image;

use existing::Existing;
use node::Node;

/// A cluster with running nodes.
#[derive(Debug)]
pub enum RealCluster {
    /// Ours alone, until this value is dropped.
    Node(Box<Node>),
    /// Somebody's, who has put the images there.
    Existing(Existing),
}

impl RealCluster {
    /// Starts a node and waits until it is ready, about half a minute; or takes the cluster that `KUBECONFIG` names.
    /// Within [`apart`], for nothing here cleans up.
    pub fn start() -> Result<Self, Error> {
        match existing::kubeconfig() {
            Some(kubeconfig) => Ok(Self::Existing(Existing { kubeconfig })),
            None => Ok(Self::Node(Box::new(Node::start()?))),
        }
    }

    /// A kubeconfig that may do everything.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        match self {
            Self::Node(node) => node.kubeconfig(),
            Self::Existing(cluster) => cluster.kubeconfig.clone(),
        }
    }

    /// Where logs of the node's programs are, if it is ours.
    #[must_use]
    pub fn logs(&self) -> Option<&Path> {
        match self {
            Self::Node(node) => Some(node.logs()),
            Self::Existing(_) => None,
        }
    }

    /// Makes an image known to the node. To an existing cluster it must be known by this name.
    pub fn load(&self, image: &Image) -> Result<(), Error> {
        match self {
            Self::Node(node) => node.load(image),
            Self::Existing(_) => Ok(()),
        }
    }

    /// Manifests of a claim that many pods can mount and write to as Flink's user (9999), with a volume if the cluster
    /// has no class that makes one.
    pub fn claim(&self, namespace: &str, name: &str) -> Result<String, Error> {
        match self {
            Self::Node(node) => node.claim(namespace, name),
            Self::Existing(_) => Ok(volume::claim(namespace, name, None)),
        }
    }
}
