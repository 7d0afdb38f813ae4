//! What is not known protects all that it could have protected.

use super::Guard;
use crate::evidence::Gap;
use crate::inventory::Listing;
use crate::plan::{Candidate, Context};

pub(super) fn incomplete_listing(
    context: &Context<'_>,
    candidate: &Candidate<'_>,
) -> Option<String> {
    let base = context.inventory.base(candidate.file.base)?;
    if let Some(apart) = base.pruned_apart(&candidate.location) {
        return Some(format!(
            "it lies in {apart}, which is pruned under its own name"
        ));
    }
    match &base.listing {
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
    // No snapshot names the `_metadata` of another. So what ends early, and might have named anything else, must not
    // keep itself for ever, nor another one like it. What cannot be read for any other reason does.
    let torn = &context.inventory.torn;
    if torn.contains(&candidate.location) {
        return gap_where(context, candidate, |gap| {
            let of_torn = || torn.iter().any(|other| gap.what == other.to_string());
            gap.guard == Guard::UnreadableSnapshot && !of_torn()
        });
    }
    gap_of(context, candidate, Guard::UnreadableSnapshot)
}

pub(super) fn missing_evidence(context: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    gap_where(context, candidate, |gap| {
        !SPEAK_FOR_THEMSELVES.contains(&gap.guard)
    })
    .or_else(|| unreadable_high_availability(context, candidate))
}

fn unreadable_high_availability(
    context: &Context<'_>,
    candidate: &Candidate<'_>,
) -> Option<String> {
    let mut unread = context.unread_maps().iter();
    unread
        .find(|gap| gap.covers(&candidate.location, None))
        .map(|gap| format!("{}: {}", gap.what, gap.why))
}

/// The guards that look for the gaps of their name.
const SPEAK_FOR_THEMSELVES: [Guard; 4] = [
    Guard::UnreadableSnapshot,
    Guard::PendingSavepoint,
    Guard::NoHighAvailability,
    Guard::JobManagerUnreachable,
];

pub(super) fn gap_of(
    context: &Context<'_>,
    candidate: &Candidate<'_>,
    guard: Guard,
) -> Option<String> {
    gap_where(context, candidate, |gap| gap.guard == guard)
}

fn gap_where(
    context: &Context<'_>,
    candidate: &Candidate<'_>,
    speaks: impl Fn(&Gap) -> bool,
) -> Option<String> {
    let file = candidate.file;
    let inside = file.placement.job.as_deref().and_then(|job| job.job_id);
    let job = inside.or_else(|| context.owners.made_by(file.base, &file.placement));
    context
        .gaps()
        .find(|gap| {
            let location = &candidate.location;
            let ruled_out = |directory: &_| context.is_ruled_out(directory, location);
            speaks(gap) && gap.covers_unless(location, job, ruled_out)
        })
        .map(|gap| format!("{}: {}", gap.what, gap.why))
}
