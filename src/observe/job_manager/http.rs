//! One GET, bounded in every way: a `JobManager` belongs to a tenant, and may be anything that listens.

use crate::observe::job_manager::security::{Credentials, RestSecurity};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::header::{ACCEPT, AUTHORIZATION};
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::fmt::{self, Debug};
use std::str::FromStr;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(5);
/// A job with many thousand subtasks has an answer of a few MiB.
pub(super) const BODY_LIMIT: usize = 8 * 1024 * 1024;
/// Of the head of an answer.
const HEAD_LIMIT: usize = 64 * 1024;
/// The requests about one job come one after the other; more than this is never between two of them.
pub(super) const IDLE: Duration = Duration::from_secs(5);
/// The longest text of somebody else in a sentence of ours, in characters.
const TEXT_LIMIT: usize = 300;

/// Follows no redirects, unpacks nothing, and writes nothing.
#[derive(Clone)]
pub(super) struct Http {
    connector: HttpsConnector<HttpConnector>,
    /// For one answer, to its last byte.
    pub(super) timeout: Duration,
}

/// The questions to one cluster, over one connection, which ends with them: thousands that wait for another question
/// would take more memory than all that is learned.
pub(super) struct Session {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    timeout: Duration,
}

impl Http {
    pub(super) fn new(security: &RestSecurity) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(TIMEOUT));
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(security.tls())
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        Self {
            connector,
            timeout: TIMEOUT,
        }
    }

    pub(super) fn session(&self) -> Session {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(1)
            .http1_max_buf_size(HEAD_LIMIT)
            .build(self.connector.clone());
        Session {
            client,
            timeout: self.timeout,
        }
    }
}

impl Session {
    pub(super) async fn get(
        &self,
        url: &str,
        credentials: Option<&Credentials>,
    ) -> Result<Bytes, GetError> {
        let failed = |problem: Problem| GetError {
            url: url.to_owned(),
            problem,
        };
        tokio::time::timeout(self.timeout, self.get_without_limit(url, credentials))
            .await
            .unwrap_or(Err(Problem::Slow))
            .map_err(failed)
    }

    async fn get_without_limit(
        &self,
        url: &str,
        credentials: Option<&Credentials>,
    ) -> Result<Bytes, Problem> {
        let uri = Uri::from_str(url).map_err(|error| Problem::Transport(error.to_string()))?;
        let mut request = Request::get(&uri).header(ACCEPT, "application/json");
        if let Some(credentials) = credentials {
            if uri.scheme_str() != Some("https") {
                return Err(Problem::PlainPassword);
            }
            request = request.header(AUTHORIZATION, credentials.header());
        }
        let request = request
            .body(Empty::new())
            .map_err(|error| Problem::Transport(error.to_string()))?;
        let response = self
            .client
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
pub(super) struct GetError {
    url: String,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Slow,
    PlainPassword,
    Transport(String),
    Status { status: StatusCode, says: String },
}

impl GetError {
    /// `CheckpointingStatisticsHandler`: 404 with this sentence, which must not be taken for "no such job".
    pub(super) fn says_no_checkpointing(&self) -> bool {
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
            Self::PlainPassword => f.write_str(
                "its namespace has credentials, which go over TLS only; set security.ssl.rest.enabled, or write https:// in --flink-rest-url",
            ),
            Self::Transport(why) if why.contains("invalid peer certificate") => write!(
                f,
                "{}; its certificate must name this host, and be signed by an authority that is given with --flink-rest-ca",
                sentence(why)
            ),
            Self::Transport(why) => f.write_str(&sentence(why)),
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

/// Text of somebody else, as part of a sentence.
pub(super) fn sentence(text: &str) -> String {
    let shown = text.chars().filter(|c| !c.is_control());
    shown.take(TEXT_LIMIT).collect()
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
        .map(sentence)
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
