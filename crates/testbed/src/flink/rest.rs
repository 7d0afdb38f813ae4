use std::time::Duration;

use serde_json::{Value, json};

use super::{FlinkError, SavepointFormat};

/// For one answer, of a `JobManager` on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// A `JobManager`'s REST interface. It answers only while a `JobManager` runs and leads.
#[derive(Debug, Clone)]
pub struct Rest {
    url: String,
    agent: ureq::Agent,
}

/// A completed checkpoint as `/jobs/:id/checkpoints` reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletedCheckpoint {
    pub id: u64,
    /// As Flink spells it, for example `file:/data/flink/checkpoints/<job id>/chk-7`.
    pub external_path: String,
}

impl Rest {
    pub(super) fn new(url: String) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(LIMIT))
            .http_status_as_error(false)
            .build()
            .into();
        Self { url, agent }
    }

    /// Without a trailing slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The JSON that `GET <path>` answers; any status but 2xx is an error.
    pub fn get(&self, path: &str) -> Result<Value, FlinkError> {
        let url = format!("{}{path}", self.url);
        parse(&url, read(&url, self.agent.get(&url).call())?)
    }

    /// Status and body of `GET <path>`, whatever they are.
    pub fn get_raw(&self, path: &str) -> Result<(u16, String), FlinkError> {
        let url = format!("{}{path}", self.url);
        read(&url, self.agent.get(&url).call())
    }

    pub(super) fn cancel(&self, job: &str) -> Result<(), FlinkError> {
        let url = format!("{}/jobs/{job}?mode=cancel", self.url);
        parse(&url, read(&url, self.agent.patch(&url).send_empty())?).map(|_| ())
    }

    /// Asks for a savepoint below `target` and gives the number of the request.
    pub(super) fn trigger_savepoint(
        &self,
        job: &str,
        target: &str,
        format: SavepointFormat,
    ) -> Result<String, FlinkError> {
        let url = format!("{}/jobs/{job}/savepoints", self.url);
        let request = json!({
            "target-directory": target,
            "cancel-job": false,
            "formatType": format.name(),
        })
        .to_string();
        let answer = parse(&url, read(&url, self.agent.post(&url).send(request))?)?;
        let id = answer["request-id"].as_str();
        id.map(str::to_owned)
            .ok_or_else(|| rest_error(&url, format!("no request-id in {answer}")))
    }

    /// Where the savepoint of such a request is; `None` while it is written.
    pub(super) fn savepoint(&self, job: &str, request: &str) -> Result<Option<String>, FlinkError> {
        let path = format!("/jobs/{job}/savepoints/{request}");
        let answer = self.get(&path)?;
        if answer["operation"]["failure-cause"].is_object() {
            return Err(FlinkError::Savepoint { answer });
        }
        Ok(answer["operation"]["location"].as_str().map(str::to_owned))
    }

    /// The newest completed checkpoint of this `JobManager`'s life, if any.
    pub fn latest_completed(&self, job: &str) -> Result<Option<CompletedCheckpoint>, FlinkError> {
        let statistics = self.get(&format!("/jobs/{job}/checkpoints"))?;
        let latest = &statistics["latest"]["completed"];
        Ok(latest["id"].as_u64().map(|id| CompletedCheckpoint {
            id,
            external_path: latest["external_path"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        }))
    }
}

type Answer = ureq::http::Response<ureq::Body>;

fn read(url: &str, answer: Result<Answer, ureq::Error>) -> Result<(u16, String), FlinkError> {
    let mut answer = answer.map_err(|source| rest_error(url, source.to_string()))?;
    let body = answer.body_mut().read_to_string();
    let body = body.map_err(|source| rest_error(url, source.to_string()))?;
    Ok((answer.status().as_u16(), body))
}

fn parse(url: &str, (status, body): (u16, String)) -> Result<Value, FlinkError> {
    if !(200..300).contains(&status) {
        return Err(rest_error(url, format!("status {status}: {body}")));
    }
    serde_json::from_str(&body).map_err(|source| rest_error(url, format!("{source} in {body}")))
}

fn rest_error(url: &str, reason: String) -> FlinkError {
    FlinkError::Rest {
        url: url.to_owned(),
        reason,
    }
}
