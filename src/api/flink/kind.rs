//! Flink's four kinds, and how to ask an API server for them.

use kube::api::ApiResource;

/// The API group of the Flink Kubernetes operator.
pub const GROUP: &str = "flink.apache.org";
/// Its only version since 1.0, served and stored (`CrdConstants`).
pub const VERSION: &str = "v1beta1";

/// A kind of the Flink Kubernetes operator. A cluster may have any subset of them installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlinkKind {
    /// An application cluster, or a session cluster.
    Deployment,
    /// A job of a session cluster.
    SessionJob,
    /// A snapshot that somebody asked for; since operator 1.10.
    StateSnapshot,
    /// A pair of deployments, of which one is active; since operator 1.14.
    BlueGreenDeployment,
}

impl FlinkKind {
    /// All four.
    pub const ALL: [Self; 4] = [
        Self::Deployment,
        Self::SessionJob,
        Self::StateSnapshot,
        Self::BlueGreenDeployment,
    ];

    /// Whether a resource of this kind is a job, or the cluster of one.
    #[must_use]
    pub const fn has_job(self) -> bool {
        match self {
            Self::Deployment | Self::SessionJob => true,
            Self::StateSnapshot | Self::BlueGreenDeployment => false,
        }
    }

    /// The kind's name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "FlinkDeployment",
            Self::SessionJob => "FlinkSessionJob",
            Self::StateSnapshot => "FlinkStateSnapshot",
            Self::BlueGreenDeployment => "FlinkBlueGreenDeployment",
        }
    }

    /// The plural in request paths.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "flinkdeployments",
            Self::SessionJob => "flinksessionjobs",
            Self::StateSnapshot => "flinkstatesnapshots",
            Self::BlueGreenDeployment => "flinkbluegreendeployments",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// How `Api<DynamicObject>` asks for it.
    #[must_use]
    pub fn api_resource(self) -> ApiResource {
        ApiResource {
            group: GROUP.to_owned(),
            version: VERSION.to_owned(),
            api_version: format!("{GROUP}/{VERSION}"),
            kind: self.as_str().to_owned(),
            plural: self.plural().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in FlinkKind::ALL {
            assert_eq!(FlinkKind::from_name(kind.as_str()), Some(kind));
        }
        assert_eq!(FlinkKind::from_name("Flinkdeployment"), None);
    }
}
