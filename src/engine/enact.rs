//! Marks what is superfluous and deletes what is ripe, each batch only after fresh evidence condemned it again.

mod batches;
mod budget;
mod deleter;
mod known;
mod propose;
mod verify;

use super::journal::{BatchRecord, Epoch, Journal, JournalError, RecordedFile, Written};
use super::report::{Blocked, Deleted, Failed, Outcome, Spared};
use super::{Consent, Run, Step};
use batches::batches;
use budget::Budget;
use deleter::Deleter;
use jiff::{SignedDuration, Timestamp};
use retention::approval::Approved;
use retention::batch::{Expired, VALID_FOR, VerifiedFile};
use retention::breaker;
use retention::inventory::{BaseId, Inventory, Listing};
use retention::layout::JobId;
use retention::mark::{self, Baselines, Marks};
use retention::plan::{Context, Plan, PlanEntry};
use retention::policy::Policy;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a run found, for acting on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) plan: &'a Plan,
    pub(super) marks: &'a [Marks],
    pub(super) baselines: &'a [Baselines],
    /// The bases that this run owns, since before their marks were read. Nothing is written to any other.
    pub(super) epochs: &'a BTreeMap<BaseId, Epoch>,
    /// What a person has approved, if the run depends on that.
    pub(super) approved: Option<&'a Approved>,
}

/// Acts on every base of the run that may be acted upon: marks in all of them, then deletes as much as the limit allows,
/// or asks whether it may.
pub(super) async fn enact(
    run: &Run<'_>,
    found: Found<'_>,
    started: Timestamp,
    outcome: &mut Outcome,
) {
    let mut marked = Vec::new();
    for (&base, epoch) in found.epochs {
        if run.cancel.is_cancelled() {
            return outcome.blocked.push(Blocked::Cancelled);
        }
        match mark(run, found, base, epoch, started).await {
            Ok(place) => marked.extend(place),
            Err(blocked) => outcome.blocked.push(blocked),
        }
    }
    let (mut may_go, mut to_ask) = (Vec::new(), Vec::new());
    for place in marked {
        if let Some(shrink) = breaker::check(found.context, place.base) {
            outcome.blocked.push(Blocked::ReferencedShrank {
                base: place.name.clone(),
                shrink,
            });
            to_ask.push(place);
        } else if run.consent == Consent::Asked {
            to_ask.push(place);
        } else {
            may_go.push(place);
        }
    }
    match propose::propose(run, found, &to_ask).await {
        Ok(asked) => outcome.asked = asked,
        Err(blocked) => outcome.blocked.push(blocked),
    }
    let mut budget = Budget::new(run.policy.limits.max_bytes_per_run);
    for place in &may_go {
        let Err(blocked) = delete(run, found, place, &mut budget, outcome).await else {
            continue;
        };
        let stop = matches!(blocked, Blocked::Cancelled | Blocked::LimitReached { .. });
        outcome.blocked.push(blocked);
        if stop {
            return;
        }
    }
}

/// Writes the marks of a base.
async fn mark<'e>(
    run: &Run<'_>,
    found: Found<'_>,
    base: BaseId,
    epoch: &'e Epoch,
    started: Timestamp,
) -> Result<Option<Place<'e>>, Blocked> {
    let name = base_name(found.context.inventory, base);
    let Some(journal) = run.journal(base) else {
        return Ok(None);
    };
    if let Some((marks, baselines)) = mark::next(found.context, found.plan, base) {
        journal
            .write(epoch, &marks, &baselines)
            .await
            .map_err(|error| blocked(&name, error))?;
    }
    let started = started.strftime("%Y%m%dT%H%M%SZ");
    Ok(Some(Place {
        base,
        name,
        journal,
        epoch,
        run_name: format!("{started}-{:020}", epoch.number),
    }))
}

async fn delete(
    run: &Run<'_>,
    found: Found<'_>,
    place: &Place<'_>,
    budget: &mut Budget,
    outcome: &mut Outcome,
) -> Result<(), Blocked> {
    let mut over = BTreeSet::new();
    let ended = delete_batches(run, found, place, budget, &mut over, outcome).await;
    // What a backup brings back, with the time that it had, is as old as we have known it since then.
    if !over.is_empty() {
        write_without(found, place, &over)
            .await
            .map_err(|error| blocked(&place.name, error))?;
    }
    ended
}

