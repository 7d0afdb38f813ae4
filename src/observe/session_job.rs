//! From a `FlinkSessionJob` to the draft of its job, which runs in the session cluster that it names.

use crate::api::flink::FlinkSessionJob;
use crate::observe::clusters::{Cluster, SessionHost};
use crate::observe::configurations::Configurations;
use crate::observe::deployment::{
    configurations, current_id, finish, half, job_name, suspended_by,
};
use crate::observe::draft::{Draft, Host, StartsFrom, Surroundings};
use crate::observe::phase;
use crate::observe::sketch::Sketch;
use crate::observe::source::ObjectName;
use retention::evidence::{JobName, Lineage, LineageEntry, Phase, ResourceState};
use retention::layout::JobId;

/// A `FlinkSessionJob`, as far as it matters.
#[derive(Clone, Debug)]
pub(super) struct Read {
    sketch: Sketch,
    /// The name of its session cluster.
    deployment: Option<String>,
}

impl Read {
    pub(super) fn name(&self) -> &JobName {
        &self.sketch.name
    }

    /// The session cluster, if it names one.
    pub(super) fn host(&self) -> Option<ObjectName> {
        Some(ObjectName {
            namespace: self.sketch.name.namespace.clone(),
            name: self.deployment.clone()?,
        })
    }
}

#[must_use]
pub(super) fn read(job: &FlinkSessionJob) -> Read {
    let metadata = &job.metadata;
    let name = job_name("FlinkSessionJob", metadata);
    let status = job.status.as_ref();
    let (configurations, problems) = configurations(
        status.and_then(|status| status.reconciliation_status.as_ref()),
        &job.spec.flink_configuration,
    );
    let sketch = Sketch {
        host: Host::Session,
        named_id: job.job_status().and_then(|status| status.job_id.clone()),
        phase: phase::of_session_job(job),
        // Then it is over anyway.
        starts_from: StartsFrom::NotSaid,
        stateful: true,
        configurations,
        problems,
        half: half(metadata),
        suspended_by: suspended_by(&name, metadata),
        name,
    };
    Read {
        sketch,
        deployment: job.spec.deployment_name.clone(),
    }
}

/// `host` is its session cluster, where that is known.
#[must_use]
pub(super) fn draft(read: Read, host: Option<&SessionHost>, surroundings: Surroundings) -> Draft {
    let Read {
        mut sketch,
        deployment: _,
    } = read;
    if host.is_none() {
        let why = "its session cluster is not known, nor the directories that it sets";
        sketch.problems.push(why.to_owned());
    }
    let configurations = host.map_or_else(
        || sketch.configurations.clone(),
        |host| Configurations::of_session_job(&sketch.configurations, &host.configurations),
    );
    let cluster = host.map(|host| &host.cluster);
    let fixed = sketch.configurations.fixed_job_id();
    let (named, id_problem) = current_id(sketch.named_id.as_deref(), fixed);
    let lineage = surroundings.record.as_ref().map(|record| &record.lineage);
    let (current, phase) = match (sketch.phase, doubt(cluster)) {
        (phase @ Phase::Unclear { .. }, _) => (named, phase),
        (_, Some(why)) => (named, Phase::Unclear { why }),
        (Phase::Suspended, None) => (named.or_else(|| lineage.and_then(last)), suspended()),
        (phase, None) => (
            named,
            id_problem.map_or(phase, |why| Phase::Unclear { why }),
        ),
    };
    sketch.phase = phase;
    let mut draft = finish(sketch, current, &configurations, surroundings);
    draft.address = cluster.map(|cluster| cluster.address.clone());
    let of_cluster = || cluster.and_then(|cluster| cluster.suspended_by.clone());
    draft.suspended_by = draft.suspended_by.or_else(of_cluster);
    draft
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
