//! A high-availability map of a job that no Flink resource in sight runs now: left behind, or of a job that was
//! submitted to a session cluster by hand.

use crate::observe::finished::{Finished, add_bases, really_used};
use crate::observe::gaps;
use crate::observe::high_availability_map::MapName;
use crate::observe::source::ObjectName;
use retention::evidence::{
    Gap, HighAvailability, JobEvidence, JobManager, JobName, Lineage, Phase, Processes, Radius,
};
use retention::guard::Guard;

/// It claims the job id, so that its directory has an owner of which nothing is known but this. None if it is gone.
#[must_use]
pub(super) fn finished(
    object: &ObjectName,
    map: &MapName,
    found: HighAvailability,
) -> Option<Finished> {
    let ObjectName { namespace, name } = object;
    let current = Some(map.job_id);
    let gap = match &found {
        HighAvailability::NoMap { .. } | HighAvailability::NotConfigured => return None,
        HighAvailability::Map(_) => None,
        HighAvailability::Unreadable { why } => Some(why.clone()),
        HighAvailability::Unsupported { kind } => Some(kind.clone()),
    };
    let gaps = gap.map(|why| Gap {
        guard: Guard::MissingEvidence,
        what: format!("the high-availability map {namespace}/{name}"),
        why,
        radius: vec![Radius::Job(map.job_id), gaps::seen_from(namespace)],
    });
    let mut bases = Vec::new();
    add_bases(&mut bases, really_used(current, &found).into_iter());
    let job = JobEvidence {
        name: JobName {
            kind: "ConfigMap".to_owned(),
            namespace: namespace.clone(),
            name: name.clone(),
        },
        current,
        lineage: Lineage::default(),
        phase: Phase::Unclear {
            why: format!(
                "{namespace}/{name} is high-availability data of a job that no Flink resource runs now"
            ),
        },
        processes: Processes::Unknown {
            why: "nobody looked".to_owned(),
        },
        bases,
        high_availability: found,
        job_manager: JobManager::NotAsked,
        checkpoint_timeout: None,
        state_backend: None,
        suspended_by: None,
    };
    Some(Finished {
        job,
        roots: Vec::new(),
        gaps: gaps.into_iter().collect(),
    })
}
