use super::savepoints::Savepoints;
use super::{Owner, OwnerClass};
use crate::evidence::{
    Claim, Evidence, HighAvailability, JobEvidence, JobManager, Phase, Processes,
};
use crate::inventory::{BaseId, Inventory};
use crate::layout::{JobDirectory, JobId, Placement, SnapshotDirectory};
use crate::location::Location;
use crate::reference::DirectoryKey;
use crate::restorable::WholeSnapshots;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The owner of every job directory and savepoint of an inventory.
#[derive(Debug)]
pub struct Owners<'a> {
    pub(super) by_directory: BTreeMap<BaseId, BTreeMap<JobDirectory, Owner<'a>>>,
    /// By base and path of the savepoint's directory.
    savepoints: BTreeMap<BaseId, BTreeMap<String, SavepointOwner<'a>>>,
}

/// Whose a savepoint is.
#[derive(Debug)]
struct SavepointOwner<'a> {
    made_by: Option<JobId>,
    owner: Owner<'a>,
}

/// The whole snapshots that prove that a job has got somewhere.
#[derive(Default)]
struct Progress {
    /// The checkpoints of each job id that lie in a directory of that id.
    checkpoints: BTreeMap<JobId, BTreeMap<DirectoryKey, u64>>,
    /// The ids that made a savepoint.
    savepoints: BTreeSet<JobId>,
}

impl<'a> Owners<'a> {
    #[must_use]
    pub fn of(evidence: &'a Evidence, inventory: &'a Inventory, whole: &WholeSnapshots) -> Self {
        let savepoints = Savepoints::of(evidence, inventory);
        let progress = Progress::of(inventory, whole, &savepoints);
        let listed = inventory
            .job_directories
            .keys()
            .map(|(base, job)| (*base, job));
        let stored = inventory
            .stored()
            .filter_map(|(_, place)| Some((place.base, place.placement.job.as_deref()?)));
        let mut by_directory: BTreeMap<BaseId, BTreeMap<JobDirectory, Owner<'a>>> = BTreeMap::new();
        for (base, job) in listed.chain(stored) {
            let of_base = by_directory.entry(base).or_default();
            if !of_base.contains_key(job) {
                of_base.insert(
                    job.clone(),
                    of_directory(evidence, inventory, &progress, base, job),
                );
            }
        }
        let owners = savepoints.made_by().map(|(base, path, made_by)| {
            let owner = of_savepoint(evidence, inventory, &progress, base, path, made_by);
            (base, path, SavepointOwner { made_by, owner })
        });
        let mut of_savepoints: BTreeMap<BaseId, BTreeMap<String, SavepointOwner<'a>>> =
            BTreeMap::new();
        for (base, path, owner) in owners {
            let of_base = of_savepoints.entry(base).or_default();
            of_base.insert(path.to_owned(), owner);
        }
        Self {
            by_directory,
            savepoints: of_savepoints,
        }
    }

    /// The owner of what lies at a place: of the savepoint that holds it, or else of its job directory.
    #[must_use]
    pub fn at(&self, base: BaseId, placement: &Placement) -> Option<&Owner<'a>> {
        match &placement.snapshot {
            Some(directory) if directory.checkpoint_id.is_none() => {
                Some(&self.savepoint(base, directory)?.owner)
            }
            Some(_) | None => self.get(base, placement.job.as_deref()?),
        }
    }

    /// The id of the job that made what lies at a place.
    #[must_use]
    pub fn made_by(&self, base: BaseId, placement: &Placement) -> Option<JobId> {
        match &placement.snapshot {
            Some(directory) if directory.checkpoint_id.is_none() => {
                self.savepoint(base, directory)?.made_by
            }
            Some(_) | None => placement.job.as_deref()?.job_id,
        }
    }

    fn savepoint(
        &self,
        base: BaseId,
        directory: &SnapshotDirectory,
    ) -> Option<&SavepointOwner<'a>> {
        self.savepoints.get(&base)?.get(&directory.path)
    }

    #[must_use]
    pub fn get(&self, base: BaseId, job: &JobDirectory) -> Option<&Owner<'a>> {
        self.by_directory.get(&base)?.get(job)
    }

    pub fn iter(&self) -> impl Iterator<Item = (BaseId, &JobDirectory, &Owner<'a>)> {
        self.by_directory.iter().flat_map(|(base, directories)| {
            directories.iter().map(|(job, owner)| (*base, job, owner))
        })
    }
}

