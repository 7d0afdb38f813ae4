//! What a job is doing, as far as its resource proves it.
//!
//! The operator's status lags and is written in steps, so each phase but "unclear" asks for every field that could
//! contradict it (`ReconciliationUtils`, `CommonStatus.getLifecycleState` of the Flink operator).

use crate::api::flink::job::LAST_STATE_MARKER;
use crate::api::flink::{
    FlinkConfiguration, FlinkDeployment, FlinkSessionJob, JobSpec, JobStatus, ReconciliationStatus,
};
use crate::observe::draft::StartsFrom;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use retention::evidence::Phase;

const RESTART_FAILED: &str = "kubernetes.operator.job.restart.failed";

/// What both kinds that have a job say of it.
#[derive(Clone, Copy, Debug)]
struct Said<'a> {
    metadata: &'a ObjectMeta,
    asked: &'a JobSpec,
    configuration: &'a FlinkConfiguration,
    job: &'a JobStatus,
    reconciliation: &'a ReconciliationStatus,
    observed_generation: Option<i64>,
    lifecycle: Option<&'a str>,
}

/// Of a `FlinkDeployment`.
#[must_use]
pub(super) fn of(deployment: &FlinkDeployment) -> Phase {
    let FlinkDeployment {
        metadata,
        spec,
        status,
    } = deployment;
    let Some(asked) = spec.job.as_ref() else {
        return Phase::NoJob {
            why:
                "it is a session cluster: its jobs are FlinkSessionJobs, or were submitted by hand"
                    .to_owned(),
        };
    };
    let said = || {
        not_deleted(metadata)?;
        let status = status.as_ref().ok_or(NO_STATUS)?;
        Ok(Said {
            metadata,
            asked,
            configuration: &spec.flink_configuration,
            job: status.job_status.as_ref().ok_or(NO_JOB_STATUS)?,
            reconciliation: status
                .reconciliation_status
                .as_ref()
                .ok_or(NOT_RECONCILED)?,
            observed_generation: status.observed_generation,
            lifecycle: status.lifecycle_state.as_deref(),
        })
    };
    said().and_then(read).unwrap_or_else(unclear)
}

/// From what a suspended job starts again. The Flink operator writes the mode that it really used into
/// `lastReconciledSpec`, and a marker instead of a path for what it left to high-availability data.
#[must_use]
pub(super) fn starts_from(deployment: &FlinkDeployment) -> StartsFrom {
    let mode = deployment
        .reconciliation_status()
        .and_then(|status| deployed(status).ok())
        .and_then(|job| job.upgrade_mode);
    let is = |word: &str| {
        mode.as_deref()
            .is_some_and(|mode| mode.eq_ignore_ascii_case(word))
    };
    let job = deployment.job_status();
    let noted = job.and_then(|job| job.upgrade_savepoint_path.as_deref());
    match noted {
        // A path beside it is left from an earlier start.
        _ if is("last-state") => StartsFrom::HighAvailability,
        Some(LAST_STATE_MARKER) => StartsFrom::HighAvailability,
        Some(_) if is("savepoint") => StartsFrom::Savepoint,
        Some(_) | None => StartsFrom::NotSaid,
    }
}

/// Of a `FlinkSessionJob`.
#[must_use]
pub(super) fn of_session_job(job: &FlinkSessionJob) -> Phase {
    let FlinkSessionJob {
        metadata,
        spec,
        status,
    } = job;
    let said = || {
        not_deleted(metadata)?;
        let asked = spec.job.as_ref().ok_or("its resource describes no job")?;
        let status = status.as_ref().ok_or(NO_STATUS)?;
        Ok(Said {
            metadata,
            asked,
            configuration: &spec.flink_configuration,
            job: status.job_status.as_ref().ok_or(NO_JOB_STATUS)?,
            reconciliation: status
                .reconciliation_status
                .as_ref()
                .ok_or(NOT_RECONCILED)?,
            observed_generation: status.observed_generation,
            lifecycle: status.lifecycle_state.as_deref(),
        })
    };
    said()
        .and_then(|said| match read(said)? {
            Phase::Suspended => suspended_in_session(said.job),
            phase => Ok(phase),
        })
        .unwrap_or_else(unclear)
}

