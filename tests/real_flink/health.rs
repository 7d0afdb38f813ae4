//! What Flink itself says about how its job fares.

use std::fmt;

use serde_json::Value;
use testbed::flink::FlinkCluster;

/// What Flink's file system and Java's say of a file that is gone.
const GONE: [&str; 3] = [
    "FileNotFoundException",
    "NoSuchFileException",
    "No such file or directory",
];

/// Counted since the `JobManager` has started.
#[derive(Debug)]
pub(crate) struct Health {
    state: String,
    failed_checkpoints: u64,
    restarts: u64,
    /// Of restarts and failed checkpoints, as far back as Flink remembers.
    causes: Vec<String>,
}

impl Health {
    pub(crate) fn of(flink: &FlinkCluster) -> Self {
        let job = format!("/jobs/{}", flink.job_id());
        let ask = |path: &str| flink.rest().get(&format!("{job}{path}"));
        let get = |path: &str| ask(path).unwrap();
        let checkpoints = get("/checkpoints");
        let count = |name: &str| checkpoints["counts"][name].as_u64().unwrap();
        let failed = array(&checkpoints["history"])
            .iter()
            .filter(|checkpoint| checkpoint["status"] == "FAILED")
            // Newer ones may have pushed it out of the history by now.
            .filter_map(|checkpoint| {
                ask(&format!("/checkpoints/details/{}", checkpoint["id"])).ok()
            })
            .map(|details| details["failure_message"].to_string());
        let exceptions = get("/exceptions?maxExceptions=100");
        let restarts = array(&exceptions["exceptionHistory"]["entries"])
            .iter()
            .map(|entry| entry["stacktrace"].to_string());
        Self {
            state: get("")["state"].as_str().unwrap().to_owned(),
            failed_checkpoints: count("failed"),
            // The first is that of the JobManager's own recovery.
            restarts: count("restored").saturating_sub(1),
            causes: failed.chain(restarts).collect(),
        }
    }

    /// A slow machine fails checkpoints as well, and may lose a heartbeat; a file that is gone must never be the cause.
    pub(crate) fn assert_that_no_file_is_gone(&self) {
        let gone = |cause: &&String| GONE.iter().any(|words| cause.contains(words));
        let causes: Vec<&String> = self.causes.iter().filter(gone).collect();
        assert!(causes.is_empty(), "{causes:#?}");
        assert_eq!(self.state, "RUNNING", "{:#?}", self.causes);
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; failed checkpoints: {}, restarts: {}, none of them for want of a file",
            self.state, self.failed_checkpoints, self.restarts
        )
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
