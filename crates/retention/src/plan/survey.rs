use crate::evidence::{
    Evidence, HighAvailability, JobEvidence, JobManager, JobName, Phase, Processes,
    RestCheckpoints, StateBackend, may_be_named_from,
};
use crate::inventory::{BaseId, Contents, Inventory};
use crate::layout::JobId;
use crate::location::Location;
use crate::owner::{OwnerClass, Owners};
use crate::reference::{DirectoryKey, FileName};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What guards ask about every file, gathered once for all of them: a base may have millions.
#[derive(Debug, Default)]
pub(crate) struct Survey<'a> {
    /// Who names a snapshot directory.
    pub(crate) named: HashMap<&'a DirectoryKey, &'a str>,
    /// Live jobs that may read files that no snapshot names.
    pub(crate) readers: Vec<Reader<'a>>,
    /// The directories of unknown jobs that may have a live `ForSt` database.
    pub(crate) unknown_forst: BTreeSet<Location>,
    /// Why a job is not plain, as its directories and snapshots tell.
    not_plain: BTreeMap<JobId, String>,
    /// Names in high-availability data that is newer than the references that were read.
    late_names: HashSet<FileName>,
    /// The directories in which snapshots name files.
    named_directories: HashSet<DirectoryKey>,
    /// The newest file of each snapshot directory that nobody names.
    newest_leftovers: HashMap<(BaseId, &'a str), Timestamp>,
    /// When each job completed its last checkpoint or savepoint, as far as they are left.
    last_completed: BTreeMap<JobId, Timestamp>,
}

/// A live job that may read files that no snapshot names.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) job: &'a JobName,
    /// Where such files may be; empty: anywhere that the job's namespace can name.
    places: Vec<&'a Location>,
    pub(crate) what: Reads,
    /// No resource describes it, so nobody says what it was started from: it may be about to read any snapshot that there
    /// is, but what is garbage in other stores was named by none that it could have been started from.
    pub(crate) is_undescribed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// Shared files of others, in place, by a `ForSt` database.
    InPlace,
    /// Anything: what it was restored from is not known, and it has no checkpoint of its own.
    UnknownRestore,
}

impl<'a> Survey<'a> {
    pub(super) fn of(
        evidence: &'a Evidence,
        inventory: &'a Inventory,
        owners: &Owners<'a>,
    ) -> Self {
        let named = evidence
            .roots
            .iter()
            .map(|root| (&root.snapshot, root.named_by.as_str()))
            .collect();
        let checkpoints = Checkpoints::of(inventory);
        let readers = evidence
            .jobs
            .iter()
            .filter_map(|job| reader(job, &checkpoints))
            .collect();
        Self {
            named,
            readers,
            unknown_forst: unknown_forst(inventory, owners),
            not_plain: not_plain(evidence, inventory),
            late_names: late_names(evidence, inventory),
            named_directories: named_directories(evidence, inventory),
            newest_leftovers: newest_leftovers(inventory),
            last_completed: last_completed(evidence, inventory),
        }
    }

    /// When a job is known to have run last.
    pub(crate) fn last_completed(&self, job: JobId) -> Option<Timestamp> {
        self.last_completed.get(&job).copied()
    }

    /// Whether a snapshot names a file in a snapshot's directory.
    pub(crate) fn names_file_in(&self, directory: &DirectoryKey) -> bool {
        self.named_directories.contains(directory)
    }

    /// When the newest file was written that a snapshot's directory has and nobody names.
    pub(crate) fn newest_leftover(&self, base: BaseId, directory: &str) -> Option<Timestamp> {
        self.newest_leftovers.get(&(base, directory)).copied()
    }

    pub(crate) fn not_plain(&self, job: JobId) -> Option<&str> {
        self.not_plain.get(&job).map(String::as_str)
    }

    /// Whether a name is in high-availability data that the references do not have yet.
    pub(crate) fn named_late(&self, name: &FileName) -> bool {
        self.late_names.contains(name)
    }
}

