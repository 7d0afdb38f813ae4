//! Which job made a savepoint. Its directory says only six digits of the job id, so that has to be found out.

use crate::evidence::{Evidence, HighAvailability, JobManager};
use crate::inventory::{BaseId, Inventory};
use crate::layout::{self, JobId, Placement, SnapshotDirectory};
use crate::reference::DirectoryKey;
use std::collections::{BTreeMap, BTreeSet};

/// The job that made each savepoint of an inventory, those without a `_metadata` too; none where that is not sure.
pub(super) struct Savepoints {
    made_by: BTreeMap<BaseId, BTreeMap<String, Option<JobId>>>,
}

impl Savepoints {
    pub(super) fn of(evidence: &Evidence, inventory: &Inventory) -> Self {
        let stored = inventory
            .stored()
            .map(|(_, place)| (place.base, &place.placement));
        let listed = inventory
            .unreferenced
            .iter()
            .map(|file| (file.base, &file.placement));
        let mut made_by: BTreeMap<BaseId, BTreeMap<String, Option<JobId>>> = BTreeMap::new();
        let mut known = None;
        for (base, placement) in stored.chain(listed) {
            let Some(directory) = savepoint(placement) else {
                continue;
            };
            let of_base = made_by.entry(base).or_default();
            if !of_base.contains_key(&directory.path) {
                let known = known.get_or_insert_with(|| Known::of(evidence, inventory));
                of_base.insert(directory.path.clone(), known.maker(placement, directory));
            }
        }
        Self { made_by }
    }

    pub(super) fn get(&self, base: BaseId, path: &str) -> Option<JobId> {
        *self.made_by.get(&base)?.get(path)?
    }

    pub(super) fn made_by(&self) -> impl Iterator<Item = (BaseId, &str, Option<JobId>)> {
        self.made_by.iter().flat_map(|(base, of_base)| {
            of_base
                .iter()
                .map(|(path, made_by)| (*base, path.as_str(), *made_by))
        })
    }
}

fn savepoint(placement: &Placement) -> Option<&SnapshotDirectory> {
    let directory = placement.snapshot.as_deref()?;
    directory.checkpoint_id.is_none().then_some(directory)
}

/// Every job id that was ever seen, and the savepoints that JobManagers say they made.
struct Known {
    ids: BTreeMap<String, BTreeSet<JobId>>,
    recorded: BTreeMap<DirectoryKey, BTreeSet<JobId>>,
}

impl Known {
    fn of(evidence: &Evidence, inventory: &Inventory) -> Self {
        let mut ids: BTreeMap<String, BTreeSet<JobId>> = BTreeMap::new();
        for id in ever_seen(evidence, inventory) {
            ids.entry(id.savepoint_prefix()).or_default().insert(id);
        }
        let mut recorded: BTreeMap<DirectoryKey, BTreeSet<JobId>> = BTreeMap::new();
        for job in &evidence.jobs {
            let JobManager::Answered(rest) = &job.job_manager else {
                continue;
            };
            let savepoints = rest.checkpoints.iter().filter(|made| made.is_savepoint);
            for at in savepoints.filter_map(|made| made.external_path.as_ref()) {
                let key = DirectoryKey::of(at.path());
                recorded.entry(key).or_default().insert(rest.job_id);
            }
        }
        Self { ids, recorded }
    }

    /// By recorded path, else by the digits of its name if they tell jobs apart and one id alone has them. What lies in the directory of another
    /// job than that was put there by somebody, and is nobody's.
    fn maker(&self, placement: &Placement, directory: &SnapshotDirectory) -> Option<JobId> {
        let name = directory.path.rsplit('/').next()?;
        let digits = layout::savepoint_prefix(name)?;
        let by_digits = || {
            let telling = !COMPUTED.contains(&digits);
            telling.then(|| self.ids.get(digits)).flatten()
        };
        let recorded = self.recorded.get(&DirectoryKey::of(name));
        let id = only(recorded.or_else(by_digits)?)?;
        let inside = placement.job.as_deref().and_then(|job| job.job_id);
        let agreed = id.savepoint_prefix() == digits
            && digits != NOBODY
            && inside.is_none_or(|inside| inside == id);
        agreed.then_some(id)
    }
}

/// The digits of the all-zero id, which many jobs have had.
const NOBODY: &str = "000000";

/// The digits of ids that are computed: they begin with a hash code of 32 bits, widened to 64 with its sign (session jobs
/// of the Flink Kubernetes Operator up to 1.7, `FlinkUtils.generateSessionJobFixedJobID`; applications under high
/// availability, FLINK-19358). So half of all such jobs share each of them, also those that nobody here has ever seen.
const COMPUTED: [&str; 2] = [NOBODY, "ffffff"];

fn only(ids: &BTreeSet<JobId>) -> Option<JobId> {
    match ids.len() {
        1 => ids.first().copied(),
        _ => None,
    }
}

/// From resources, records, high availability, JobManagers, roots, directories and references: one more id can only
/// make a name ambiguous, which keeps.
fn ever_seen(evidence: &Evidence, inventory: &Inventory) -> BTreeSet<JobId> {
    let mut seen: BTreeSet<JobId> = evidence.high_availability_ids.iter().copied().collect();
    for job in &evidence.jobs {
        seen.extend(job.current);
        seen.extend(job.lineage.entries.iter().map(|entry| entry.job_id));
        if let HighAvailability::Map(map) = &job.high_availability {
            seen.extend(map.entries.iter().map(|entry| entry.checkpoint.job_id));
        }
        if let JobManager::Answered(rest) = &job.job_manager {
            seen.insert(rest.job_id);
            let restored = rest.restored.as_ref();
            let path = restored.and_then(|restored| restored.external_path.as_ref());
            seen.extend(path.into_iter().flat_map(|path| ids_in(path.path())));
        }
    }
    let roots = evidence.roots.iter();
    seen.extend(roots.flat_map(|root| ids_in(root.snapshot.as_str())));
    let listed = inventory.job_directories.keys();
    seen.extend(listed.filter_map(|(_, directory)| directory.job_id));
    let stored = inventory.stored();
    seen.extend(stored.filter_map(|(_, place)| place.placement.job.as_deref()?.job_id));
    let named = inventory.references.directories();
    seen.extend(named.flat_map(|directory| ids_in(directory.path())));
    seen
}

fn ids_in(path: &str) -> impl Iterator<Item = JobId> {
    path.split('/').filter_map(JobId::named)
}
