use super::{Baselines, CounterMark, Mark, MarkKind, Marks, Witness};
use crate::breaker;
use crate::evidence::{HaMap, HighAvailability, JobEvidence, JobManager};
use crate::inventory::{BaseId, Listing, SnapshotKind};
use crate::layout::{FileKind, JobDirectory, JobId};
use crate::owner::OwnerClass;
use crate::plan::{Context, Decision, Plan, PlanEntry};
use crate::reference::DirectoryKey;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

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
    let mut witnesses = Witnesses::default();
    let by_path = plan
        .entries
        .iter()
        .filter(|entry| entry.base == base)
        .filter_map(|entry| {
            let old = old.and_then(|marks| marks.by_path.get(&entry.path));
            let mark = mark(context, &mut witnesses, entry, old, *finished)?;
            Some((entry.path.clone(), mark))
        })
        .collect();
    let mut marks = Marks { by_path };
    let mut baselines = baselines(context, base, &marks);
    if breaker::check(context, base).is_some() {
        // Until a person has looked, nothing counts as superfluous that did not before, and the base is compared with
        // what it was.
        marks
            .by_path
            .retain(|path, _| old.is_some_and(|old| old.by_path.contains_key(path)));
    } else {
        baselines.extent = breaker::staying(context, plan, base).or(baselines.extent);
    }
    Some((marks, baselines))
}

fn mark(
    context: &Context<'_>,
    witnesses: &mut Witnesses,
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
        observe_run(context, witnesses, entry, &mut mark, finished);
    }
    Some(mark)
}

/// For a file of a running job: the counter after the first listing, then a checkpoint that passes it over.
fn observe_run(
    context: &Context<'_>,
    witnesses: &mut Witnesses,
    entry: &PlanEntry,
    mark: &mut Mark,
    finished: Timestamp,
) {
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
    let known = mark
        .counter
        .as_ref()
        .filter(|counter| counter.map_uid == map.uid)
        .map(|counter| counter.counter);
    let Some(counter) = known else {
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
    };
    let settled_on = mark
        .witness
        .as_ref()
        .is_some_and(|witness| witness.map_uid == map.uid);
    if settled_on {
        return;
    }
    mark.witness = witnesses
        .of(context, job, map, entry.base, directory)
        .range(counter..)
        .next()
        .map(|(&checkpoint_id, &seen)| Witness {
            map_uid: map.uid.clone(),
            checkpoint_id,
            seen,
        });
}

/// The checkpoints of each running job that can be witnesses, and when they were seen: the same for all its files.
#[derive(Default)]
struct Witnesses {
    by_directory: BTreeMap<JobDirectory, BTreeMap<u64, Timestamp>>,
}

impl Witnesses {
    fn of(
        &mut self,
        context: &Context<'_>,
        job: &JobEvidence,
        map: &HaMap,
        base: BaseId,
        directory: &JobDirectory,
    ) -> &BTreeMap<u64, Timestamp> {
        if !self.by_directory.contains_key(directory) {
            let found = witnesses(context, job, map, base, directory).unwrap_or_default();
            self.by_directory.insert(directory.clone(), found);
        }
        self.by_directory.entry(directory.clone()).or_default()
    }
}

/// The retained checkpoints of this run that are complete by REST, were parsed for this plan (so that they do not name
/// what nobody names) and have all their files. In Flink's own store, so tied to the run; a savepoint proves nothing.
fn witnesses(
    context: &Context<'_>,
    job: &JobEvidence,
    map: &HaMap,
    base: BaseId,
    directory: &JobDirectory,
) -> Option<BTreeMap<u64, Timestamp>> {
    let home = context.inventory.location(base, &directory.path)?;
    let JobManager::Answered(rest) = &job.job_manager else {
        return None;
    };
    let whole: BTreeSet<(DirectoryKey, u64)> = context
        .whole
        .iter(context.inventory)
        .filter(|snapshot| snapshot.kind == SnapshotKind::Checkpoint)
        .map(|snapshot| (snapshot.directory_key(), snapshot.checkpoint_id))
        .collect();
    // Seen complete when the last of those who say so was asked.
    let seen = context.now.max(rest.read_at).max(map.read_at);
    let found = map
        .entries
        .iter()
        .filter(|entry| !entry.marked_for_deletion)
        .filter(|entry| {
            Some(entry.checkpoint.job_id) == job.current
                && rest.completed(entry.checkpoint_id).is_some()
        })
        .filter(|entry| {
            entry.checkpoint.pointer.as_ref().is_some_and(|pointer| {
                let key = DirectoryKey::of(pointer.path());
                pointer.relative_to(&home).is_some() && whole.contains(&(key, entry.checkpoint_id))
            })
        })
        .map(|entry| (entry.checkpoint_id, seen))
        .collect();
    Some(found)
}

fn baselines(context: &Context<'_>, base: BaseId, marks: &Marks) -> Baselines {
    let mut next = context.baselines(base).cloned().unwrap_or_default();
    let restorable: BTreeSet<JobId> = context
        .whole
        .iter(context.inventory)
        .filter(|snapshot| snapshot.kind == SnapshotKind::Checkpoint)
        .filter_map(|snapshot| snapshot.job()?.job_id)
        .collect();
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
        if restorable.contains(&current) {
            next.restorable_since.entry(current).or_insert(context.now);
        } else {
            next.restorable_since.remove(&current);
        }
    }
    forget(context, &mut next, marks);
    next
}

/// Baselines must not grow for ever, and what is forgotten must never make a file go earlier.
fn forget(context: &Context<'_>, baselines: &mut Baselines, marks: &Marks) {
    let Baselines {
        counters,
        restorable_since,
        extent: _,
    } = baselines;
    // Whoever has no such record is not known to be restorable: its former ids stay.
    let jobs = &context.evidence.jobs;
    restorable_since.retain(|&id, _| jobs.iter().any(|job| job.claims(id).is_some()));
    // A counter that went back is noticed by its record alone, so it stays while a mark leans on it. A mark that is set
    // later starts from the counter of its own time.
    let seen = jobs.iter().filter_map(|job| match &job.high_availability {
        HighAvailability::Map(map) => Some(map.uid.as_str()),
        HighAvailability::NotConfigured
        | HighAvailability::NoMap { .. }
        | HighAvailability::Unreadable { .. }
        | HighAvailability::Unsupported { .. } => None,
    });
    let leaned_on = marks.by_path.values().flat_map(|mark| {
        let counter = mark
            .counter
            .as_ref()
            .map(|counter| counter.map_uid.as_str());
        let witness = mark
            .witness
            .as_ref()
            .map(|witness| witness.map_uid.as_str());
        counter.into_iter().chain(witness)
    });
    let used: BTreeSet<&str> = seen.chain(leaned_on).collect();
    counters.retain(|uid, _| used.contains(uid.as_str()));
}
