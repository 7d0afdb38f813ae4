use std::env;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::api_server::{ApiServer, Callers};
use super::identity::{Identities, ServiceAccount};
use super::kubectl::Kubectl;
use super::{ControlPlane, Error, audit, etcd, ready};
use crate::process::Process;
use crate::scratch::Scratch;
use crate::tools;

/// How often another port is tried when one was taken in the moment before its use.
const ATTEMPTS: usize = 5;

/// What a control plane should know from its start.
#[derive(Debug, Default)]
pub struct Builder {
    service_accounts: Vec<ServiceAccount>,
    callers: Callers,
}

impl Builder {
    /// Lets pods reach the API server, at an address of this machine that they are connected to. Then accounts and tokens
    /// are those of the cluster, and its controller manager has to run.
    #[must_use]
    pub(crate) fn for_pods(mut self, gateway: Ipv4Addr) -> Self {
        self.callers = Callers::Pods { gateway };
        self
    }

    /// Adds a caller for [`ControlPlane::kubeconfig_for_service_account`].
    #[must_use]
    pub fn service_account(mut self, namespace: &str, name: &str) -> Self {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        self.service_accounts
            .push(ServiceAccount { namespace, name });
        self
    }

    /// Starts the processes and waits until the API server is ready: about two seconds, and minutes the first time on a
    /// machine, when the programs are built. On failure the directory with the logs stays and the error names it.
    pub fn start(self) -> Result<ControlPlane, Error> {
        let programs = Programs::get()?;
        let identities = Identities::new(self.service_accounts)?;
        let mut attempt = 1;
        loop {
            let root = Scratch::new("flink-retention-control-plane-")
                .map_err(Error::io("create a directory in", env::temp_dir()))?;
            match programs.start(root.path(), &identities, self.callers) {
                Ok(Servers {
                    etcd,
                    api_server,
                    running_api_server,
                    kubectl,
                }) => {
                    return Ok(ControlPlane {
                        running_api_server: Mutex::new(Some(running_api_server)),
                        etcd,
                        api_server,
                        kubectl,
                        identities,
                        root,
                    });
                }
                Err(Error::PortTaken { .. }) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => {
                    let _ = root.keep();
                    return Err(error);
                }
            }
        }
    }
}

struct Programs {
    etcd: PathBuf,
    kube_apiserver: PathBuf,
    kubectl: PathBuf,
}

struct Servers {
    etcd: Process,
    api_server: ApiServer,
    running_api_server: Process,
    kubectl: Kubectl,
}

impl Programs {
    fn get() -> Result<Self, Error> {
        Ok(Self {
            etcd: tools::etcd()?,
            kube_apiserver: tools::kube_apiserver()?,
            kubectl: tools::kubectl()?,
        })
    }

    fn start(
        &self,
        root: &Path,
        identities: &Identities,
        callers: Callers,
    ) -> Result<Servers, Error> {
        let kubeconfigs = root.join("kubeconfigs");
        fs::create_dir(&kubeconfigs).map_err(Error::io("create", kubeconfigs))?;
        let tokens = root.join("tokens.csv");
        fs::write(&tokens, identities.token_file()).map_err(Error::io("write", tokens))?;
        audit::write_policy(root)?;
        let kubectl = Kubectl {
            program: self.kubectl.clone(),
            cache: root.join("kubectl-cache"),
        };
        let (mut etcd, etcd_url) = etcd::start(&self.etcd, root)?;
        let api_server = ApiServer::new(self.kube_apiserver.clone(), root, etcd_url, callers)?;
        let running_api_server = api_server.start(&kubectl, identities)?;
        // Had another store taken the port first, the API server would now work on foreign data.
        ready::wait("etcd", &mut etcd, || Ok(()))?;
        Ok(Servers {
            etcd,
            api_server,
            running_api_server,
            kubectl,
        })
    }
}