/// Also adds to `over` the files whose marks are to end, by their paths in the base.
async fn delete_batches(
    run: &Run<'_>,
    found: Found<'_>,
    place: &Place<'_>,
    budget: &mut Budget,
    over: &mut BTreeSet<Arc<str>>,
    outcome: &mut Outcome,
) -> Result<(), Blocked> {
    for (number, batch) in (0..).zip(batches(found.plan, place.base)) {
        if run.cancel.is_cancelled() {
            return Err(Blocked::Cancelled);
        }
        let chosen = budget.part(&batch);
        if !chosen.is_empty() {
            let before = outcome.deleted.len();
            let ended = delete_batch(run, found, place, (number, &chosen), over, outcome).await;
            let deleted = outcome.deleted.iter().skip(before);
            budget.spend(deleted.map(|file| file.bytes).sum());
            ended?;
        }
        if chosen.len() < batch.len() {
            return Err(Blocked::LimitReached {
                max_bytes: run.policy.limits.max_bytes_per_run.unwrap_or(u64::MAX),
            });
        }
    }
    Ok(())
}

/// A base that this run owns and has marked.
struct Place<'e> {
    base: BaseId,
    name: String,
    journal: Journal,
    epoch: &'e Epoch,
    run_name: String,
}

async fn delete_batch(
    run: &Run<'_>,
    found: Found<'_>,
    place: &Place<'_>,
    (number, chosen): (u32, &[PlanEntry]),
    over: &mut BTreeSet<Arc<str>>,
    outcome: &mut Outcome,
) -> Result<(), Blocked> {
    let inventory = found.context.inventory;
    let location = |path: &str| {
        inventory
            .location(place.base, path)
            .map(|at| at.to_string())
            .unwrap_or_default()
    };
    let unusable = |error: JournalError| blocked(&place.name, error);
    run.progress.step(Step::Verify);
    let (batch, spared) = verify::verify(run, found, chosen).await;
    end_marks(found, place, &spared, over)
        .await
        .map_err(unusable)?;
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
    // So it would be for the next batch.
    let too_slow = |expired: Expired| Blocked::VerificationTooSlow {
        base: place.name.clone(),
        took: run.clock.now().duration_since(expired.verified_at),
        allowed: VALID_FOR,
    };
    let files = match batch.files(run.clock.now()) {
        Ok(files) => files,
        Err(expired) => {
            let known: BTreeSet<String> = outcome
                .spared
                .iter()
                .map(|spared| spared.path.clone())
                .collect();
            let others = chosen.iter().map(|entry| location(&entry.path));
            let others = others.filter(|path| !known.contains(path));
            outcome.spared.extend(others.map(|path| Spared {
                path,
                why: format!("gathering evidence about it took too long: {expired}"),
            }));
            return Err(too_slow(expired));
        }
    };
    let mut record = BatchRecord {
        epoch: place.epoch.number,
        begun: run.clock.now(),
        ended: None,
        files: files
            .iter()
            .map(|file| recorded(file, &location(&file.path)))
            .collect(),
    };
    write_down(run, place, number, &record).await?;
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
    let mut results = deleter.delete(&batch).await;
    // None at all where the batch ran out before the first.
    let ran_out = batch
        .files(run.clock.now())
        .err()
        .filter(|_| results.is_empty())
        .map(too_slow);
    results.resize_with(record.files.len(), || {
        deleter::Outcome::Kept("its verification ran out".to_owned())
    });
    let gone = files
        .iter()
        .zip(&results)
        .filter(|(_, result)| match result {
            deleter::Outcome::Deleted | deleter::Outcome::AlreadyGone => true,
            deleter::Outcome::Kept(_) | deleter::Outcome::Failed(_) => false,
        });
    over.extend(gone.map(|(file, _)| file.path.clone()));
    tally(&results, &mut record, outcome);
    record.ended = Some(run.clock.now());
    place
        .journal
        .record(&place.run_name, number, &record)
        .await
        .map_err(unusable)?;
    if run.cancel.is_cancelled() {
        return Err(Blocked::Cancelled);
    }
    ran_out.map_or(Ok(()), Err)
}

