//! What is not known, and all that it could have protected.

use crate::observe::source::Unread;
use retention::evidence::{Gap, HighAvailability, JobManager, Lineage, Radius};
use retention::guard::Guard;
use retention::layout::JobId;
use retention::location::Location;

/// A list that failed: any object that was not seen may name any directory that its namespace can name.
#[must_use]
pub(super) fn unread(unread: &Unread) -> Gap {
    let Unread {
        what,
        namespace,
        why,
    } = unread;
    Gap {
        guard: Guard::MissingEvidence,
        what: what.clone(),
        why: why.clone(),
        radius: vec![match namespace {
            None => Radius::All,
            Some(namespace) => seen_from(namespace),
        }],
    }
}

#[must_use]
pub(super) fn seen_from(namespace: &str) -> Radius {
    Radius::SeenFrom {
        namespace: namespace.to_owned(),
    }
}

/// Every directory of the ids that a resource has had.
#[must_use]
pub(super) fn ids(current: Option<JobId>, lineage: &Lineage) -> Vec<Radius> {
    let former = lineage.entries.iter().map(|entry| entry.job_id);
    let mut ids: Vec<JobId> = current.into_iter().chain(former).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().map(Radius::Job).collect()
}

/// What the answers of high availability and JobManager left open. With neither of them nobody says what the job was
/// restored from, nor what it holds, so everything in its bases stays.
#[must_use]
pub(super) fn unanswered(
    of: &str,
    radius: &[Radius],
    bases: &[Location],
    high_availability: &HighAvailability,
    job_manager: &JobManager,
) -> Vec<Gap> {
    let no_map = match high_availability {
        HighAvailability::Map(_)
        | HighAvailability::NoMap { .. }
        | HighAvailability::NotConfigured => None,
        HighAvailability::Unreadable { why } => Some(why.clone()),
        HighAvailability::Unsupported { kind } => {
            Some(format!("{kind} cannot be read by this version"))
        }
    };
    let no_answer = match job_manager {
        JobManager::NotAsked | JobManager::Answered(_) => None,
        JobManager::Unreachable { why } => Some(why.clone()),
    };
    let without_map =
        no_map.is_some() || matches!(high_availability, HighAvailability::NotConfigured);
    let without_answer = !matches!(job_manager, JobManager::Answered(_));
    let blind = without_map && without_answer;
    let gap = |guard, what: String, why| Gap {
        guard,
        what,
        why,
        radius: radius
            .iter()
            .cloned()
            .chain(bases.iter().filter(|_| blind).cloned().map(Radius::Below))
            .collect(),
    };
    let map = no_map.map(|why| {
        gap(
            Guard::NoHighAvailability,
            format!("the high-availability data of {of}"),
            why,
        )
    });
    let manager = no_answer.map(|why| {
        gap(
            Guard::JobManagerUnreachable,
            format!("the JobManager of {of}"),
            why,
        )
    });
    map.into_iter().chain(manager).collect()
}