impl Reader<'_> {
    /// Whether it may be starting from the snapshot that this is a part of.
    pub(crate) fn may_start_from(
        &self,
        location: &Location,
        is_ruled_out: impl Fn(&Location) -> bool,
    ) -> bool {
        self.what == Reads::UnknownRestore
            && self.is_undescribed
            && may_be_named_from(&self.job.namespace, location.store())
            && (self.places.is_empty() || !self.places.iter().all(|&place| is_ruled_out(place)))
    }

    pub(crate) fn may_read(&self, location: &Location) -> bool {
        if self.places.is_empty() {
            return may_be_named_from(&self.job.namespace, location.store());
        }
        let mut places = self.places.iter();
        places.any(|place| place.store().may_be(location.store()))
    }
}

/// What the inventory tells of the checkpoints of each job id.
struct Checkpoints<'a> {
    /// When each snapshot that was read was completed.
    completed: HashMap<&'a Location, Timestamp>,
    jobs: BTreeSet<JobId>,
    with_forst: BTreeSet<JobId>,
}

impl<'a> Checkpoints<'a> {
    fn of(inventory: &'a Inventory) -> Self {
        let of_jobs = || {
            inventory
                .snapshots
                .iter()
                .filter_map(|snapshot| Some((snapshot, snapshot.job()?.job_id?)))
        };
        Self {
            completed: inventory
                .snapshots
                .iter()
                .map(|snapshot| (&snapshot.location, snapshot.completed))
                .collect(),
            jobs: of_jobs().map(|(_, id)| id).collect(),
            with_forst: of_jobs()
                .filter(|(snapshot, _)| snapshot.contents.forst)
                .map(|(_, id)| id)
                .collect(),
        }
    }

    /// Whether that very snapshot was read. One of the same name elsewhere says nothing, nor does one that was written
    /// there after the restore, as after high-availability data were turned back.
    fn have_read(&self, snapshot: &Location, restored: Option<Timestamp>) -> bool {
        let completed = self.completed.get(snapshot);
        completed.is_some_and(|completed| restored.is_none_or(|restored| *completed <= restored))
    }
}

/// Only this run's own bases are listed; of all others the snapshots tell.
fn unknown_forst(inventory: &Inventory, owners: &Owners<'_>) -> BTreeSet<Location> {
    let listed = inventory
        .job_directories
        .iter()
        .filter(|(_, facts)| facts.has_forst)
        .map(|((base, directory), _)| (*base, directory));
    let named = inventory
        .stored()
        .filter(|(snapshot, _)| snapshot.contents.forst)
        .filter_map(|(_, place)| Some((place.base, place.placement.job.as_deref()?)));
    let unknown = listed.chain(named).filter(|(base, directory)| {
        let owner = owners.get(*base, directory);
        owner.is_none_or(|owner| owner.class == OwnerClass::Unknown)
    });
    unknown
        .filter_map(|(base, directory)| inventory.location(base, &directory.path))
        .collect()
}

