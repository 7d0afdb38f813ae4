use super::{Owner, OwnerClass};
use crate::evidence::{
    Claim, Evidence, HighAvailability, JobEvidence, JobManager, Phase, Processes,
};
use crate::inventory::{BaseId, Inventory, Source};
use crate::layout::{JobDirectory, JobId};
use crate::restorable::Restorable;
use std::collections::BTreeMap;

/// The owner of every job directory of an inventory.
#[derive(Debug)]
pub struct Owners<'a> {
    by_directory: BTreeMap<(BaseId, JobDirectory), Owner<'a>>,
}

impl<'a> Owners<'a> {
    #[must_use]
    pub fn of(evidence: &'a Evidence, inventory: &'a Inventory) -> Self {
        let listed = inventory
            .job_directories
            .keys()
            .map(|(base, job)| (*base, job));
        let stored = inventory
            .stored()
            .filter_map(|(_, place)| Some((place.base, place.placement.job.as_ref()?)));
        let mut by_directory = BTreeMap::new();
        for (base, job) in listed.chain(stored) {
            by_directory
                .entry((base, job.clone()))
                .or_insert_with(|| classify(evidence, inventory, base, job));
        }
        Self { by_directory }
    }

    #[must_use]
    pub fn get(&self, base: BaseId, job: &JobDirectory) -> Option<&Owner<'a>> {
        self.by_directory.get(&(base, job.clone()))
    }

    pub fn iter(&self) -> impl Iterator<Item = (BaseId, &JobDirectory, &Owner<'a>)> {
        self.by_directory
            .iter()
            .map(|((base, job), owner)| (*base, job, owner))
    }
}

fn classify<'a>(
    evidence: &'a Evidence,
    inventory: &Inventory,
    base: BaseId,
    directory: &JobDirectory,
) -> Owner<'a> {
    let Some(job_id) = directory.job_id else {
        return unknown(
            None,
            "its path has no job id (create-subdir is false), so its owner cannot be proven",
        );
    };
    let mut claims = evidence
        .jobs
        .iter()
        .filter_map(|job| Some((job, job.claims(job_id)?)));
    let Some((job, claim)) = claims.next() else {
        return unknown(None, "no known job has this id");
    };
    if let Some((other, _)) = claims.next() {
        let why = format!("both {} and {} have had this id", job.name, other.name);
        return unknown(None, why);
    }
    let inside = inventory.base(base).is_some_and(|listed| {
        job.bases.iter().any(|known| {
            listed
                .location
                .join(&directory.path)
                .relative_to(known)
                .is_some()
        })
    });
    if !inside {
        return unknown(
            Some(job),
            format!("{} has this id, but keeps its state elsewhere", job.name),
        );
    }
    if job_id.is_zero() && job.phase != Phase::Stopped {
        return unknown(Some(job), "many jobs may have had this all-zero id");
    }
    match claim {
        Claim::Current => current(job, job_id, evidence),
        Claim::Former => former(job, job_id, evidence, inventory),
    }
}

fn current<'a>(job: &'a JobEvidence, job_id: JobId, evidence: &Evidence) -> Owner<'a> {
    match &job.phase {
        Phase::Running => owner(OwnerClass::Running, job, "its resource says that it runs"),
        Phase::Suspended => owner(OwnerClass::Suspended, job, "its resource is suspended"),
        Phase::Stopped => owner(OwnerClass::Terminal, job, "it was named as stopped"),
        Phase::Gone => unknown(
            Some(job),
            "its resource is gone, and directories of deleted jobs are not pruned yet",
        ),
        Phase::Unclear { why } => unknown(Some(job), why.clone()),
        Phase::Terminal { state } => {
            if let Some(why) = may_have_processes(job) {
                return unknown(Some(job), why);
            }
            match &job.high_availability {
                _ if evidence.high_availability_ids.contains(&job_id) => unknown(
                    Some(job),
                    format!("{state}, but its high-availability map still exists"),
                ),
                HighAvailability::NotConfigured | HighAvailability::NoMap { .. } => owner(
                    OwnerClass::Terminal,
                    job,
                    format!("its job is {state} and no process is left"),
                ),
                HighAvailability::Map(_) => unknown(
                    Some(job),
                    format!("{state}, but its high-availability map still exists"),
                ),
                HighAvailability::Unreadable { why } => unknown(
                    Some(job),
                    format!("its high-availability data cannot be read: {why}"),
                ),
                HighAvailability::Unsupported { kind } => unknown(
                    Some(job),
                    format!("its high availability ({kind}) cannot be read by this version"),
                ),
            }
        }
    }
}

