//! What is not known protects all that it could have protected.

use super::Guard;
use crate::evidence::HighAvailability;
use crate::inventory::Listing;
use crate::plan::{Candidate, Context};

pub(super) fn incomplete_listing(
    context: &Context<'_>,
    candidate: &Candidate<'_>,
) -> Option<String> {
    match &context.inventory.base(candidate.file.base)?.listing {
        Listing::Complete { .. } => None,
        Listing::NotAsked => Some("the directory was not listed for deletion".to_owned()),
        Listing::Incomplete { why } => Some(format!(
            "the listing of its directory is not complete: {why}"
        )),
    }
}

pub(super) fn unreadable_snapshot(
    context: &Context<'_>,
    candidate: &Candidate<'_>,
) -> Option<String> {
    gap_of(context, candidate, Guard::UnreadableSnapshot)
}

pub(super) fn missing_evidence(context: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    gap(context, candidate, |guard| {
        !SPEAK_FOR_THEMSELVES.contains(&guard)
    })
    .or_else(|| unreadable_high_availability(context, candidate))
}

/// An entry that cannot be read may name files of the whole base, as a `_metadata` may.
fn unreadable_high_availability(
    context: &Context<'_>,
    candidate: &Candidate<'_>,
) -> Option<String> {
    context.evidence.jobs.iter().find_map(|job| {
        let HighAvailability::Unreadable { why } = &job.high_availability else {
            return None;
        };
        let covered = job
            .bases
            .iter()
            .any(|base| candidate.location.may_be_below(base));
        covered.then(|| {
            format!(
                "the high-availability data of {} cannot be read: {why}",
                job.name
            )
        })
    })
}

/// The guards that look for the gaps of their name.
const SPEAK_FOR_THEMSELVES: [Guard; 3] = [
    Guard::UnreadableSnapshot,
    Guard::NoHighAvailability,
    Guard::JobManagerUnreachable,
];

pub(super) fn gap_of(
    context: &Context<'_>,
    candidate: &Candidate<'_>,
    guard: Guard,
) -> Option<String> {
    gap(context, candidate, |other| other == guard)
}

fn gap(
    context: &Context<'_>,
    candidate: &Candidate<'_>,
    speaks: impl Fn(Guard) -> bool,
) -> Option<String> {
    let job = candidate
        .file
        .placement
        .job
        .as_ref()
        .and_then(|job| job.job_id);
    context
        .evidence
        .gaps
        .iter()
        .chain(&context.inventory.gaps)
        .find(|gap| speaks(gap.guard) && gap.covers(&candidate.location, job))
        .map(|gap| format!("{}: {}", gap.what, gap.why))
}
