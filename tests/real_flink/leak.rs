//! How a job comes to leave files that nothing names.

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;
use testbed::flink::{ClaimMode, FlinkCluster, Hold};

use crate::stage::Stage;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leak {
    /// Once between checkpoints, once in the middle of one.
    JobManagerKills,
    /// In the middle of a checkpoint.
    TaskManagerKill,
    /// Checkpoints that take too long, and then a killed `JobManager`, which no longer knows of them.
    Timeouts,
    /// Checkpoints that one subtask declines, and then a killed `JobManager`.
    Declines,
    /// Two upgrades, each with a new job id, of jobs whose `JobManager` was killed.
    Upgrades(ClaimMode),
    /// An upgrade through a native savepoint that the new job claims.
    NativeSavepoint,
    /// The same of a job with state that never changes: files of the savepoint stay in use for ever, and Flink names
    /// them wrongly. See [`crate::claimed`].
    ClaimedForEver,
}

const UPGRADES: usize = 2;
const FAILURES: u64 = 2;

impl Leak {
    /// Whether the job holds state that never changes: files that outlive every other file. Where the job claims a
    /// native savepoint Flink names such files wrongly for ever (FLINK-39964), which is a scene of its own.
    pub(crate) fn idles(self) -> bool {
        match self {
            Self::NativeSavepoint => false,
            Self::JobManagerKills
            | Self::TaskManagerKill
            | Self::Timeouts
            | Self::Declines
            | Self::Upgrades(_)
            | Self::ClaimedForEver => true,
        }
    }

    pub(crate) fn make(self, stage: &mut Stage) {
        match self {
            Self::JobManagerKills => {
                stage.kill_job_manager();
                stage.stall_a_checkpoint();
                stage.flink.kill_job_manager();
                stage.flink.release_checkpoints().unwrap();
                stage.kill_job_manager();
            }
            Self::TaskManagerKill => {
                stage.stall_a_checkpoint();
                stage.flink.kill_task_manager();
                stage.flink.release_checkpoints().unwrap();
                stage.flink.restart_task_manager().unwrap();
                stage.wait_until_compacted();
            }
            Self::Timeouts => fail_checkpoints(stage, Hold::Stall),
            Self::Declines => fail_checkpoints(stage, Hold::Decline),
            Self::Upgrades(mode) => {
                for _ in 0..UPGRADES {
                    stage.kill_job_manager();
                    stage.cancel();
                    // Until a run has looked at storage, the inventory has what Flink said some seconds ago.
                    stage.run();
                    let latest = stage.latest_restorable();
                    stage.upgrade(&latest.path, mode);
                }
                stage.kill_job_manager();
            }
            Self::NativeSavepoint => claim_a_savepoint(stage),
            Self::ClaimedForEver => {
                claim_a_savepoint(stage);
                // Newer, so that no rule keeps the other one.
                stage.native_savepoint();
            }
        }
    }
}

fn claim_a_savepoint(stage: &mut Stage) {
    stage.kill_job_manager();
    let savepoint = stage.native_savepoint();
    stage.cancel();
    stage.upgrade(&savepoint, ClaimMode::Claim);
    stage.kill_job_manager();
    stage.claimed = Some(path_of(&savepoint));
}

/// Of a location as Flink spells it.
fn path_of(location: &str) -> PathBuf {
    let path = location.strip_prefix("file:").unwrap();
    PathBuf::from("/").join(path.trim_start_matches('/'))
}

fn fail_checkpoints(stage: &mut Stage, how: Hold) {
    let before = failed(&stage.flink);
    stage.flink.hold_checkpoints(how).unwrap();
    stage.wait_for("failed checkpoints", |flink| {
        failed(flink) >= before + FAILURES
    });
    stage.flink.kill_job_manager();
    stage.flink.release_checkpoints().unwrap();
    stage.kill_job_manager();
}

fn failed(flink: &FlinkCluster) -> u64 {
    let checkpoints = flink
        .rest()
        .get(&format!("/jobs/{}/checkpoints", flink.job_id()));
    checkpoints
        .ok()
        .and_then(|checkpoints| checkpoints["counts"]["failed"].as_u64())
        .unwrap_or_default()
}

/// Whether a checkpoint is under way of which all parts but the one that is held up are written.
pub(crate) fn is_stalled(checkpoints: &Value) -> bool {
    let history = checkpoints["history"].as_array();
    history.into_iter().flatten().any(|checkpoint| {
        let count = |name: &str| checkpoint[name].as_u64().unwrap_or_default();
        checkpoint["status"] == "IN_PROGRESS"
            && count("num_acknowledged_subtasks") + 1 == count("num_subtasks")
    })
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::JobManagerKills => f.write_str("JobManager killed"),
            Self::TaskManagerKill => f.write_str("TaskManager killed"),
            Self::Timeouts => f.write_str("timeouts"),
            Self::Declines => f.write_str("declined"),
            Self::Upgrades(mode) => write!(f, "upgrades, {}", mode.name()),
            Self::NativeSavepoint => f.write_str("native savepoint, CLAIM"),
            Self::ClaimedForEver => f.write_str("native savepoint, CLAIM, for ever"),
        }
    }
}
