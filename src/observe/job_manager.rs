//! Asks `JobManager`s over REST.

mod address;
mod http;
mod security;

use crate::engine::Clock;
use crate::observe::jobs_overview::{self, JobsOverview};
use crate::observe::rest_answers::{Answers, read};
use async_trait::async_trait;
use bytes::Bytes;
use http::{GetError, Http, Session, sentence};
use retention::evidence::{JobManager, RestCheckpoints};
use retention::layout::JobId;
use retention::location::Origin;
use security::Credentials;
use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

pub use address::{ClusterAddress, UrlTemplate, UrlTemplateError};
pub use security::{CredentialsFile, RestSecurity, SecurityError};

/// For all that is asked about one job: who is slow with each answer must not hold up the others.
const PATIENCE: Duration = Duration::from_secs(10);

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

/// HTTP, and HTTPS where the cluster or the administrator says so.
#[derive(Clone)]
pub struct RestClient {
    template: UrlTemplate,
    security: RestSecurity,
    clock: Arc<dyn Clock>,
    http: Http,
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
        let endpoint = self.endpoint(address);
        let answers = endpoint.answers(job_id, origin, self.clock.as_ref());
        let answers = tokio::time::timeout(PATIENCE, answers).await;
        let slow = || {
            let seconds = PATIENCE.as_secs();
            format!("{}: not all answers within {seconds} s", endpoint.url)
        };
        match answers.unwrap_or_else(|_| Err(slow())) {
            Ok(rest) => JobManager::Answered(Box::new(rest)),
            Err(why) => JobManager::Unreachable { why },
        }
    }

    async fn jobs(&self, address: &ClusterAddress) -> JobsOverview {
        let endpoint = self.endpoint(address);
        let answer = endpoint.get("/jobs/overview").await.map_err(String::from);
        let read = |answer: Bytes| {
            jobs_overview::read(&answer)
                .map_err(|why| format!("{}: {}", endpoint.url, sentence(&why)))
        };
        match answer.and_then(read) {
            Ok(jobs) => JobsOverview::Answered(jobs),
            Err(why) => JobsOverview::Unreachable { why },
        }
    }
}

impl RestClient {
    #[must_use]
    pub fn new(template: UrlTemplate, security: RestSecurity, clock: Arc<dyn Clock>) -> Self {
        Self {
            template,
            http: Http::new(&security),
            security,
            clock,
        }
    }

    fn endpoint(&self, address: &ClusterAddress) -> Endpoint<'_> {
        Endpoint {
            url: self.template.of(address),
            credentials: self.security.credentials(&address.namespace),
            http: self.http.session(),
        }
    }
}

/// One cluster's REST endpoint.
struct Endpoint<'a> {
    url: String,
    credentials: Option<&'a Credentials>,
    http: Session,
}

impl Endpoint<'_> {
    async fn answers(
        &self,
        job_id: JobId,
        origin: &Origin,
        clock: &dyn Clock,
    ) -> Result<RestCheckpoints, String> {
        let read_at = clock.now();
        let job = self.get(&format!("/jobs/{job_id}")).await?;
        let checkpoints = self.statistics(job_id).await?;
        // Only jobs without high availability need it, and say so.
        let cluster = self.get("/jobmanager/config").await;
        let cluster = cluster.map_err(|error| error.to_string());
        let answers = Answers {
            job: &job,
            checkpoints: checkpoints
                .as_ref()
                .map(|(statistics, config)| (statistics.as_ref(), config.as_ref())),
            cluster: cluster.as_deref().map_err(String::as_str),
        };
        let rest = read(answers, read_at, origin)
            .map_err(|why| format!("{}: {}", self.url, sentence(&why)))?;
        if rest.job_id != job_id {
            return Err(format!("{} answers about job {}", self.url, rest.job_id));
        }
        Ok(rest)
    }

    /// None if the job has no checkpointing at all.
    async fn statistics(&self, job_id: JobId) -> Result<Option<(Bytes, Bytes)>, String> {
        let statistics = self.get(&format!("/jobs/{job_id}/checkpoints")).await;
        let statistics = match statistics {
            Err(error) if error.says_no_checkpointing() => return Ok(None),
            other => other?,
        };
        let config = format!("/jobs/{job_id}/checkpoints/config");
        Ok(Some((statistics, self.get(&config).await?)))
    }

    async fn get(&self, path: &str) -> Result<Bytes, GetError> {
        let url = format!("{}{path}", self.url);
        self.http.get(&url, self.credentials).await
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
