//! Asks `JobManager`s over REST.

use crate::engine::Clock;
use crate::observe::jobs_overview::{self, JobsOverview};
use crate::observe::rest_answers::{Answers, read};
use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use retention::evidence::JobManager;
use retention::layout::JobId;
use retention::location::Origin;
use std::fmt::{self, Debug};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(5);
/// A job with many thousand subtasks has an answer of a few MiB.
const BODY_LIMIT: usize = 8 * 1024 * 1024;
/// Of a label of a host name.
const LONGEST_LABEL: usize = 63;

/// Somebody who can ask a `JobManager` about a job.
#[async_trait]
pub trait JobManagers: Send + Sync + Debug {
    async fn ask(&self, address: &ClusterAddress, job_id: JobId, origin: &Origin) -> JobManager;

    /// All jobs of a cluster, also those that no resource names.
    async fn jobs(&self, address: &ClusterAddress) -> JobsOverview;
}

/// Nobody is asked: on the command line without an address.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoJobManagers;

/// Where a Flink cluster answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterAddress {
    pub cluster: String,
    pub namespace: String,
    pub port: u16,
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

/// `--flink-rest-url`: the address of a `JobManager`, with the placeholders `{cluster}`, `{namespace}` and `{port}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlTemplate(String);

/// A template that cannot become an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlTemplateError {
    #[error(
        "{text:?} is no address of a JobManager ({why}); write such as http://{{cluster}}-rest.{{namespace}}:{{port}}"
    )]
    Invalid { text: String, why: String },
    #[error("{text:?} is not supported yet: only http:// is; ask through a proxy that speaks TLS")]
    NotHttp { text: String },
}

/// Plain HTTP. No redirects are followed, and nothing is written.
#[derive(Clone)]
pub struct RestClient {
    template: UrlTemplate,
    clock: Arc<dyn Clock>,
    http: Client<HttpConnector, Empty<Bytes>>,
}

#[async_trait]
impl JobManagers for NoJobManagers {
    async fn ask(&self, _: &ClusterAddress, _: JobId, _: &Origin) -> JobManager {
        JobManager::NotAsked
    }

    async fn jobs(&self, _: &ClusterAddress) -> JobsOverview {
        JobsOverview::NotAsked
    }
}

#[async_trait]
impl JobManagers for RestClient {
    async fn ask(&self, address: &ClusterAddress, job_id: JobId, origin: &Origin) -> JobManager {
        let url = self.template.of(address);
        match self.answers(&url, job_id, origin).await {
            Ok(answered) => answered,
            Err(why) => JobManager::Unreachable { why },
        }
    }

    async fn jobs(&self, address: &ClusterAddress) -> JobsOverview {
        let url = format!("{}/jobs/overview", self.template.of(address));
        let answer = self.get(&url).await.map_err(String::from);
        match answer.and_then(|answer| jobs_overview::read(&answer)) {
            Ok(jobs) => JobsOverview::Answered(jobs),
            Err(why) => JobsOverview::Unreachable { why },
        }
    }
}

