use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which run a checkpoint number belongs to. What was noted for one run says nothing about another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RunId {
    /// Kubernetes high availability: the uid of the job's map. It outlives the JobManager.
    MapUid(String),
    /// No high availability: the numbers are in the memory of one JobManager.
    Start(JobStart),
}

/// One start of a job. A new JobManager, and each failover of its tasks, makes another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobStart {
    /// `start-time` of the job.
    pub started: Timestamp,
    /// `latest.restored` of the statistics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<RestoredOnce>,
}

/// What the tasks were last restored from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoredOnce {
    pub id: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}
