//! The Kubernetes programs that tests and the demo run: pinned in `tests/tools`, built once into the [cache].
//!
//! Where `KUBEBUILDER_ASSETS` names a directory, `kube-apiserver`, `etcd` and `kubectl` are taken from there.

mod go;
mod go_source;
mod npm;

use std::env;
use std::path::{Path, PathBuf};

use crate::cache;
use go::GoModule;
use go_source::GoSource;
use npm::NpmPackage;

/// A program that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "Go is missing: install Go 1.26 or later (https://go.dev/dl) so that `go version` works; `make doctor` checks"
    )]
    GoMissing,
    #[error("cannot run go in {}: {source}", module.display())]
    GoUnusable {
        module: PathBuf,
        source: std::io::Error,
    },
    #[error("`go build` in {} failed ({status}); its messages are above", module.display())]
    GoBuild {
        module: PathBuf,
        status: std::process::ExitStatus,
    },
    #[error("`go mod download` of {module} failed: {message}")]
    GoDownload {
        module: &'static str,
        message: String,
    },
    #[error(
        "Node.js is missing: install Node.js 20 or later with npm (https://nodejs.org) so that `node --version` and `npm --version` work; `make doctor` checks"
    )]
    NodeMissing,
    #[error("cannot install packages with npm: {}: {source}", path.display())]
    NpmUnusable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("`npm ci` in {} failed ({status}); its messages are above", packages.display())]
    NpmInstall {
        packages: PathBuf,
        status: std::process::ExitStatus,
    },
    #[error("{} does not pin {requirement}", module.display())]
    NotPinned {
        module: PathBuf,
        requirement: &'static str,
    },
    #[error("KUBEBUILDER_ASSETS is set, but {} is not a file; unset the variable to have it built", path.display())]
    NotInAssets { path: PathBuf },
    #[error(transparent)]
    Cache(#[from] cache::Error),
}

/// The API server.
pub fn kube_apiserver() -> Result<PathBuf, Error> {
    kubernetes("kube-apiserver")
}

/// The API server's store.
pub fn etcd() -> Result<PathBuf, Error> {
    kubernetes("etcd")
}

/// Kubernetes' command line, of the API server's version.
pub fn kubectl() -> Result<PathBuf, Error> {
    kubernetes("kubectl")
}

/// The directory with what makes a node of a machine, and pods of objects: `kubelet`, `kube-controller-manager`,
/// `kube-scheduler` and `kube-proxy`, of the API server's version.
pub fn kubernetes_node() -> Result<PathBuf, Error> {
    KUBERNETES_NODE.build()
}

/// Answers for the names of a cluster's services.
pub fn coredns() -> Result<PathBuf, Error> {
    Ok(COREDNS.build()?.join("coredns"))
}

/// Renders, checks and installs the chart.
pub fn helm() -> Result<PathBuf, Error> {
    Ok(HELM.build()?.join("helm"))
}

/// Scrapes metrics and evaluates rules.
pub fn prometheus() -> Result<PathBuf, Error> {
    Ok(PROMETHEUS.build()?.join("prometheus"))
}

/// Checks and tests rules.
pub fn promtool() -> Result<PathBuf, Error> {
    Ok(PROMETHEUS.build()?.join("promtool"))
}

/// The definitions of `ServiceMonitor`, `PodMonitor` and `PrometheusRule`.
pub fn prometheus_operator_definitions() -> Result<Vec<PathBuf>, Error> {
    PROMETHEUS_OPERATOR.files()
}

/// An object store that speaks S3.
pub fn versitygw() -> Result<PathBuf, Error> {
    Ok(VERSITYGW.build()?.join("versitygw"))
}

/// The peer that listing and deleting are measured against; only benches ask for it.
pub fn rclone() -> Result<PathBuf, Error> {
    Ok(RCLONE.build()?.join("rclone"))
}

/// An object store that speaks as Google Cloud Storage does.
pub fn fake_gcs_server() -> Result<PathBuf, Error> {
    Ok(FAKE_GCS_SERVER.build()?.join("fake-gcs-server"))
}

/// The script that Node.js runs as an object store that speaks as Azure Blob Storage does.
pub fn azurite() -> Result<PathBuf, Error> {
    AZURITE.install()
}

