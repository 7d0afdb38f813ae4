use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::identity::Identities;
use super::kubectl::Kubectl;
use super::{Error, audit, kubeconfig, port, ready};
use crate::process::Process;

/// How to start the API server, again and again on one port.
#[derive(Debug)]
pub(super) struct ApiServer {
    program: PathBuf,
    root: PathBuf,
    etcd_url: String,
    callers: Callers,
    port: u16,
}

/// Who reaches the API server.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Callers {
    /// Processes of this machine. Nothing of a cluster is there but objects.
    #[default]
    Processes,
    /// Pods, too, through the service `kubernetes`; there is a controller manager.
    Pods { gateway: Ipv4Addr },
}

impl Callers {
    fn address(self) -> Ipv4Addr {
        match self {
            Self::Processes => Ipv4Addr::LOCALHOST,
            Self::Pods { gateway } => gateway,
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Processes => &[
                // Without a controller manager no namespace has the default account that this plug-in asks for.
                "--disable-admission-plugins=ServiceAccount",
                // It would refuse to publish a loopback address.
                "--endpoint-reconciler-type=none",
            ],
            // Names of nodes mean nothing to the machine.
            Self::Pods { gateway: _ } => &["--kubelet-preferred-address-types=InternalIP"],
        }
    }
}

impl ApiServer {
    pub(super) fn new(
        program: PathBuf,
        root: &Path,
        etcd_url: String,
        callers: Callers,
    ) -> Result<Self, Error> {
        Ok(Self {
            program,
            root: root.to_owned(),
            etcd_url,
            callers,
            port: port::free()?,
        })
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}:{}", self.callers.address(), self.port)
    }

    /// Starts the server and waits until it is ready.
    pub(super) fn start(
        &self,
        kubectl: &Kubectl,
        identities: &Identities,
    ) -> Result<Process, Error> {
        let log = self.root.join("kube-apiserver.log");
        let mut process = Process::spawn("kube-apiserver", &mut self.command(), &log)
            .map_err(Error::io("run", &self.program))?;
        let mut certificate_known = false;
        ready::wait("kube-apiserver", &mut process, || {
            TcpStream::connect((self.callers.address(), self.port))
                .map_err(|error| error.to_string())?;
            if !certificate_known {
                // The server makes its certificate before it listens.
                kubeconfig::write(&self.root, &self.url(), &self.certificate(), identities)
                    .map_err(|error| error.to_string())?;
                certificate_known = true;
            }
            let admin = identities.admin().kubeconfig(&self.root);
            kubectl
                .run(
                    &admin,
                    ["get", "--raw", "/readyz", "--request-timeout=5s"],
                    "",
                )
                .map(drop)
                .map_err(|error| error.to_string())
        })?;
        Ok(process)
    }

    fn command(&self) -> Command {
        let path = |name: &str| self.root.join(name).display().to_string();
        let key = self
            .certificates()
            .join("apiserver.key")
            .display()
            .to_string();
        let mut command = Command::new(&self.program);
        command.args([
            format!("--etcd-servers={}", self.etcd_url),
            format!("--bind-address={}", self.callers.address()),
            // Goes into the certificate that the server makes for itself.
            format!("--advertise-address={}", self.callers.address()),
            format!("--secure-port={}", self.port),
            format!("--cert-dir={}", self.certificates().display()),
            format!("--token-auth-file={}", path("tokens.csv")),
            "--authorization-mode=RBAC".to_owned(),
            format!("--service-account-issuer={}", self.url()),
            format!("--service-account-signing-key-file={key}"),
            format!("--service-account-key-file={key}"),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            format!("--audit-policy-file={}", path(audit::POLICY)),
            format!("--audit-log-path={}", path(audit::LOG)),
            // A request is written down before it is answered.
            "--audit-log-mode=blocking".to_owned(),
        ]);
        command.args(self.callers.arguments());
        command
    }

    fn certificates(&self) -> PathBuf {
        self.root.join("certificates")
    }

    fn certificate(&self) -> PathBuf {
        self.certificates().join("apiserver.crt")
    }
}
