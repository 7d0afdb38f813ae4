//! What could not be read, and all that it could have named.

use retention::evidence::{Evidence, Gap, JobEvidence, Radius};
use retention::guard::Guard;
use retention::layout::{self, JobId};
use retention::location::Location;
use std::collections::BTreeSet;

/// What is known of a base when something in it cannot be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) base: &'a Location,
    pub(super) evidence: &'a Evidence,
    /// The directories outside of the base that its readable snapshots name, with the job whose snapshot it is.
    pub(super) named: &'a BTreeSet<(Option<JobId>, Location)>,
}

impl Surroundings<'_> {
    /// A `_metadata` that cannot be read.
    pub(super) fn unreadable_snapshot(&self, metadata: &Location, why: String) -> Gap {
        let relative = metadata.relative_to(self.base).unwrap_or_default();
        let job = layout::place(relative).job.and_then(|job| job.job_id);
        Gap {
            guard: Guard::UnreadableSnapshot,
            what: metadata.to_string(),
            why,
            radius: self.radius(job),
        }
    }

    /// A `_metadata` where no reference scan looks, so that nobody would see it come or change.
    pub(super) fn among_data_files(&self, metadata: &Location) -> Gap {
        let why = "it lies in a directory of data files, where snapshots are not looked for; move it out of there";
        self.unreadable_snapshot(metadata, why.to_owned())
    }

    /// Links are not followed, so whatever snapshots lie behind them were not read.
    pub(super) fn behind_links(&self, links: &[Location]) -> Option<Gap> {
        let why = "it is a link or has a name that cannot be read, and snapshots behind it would not be seen; replace \
                   it by a directory or a mount";
        self.all_of(links, why)
    }

    /// A directory that goes away while it is listed may have been moved to where the listing had been before.
    pub(super) fn vanished(&self, directories: &[Location]) -> Option<Gap> {
        let why =
            "it went away while it was listed, and may have been moved; the next run will see";
        self.all_of(directories, why)
    }

    /// Whoever replaces its only checkpoint as often as it is read may name files of others in one that was not read.
    pub(super) fn restless(&self, directories: &[Location]) -> Option<Gap> {
        let why = "its snapshots were replaced again and again while they were read; the next run will see";
        self.all_of(directories, why)
    }

    /// One gap for all, because their radius is the same and every file is held against every gap.
    fn all_of(&self, places: &[Location], why: &str) -> Option<Gap> {
        let (first, others) = places.split_first()?;
        let why = match others.len() {
            0 => why.to_owned(),
            count => format!("{why} (and {count} more like it)"),
        };
        Some(Gap {
            guard: Guard::MissingEvidence,
            what: first.to_string(),
            why,
            radius: self.radius(None),
        })
    }

    /// The base; the directories of every id that the snapshot's resource has had, or, where the resource is not known,
    /// those of every resource that uses the base; what they were restored from; and what their other snapshots name.
    fn radius(&self, job: Option<JobId>) -> Vec<Radius> {
        let claims = |known: &&JobEvidence| job.is_some_and(|id| known.claims(id).is_some());
        let mut concerned: Vec<&JobEvidence> = self.evidence.jobs.iter().filter(claims).collect();
        if concerned.is_empty() {
            concerned = self
                .evidence
                .jobs
                .iter()
                .filter(|job| uses(job, self.base))
                .collect();
        }
        let ids: BTreeSet<JobId> = concerned
            .iter()
            .flat_map(|job| job.ids())
            .chain(job)
            .collect();
        let restored = concerned
            .iter()
            .flat_map(|job| self.evidence.restore_sources(job));
        let named = self
            .named
            .iter()
            .filter(|(namer, _)| namer.is_none_or(|id| job.is_none() || ids.contains(&id)))
            .map(|(_, directory)| directory.clone());
        std::iter::once(Radius::Below(self.base.clone()))
            .chain(ids.iter().copied().map(Radius::Job))
            .chain(restored.chain(named).map(Radius::Below))
            .collect()
    }
}

