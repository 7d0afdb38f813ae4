use super::referrer::referrers;
use super::{Baselines, CounterMark, Mark, MarkKind, Marks, Witness};
use crate::breaker;
use crate::evidence::{HighAvailability, Phase, Processes};
use crate::inventory::{BaseId, Listing, SnapshotKind};
use crate::layout::{FileKind, JobDirectory, JobId};
use crate::owner::OwnerClass;
use crate::plan::{Context, Decision, Plan, PlanEntry};
use crate::run::{LiveRun, Numbers, Passed, RunId};
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
        // Neither proven superfluous nor needed: what was known stays known, as far as it is of this run of the job.
        Decision::Protected(_) => {
            let mut mark = old.filter(unchanged).cloned()?;
            if live_run(context, entry).is_some_and(|live| goes_on(&mark, &live) == Some(false)) {
                (mark.counter, mark.witness) = (None, None);
            }
            return Some(mark);
        }
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
    let Some(directory) = entry.placement.job.as_deref() else {
        return;
    };
    let Some(live) = live_run(context, entry) else {
        return;
    };
    let margins = &context.policy.margins;
    let run = live.id();
    let known = mark.counter.as_ref();
    let known = known.filter(|_| goes_on(mark, &live) == Some(true));
    let Some(counter) = known.map(|known| known.counter) else {
        // The counter counts only if it was read after a listing that has the file: this one, or with statistics, whose
        // time is uncertain, the one that marked it.
        let listed = match live.numbers {
            Numbers::Map(_) => finished,
            Numbers::Statistics(_) => mark.since,
        };
        // One that went back is read anew in a later run: this answer is in doubt.
        let doubtful = mark.counter.take().is_some_and(|known| known.run == run);
        mark.witness = None;
        mark.counter = live
            .counter_after(listed, margins)
            .filter(|_| !doubtful)
            .map(|counter| CounterMark { run, counter });
        return;
    };
    let settled_on = mark.witness.as_ref().is_some_and(|witness| {
        witness.run == run
            && live.has_completed(witness.checkpoint_id)
            && live.triggered_after(witness.triggered, mark.since, margins)
    });
    if settled_on {
        return;
    }
    mark.witness = witnesses
        .of(context, &live, entry.base, directory)
        .range(counter..)
        .find(|(_, passed)| live.triggered_after(Some(passed.triggered), mark.since, margins))
        .map(|(&checkpoint_id, passed)| Witness {
            run,
            checkpoint_id,
            triggered: Some(passed.triggered),
            seen: passed.seen,
        });
}

fn live_run<'a>(context: &Context<'a>, entry: &PlanEntry) -> Option<LiveRun<'a>> {
    let directory = entry.placement.job.as_deref()?;
    let owner = context.owners.get(entry.base, directory)?;
    LiveRun::of((owner.class == OwnerClass::Running).then_some(owner.job)??)
}

/// Whether a mark's counter is of this run, which has not gone back behind it since. None without a counter.
fn goes_on(mark: &Mark, live: &LiveRun<'_>) -> Option<bool> {
    let known = mark.counter.as_ref()?;
    Some(known.run == live.id() && live.still_at(known.counter))
}

/// The checkpoints of each running job that can be witnesses, and when they were seen: the same for all its files.
#[derive(Default)]
struct Witnesses {
    by_directory: BTreeMap<JobDirectory, BTreeMap<u64, Passed>>,
}

impl Witnesses {
    fn of(
        &mut self,
        context: &Context<'_>,
        live: &LiveRun<'_>,
        base: BaseId,
        directory: &JobDirectory,
    ) -> &BTreeMap<u64, Passed> {
        if !self.by_directory.contains_key(directory) {
            let home = context.inventory.location(base, &directory.path);
            let found = home.map(|home| {
                let margins = &context.policy.margins;
                live.witnesses(
                    &home,
                    context.inventory,
                    &context.whole,
                    context.now,
                    margins,
                )
            });
            self.by_directory
                .insert(directory.clone(), found.unwrap_or_default());
        }
        self.by_directory.entry(directory.clone()).or_default()
    }
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
        if job.phase == Phase::Suspended && job.processes == Processes::Absent {
            next.stopped_since.entry(current).or_insert(context.now);
        } else {
            next.stopped_since.remove(&current);
        }
        if restorable.contains(&current) {
            next.restorable_since.entry(current).or_insert(context.now);
        } else {
            next.restorable_since.remove(&current);
        }
    }
    next.referrers = referrers(context, base);
    forget(context, &mut next, marks);
    next
}

/// Baselines must not grow for ever, and what is forgotten must never make a file go earlier.
fn forget(context: &Context<'_>, baselines: &mut Baselines, marks: &Marks) {
    let Baselines {
        counters,
        restorable_since,
        stopped_since,
        extent: _,
        referrers: _,
    } = baselines;
    // Whoever has no such record is not known to be restorable: its former ids stay.
    let jobs = &context.evidence.jobs;
    restorable_since.retain(|&id, _| jobs.iter().any(|job| job.claims(id).is_some()));
    stopped_since.retain(|&id, _| jobs.iter().any(|job| job.current == Some(id)));
    // A counter that went back is noticed by its record alone, so it stays while a mark leans on it. A mark that is set
    // later starts from the counter of its own time.
    let maps = jobs.iter().filter_map(|job| job.high_availability.map());
    let seen = maps.map(|map| map.uid.as_str());
    let leaned_on = marks.by_path.values().flat_map(|mark| {
        let counter = mark.counter.iter().map(|counter| &counter.run);
        let runs = counter.chain(mark.witness.iter().map(|witness| &witness.run));
        runs.filter_map(|run| match run {
            RunId::MapUid(uid) => Some(uid.as_str()),
            RunId::Start(_) => None,
        })
    });
    let used: BTreeSet<&str> = seen.chain(leaned_on).collect();
    counters.retain(|uid, _| used.contains(uid.as_str()));
}