const KUBERNETES: GoModule = GoModule {
    name: "kubernetes",
    directory: "",
    packages: &[
        ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
        ("etcd", "go.etcd.io/etcd/server/v3"),
        ("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
    ],
    takes: "two to four minutes",
};

const KUBERNETES_NODE: GoModule = GoModule {
    name: "kubernetes-node",
    directory: "kubernetes-node",
    packages: &[
        (
            "kube-controller-manager",
            "k8s.io/kubernetes/cmd/kube-controller-manager",
        ),
        ("kube-proxy", "k8s.io/kubernetes/cmd/kube-proxy"),
        ("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
        ("kubelet", "k8s.io/kubernetes/cmd/kubelet"),
    ],
    takes: "two to four minutes",
};

const COREDNS: GoModule = GoModule {
    name: "coredns",
    directory: "coredns",
    packages: &[("coredns", "github.com/coredns/coredns")],
    takes: "two to three minutes",
};

const HELM: GoModule = GoModule {
    name: "helm",
    directory: "helm",
    packages: &[("helm", "helm.sh/helm/v3/cmd/helm")],
    takes: "about a minute",
};

const PROMETHEUS: GoModule = GoModule {
    name: "prometheus",
    directory: "prometheus",
    packages: &[
        (
            "prometheus",
            "github.com/prometheus/prometheus/cmd/prometheus",
        ),
        ("promtool", "github.com/prometheus/prometheus/cmd/promtool"),
    ],
    takes: "three to five minutes",
};

const PROMETHEUS_OPERATOR: GoSource = GoSource {
    name: "prometheus-operator",
    directory: "prometheus-operator",
    module: "github.com/prometheus-operator/prometheus-operator",
    files: &[
        "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
    ],
};

const VERSITYGW: GoModule = GoModule {
    name: "versitygw",
    directory: "versitygw",
    packages: &[("versitygw", "github.com/versity/versitygw/cmd/versitygw")],
    takes: "about a minute",
};

const RCLONE: GoModule = GoModule {
    name: "rclone",
    directory: "rclone",
    packages: &[("rclone", "github.com/rclone/rclone")],
    takes: "two minutes",
};

const FAKE_GCS_SERVER: GoModule = GoModule {
    name: "fake-gcs-server",
    directory: "fake-gcs-server",
    packages: &[("fake-gcs-server", "github.com/fsouza/fake-gcs-server")],
    takes: "about a minute",
};

const AZURITE: NpmPackage = NpmPackage {
    name: "azurite",
    script: "serve.js",
    takes: "half a minute",
};

fn kubernetes(program: &str) -> Result<PathBuf, Error> {
    match env::var_os("KUBEBUILDER_ASSETS").filter(|value| !value.is_empty()) {
        Some(assets) => in_assets(Path::new(&assets), program),
        None => Ok(KUBERNETES.build()?.join(program)),
    }
}

fn in_assets(assets: &Path, program: &str) -> Result<PathBuf, Error> {
    let path = assets.join(program);
    if path.is_file() {
        Ok(path)
    } else {
        Err(Error::NotInAssets { path })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::go::{module_directory, pinned};
    use super::{KUBERNETES, KUBERNETES_NODE, in_assets};

    #[test]
    fn a_node_is_of_the_version_of_its_api_server() {
        let versions = [KUBERNETES, KUBERNETES_NODE].map(|module| {
            let pins = module_directory(module.directory).join("go.mod");
            let pins = std::fs::read_to_string(pins).unwrap();
            pinned(&pins, "k8s.io/kubernetes").unwrap().to_owned()
        });
        assert_eq!(versions[0], versions[1]);
    }

    #[test]
    fn assets_without_the_program_are_an_error_that_names_it() {
        let assets = tempfile::tempdir().unwrap();
        std::fs::write(assets.path().join("etcd"), "").unwrap();
        assert_eq!(
            in_assets(assets.path(), "etcd").unwrap(),
            assets.path().join("etcd")
        );
        let error = in_assets(assets.path(), "kubectl").unwrap_err().to_string();
        assert!(error.contains("kubectl is not a file"), "{error}");
    }
}
