use super::{Baselines, CounterMark, Mark, MarkKind, Marks, Witness};
use crate::evidence::{HaMap, HighAvailability, JobEvidence, JobManager};
use crate::inventory::{BaseId, Listing};
use crate::layout::FileKind;
use crate::location::Location;
use crate::owner::OwnerClass;
use crate::plan::{Context, Decision, Plan, PlanEntry};
use crate::reference::DirectoryKey;
use crate::restorable::Restorable;
use jiff::Timestamp;

/// The marks and baselines of a base after a run. None where its listing was not complete: a failed scan neither sets
/// nor ends marks.
///
/// The evidence of the context must have been taken after the listing ended, or counters are not recorded.
#[must_use]
pub fn next(context: &Context<'_>, plan: &Plan, base: BaseId) -> Option<(Marks, Baselines)> {
    let Listing::Complete { finished } = &context.inventory.base(base)?.listing else {
        return None;
    };
    let old = context.marks(base);
    let by_path = plan
        .entries
        .iter()
        .filter(|entry| entry.base == base)
        .filter_map(|entry| {
            let old = old.and_then(|marks| marks.by_path.get(&entry.path));
            Some((entry.path.clone(), mark(context, entry, old, *finished)?))
        })
        .collect();
    Some((Marks { by_path }, baselines(context, base)))
}

fn mark(
    context: &Context<'_>,
    entry: &PlanEntry,
    old: Option<&Mark>,
    finished: Timestamp,
) -> Option<Mark> {
    let modified = entry.modified?;
    let unchanged = |mark: &&Mark| mark.size == entry.size && mark.modified == modified;
    let kind = match &entry.decision {
        Decision::Keep(_) => return None,
        // Neither proven superfluous nor needed: what was known stays known.
        Decision::Protected(_) => return old.filter(unchanged).cloned(),
        Decision::Orphan(_) => MarkKind::Orphan,
        Decision::Expire(_) => MarkKind::Expired,
    };
    let mut mark = old
        .filter(unchanged)
        .filter(|mark| mark.kind == kind)
        .cloned()
        .unwrap_or(Mark {
            kind,
            size: entry.size,
            modified,
            since: finished,
            counter: None,
            witness: None,
        });
    if entry.placement.kind == FileKind::Shared {
        observe_run(context, entry, &mut mark, finished);
    }
    Some(mark)
}

/// For a file of a running job: the counter after the first listing, then a checkpoint that passes it over.
fn observe_run(context: &Context<'_>, entry: &PlanEntry, mark: &mut Mark, finished: Timestamp) {
    let Some(directory) = entry.placement.job.as_ref() else {
        return;
    };
    let Some(owner) = context.owners.get(entry.base, directory) else {
        return;
    };
    let (OwnerClass::Running, Some(job)) = (owner.class, owner.job) else {
        return;
    };
    let HighAvailability::Map(map) = &job.high_availability else {
        return;
    };
    let counter = match mark
        .counter
        .as_ref()
        .filter(|counter| counter.map_uid == map.uid)
    {
        Some(counter) => counter.counter,
        None => {
            // The counter counts only if it was read after a listing that has the file: this one.
            mark.witness = None;
            mark.counter = map
                .usable_counter()
                .filter(|_| map.read_at >= finished)
                .map(|counter| CounterMark {
                    map_uid: map.uid.clone(),
                    counter,
                });
            return;
        }
    };
    let settled_on = mark
        .witness
        .as_ref()
        .is_some_and(|witness| witness.map_uid == map.uid);
    if settled_on {
        return;
    }
    let home = context.inventory.location(entry.base, &directory.path);
    mark.witness = home.and_then(|home| witness(context, job, map, &home, counter));
}

/// The oldest retained checkpoint of this run that was triggered at or after `counter`, is complete by REST, was parsed
/// for this plan (so it does not name the file) and has all its files.
fn witness(
    context: &Context<'_>,
    job: &JobEvidence,
    map: &HaMap,
    home: &Location,
    counter: u64,
) -> Option<Witness> {
    let JobManager::Answered(rest) = &job.job_manager else {
        return None;
    };
    map.entries
        .iter()
        .filter(|entry| entry.checkpoint_id >= counter && !entry.marked_for_deletion)
        .filter(|entry| {
            Some(entry.checkpoint.job_id) == job.current
                && rest.completed(entry.checkpoint_id).is_some()
        })
        .filter(|entry| {
            entry.checkpoint.pointer.as_ref().is_some_and(|pointer| {
                let key = DirectoryKey::of(pointer.path());
                pointer.relative_to(home).is_some()
                    && context.inventory.snapshots.iter().any(|snapshot| {
                        snapshot.directory_key() == key
                            && Restorable::of(snapshot, context.inventory).is_yes()
                    })
            })
        })
        .map(|entry| entry.checkpoint_id)
        .min()
        .map(|checkpoint_id| Witness {
            map_uid: map.uid.clone(),
            checkpoint_id,
            seen: context.now,
        })
}

fn baselines(context: &Context<'_>, base: BaseId) -> Baselines {
    let mut next = context.baselines(base).cloned().unwrap_or_default();
    for job in &context.evidence.jobs {
        if let HighAvailability::Map(map) = &job.high_availability
            && let Some(counter) = map.counter
        {
            let highest = next.counters.entry(map.uid.clone()).or_insert(counter);
            *highest = counter.max(*highest);
        }
        let Some(current) = job.current else {
            continue;
        };
        let restorable = context.inventory.snapshots.iter().any(|snapshot| {
            snapshot
                .job()
                .is_some_and(|directory| directory.job_id == Some(current))
                && Restorable::of(snapshot, context.inventory).is_yes()
        });
        if restorable {
            next.restorable_since.entry(current).or_insert(context.now);
        } else {
            next.restorable_since.remove(&current);
        }
    }
    next
}
