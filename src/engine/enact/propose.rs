use super::batches::batches;
use super::budget::Budget;
use super::{Found, Place};
use crate::engine::journal::{MAX_FILES, Proposal, ProposedFile};
use crate::engine::report::{Asked, Blocked};
use crate::engine::{Run, enact};
use retention::breaker;
use retention::inventory::Inventory;
use retention::plan::{Amount, PlanEntry};

/// Writes down what of these bases would go if a person agreed, beside the data of the first of them. Nothing where
/// there is nothing to agree to.
pub(super) async fn propose(
    run: &Run<'_>,
    found: Found<'_>,
    places: &[Place<'_>],
) -> Result<Option<Asked>, Blocked> {
    let proposal = proposal(run, found, places);
    let Some(first) = places.first().filter(|_| !proposal.is_empty()) else {
        return Ok(None);
    };
    let location = first
        .journal
        .propose(first.epoch, &proposal, run.clock.now())
        .await
        .map_err(|error| enact::blocked(&first.name, error))?;
    Ok(Some(Asked {
        digest: proposal.digest(),
        location,
        files: Amount {
            files: proposal.files.len() as u64,
            bytes: proposal.bytes(),
        },
    }))
}

/// As much as one run may delete.
fn proposal(run: &Run<'_>, found: Found<'_>, places: &[Place<'_>]) -> Proposal {
    let mut proposal = Proposal::default();
    let mut budget = Budget::new(run.policy.limits.max_bytes_per_run);
    for place in places {
        if let Some(shrink) = breaker::check(found.context, place.base) {
            proposal.accept.insert(place.name.clone(), shrink.now);
        }
        for batch in batches(found.plan, place.base) {
            // The files of one snapshot are never divided, however many they are.
            if !proposal.files.is_empty() && proposal.files.len() + batch.len() > MAX_FILES {
                break;
            }
            let chosen = budget.part(&batch);
            budget.spend(chosen.iter().map(|entry| entry.size).sum());
            let inventory = found.context.inventory;
            proposal
                .files
                .extend(chosen.iter().filter_map(|entry| file(inventory, entry)));
        }
    }
    proposal
}

fn file(inventory: &Inventory, entry: &PlanEntry) -> Option<(String, ProposedFile)> {
    let file = ProposedFile {
        size: entry.size,
        modified: entry.modified?,
        reason: entry.decision.reason(),
    };
    let location = inventory.location(entry.base, &entry.path)?;
    Some((location.to_string(), file))
}