impl Progress {
    fn of(inventory: &Inventory, whole: &WholeSnapshots, savepoints: &Savepoints) -> Self {
        let mut progress = Self::default();
        for snapshot in whole.iter(inventory) {
            let Some(place) = &snapshot.place else {
                continue;
            };
            let Some(directory) = &place.placement.snapshot else {
                continue;
            };
            let job_id = place.placement.job.as_deref().and_then(|job| job.job_id);
            match (job_id, directory.checkpoint_id) {
                (Some(job_id), Some(number)) => {
                    let of_job = progress.checkpoints.entry(job_id).or_default();
                    of_job.insert(snapshot.directory_key(), number);
                }
                (None, Some(_)) => {}
                (_, None) => progress
                    .savepoints
                    .extend(savepoints.get(place.base, &directory.path)),
            }
        }
        progress
    }
}

fn of_directory<'a>(
    evidence: &'a Evidence,
    inventory: &Inventory,
    progress: &Progress,
    base: BaseId,
    directory: &JobDirectory,
) -> Owner<'a> {
    let Some(job_id) = directory.job_id else {
        return unknown(
            None,
            "its path has no job id (create-subdir is false), so its owner cannot be proven",
        );
    };
    let location = inventory.location(base, &directory.path);
    let owner = classify(evidence, progress, job_id, location.as_ref());
    match (owner.job, location) {
        (Some(job), Some(at)) if is_copy(job, &at) => unknown(
            None,
            format!(
                "{} has this id, but Flink makes job directories right in a configured directory, and this one lies deeper: it may be a copy that somebody made",
                job.name
            ),
        ),
        (_, _) => owner,
    }
}

/// It lies below a directory of the job, but not right in one, where Flink puts it (`FsCheckpointStorageAccess`).
fn is_copy(job: &JobEvidence, at: &Location) -> bool {
    let holder = at.parent();
    let below = |known: &Location| at.relative_to(known).is_some();
    !job.bases.contains(&holder) && job.bases.iter().any(below)
}

fn of_savepoint<'a>(
    evidence: &'a Evidence,
    inventory: &Inventory,
    progress: &Progress,
    base: BaseId,
    path: &str,
    made_by: Option<JobId>,
) -> Owner<'a> {
    let Some(job_id) = made_by else {
        return unknown(
            None,
            "no known job made this savepoint, or more than one may have: its name has six digits of the job id",
        );
    };
    let location = inventory.location(base, path);
    classify(evidence, progress, job_id, location.as_ref())
}

fn classify<'a>(
    evidence: &'a Evidence,
    progress: &Progress,
    job_id: JobId,
    location: Option<&Location>,
) -> Owner<'a> {
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
    let inside = location.is_some_and(|at| {
        job.bases
            .iter()
            .any(|known| at.relative_to(known).is_some())
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
        Claim::Former => former(job, job_id, evidence, progress),
        Claim::Deleted { observed } => deleted(job, job_id, observed, evidence, progress),
    }
}

