//! From a `FlinkSessionJob` to the draft of its job, which runs in the session cluster that it names.

use crate::api::flink::FlinkSessionJob;
use crate::observe::clusters::Cluster;
use crate::observe::configurations::Configurations;
use crate::observe::deployment::{Parts, collect, current_id, finish, job_name};
use crate::observe::draft::{Draft, Host, Surroundings};
use crate::observe::phase;
use retention::evidence::{Lineage, LineageEntry, Phase, ResourceState};
use retention::layout::JobId;

/// `cluster` is its session cluster, where that is known.
#[must_use]
pub(super) fn draft(
    job: &FlinkSessionJob,
    cluster: Option<&Cluster>,
    surroundings: Surroundings,
) -> Draft {
    let (own, mut problems) = own_configurations(job);
    if cluster.is_none() {
        let why = "its session cluster is not known, nor the directories that it sets";
        problems.push(why.to_owned());
    }
    let configurations = cluster.map_or_else(
        || own.clone(),
        |cluster| Configurations::of_session_job(&own, &cluster.configurations),
    );
    let named = job.job_status().and_then(|status| status.job_id.as_deref());
    let fixed = own.fixed_job_id();
    let (named, id_problem) = current_id(named, fixed);
    let lineage = surroundings.record.as_ref().map(|record| &record.lineage);
    let (current, phase) = match (phase::of_session_job(job), doubt(cluster)) {
        (phase @ Phase::Unclear { .. }, _) => (named, phase),
        (_, Some(why)) => (named, Phase::Unclear { why }),
        (Phase::Suspended, None) => (named.or_else(|| lineage.and_then(last)), suspended()),
        (phase, None) => (
            named,
            id_problem.map_or(phase, |why| Phase::Unclear { why }),
        ),
    };
    let parts = Parts {
        name: job_name("FlinkSessionJob", &job.metadata),
        host: Host::Session,
        current,
        phase,
        // Then it is over anyway.
        ended_with_savepoint: false,
        stateful: true,
        problems,
    };
    let mut draft = finish(parts, &job.metadata, &configurations, surroundings);
    draft.address = cluster.map(|cluster| cluster.address.clone());
    let of_cluster = || cluster.and_then(|cluster| cluster.suspended_by.clone());
    draft.suspended_by = draft.suspended_by.or_else(of_cluster);
    draft
}

fn own_configurations(job: &FlinkSessionJob) -> (Configurations, Vec<String>) {
    let mut known = Vec::new();
    let mut problems = Vec::new();
    let status = job.status.as_ref();
    if let Some(reconciliation) = status.and_then(|status| status.reconciliation_status.as_ref()) {
        collect(
            reconciliation.deployed(),
            "lastReconciledSpec",
            &mut known,
            &mut problems,
        );
        collect(
            reconciliation.stable(),
            "lastStableSpec",
            &mut known,
            &mut problems,
        );
    }
    let asked = job.spec.flink_configuration.clone();
    (Configurations::new(known, asked), problems)
}

/// Why nothing that the resource says of its job can be relied on.
fn doubt(cluster: Option<&Cluster>) -> Option<String> {
    match cluster {
        None => Some("its session cluster is not known".to_owned()),
        Some(cluster) => cluster.doubt.clone(),
    }
}

/// To Flink it is over: the operator has cancelled it, or stopped it with a savepoint, and forgets its id. It comes back
/// as another job, from what its status names.
fn suspended() -> Phase {
    Phase::Terminal {
        state: "suspended".to_owned(),
    }
}

/// The last id of the present resource, as it was recorded.
fn last(lineage: &Lineage) -> Option<JobId> {
    let exists = |entry: &&LineageEntry| entry.resource == ResourceState::Exists;
    let own = lineage.entries.iter().filter(exists);
    own.max_by_key(|entry| entry.last_seen)
        .map(|entry| entry.job_id)
}

#[cfg(test)]
#[path = "session_job/tests.rs"]
mod tests;