fn reader<'a>(job: &'a JobEvidence, checkpoints: &Checkpoints<'_>) -> Option<Reader<'a>> {
    match &job.phase {
        // A suspended job will open what its high-availability data names, and that is referenced.
        Phase::Terminal { .. }
        | Phase::Stopped
        | Phase::Suspended
        | Phase::Gone
        | Phase::NoJob { .. } => return None,
        // Nor does one without any process read, and whatever it will start from, its resource names.
        Phase::Unclear { .. } if job.processes == Processes::Absent => return None,
        Phase::Running | Phase::Unclear { .. } => {}
    }
    let reader = |what, places: Vec<&'a Location>| Reader {
        job: &job.name,
        places,
        what,
        is_undescribed: job.has_no_resource(),
    };
    let bases = || job.bases.iter().collect();
    let JobManager::Answered(rest) = &job.job_manager else {
        // Without an answer: its own checkpoints tell, if there are any.
        let own = job.current.filter(|id| checkpoints.jobs.contains(id));
        return match own {
            // A database outside of the checkpoints' directory, or one with file merging, copies into checkpoints: that
            // none of them names a file of it proves nothing where its configuration does not name another backend.
            Some(id) if is_plain(job) && !checkpoints.with_forst.contains(&id) => None,
            Some(_) => Some(reader(Reads::InPlace, bases())),
            None if !job.high_availability.entries().is_empty() => {
                Some(reader(Reads::InPlace, bases()))
            }
            None => Some(reader(Reads::UnknownRestore, bases())),
        };
    };
    let has_own = job.current.is_some_and(|id| checkpoints.jobs.contains(&id));
    if !has_own && may_still_restore(job, rest) {
        return Some(reader(Reads::UnknownRestore, bases()));
    }
    if rest.backend == StateBackend::NoCheckpoints {
        return None;
    }
    if let Some(restored) = &rest.restored {
        let own = rest.checkpoints.iter().any(|checkpoint| {
            checkpoint.id > restored.id
                && !checkpoint.is_savepoint
                && checkpoint.status == "COMPLETED"
        });
        let read = restored
            .external_path
            .as_ref()
            .is_some_and(|path| checkpoints.have_read(path, restored.at));
        if !own && !read {
            let places = restored.external_path.iter().collect();
            return Some(reader(Reads::UnknownRestore, places));
        }
    }
    match rest.backend {
        StateBackend::HashMap | StateBackend::RocksDb | StateBackend::NoCheckpoints => None,
        StateBackend::Other(_) => Some(reader(Reads::InPlace, bases())),
    }
}

/// Before a job has an execution graph, its `JobManager` answers with empty statistics, or that it has no checkpointing,
/// whatever it is about to be restored from (`ArchivedExecutionGraph.createSparseArchivedExecutionGraph`: while the job
/// is initializing, and while the adaptive scheduler waits for slots, perhaps for hours). That proves nothing.
fn may_still_restore(job: &JobEvidence, rest: &RestCheckpoints) -> bool {
    let own = || {
        let mut made = rest.checkpoints.iter();
        made.any(|known| known.status == "COMPLETED" && !known.is_savepoint)
    };
    has_no_graph(rest)
        && rest.restored.is_none()
        && !own()
        && job.high_availability.entries().is_empty()
}

/// A job that restarts has the graph of its last attempt, and its statistics are true.
fn has_no_graph(rest: &RestCheckpoints) -> bool {
    match (rest.state.as_str(), &rest.backend) {
        ("FINISHED" | "CANCELED" | "FAILED", _) => false,
        ("CREATED" | "INITIALIZING" | "RECONCILING", _) => true,
        (_, StateBackend::Other(class)) => class == "Unknown",
        (_, StateBackend::HashMap | StateBackend::RocksDb | StateBackend::NoCheckpoints) => false,
    }
}

/// Whether every configuration that the job may have names a backend that reads nothing in place, and its
/// high-availability data does not contradict.
fn is_plain(job: &JobEvidence) -> bool {
    let entries = job.high_availability.entries();
    match &job.state_backend {
        Some(StateBackend::HashMap | StateBackend::RocksDb) => {
            !entries.iter().any(|entry| entry.checkpoint.contents.forst)
        }
        Some(StateBackend::NoCheckpoints | StateBackend::Other(_)) | None => false,
    }
}

fn not_plain(evidence: &Evidence, inventory: &Inventory) -> BTreeMap<JobId, String> {
    let special = |contents: Contents| {
        let Contents {
            changelog,
            file_merging,
            forst,
        } = contents;
        changelog || file_merging || forst
    };
    let directories = inventory
        .job_directories
        .iter()
        .filter(|(_, facts)| facts.has_merged || facts.has_forst || facts.has_changelog)
        .filter_map(|((_, directory), _)| Some((directory.job_id?, directory.path.clone())));
    let snapshots = inventory
        .snapshots
        .iter()
        .filter(|snapshot| special(snapshot.contents))
        .filter_map(|snapshot| Some((snapshot.job()?.job_id?, snapshot.location.to_string())));
    let entries = evidence.jobs.iter().flat_map(|job| {
        let map = job.high_availability.entries();
        map.iter()
            .filter(|entry| special(entry.checkpoint.contents))
            .filter_map(|entry| {
                let name = format!("high-availability entry {}", entry.checkpoint_id);
                Some((job.current?, name))
            })
    });
    let mut found = BTreeMap::new();
    for (job, where_) in directories.chain(snapshots).chain(entries) {
        found.entry(job).or_insert_with(|| {
            format!("{where_} has files of file merging, ForSt or the changelog")
        });
    }
    found
}

