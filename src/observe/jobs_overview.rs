//! Which jobs a cluster has, by the word of its JobManager (`/jobs/overview`).

use crate::api::objects_only;
use retention::layout::JobId;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The jobs of a cluster: those that run, and those that ended a short while ago (`jobstore.expiration-time`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobsOverview {
    /// Nobody asked: on the command line without an address.
    NotAsked,
    Unreachable {
        why: String,
    },
    /// The state of each job, as Flink spells it.
    Answered(BTreeMap<JobId, String>),
}

#[derive(Deserialize)]
struct Answer {
    jobs: Vec<Job>,
}

#[derive(Deserialize)]
struct Job {
    jid: String,
    state: String,
}

/// A job that is left out would be a job that may be forgotten, so every entry must be understood.
pub fn read(answer: &[u8]) -> Result<BTreeMap<JobId, String>, String> {
    let Answer { jobs } = objects_only::from_slice(answer)
        .map_err(|error| format!("its answer to /jobs/overview cannot be understood: {error}"))?;
    let entry = |Job { jid, state }: Job| match jid.parse() {
        Ok(id) => Ok((id, state)),
        Err(error) => Err(format!("its answer to /jobs/overview: {error}")),
    };
    jobs.into_iter().map(entry).collect()
}

/// Over for good (`JobStatus.isGloballyTerminalState`).
pub(super) fn is_over(state: &str) -> bool {
    matches!(state, "FINISHED" | "CANCELED" | "FAILED")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn the_jobs_of_real_clusters_are_read() {
        for answer in [
            include_str!("../../tests/fixtures/rest/1.20.1/jobs-overview.json"),
            include_str!("../../tests/fixtures/rest/2.1.0/jobs-overview.json"),
            include_str!("../../tests/fixtures/rest/2.3.0/jobs-overview.json"),
        ] {
            let jobs = read(answer.as_bytes()).unwrap();
            let id: JobId = "00000000000000000000000000000abc".parse().unwrap();
            assert_eq!(jobs, BTreeMap::from([(id, "RUNNING".to_owned())]));
        }
        assert_eq!(read(br#"{"jobs":[]}"#), Ok(BTreeMap::new()));
    }

    #[test]
    fn an_entry_that_is_not_understood_is_no_answer() {
        for answer in [
            "",
            "{}",
            "[]",
            "[[]]",
            r#"{"jobs":[{"jid":"x","state":"RUNNING"}]}"#,
            r#"{"jobs":[{"jid":"00000000000000000000000000000abc"}]}"#,
            r#"{"jobs":null}"#,
        ] {
            assert!(read(answer.as_bytes()).is_err(), "{answer}");
        }
    }

    #[test]
    fn only_a_globally_terminal_state_is_the_end() {
        for state in ["SUSPENDED", "CANCELLING", "FAILING", "RUNNING", "NEW", ""] {
            assert!(!is_over(state), "{state}");
        }
        assert!(is_over("CANCELED"));
    }
}
