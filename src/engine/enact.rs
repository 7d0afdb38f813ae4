//! Marks what is superfluous and deletes what is ripe, each batch only after fresh evidence condemned it again.

mod batches;
mod deleter;
mod verify;

use super::journal::{BatchRecord, Epoch, Journal, JournalError, RecordedFile};
use super::report::{Blocked, Deleted, Failed, Outcome, Spared};
use super::{Run, Step};
use batches::batches;
use deleter::Deleter;
use jiff::Timestamp;
use retention::batch::VerifiedFile;
use retention::inventory::{BaseId, Inventory, Listing};
use retention::mark::{self, Baselines, Marks};
use retention::plan::{Context, Plan, PlanEntry};
use std::collections::BTreeSet;

/// What a run found, for acting on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) plan: &'a Plan,
    pub(super) marks: &'a [Marks],
    pub(super) baselines: &'a [Baselines],
    /// The bases whose journal could not be read: nothing is written over it.
    pub(super) unusable: &'a BTreeSet<BaseId>,
}

/// Acts on every base of the run that may be acted upon.
pub(super) async fn enact(
    run: &Run<'_>,
    found: Found<'_>,
    started: Timestamp,
    outcome: &mut Outcome,
) {
    let mut budget = run.policy.limits.max_bytes_per_run.unwrap_or(u64::MAX);
    for position in 0..run.bases.len() {
        let base = BaseId(position);
        if found.unusable.contains(&base) {
            continue;
        }
        let blocked = match enact_base(run, found, base, started, &mut budget, outcome).await {
            Ok(()) => continue,
            Err(blocked) => blocked,
        };
        let stop = matches!(blocked, Blocked::Cancelled | Blocked::LimitReached { .. });
        outcome.blocked.push(blocked);
        if stop {
            return;
        }
    }
}