fn current<'a>(job: &'a JobEvidence, job_id: JobId, evidence: &Evidence) -> Owner<'a> {
    match &job.phase {
        Phase::Running => owner(OwnerClass::Running, job, "its resource says that it runs"),
        Phase::Suspended => suspended(job, job_id),
        Phase::Stopped => match still_answers(job, job_id) {
            Some(why) => unknown(Some(job), why),
            None => owner(OwnerClass::Terminal, job, "it was named as stopped"),
        },
        Phase::Gone => unknown(
            Some(job),
            "its resource is gone, and when it was deleted is not recorded",
        ),
        Phase::NoJob { why } | Phase::Unclear { why } => unknown(Some(job), why.clone()),
        Phase::Terminal { state } => {
            if let Some(why) = still_answers(job, job_id).or_else(|| may_have_processes(job)) {
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

/// It will start again from its high-availability data, so these must be readable, and nobody may write meanwhile.
fn suspended(job: &JobEvidence, job_id: JobId) -> Owner<'_> {
    if let Some(why) = still_answers(job, job_id).or_else(|| may_have_processes(job)) {
        return unknown(Some(job), why);
    }
    match &job.high_availability {
        HighAvailability::Map(_) | HighAvailability::NotConfigured => owner(
            OwnerClass::Suspended,
            job,
            "its resource is suspended and no process is left",
        ),
        HighAvailability::NoMap { .. } => unknown(
            Some(job),
            "it is suspended, and what it will start from is not known: it has no high-availability map",
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

fn former<'a>(
    job: &'a JobEvidence,
    job_id: JobId,
    evidence: &Evidence,
    progress: &Progress,
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
    if !has_taken_over(job, successor, progress) {
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

/// An id of a resource that was deleted. What it left is as that of a job that is over, if the deletion is certain,
/// nothing is left of the job, and a resource that was made anew under the same name is not about to start from it.
fn deleted<'a>(
    job: &'a JobEvidence,
    job_id: JobId,
    observed: Option<Timestamp>,
    evidence: &Evidence,
    progress: &Progress,
) -> Owner<'a> {
    let doubt = |why: &str| unknown(Some(job), format!("its resource was deleted, but {why}"));
    if evidence.high_availability_ids.contains(&job_id) {
        return doubt("its high-availability map still exists");
    }
    let answers = |other: &&JobEvidence| matches!(&other.job_manager, JobManager::Answered(rest) if rest.job_id == job_id);
    if let Some(other) = evidence.jobs.iter().find(answers) {
        return doubt(&format!("the JobManager of {} knows it", other.name));
    }
    let Some(observed) = observed else {
        return doubt("since when is not known for certain yet");
    };
    match (&job.phase, job.current) {
        (Phase::Unclear { why } | Phase::NoJob { why }, _) => return doubt(why),
        (Phase::Gone, _) => {}
        (_, Some(present)) if has_taken_over(job, present, progress) => {}
        (Phase::Running | Phase::Suspended | Phase::Terminal { .. } | Phase::Stopped, _) => {
            return doubt(
                "the present one of its name has no restorable checkpoint of its own yet, and may have been started from it",
            );
        }
    }
    Owner {
        deleted: Some(observed),
        ..owner(
            OwnerClass::Terminal,
            job,
            format!(
                "its resource was deleted, as was seen at {observed:.0}, and nothing is left of its job"
            ),
        )
    }
}

/// Storage has a whole snapshot of the successor, and whoever runs it agrees that it is complete. While it may run, a
/// savepoint is not enough: after a failure it would start from what it was restored from.
///
/// High-availability data that exists and cannot be read proves nothing: its newest entry may still be the snapshot
/// that the successor was restored from.
fn has_taken_over(job: &JobEvidence, successor: JobId, progress: &Progress) -> bool {
    let none = BTreeMap::new();
    let whole = progress.checkpoints.get(&successor).unwrap_or(&none);
    match (&job.high_availability, &job.phase, &job.job_manager) {
        (_, Phase::Unclear { .. } | Phase::NoJob { .. } | Phase::Gone, _)
        | (HighAvailability::Unreadable { .. } | HighAvailability::Unsupported { .. }, _, _)
        | (HighAvailability::NoMap { .. }, Phase::Suspended, _) => false,
        (HighAvailability::Map(map), _, _) => map.entries.iter().any(|entry| {
            let checkpoint = &entry.checkpoint;
            checkpoint.job_id == successor
                && checkpoint
                    .pointer
                    .as_ref()
                    .is_some_and(|at| whole.contains_key(&DirectoryKey::of(at.path())))
        }),
        (_, Phase::Running, JobManager::Answered(rest)) => {
            rest.job_id == successor && whole.values().any(|&id| rest.completed(id).is_some())
        }
        (_, Phase::Running, JobManager::NotAsked | JobManager::Unreachable { .. }) => false,
        (_, Phase::Suspended | Phase::Terminal { .. } | Phase::Stopped, _) => {
            !whole.is_empty() || progress.savepoints.contains(&successor)
        }
    }
}

/// A JobManager that has the job and does not say that it is over contradicts whoever says so.
fn still_answers(job: &JobEvidence, job_id: JobId) -> Option<String> {
    match &job.job_manager {
        JobManager::Answered(rest)
            if rest.job_id == job_id
                && !matches!(rest.state.as_str(), "FINISHED" | "CANCELED" | "FAILED") =>
        {
            Some(format!(
                "its job is said to be over, but its JobManager says {}",
                rest.state
            ))
        }
        JobManager::Answered(_) | JobManager::NotAsked | JobManager::Unreachable { .. } => None,
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

fn owner(class: OwnerClass, job: &JobEvidence, why: impl Into<String>) -> Owner<'_> {
    Owner {
        class,
        job: Some(job),
        why: why.into(),
        deleted: None,
        adopted: false,
    }
}

fn unknown(job: Option<&JobEvidence>, why: impl Into<String>) -> Owner<'_> {
    Owner {
        class: OwnerClass::Unknown,
        job,
        why: why.into(),
        deleted: None,
        adopted: false,
    }
}