impl RestClient {
    #[must_use]
    pub fn new(template: UrlTemplate, clock: Arc<dyn Clock>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(TIMEOUT));
        Self {
            template,
            clock,
            http: Client::builder(TokioExecutor::new()).build(connector),
        }
    }

    async fn answers(
        &self,
        url: &str,
        job_id: JobId,
        origin: &Origin,
    ) -> Result<JobManager, String> {
        let read_at = self.clock.now();
        let job = self.get(&format!("{url}/jobs/{job_id}")).await?;
        let checkpoints = self.statistics(url, job_id).await?;
        // Only jobs without high availability need it, and say so.
        let cluster = self.get(&format!("{url}/jobmanager/config")).await;
        let cluster = cluster.map_err(|error| error.to_string());
        let answers = Answers {
            job: &job,
            checkpoints: checkpoints
                .as_ref()
                .map(|(statistics, config)| (statistics.as_ref(), config.as_ref())),
            cluster: cluster.as_deref().map_err(String::as_str),
        };
        let rest = read(answers, read_at, origin).map_err(|why| format!("{url}: {why}"))?;
        if rest.job_id != job_id {
            return Err(format!("{url} answers about job {}", rest.job_id));
        }
        Ok(JobManager::Answered(Box::new(rest)))
    }

    /// None if the job has no checkpointing at all.
    async fn statistics(&self, url: &str, job_id: JobId) -> Result<Option<(Bytes, Bytes)>, String> {
        let statistics = self.get(&format!("{url}/jobs/{job_id}/checkpoints")).await;
        let statistics = match statistics {
            Err(error) if error.says_no_checkpointing() => return Ok(None),
            other => other?,
        };
        let config = self
            .get(&format!("{url}/jobs/{job_id}/checkpoints/config"))
            .await?;
        Ok(Some((statistics, config)))
    }

    async fn get(&self, url: &str) -> Result<Bytes, GetError> {
        let failed = |problem: Problem| GetError {
            url: url.to_owned(),
            problem,
        };
        tokio::time::timeout(TIMEOUT, self.get_without_limit(url))
            .await
            .unwrap_or(Err(Problem::Slow))
            .map_err(failed)
    }

    async fn get_without_limit(&self, url: &str) -> Result<Bytes, Problem> {
        let uri = Uri::from_str(url).map_err(|error| Problem::Transport(error.to_string()))?;
        let request = Request::get(uri)
            .header("accept", "application/json")
            .body(Empty::new())
            .map_err(|error| Problem::Transport(error.to_string()))?;
        let response = self
            .http
            .request(request)
            .await
            .map_err(|error| Problem::Transport(chain(&error)))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), BODY_LIMIT)
            .collect()
            .await
            .map_err(|error| Problem::Transport(chain(error.as_ref())))?
            .to_bytes();
        if status == StatusCode::OK {
            Ok(body)
        } else {
            Err(Problem::Status {
                status,
                says: String::from_utf8_lossy(&body).into_owned(),
            })
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("GET {url}: {problem}")]
struct GetError {
    url: String,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Slow,
    Transport(String),
    Status { status: StatusCode, says: String },
}

impl GetError {
    /// `CheckpointingStatisticsHandler`: 404 with this sentence, which must not be taken for "no such job".
    fn says_no_checkpointing(&self) -> bool {
        matches!(&self.problem, Problem::Status { status, says }
            if *status == StatusCode::NOT_FOUND && says.contains("Checkpointing has not been enabled"))
    }
}

impl From<GetError> for String {
    fn from(error: GetError) -> Self {
        error.to_string()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slow => write!(f, "no answer within {} s", TIMEOUT.as_secs()),
            Self::Transport(why) => f.write_str(why),
            Self::Status { status, says } => {
                write!(f, "answered {status}")?;
                match first_error(says) {
                    Some(sentence) => write!(f, ": {sentence}"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// The first line that says something, of `{"errors": [...]}`.
fn first_error(body: &str) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    let errors = body.get("errors")?.as_array()?;
    let lines = errors
        .iter()
        .filter_map(|error| error.as_str())
        .flat_map(str::lines);
    lines
        .map(|line| line.trim_start_matches("<Exception on server side:").trim())
        .find(|line| !line.is_empty() && *line != "Internal server error.")
        .map(|line| line.chars().take(300).collect())
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

impl UrlTemplate {
    fn of(&self, address: &ClusterAddress) -> String {
        let ClusterAddress {
            cluster,
            namespace,
            port,
        } = address;
        self.0
            .replace("{cluster}", cluster)
            .replace("{namespace}", namespace)
            .replace("{port}", &port.to_string())
    }
}

/// The service that Flink makes for its `JobManager` (`ExternalServiceDecorator`).
impl Default for UrlTemplate {
    fn default() -> Self {
        Self("http://{cluster}-rest.{namespace}:{port}".to_owned())
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
        });
        let invalid = |why: String| UrlTemplateError::Invalid {
            text: text.to_owned(),
            why,
        };
        if sample.contains(['{', '}']) {
            return Err(invalid(
                "it has a placeholder other than {cluster}, {namespace} and {port}".to_owned(),
            ));
        }
        let uri = Uri::from_str(&sample).map_err(|error| invalid(error.to_string()))?;
        match (uri.scheme_str(), uri.host()) {
            (Some("http"), Some(_)) => Ok(template),
            (Some("https"), Some(_)) => Err(UrlTemplateError::NotHttp {
                text: text.to_owned(),
            }),
            _ => Err(invalid("it has no scheme or no host".to_owned())),
        }
    }
}

impl Debug for RestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestClient")
            .field("template", &self.template)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