fn uses(job: &JobEvidence, directory: &Location) -> bool {
    job.bases
        .iter()
        .any(|base| base.may_be_below(directory) || directory.may_be_below(base))
}

/// A base that was never read may hold references into any other base of its store, into every directory that a job of
/// it has had, and into those from which its jobs were restored, in whatever store.
pub(super) fn unreachable(location: &Location, evidence: &Evidence, why: String) -> Gap {
    let users = || evidence.jobs.iter().filter(|job| uses(job, location));
    let ids: BTreeSet<JobId> = users().flat_map(JobEvidence::ids).collect();
    let sources: BTreeSet<Location> = users()
        .flat_map(|job| evidence.restore_sources(job))
        .collect();
    let own = [
        Radius::Below(location.clone()),
        Radius::NamedFrom(location.clone()),
    ];
    Gap {
        guard: Guard::MissingEvidence,
        what: location.to_string(),
        why,
        radius: own
            .into_iter()
            .chain(ids.into_iter().map(Radius::Job))
            .chain(sources.into_iter().map(Radius::Below))
            .collect(),
    }
}

/// A snapshot that somebody says is in a base. If the base shows none at all, it is not what Flink sees: a volume that
/// is not mounted looks like an empty directory.
pub(super) fn expected_in(
    base: &Location,
    all: &[Location],
    evidence: &Evidence,
) -> Option<String> {
    let below = |at: &&Location| is_read_in(base, all, at);
    evidence.jobs.iter().find_map(|job| {
        let map = job.high_availability.entries();
        let made = job.job_manager.answer().into_iter();
        // Savepoints are a person's to remove, and stay in the statistics.
        let completed = made
            .flat_map(|rest| &rest.checkpoints)
            .filter(|checkpoint| checkpoint.status == "COMPLETED")
            .filter(|checkpoint| !checkpoint.is_savepoint && !checkpoint.discarded)
            .filter_map(|checkpoint| checkpoint.external_path.as_ref());
        map.iter()
            .filter(|entry| !entry.marked_for_deletion)
            .filter_map(|entry| entry.checkpoint.pointer.as_ref())
            .chain(completed)
            .find(below)
            .map(|at| format!("{} has its checkpoint {at} in it", job.name))
    })
}

/// A running job whose last checkpoint is in a base, as its `JobManager` says, and of which nothing at all was read
/// there: what others show does not make the base the one that this job sees. (One that was replaced meanwhile has left
/// another one in its job's directory. What high-availability data names is read from there.)
pub(super) fn unseen_job(
    base: &Location,
    all: &[Location],
    evidence: &Evidence,
    homes: &BTreeSet<Location>,
) -> Option<Gap> {
    let answers = evidence.jobs.iter().filter_map(|job| {
        let rest = job.job_manager.answer()?;
        (rest.state == "RUNNING").then_some((job, rest))
    });
    let mut unseen = answers.filter_map(|(job, rest)| {
        let made = rest.checkpoints.iter();
        let last = made
            .filter(|known| known.status == "COMPLETED" && !known.discarded && !known.is_savepoint)
            .max_by_key(|known| known.id)?;
        let at = last.external_path.as_ref()?;
        let is_seen = homes.contains(&at.parent());
        (!is_seen && is_read_in(base, all, at)).then_some((job, at))
    });
    unseen.next().map(|(job, at)| {
        let why = format!(
            "{} has its checkpoint {at} in it, and nothing of that job is there; is the right volume mounted, at the \
             right endpoint?",
            job.name
        );
        unreachable(base, evidence, why)
    })
}

/// Whether a snapshot is read with that base: of those that hold it, the innermost.
fn is_read_in(base: &Location, all: &[Location], at: &Location) -> bool {
    let holders = all.iter().filter(|other| at.relative_to(other).is_some());
    holders.max_by_key(|other| other.path().len()) == Some(base)
}