/// As snapshots spell them, as the listing does where a name alone protects, and as newer high-availability data does.
fn named_directories(evidence: &Evidence, inventory: &Inventory) -> HashSet<DirectoryKey> {
    let spelled = inventory
        .references
        .directories()
        .map(|directory| DirectoryKey::of(directory.path()));
    let listed = inventory.named_elsewhere.iter().filter_map(|file| {
        let directory = file.placement.snapshot.as_deref()?;
        let location = inventory.location(file.base, &directory.path)?;
        Some(DirectoryKey::of(location.path()))
    });
    let late = evidence.jobs.iter().flat_map(|job| {
        let entries = job.high_availability.entries();
        let references = entries
            .iter()
            .flat_map(|entry| &entry.checkpoint.references);
        references.map(|reference| DirectoryKey::of(reference.location.parent().path()))
    });
    spelled.chain(listed).chain(late).collect()
}

fn newest_leftovers(inventory: &Inventory) -> HashMap<(BaseId, &str), Timestamp> {
    let mut newest = HashMap::new();
    for file in &inventory.unreferenced {
        if let (Some(directory), Some(modified)) = (&file.placement.snapshot, file.modified) {
            let known = newest
                .entry((file.base, directory.path.as_str()))
                .or_insert(modified);
            *known = modified.max(*known);
        }
    }
    newest
}

fn last_completed(evidence: &Evidence, inventory: &Inventory) -> BTreeMap<JobId, Timestamp> {
    let stored = inventory
        .snapshots
        .iter()
        .filter_map(|snapshot| Some((snapshot.job()?.job_id?, snapshot.completed)));
    let maps = evidence.jobs.iter().flat_map(|job| {
        let entries = job.high_availability.entries();
        entries.iter().map(|entry| &entry.checkpoint)
    });
    let held = maps.map(|checkpoint| (checkpoint.job_id, checkpoint.completed));
    let mut last = BTreeMap::new();
    for (job, completed) in stored.chain(held) {
        let known = last.entry(job).or_insert(completed);
        *known = completed.max(*known);
    }
    last
}

/// High-availability data is read again after the listing; what only the second reading names counts too.
fn late_names(evidence: &Evidence, inventory: &Inventory) -> HashSet<FileName> {
    let mut late = HashSet::new();
    for job in &evidence.jobs {
        let HighAvailability::Map(map) = &job.high_availability else {
            continue;
        };
        for reference in map
            .entries
            .iter()
            .flat_map(|entry| &entry.checkpoint.references)
        {
            let name = FileName::of(reference.location.path());
            if !inventory.references.protects(&name) {
                late.insert(name);
            }
        }
    }
    late
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::location::Origin;

    #[test]
    fn a_job_of_which_no_place_is_known_may_read_what_its_namespace_can_mount() {
        let job = JobName {
            kind: "FlinkDeployment".to_owned(),
            namespace: "a".to_owned(),
            name: "orders".to_owned(),
        };
        let reader = Reader {
            job: &job,
            places: Vec::new(),
            what: Reads::UnknownRestore,
            is_undescribed: false,
        };
        let may_read = |text: &str, namespace: Option<&str>| {
            let origin = Origin {
                namespace: namespace.map(str::to_owned),
                ..Origin::default()
            };
            reader.may_read(&Location::parse(text, &origin).unwrap())
        };
        assert!(may_read("/data/x", Some("a")));
        assert!(!may_read("/data/x", Some("b")));
        assert!(may_read("/data/x", None));
        assert!(may_read("s3://bucket/x", Some("b")));
    }
}
