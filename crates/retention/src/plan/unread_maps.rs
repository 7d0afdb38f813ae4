use crate::evidence::{Evidence, Gap, HighAvailability, Radius};
use crate::guard::Guard;

/// High-availability data that cannot be read: an entry may name files of the whole base, as a `_metadata` may, and of
/// what its job was restored from.
pub(super) fn unread_maps(evidence: &Evidence) -> Vec<Gap> {
    let unread = evidence.jobs.iter().filter_map(|job| {
        let HighAvailability::Unreadable { why } = &job.high_availability else {
            return None;
        };
        let places = job.bases.iter().cloned();
        let places = places.chain(evidence.restore_sources(job));
        Some(Gap {
            guard: Guard::MissingEvidence,
            what: format!("the high-availability data of {} cannot be read", job.name),
            why: why.clone(),
            radius: places.map(Radius::Below).collect(),
        })
    });
    unread.collect()
}
