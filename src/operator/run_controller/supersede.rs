use kube::api::ListParams;
use kube::core::DeserializeGuard;
use kube::{Api, ResourceExt};

use super::{ExecutionError, api_server, write_status};
use crate::api::retention_run::Phase;
use crate::api::{Reason, RetentionRun};
use crate::operator::context::Operator;
use crate::operator::run::{Absent, Ending, RunIdentity, awaits_approval, refused};

/// Ends the runs of the same policy that ask a person about an older plan. What was approved already is carried out.
pub(super) async fn supersede(
    operator: &Operator,
    api: &Api<RetentionRun>,
    newer: &RetentionRun,
) -> Result<(), ExecutionError> {
    let guarded: Api<DeserializeGuard<RetentionRun>> =
        operator.in_namespace(&newer.namespace().unwrap_or_default());
    let runs = guarded
        .list(&ListParams::default())
        .await
        .map_err(api_server("list RetentionRuns"))?;
    let now = operator.clock.now();
    let older = runs
        .into_iter()
        .filter_map(|DeserializeGuard(read)| read.ok())
        .filter(|run| {
            run.spec.policy_ref == newer.spec.policy_ref
                && run.metadata.uid != newer.metadata.uid
                && run.creation_timestamp() <= newer.creation_timestamp()
                && awaits_approval(run, now)
        });
    for run in older {
        let ending = Ending {
            cancelled: None,
            restrained: None,
            generation: run.metadata.generation,
            run: RunIdentity::default(),
            policy_generation: None,
            pins: Vec::new(),
            absent: Absent::default(),
            now,
        };
        let why = format!(
            "nobody approved it before {} made a newer plan; deleted nothing",
            newer.name_any()
        );
        let before = run.status.clone().unwrap_or_default();
        let status = refused(
            &before,
            Phase::Cancelled,
            &[Reason::Superseded],
            why,
            &ending,
        );
        write_status(api, &run, &status).await?;
        operator
            .metrics
            .run_finished(Phase::Cancelled.as_str(), std::time::Duration::ZERO);
    }
    Ok(())
}
