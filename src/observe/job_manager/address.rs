//! Where a cluster answers.

use hyper::Uri;
use std::str::FromStr;

/// Of a label of a host name.
const LONGEST_LABEL: usize = 63;

/// Where a Flink cluster answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterAddress {
    pub cluster: String,
    pub namespace: String,
    pub port: u16,
    /// `security.ssl.rest.enabled`.
    pub tls: bool,
}

impl ClusterAddress {
    /// Why nobody may be asked for this cluster. People who own a Flink resource write its name
    /// (`kubernetes.cluster-id`, `deploymentName`), and it becomes part of a host name and of a path: any name but that
    /// of a Service could lead elsewhere.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let cluster = &self.cluster;
        let is_label = cluster.len() <= LONGEST_LABEL
            && cluster.starts_with(inner)
            && cluster.ends_with(inner)
            && cluster.chars().all(|c| inner(c) || c == '-');
        (!is_label).then(|| {
            let shown: String = cluster.chars().take(LONGEST_LABEL).collect();
            format!(
                "{shown:?} is no name of a cluster; use at most {LONGEST_LABEL} of a-z, 0-9 and -"
            )
        })
    }
}

/// `--flink-rest-url`: the address of a `JobManager`, with the placeholders `{cluster}`, `{namespace}` and
/// `{port}`; `{scheme}` is `https` for a cluster whose REST endpoint has TLS, else `http`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlTemplate(String);

/// A template that cannot become an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlTemplateError {
    #[error(
        "{text:?} is no address of a JobManager ({why}); write such as {{scheme}}://{{cluster}}-rest.{{namespace}}:{{port}}"
    )]
    Invalid { text: String, why: String },
}

impl UrlTemplate {
    pub(super) fn of(&self, address: &ClusterAddress) -> String {
        let ClusterAddress {
            cluster,
            namespace,
            port,
            tls,
        } = address;
        self.0
            .replace("{scheme}", if *tls { "https" } else { "http" })
            .replace("{cluster}", cluster)
            .replace("{namespace}", namespace)
            .replace("{port}", &port.to_string())
    }
}

/// The service that Flink makes for its `JobManager` (`ExternalServiceDecorator`).
impl Default for UrlTemplate {
    fn default() -> Self {
        Self("{scheme}://{cluster}-rest.{namespace}:{port}".to_owned())
    }
}

impl FromStr for UrlTemplate {
    type Err = UrlTemplateError;

    fn from_str(text: &str) -> Result<Self, UrlTemplateError> {
        let template = Self(text.trim_end_matches('/').to_owned());
        let sample = template.of(&ClusterAddress {
            cluster: "c".to_owned(),
            namespace: "n".to_owned(),
            port: 8081,
            tls: true,
        });
        let invalid = |why: String| UrlTemplateError::Invalid {
            text: text.to_owned(),
            why,
        };
        if sample.contains(['{', '}']) {
            return Err(invalid(
                "it has a placeholder other than {scheme}, {cluster}, {namespace} and {port}"
                    .to_owned(),
            ));
        }
        let uri = Uri::from_str(&sample).map_err(|error| invalid(error.to_string()))?;
        if uri
            .authority()
            .is_some_and(|host| host.as_str().contains('@'))
        {
            return Err(invalid(
                "it has a password, which everybody sees; use --flink-rest-credentials".to_owned(),
            ));
        }
        match (uri.scheme_str(), uri.host()) {
            (Some("http" | "https"), Some(_)) => Ok(template),
            _ => Err(invalid("it has no scheme or no host".to_owned())),
        }
    }
}
