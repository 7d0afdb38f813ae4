//! What Flink itself says about how its job fares.

use testbed::flink::FlinkCluster;

/// Counted since the `JobManager` has started.
#[derive(Debug, PartialEq)]
pub(crate) struct Health {
    state: String,
    failed_checkpoints: u64,
    /// Each restart of the job begins with one.
    restored: u64,
}

impl Health {
    pub(crate) fn of(flink: &FlinkCluster) -> Self {
        let get = |path: &str| flink.rest().get(path).unwrap();
        let job = get(&format!("/jobs/{}", flink.job_id()));
        let checkpoints = get(&format!("/jobs/{}/checkpoints", flink.job_id()));
        let count = |name: &str| checkpoints["counts"][name].as_u64().unwrap();
        Self {
            state: job["state"].as_str().unwrap().to_owned(),
            failed_checkpoints: count("failed"),
            restored: count("restored"),
        }
    }
}