async fn enact_base(
    run: &Run<'_>,
    found: Found<'_>,
    base: BaseId,
    started: Timestamp,
    budget: &mut u64,
    outcome: &mut Outcome,
) -> Result<(), Blocked> {
    let inventory = found.context.inventory;
    let name = base_name(inventory, base);
    complete(inventory, base, &name)?;
    let unusable = |error: JournalError| blocked(&name, error);
    let (Some(journal), Some(owner)) = (run.journal(base), &run.owner) else {
        return Ok(());
    };
    let epoch = journal
        .take(owner, run.clock.now())
        .await
        .map_err(unusable)?;
    if let Some((marks, baselines)) = mark::next(found.context, found.plan, base) {
        journal
            .write(&epoch, &marks, &baselines)
            .await
            .map_err(unusable)?;
    }
    let run_name = format!(
        "{}-{:020}",
        started.strftime("%Y%m%dT%H%M%SZ"),
        epoch.number
    );
    for (number, batch) in (0..).zip(batches(found.plan, base)) {
        if run.cancel.is_cancelled() {
            return Err(Blocked::Cancelled);
        }
        let chosen = within(&batch, budget).ok_or(Blocked::LimitReached {
            max_bytes: run.policy.limits.max_bytes_per_run.unwrap_or(u64::MAX),
        })?;
        let place = Place {
            base,
            name: &name,
            journal: &journal,
            epoch: &epoch,
            run_name: &run_name,
            number,
        };
        delete_batch(run, found, place, &chosen, outcome).await?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Place<'a> {
    base: BaseId,
    name: &'a str,
    journal: &'a Journal,
    epoch: &'a Epoch,
    run_name: &'a str,
    number: u32,
}

async fn delete_batch(
    run: &Run<'_>,
    found: Found<'_>,
    place: Place<'_>,
    chosen: &[PlanEntry],
    outcome: &mut Outcome,
) -> Result<(), Blocked> {
    let inventory = found.context.inventory;
    let location = |path: &str| {
        inventory
            .location(place.base, path)
            .map(|at| at.to_string())
            .unwrap_or_default()
    };
    let unusable = |error: JournalError| blocked(place.name, error);
    run.progress.step(Step::Verify);
    let (batch, spared) = verify::verify(run, found, place.base, chosen).await;
    outcome
        .spared
        .extend(spared.into_iter().map(|spared| Spared {
            path: location(&spared.path),
            why: spared.why,
        }));
    if batch.is_empty() {
        return Ok(());
    }
    place.journal.check(place.epoch).await.map_err(unusable)?;
    let files = batch.files(run.clock.now()).unwrap_or_default();
    let mut record = BatchRecord {
        epoch: place.epoch.number,
        begun: run.clock.now(),
        ended: None,
        files: files
            .iter()
            .map(|file| recorded(file, &location(&file.path)))
            .collect(),
    };
    place
        .journal
        .record(place.run_name, place.number, &record)
        .await
        .map_err(unusable)?;
    run.progress.step(Step::Delete);
    let Some((storage, root)) = run
        .bases
        .get(place.base.0)
        .and_then(|base| run.stores.resolve(base))
    else {
        return Ok(());
    };
    let deleter = Deleter {
        storage: storage.as_ref(),
        root: &root,
        clock: run.clock,
        cancel: &run.cancel,
        progress: run.progress,
    };
    let results = deleter.delete(&batch).await;
    for (result, recorded) in results.iter().zip(&mut record.files) {
        recorded.outcome = Some(result.word());
        match result {
            deleter::Outcome::Deleted => outcome.deleted.push(Deleted {
                path: recorded.path.clone(),
                bytes: recorded.size,
                reason: recorded.reason.clone(),
            }),
            deleter::Outcome::AlreadyGone => {}
            deleter::Outcome::Kept(why) => outcome.spared.push(Spared {
                path: recorded.path.clone(),
                why: why.clone(),
            }),
            deleter::Outcome::Failed(why) => outcome.failed.push(Failed {
                path: recorded.path.clone(),
                why: why.clone(),
            }),
        }
    }
    record.ended = Some(run.clock.now());
    place
        .journal
        .record(place.run_name, place.number, &record)
        .await
        .map_err(unusable)?;
    if run.cancel.is_cancelled() {
        return Err(Blocked::Cancelled);
    }
    Ok(())
}

fn recorded(file: &VerifiedFile, location: &str) -> RecordedFile {
    RecordedFile {
        path: location.to_owned(),
        size: file.size,
        modified: file.modified,
        reason: file.reason.clone(),
        outcome: None,
    }
}

/// The part of a batch that the byte limit still allows; none if not even its first file.
fn within(batch: &[PlanEntry], budget: &mut u64) -> Option<Vec<PlanEntry>> {
    let mut chosen = Vec::new();
    for entry in batch {
        let Some(left) = budget.checked_sub(entry.size) else {
            *budget = 0;
            break;
        };
        *budget = left;
        chosen.push(entry.clone());
    }
    (!chosen.is_empty()).then_some(chosen)
}

fn complete(inventory: &Inventory, base: BaseId, name: &str) -> Result<(), Blocked> {
    let why = match inventory.base(base).map(|base| &base.listing) {
        Some(Listing::Complete { .. }) => return Ok(()),
        Some(Listing::Incomplete { why }) => why.clone(),
        Some(Listing::NotAsked) | None => "it was not listed".to_owned(),
    };
    Err(Blocked::IncompleteListing {
        base: name.to_owned(),
        why,
    })
}

fn base_name(inventory: &Inventory, base: BaseId) -> String {
    inventory
        .base(base)
        .map(|base| base.location.to_string())
        .unwrap_or_default()
}

fn blocked(base: &str, error: JournalError) -> Blocked {
    match error {
        JournalError::OwnedByAnother { owner, .. } => Blocked::BaseOwnedByAnother {
            base: base.to_owned(),
            owner,
        },
        other => Blocked::JournalUnusable {
            base: base.to_owned(),
            why: other.to_string(),
        },
    }
}