/// A session job is never left to its high-availability data: the operator cancels it and notes the path.
fn suspended_in_session(job: &JobStatus) -> Result<Phase, String> {
    if job.upgrade_savepoint_path.as_deref() == Some(LAST_STATE_MARKER) {
        return Err(format!(
            "it is suspended, and its upgradeSavepointPath is {LAST_STATE_MARKER}, which no session job can use"
        ));
    }
    Ok(Phase::Suspended)
}

const NO_STATUS: &str = "its resource has no status yet; is the Flink operator running?";
const NO_JOB_STATUS: &str = "its resource has no job status yet";
const NOT_RECONCILED: &str = "its resource has not been reconciled yet";

fn unclear(why: String) -> Phase {
    Phase::Unclear { why }
}

fn not_deleted(metadata: &ObjectMeta) -> Result<(), String> {
    match metadata.deletion_timestamp {
        Some(_) => Err("its resource is being deleted".to_owned()),
        None => Ok(()),
    }
}

/// Every `Err` is a reason to take the job for one that may do anything.
fn read(said: Said<'_>) -> Result<Phase, String> {
    settled(said)?;
    if said.job.has_pending_trigger() {
        return Err("a savepoint or checkpoint was asked for and is not there yet".to_owned());
    }
    if said.asked.is_suspended() != deployed(said.reconciliation)?.is_suspended() {
        return Err("its resource asks for another state than the deployed one".to_owned());
    }
    decide(said)
}

/// The operator has nothing left to do.
fn settled(said: Said<'_>) -> Result<(), String> {
    if let (Some(generation), Some(observed)) = (said.metadata.generation, said.observed_generation)
        && generation != observed
    {
        return Err(format!(
            "its resource has generation {generation}, but {observed} is deployed"
        ));
    }
    if !said.reconciliation.is_deployed() {
        let state = said.reconciliation.state.as_deref().unwrap_or("UPGRADING");
        return Err(format!("its resource is {state}"));
    }
    Ok(())
}

fn deployed(reconciliation: &ReconciliationStatus) -> Result<JobSpec, String> {
    reconciliation
        .deployed()
        .map_err(|error| format!("lastReconciledSpec cannot be read: {error}"))?
        .and_then(|embedded| embedded.spec.job)
        .ok_or_else(|| "its resource does not say which job is deployed".to_owned())
}

