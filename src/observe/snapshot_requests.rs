//! What a `FlinkStateSnapshot` means for the job that it names: while it is being made, the job is in between, and the
//! path of the snapshot may appear any moment (R8, R14).

use crate::api::flink::{FlinkKind, FlinkStateSnapshot};
use crate::observe::deployment::{job_name, suspended_by};
use crate::observe::draft::Draft;
use crate::observe::gaps;
use crate::observe::source::Resources;
use retention::evidence::{Gap, JobName, Phase, Radius};
use retention::guard::Guard;
use retention::location::{Location, Origin};

/// Makes jobs unclear of which a snapshot is being made, and suspends those of a snapshot that is annotated so. Says where
/// a savepoint may appear beside the directories of these jobs. (A request that cannot be decoded protects its whole
/// namespace.)
pub(super) fn apply(
    resources: &Resources,
    drafts: &mut [Draft],
    origin: &dyn Fn(&str) -> Origin,
) -> Vec<Gap> {
    let snapshots = resources
        .flink
        .iter()
        .filter(|(kind, _)| *kind == FlinkKind::StateSnapshot)
        .filter_map(|(_, object)| FlinkStateSnapshot::from_dynamic(object.object()).ok());
    let mut gaps = Vec::new();
    for snapshot in snapshots {
        let name = job_name(FlinkKind::StateSnapshot.as_str(), &snapshot.metadata);
        let mut job_is_known = false;
        let concerned = drafts
            .iter_mut()
            .filter(|draft| is_of(&snapshot, &draft.name));
        for draft in concerned {
            job_is_known |= !draft.bases.is_empty();
            if snapshot.is_in_progress() {
                draft.phase = Phase::Unclear {
                    why: format!("{name} was asked for and is not there yet"),
                };
            }
            if let Some(why) = suspended_by(&name, &snapshot.metadata) {
                draft.suspended_by.get_or_insert(why);
            }
        }
        if snapshot.is_in_progress() && snapshot.spec.checkpoint.is_none() {
            let origin = origin(&name.namespace);
            let target = snapshot.target_directory();
            let radius = match target.map(|target| Location::parse(target, &origin)) {
                Some(Ok(target)) => Some(Radius::Below(target)),
                None if job_is_known => None,
                None | Some(Err(_)) => Some(gaps::seen_from(&name.namespace)),
            };
            gaps.extend(radius.map(|radius| pending(&name, radius)));
        }
    }
    gaps
}

/// A savepoint whose directory may exist before anything names it.
#[must_use]
pub(super) fn pending(by: &JobName, radius: Radius) -> Gap {
    Gap {
        guard: Guard::PendingSavepoint,
        what: by.to_string(),
        why: "a savepoint was asked for and is not there yet".to_owned(),
        radius: vec![radius],
    }
}

/// Without a kind it may be of either.
fn is_of(snapshot: &FlinkStateSnapshot, job: &JobName) -> bool {
    let Some(reference) = &snapshot.spec.job_reference else {
        return false;
    };
    let kind = reference.kind.as_deref();
    snapshot.metadata.namespace.as_deref() == Some(job.namespace.as_str())
        && reference.name.as_deref() == Some(job.name.as_str())
        && kind.is_none_or(|kind| kind == job.kind)
}
