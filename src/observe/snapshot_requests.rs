//! What a `FlinkStateSnapshot` means for the job that it names: while it is being made, the job is in between, and the
//! path of the snapshot may appear any moment (R8, R14).

use crate::api::flink::{FlinkKind, FlinkStateSnapshot};
use crate::observe::deployment::{job_name, suspended_by};
use crate::observe::draft::Draft;
use crate::observe::gaps;
use retention::evidence::{Gap, JobName, Phase, Radius};
use retention::guard::Guard;
use retention::location::{Location, Origin};

/// What a `FlinkStateSnapshot` asks for.
#[derive(Clone, Debug)]
pub(super) struct SnapshotRequest {
    name: JobName,
    namespace: Option<String>,
    /// Kind and name of its job.
    job: Option<(Option<String>, Option<String>)>,
    is_in_progress: bool,
    is_savepoint: bool,
    target_directory: Option<String>,
    suspended_by: Option<String>,
}

impl SnapshotRequest {
    #[must_use]
    pub(super) fn of(snapshot: &FlinkStateSnapshot) -> Self {
        let name = job_name(FlinkKind::StateSnapshot.as_str(), &snapshot.metadata);
        let job = snapshot.spec.job_reference.as_ref();
        Self {
            namespace: snapshot.metadata.namespace.clone(),
            job: job.map(|job| (job.kind.clone(), job.name.clone())),
            is_in_progress: snapshot.is_in_progress(),
            is_savepoint: snapshot.spec.checkpoint.is_none(),
            target_directory: snapshot.target_directory().map(str::to_owned),
            suspended_by: suspended_by(&name, &snapshot.metadata),
            name,
        }
    }

    /// Without a kind it may be of either.
    fn is_of(&self, job: &JobName) -> bool {
        let Some((kind, name)) = &self.job else {
            return false;
        };
        self.namespace.as_deref() == Some(job.namespace.as_str())
            && name.as_deref() == Some(job.name.as_str())
            && kind.as_deref().is_none_or(|kind| kind == job.kind)
    }
}

/// Makes jobs unclear of which a snapshot is being made, and suspends those of a snapshot that is annotated so. Says where
/// a savepoint may appear beside the directories of these jobs. (A request that cannot be decoded protects its whole
/// namespace.)
pub(super) fn apply(
    requests: &[SnapshotRequest],
    drafts: &mut [Draft],
    origin: &dyn Fn(&str) -> Origin,
) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let matter =
        |request: &&SnapshotRequest| request.is_in_progress || request.suspended_by.is_some();
    for request in requests.iter().filter(matter) {
        let name = &request.name;
        let mut job_is_known = false;
        let concerned = drafts.iter_mut().filter(|draft| request.is_of(&draft.name));
        for draft in concerned {
            job_is_known |= !draft.bases.is_empty();
            if request.is_in_progress {
                draft.phase = Phase::Unclear {
                    why: format!("{name} was asked for and is not there yet"),
                };
            }
            if let Some(why) = &request.suspended_by {
                draft.suspended_by.get_or_insert_with(|| why.clone());
            }
        }
        if request.is_in_progress && request.is_savepoint {
            let origin = origin(&name.namespace);
            let target = request.target_directory.as_deref();
            let radius = match target.map(|target| Location::parse(target, &origin)) {
                Some(Ok(target)) => Some(Radius::Below(target)),
                None if job_is_known => None,
                None | Some(Err(_)) => Some(gaps::seen_from(&name.namespace)),
            };
            gaps.extend(radius.map(|radius| pending(name, radius)));
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