/// Writes a batch down before it is deleted, and looks at the store's clock once more by that.
async fn write_down(
    run: &Run<'_>,
    place: &Place<'_>,
    number: u32,
    record: &BatchRecord,
) -> Result<(), Blocked> {
    let unusable = |error: JournalError| blocked(&place.name, error);
    let (journal, name) = (&place.journal, &place.run_name);
    let from = run.clock.now();
    let recorded = journal.record(name, number, record).await;
    recorded.map_err(unusable)?;
    let until = run.clock.now();
    let written = Written { from, until };
    let skew = journal.skew_at_record(name, number, written).await;
    check_clock(run.policy, &place.name, skew.map_err(unusable)?)
}

/// A file that is named meanwhile was no garbage, whatever the next run finds: it waits anew.
async fn end_marks(
    found: Found<'_>,
    place: &Place<'_>,
    spared: &[retention::batch::Spared],
    over: &mut BTreeSet<Arc<str>>,
) -> Result<(), JournalError> {
    let before = over.len();
    let ended = spared.iter().filter(|spared| spared.ends_mark);
    over.extend(ended.map(|spared| spared.path.clone()));
    if over.len() == before {
        return Ok(());
    }
    write_without(found, place, over).await
}

async fn write_without(
    found: Found<'_>,
    place: &Place<'_>,
    over: &BTreeSet<Arc<str>>,
) -> Result<(), JournalError> {
    let Some((mut marks, baselines)) = mark::next(found.context, found.plan, place.base) else {
        return Ok(());
    };
    marks.by_path.retain(|path, _| !over.contains(path));
    place.journal.write(place.epoch, &marks, &baselines).await
}

/// Writes what became of each file into the record and the report.
fn tally(results: &[deleter::Outcome], record: &mut BatchRecord, outcome: &mut Outcome) {
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

/// Every age and every margin is of the clocks of Flink, the store and this process, which are taken to be no further
/// apart than this.
pub(super) fn check_clock(
    policy: &Policy,
    base: &str,
    ahead: SignedDuration,
) -> Result<(), Blocked> {
    let allowed = policy.margins.clock_skew;
    if ahead.abs() <= allowed {
        return Ok(());
    }
    Err(Blocked::ClockSkew {
        base: base.to_owned(),
        ahead,
        allowed,
    })
}

/// Why a base must not be acted upon, or even marked, if so.
pub(super) fn check_base(inventory: &Inventory, base: BaseId) -> Result<(), Blocked> {
    let why = match inventory.base(base).map(|base| &base.listing) {
        Some(Listing::Complete { .. }) => return refuse_job_directory(inventory, base),
        Some(Listing::Incomplete { why }) => why.clone(),
        Some(Listing::NotAsked) | None => "it was not listed".to_owned(),
    };
    Err(Blocked::IncompleteListing {
        base: base_name(inventory, base),
        why,
    })
}

/// Only Flink writes into the directory of a job, and where the base is one, none of its files has a proven owner.
fn refuse_job_directory(inventory: &Inventory, base: BaseId) -> Result<(), Blocked> {
    let listed = inventory.job_directories.keys();
    let of_base = listed.filter(|(listed_in, _)| *listed_in == base);
    let (without_id, with_id): (Vec<_>, Vec<_>) =
        of_base.partition(|(_, directory)| directory.job_id.is_none());
    let named = inventory
        .base(base)
        .is_some_and(|base| base.location.name().parse::<JobId>().is_ok());
    if !named && (without_id.is_empty() || !with_id.is_empty()) {
        return Ok(());
    }
    Err(Blocked::JournalUnusable {
        base: base_name(inventory, base),
        why: "it is itself the directory of a job (execution.checkpointing.create-subdir is false), where only Flink \
              may write; nothing is deleted in it"
            .to_owned(),
    })
}

pub(super) fn base_name(inventory: &Inventory, base: BaseId) -> String {
    inventory
        .base(base)
        .map(|base| base.location.to_string())
        .unwrap_or_default()
}

pub(super) fn blocked(base: &str, error: JournalError) -> Blocked {
    match error {
        JournalError::OwnedByAnother {
            location: _,
            owner,
            epoch: _,
            taken,
            us,
        } => Blocked::BaseOwnedByAnother {
            base: base.to_owned(),
            owner,
            taken,
            us,
        },
        other => Blocked::JournalUnusable {
            base: base.to_owned(),
            why: other.to_string(),
        },
    }
}
