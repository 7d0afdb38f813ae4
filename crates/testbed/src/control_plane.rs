//! A Kubernetes API server with its store, as real processes on the loopback interface.
//!
//! Role-based access control is on; callers are the administrator and the service accounts that the test names. There
//! is no controller manager, scheduler or node: objects stay as they were written, and nothing collects dependents.

mod api_server;
mod audit;
mod builder;
mod error;
mod etcd;
mod identity;
mod kubeconfig;
mod kubectl;
pub(crate) mod port;
mod random;
pub(crate) mod ready;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use audit::Request;
pub use builder::Builder;
pub use error::Error;

use crate::process::Process;
use crate::scratch::Scratch;
use api_server::ApiServer;
use identity::Identities;
use kubectl::Kubectl;

/// A running control plane. Dropping it kills its processes and removes its directory; with `KEEP` set in the
/// environment the directory stays.
#[derive(Debug)]
pub struct ControlPlane {
    // The order of the fields is that of their end: first who writes, last the directory.
    running_api_server: Mutex<Option<Process>>,
    etcd: Process,
    api_server: ApiServer,
    kubectl: Kubectl,
    identities: Identities,
    root: Scratch,
}

impl ControlPlane {
    /// Starts a control plane that knows only the administrator.
    pub fn start() -> Result<Self, Error> {
        Self::builder().start()
    }

    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// `https://127.0.0.1:<port>` or that of the gateway of pods, the same after a restart.
    #[must_use]
    pub fn url(&self) -> String {
        self.api_server.url()
    }

    /// The directory with the kubeconfigs, logs and data.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// A kubeconfig that may do everything (group `system:masters`).
    #[must_use]
    pub fn kubeconfig_for_admin(&self) -> PathBuf {
        self.identities.admin().kubeconfig(self.root.path())
    }

    /// A kubeconfig that acts as a service account, with the rights that RBAC gives it. The account must have been named
    /// to the [`Builder`]; its `ServiceAccount` object need not exist.
    pub fn kubeconfig_for_service_account(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<PathBuf, Error> {
        let identity = self.identities.service_account(namespace, name)?;
        Ok(identity.kubeconfig(self.root.path()))
    }

    /// Runs kubectl as the administrator and gives what it printed to standard output.
    pub fn kubectl<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<String, Error> {
        self.kubectl
            .run(&self.kubeconfig_for_admin(), arguments, "")
    }

    /// Runs kubectl as a service account.
    pub fn kubectl_as<A: AsRef<OsStr>>(
        &self,
        namespace: &str,
        name: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<String, Error> {
        let kubeconfig = self.kubeconfig_for_service_account(namespace, name)?;
        self.kubectl.run(&kubeconfig, arguments, "")
    }

    /// Applies manifests (one or more YAML documents) as the administrator, by server-side apply.
    pub fn apply(&self, manifests: &str) -> Result<String, Error> {
        let arguments = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        self.kubectl
            .run(&self.kubeconfig_for_admin(), arguments, manifests)
    }

    /// What a service account has asked for since the API server first started.
    pub fn requests_of(&self, namespace: &str, name: &str) -> Result<Vec<Request>, Error> {
        audit::requests_of(self.root.path(), namespace, name)
    }

    /// Waits until all definitions that were applied are in force and their kinds are served, which is a moment later.
    pub fn wait_for_definitions(&self) -> Result<(), Error> {
        let established = ["wait", "crd", "--all", "--for=condition=Established"];
        self.kubectl(established.into_iter().chain(["--timeout=300s"]))?;
        let names = self.kubectl(["get", "crd", "-o", "jsonpath={.items[*].metadata.name}"])?;
        let kinds = names.split_whitespace().collect::<Vec<_>>().join(",");
        ready::until(|| {
            self.kubectl(["get", &kinds, "--all-namespaces", "-o", "name"])
                .map(drop)
        })
    }

    /// Kills the API server as a crash would; its data stays.
    pub fn stop_api_server(&self) {
        if let Some(process) = self.running_api_server().take() {
            process.kill();
        }
    }

    /// Kills the API server if it runs, starts it again on the same port and waits until it is ready.
    pub fn restart_api_server(&self) -> Result<(), Error> {
        self.stop_api_server();
        let process = self.api_server.start(&self.kubectl, &self.identities)?;
        *self.running_api_server() = Some(process);
        Ok(())
    }

    /// Lets the processes run on and keeps the directory when this process ends.
    #[must_use]
    pub fn leave_running(self) -> LeftRunning {
        let Self {
            running_api_server,
            etcd,
            api_server: _,
            kubectl: _,
            identities,
            root,
        } = self;
        let api_server = running_api_server
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let processes = api_server
            .into_iter()
            .chain([etcd])
            .map(Process::leave_running)
            .collect();
        let root = root.keep();
        LeftRunning {
            processes,
            kubeconfig: identities.admin().kubeconfig(&root),
            root,
        }
    }

    fn running_api_server(&self) -> MutexGuard<'_, Option<Process>> {
        self.running_api_server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What [`ControlPlane::leave_running`] left: whoever asked for it ends the processes and removes the directory.
#[derive(Clone, Debug)]
pub struct LeftRunning {
    pub processes: Vec<u32>,
    pub kubeconfig: PathBuf,
    pub root: PathBuf,
}