fn former<'a>(
    job: &'a JobEvidence,
    job_id: JobId,
    evidence: &Evidence,
    inventory: &Inventory,
) -> Owner<'a> {
    if evidence.high_availability_ids.contains(&job_id) {
        return unknown(
            Some(job),
            "a former id, but its high-availability map still exists",
        );
    }
    let Some(successor) = job.current else {
        return unknown(Some(job), "a former id, and its resource has no job now");
    };
    if let Phase::Unclear { why } = &job.phase {
        return unknown(
            Some(job),
            format!("a former id of a resource in an unclear state: {why}"),
        );
    }
    if !completed_own_checkpoint(job, successor, inventory) {
        let why = format!(
            "a former id; its successor {successor} has no restorable checkpoint of its own yet"
        );
        return unknown(Some(job), why);
    }
    owner(
        OwnerClass::Former,
        job,
        format!("{} now runs as {successor}", job.name),
    )
}

/// Storage has a whole checkpoint of the successor, and whoever runs it agrees that it is complete.
fn completed_own_checkpoint(job: &JobEvidence, successor: JobId, inventory: &Inventory) -> bool {
    let whole: Vec<u64> = inventory
        .snapshots
        .iter()
        .filter(|snapshot| snapshot.source == Source::Metadata)
        .filter(|snapshot| {
            snapshot
                .job()
                .is_some_and(|directory| directory.job_id == Some(successor))
        })
        .filter(|snapshot| Restorable::of(snapshot, inventory).is_yes())
        .filter_map(|snapshot| {
            snapshot
                .place
                .as_ref()?
                .placement
                .snapshot
                .as_ref()?
                .checkpoint_id
        })
        .collect();
    match (&job.phase, &job.high_availability, &job.job_manager) {
        (Phase::Running, HighAvailability::Map(map), _) => map.entries.iter().any(|entry| {
            entry.checkpoint.job_id == successor && whole.contains(&entry.checkpoint_id)
        }),
        (Phase::Running, _, JobManager::Answered(rest)) => {
            rest.job_id == successor && whole.iter().any(|&id| rest.completed(id).is_some())
        }
        (Phase::Running, _, JobManager::NotAsked | JobManager::Unreachable { .. })
        | (Phase::Unclear { .. } | Phase::Gone, _, _) => false,
        (Phase::Suspended | Phase::Terminal { .. } | Phase::Stopped, _, _) => !whole.is_empty(),
    }
}

fn may_have_processes(job: &JobEvidence) -> Option<String> {
    match &job.processes {
        Processes::Absent => None,
        Processes::Present => Some("its job is over, but processes of it still exist".to_owned()),
        Processes::Unknown { why } => Some(format!(
            "its job is over, but whether processes exist is not known: {why}"
        )),
    }
}

fn owner<'a>(class: OwnerClass, job: &'a JobEvidence, why: impl Into<String>) -> Owner<'a> {
    Owner {
        class,
        job: Some(job),
        why: why.into(),
    }
}

fn unknown(job: Option<&JobEvidence>, why: impl Into<String>) -> Owner<'_> {
    Owner {
        class: OwnerClass::Unknown,
        job,
        why: why.into(),
    }
}
