//! A cluster with the images, and Flink's kinds.

use std::ops::Deref;

use testbed::real_cluster::RealCluster;

use super::image;
use super::shell::Shell;

/// Where stories take place, apart from the operator's own namespace.
pub(crate) const NAMESPACES: [&str; 2] = ["flink", "operators"];

pub(crate) struct Stage {
    shell: Shell,
    cluster: RealCluster,
}

impl Deref for Stage {
    type Target = Shell;

    fn deref(&self) -> &Shell {
        &self.shell
    }
}

impl Stage {
    /// In a cluster that has nothing of ours, so that nothing is somebody's.
    pub(crate) fn start() -> Self {
        let cluster = RealCluster::start().unwrap_or_else(|error| panic!("{error}"));
        for image in [image::operator(), image::shell()] {
            cluster.load(&image).unwrap();
        }
        let shell = Shell::new(&cluster.kubeconfig());
        let found = shell.run(&format!(
            "kubectl get --ignore-not-found -o name {} {}",
            NAMESPACES.map(|name| format!("namespace/{name}")).join(" "),
            definitions().join(" "),
        ));
        assert_eq!(
            found, "",
            "the cluster is not empty; its owner may need that"
        );
        shell.run("kubectl apply -f tests/fixtures/flink-crds.yaml");
        shell.run("kubectl wait crd --all --for=condition=Established --timeout=60s");
        Self { shell, cluster }
    }

    /// Takes away what an earlier story left.
    pub(crate) fn clear(&self) {
        for namespace in NAMESPACES {
            let ours = format!("helm list --namespace {namespace} --all --short");
            for release in self.run(&ours).lines() {
                self.run(&format!(
                    "helm uninstall {release} --namespace {namespace} --wait"
                ));
            }
        }
        for namespace in NAMESPACES {
            self.run(&format!(
                "kubectl delete namespace {namespace} --ignore-not-found"
            ));
            self.run(&format!(
                "kubectl delete persistentvolume {namespace}-flink --ignore-not-found"
            ));
        }
        // Of whoever is not Helm, and uninstalls nothing.
        let ours = "-l app.kubernetes.io/part-of=flink-retention";
        self.run(&format!(
            "kubectl delete clusterroles,clusterrolebindings {ours}"
        ));
        self.run(&format!(
            "kubectl delete --ignore-not-found {}",
            definitions().join(" ")
        ));
    }

    /// A namespace that lets only restricted pods in.
    pub(crate) fn namespace(&self, name: &str) {
        self.run(&format!("kubectl create namespace {name}"));
        let label = "pod-security.kubernetes.io/enforce=restricted";
        self.run(&format!("kubectl label namespace {name} {label}"));
    }

    /// A claim named `flink`, for Flink's state.
    pub(crate) fn claim(&self, namespace: &str) {
        self.apply(&self.cluster.claim(namespace, "flink").unwrap());
    }
}

/// The three kinds that are ours.
fn definitions() -> [String; 3] {
    [
        "retentionpolicies",
        "retentionruns",
        "checkpointinventories",
    ]
    .map(|kind| format!("crd/{kind}.flink-retention.dev"))
}
