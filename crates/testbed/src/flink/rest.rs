use std::time::Duration;

use serde_json::Value;

use super::FlinkError;

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
            .timeout_global(Some(Duration::from_secs(5)))
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

    /// The answer to `GET <path>`; any status but 200 is an error.
    pub fn get(&self, path: &str) -> Result<Value, FlinkError> {
        let url = format!("{}{path}", self.url);
        read(&url, self.agent.get(&url).call())
    }

    pub(super) fn cancel(&self, job: &str) -> Result<(), FlinkError> {
        let url = format!("{}/jobs/{job}?mode=cancel", self.url);
        read(&url, self.agent.patch(&url).send_empty()).map(|_| ())
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

fn read(
    url: &str,
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Value, FlinkError> {
    let error = |reason: String| FlinkError::Rest {
        url: url.to_owned(),
        reason,
    };
    let mut answer = answer.map_err(|source| error(source.to_string()))?;
    let status = answer.status();
    let body = answer
        .body_mut()
        .read_to_string()
        .map_err(|source| error(source.to_string()))?;
    if !status.is_success() {
        return Err(error(format!("{status}: {body}")));
    }
    serde_json::from_str(&body).map_err(|source| error(format!("{source} in {body}")))
}