fn decide(said: Said<'_>) -> Result<Phase, String> {
    let Said {
        asked,
        configuration,
        job,
        lifecycle,
        ..
    } = said;
    let state = job.state.as_deref().unwrap_or("unknown");
    let restarts = configuration
        .get(RESTART_FAILED)
        .is_some_and(|value| !value.trim().eq_ignore_ascii_case("false"));
    let between = || {
        let lifecycle = lifecycle.unwrap_or("unknown");
        Err(format!("its job is {state} and its life cycle {lifecycle}"))
    };
    match (asked.is_suspended(), state, lifecycle) {
        (true, "FINISHED" | "SUSPENDED" | "CANCELED", Some("SUSPENDED")) => Ok(Phase::Suspended),
        (false, "RUNNING", Some("STABLE")) => Ok(Phase::Running),
        (false, "FAILED", Some("STABLE" | "FAILED")) if restarts => {
            Err("its job is FAILED, and the Flink operator will restart it".to_owned())
        }
        (false, "CANCELED" | "FINISHED" | "FAILED", Some("STABLE" | "FAILED")) => {
            Ok(Phase::Terminal {
                state: state.to_owned(),
            })
        }
        _ => between(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::observe::deployment::tests::deployment;
    use rstest::rstest;

    const STABLE: &str = include_str!("fixtures/stable.yaml");

    fn phase(edits: &[(&str, &str)]) -> Phase {
        of(&deployment(STABLE, edits))
    }

    #[test]
    fn a_stable_resource_with_a_running_job_runs() {
        assert_eq!(phase(&[]), Phase::Running);
    }

    #[rstest]
    #[case::deleted(
        "generation: 4",
        "generation: 4\n  deletionTimestamp: \"2026-11-21T06:00:00Z\"",
        "deleted"
    )]
    #[case::new_generation("observedGeneration: 4", "observedGeneration: 3", "generation 4")]
    #[case::upgrading("    state: DEPLOYED", "    state: UPGRADING", "UPGRADING")]
    #[case::no_reconciliation_state("    state: DEPLOYED", "    other: DEPLOYED", "UPGRADING")]
    #[case::not_stable("lifecycleState: STABLE", "lifecycleState: DEPLOYED", "DEPLOYED")]
    #[case::no_lifecycle("lifecycleState: STABLE", "other: STABLE", "unknown")]
    #[case::restarting("state: RUNNING", "state: RESTARTING", "RESTARTING")]
    #[case::reconciling("state: RUNNING", "state: RECONCILING", "RECONCILING")]
    #[case::savepoint("savepointHistory: []", "triggerId: abc", "asked for")]
    #[case::checkpoint(
        "savepointInfo:",
        "checkpointInfo: {triggerId: abc}\n    savepointInfo:",
        "asked for"
    )]
    #[case::asked_to_suspend("    state: running", "    state: suspended", "another state")]
    #[case::deployed_suspended(r#""state":"running""#, r#""state":"suspended""#, "another state")]
    #[case::broken_deployed_spec(r#"'{"spec""#, r#"'{"spec"#, "cannot be read")]
    #[case::no_status("status:", "state:", "no status")]
    fn any_contradiction_is_unclear(#[case] from: &str, #[case] to: &str, #[case] says: &str) {
        match phase(&[(from, to)]) {
            Phase::Unclear { why } => assert!(why.contains(says), "{why}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_session_cluster_has_no_job() {
        let phase = phase(&[("  job:", "  jobs:")]);
        assert!(matches!(phase, Phase::NoJob { why } if why.contains("session cluster")));
    }

    #[test]
    fn a_resource_of_an_operator_without_observed_generation_may_run() {
        assert_eq!(phase(&[("  observedGeneration: 4\n", "")]), Phase::Running);
    }

    const SUSPENDED: [(&str, &str); 4] = [
        ("    state: running", "    state: suspended"),
        (r#""state":"running""#, r#""state":"suspended""#),
        ("state: RUNNING", "state: FINISHED"),
        ("lifecycleState: STABLE", "lifecycleState: SUSPENDED"),
    ];

    #[test]
    fn suspended_is_asked_for_and_deployed() {
        assert_eq!(phase(&SUSPENDED), Phase::Suspended);
        for missing in 0..SUSPENDED.len() {
            let edits: Vec<_> = SUSPENDED
                .into_iter()
                .enumerate()
                .filter(|(position, _)| *position != missing)
                .map(|(_, edit)| edit)
                .collect();
            let phase = phase(&edits);
            assert!(
                matches!(phase, Phase::Unclear { .. }),
                "{missing}: {phase:?}"
            );
        }
    }

    #[rstest]
    #[case("CANCELED", "STABLE")]
    #[case("FINISHED", "STABLE")]
    #[case("FAILED", "FAILED")]
    fn a_job_that_is_over_is_terminal(#[case] state: &str, #[case] lifecycle: &str) {
        let (state_edit, lifecycle_edit) = (
            format!("state: {state}"),
            format!("lifecycleState: {lifecycle}"),
        );
        let edits = [
            ("state: RUNNING", state_edit.as_str()),
            ("lifecycleState: STABLE", lifecycle_edit.as_str()),
        ];
        assert_eq!(
            phase(&edits),
            Phase::Terminal {
                state: state.to_owned()
            }
        );
    }

    #[test]
    fn a_failed_job_that_will_be_restarted_is_not_over() {
        let edits = [
            ("state: RUNNING", "state: FAILED"),
            (
                "high-availability.type: kubernetes",
                "high-availability.type: kubernetes\n    kubernetes.operator.job.restart.failed: true",
            ),
        ];
        assert!(matches!(phase(&edits), Phase::Unclear { .. }));
    }
}
