use super::{OwnerClass, Owners};
use crate::evidence::{Evidence, JobManager};
use crate::inventory::{BaseId, Inventory};
use crate::layout::{JobDirectory, JobId};
use crate::policy::Adoption;
use jiff::Timestamp;

impl Owners<'_> {
    /// Treats directories of nobody as those of jobs that are over, where the policy adopts them and nothing at all
    /// speaks against it. What a resource has ever had is not among them.
    #[must_use]
    pub fn adopting(
        mut self,
        adoptions: &[Adoption],
        evidence: &Evidence,
        inventory: &Inventory,
        now: Timestamp,
    ) -> Self {
        for (base, directories) in &mut self.by_directory {
            for (directory, owner) in directories {
                let Some(id) = directory.job_id.filter(|id| !id.is_zero()) else {
                    continue;
                };
                let known = evidence.jobs.iter().any(|job| job.claims(id).is_some());
                let Some(location) = inventory.location(*base, &directory.path) else {
                    continue;
                };
                let adoption = adoptions.iter().find(|adoption| {
                    let named = adoption.jobs.as_ref();
                    named.is_none_or(|jobs| jobs.contains(&id))
                        && location.parent() == adoption.directory
                });
                let Some(adoption) = adoption.filter(|_| !known) else {
                    continue;
                };
                let idle = not_running(evidence, id)
                    .and_then(|()| idle(inventory, *base, directory, adoption, now));
                match idle {
                    Ok(since) => {
                        owner.class = OwnerClass::Terminal;
                        owner.adopted = true;
                        owner.why = format!(
                            "no known job has this id, the policy adopts it, and nothing in it was modified since {since:.0}"
                        );
                    }
                    Err(why) => {
                        owner.why =
                            format!("no known job has this id; the policy adopts it, but {why}");
                    }
                }
            }
        }
        self
    }
}

fn not_running(evidence: &Evidence, id: JobId) -> Result<(), String> {
    if evidence.high_availability_ids.contains(&id) {
        return Err("there is a high-availability map of it".to_owned());
    }
    let answers = evidence
        .jobs
        .iter()
        .find(|job| matches!(&job.job_manager, JobManager::Answered(rest) if rest.job_id == id));
    answers.map_or(Ok(()), |job| {
        Err(format!("the JobManager of {} knows it", job.name))
    })
}

/// Since when nothing in the directory was modified, if that is long enough. (A restored backup has old times: that is
/// what marks and their grace period are for.)
fn idle(
    inventory: &Inventory,
    base: BaseId,
    directory: &JobDirectory,
    adoption: &Adoption,
    now: Timestamp,
) -> Result<Timestamp, String> {
    let untold = || "when it was modified last is not known".to_owned();
    let facts = inventory
        .job_directories
        .get(&(base, directory.clone()))
        .filter(|facts| !facts.has_untimed)
        .ok_or_else(untold)?;
    // Snapshots that came after the listing count too.
    let snapshots = inventory.stored().filter(|(_, place)| {
        place.base == base && place.placement.job.as_deref() == Some(directory)
    });
    let mut newest = facts.newest.ok_or_else(untold)?;
    for (_, place) in snapshots {
        newest = newest.max(place.modified.ok_or_else(untold)?);
    }
    let Adoption {
        directory: _,
        jobs: _,
        idle_for,
        last_modified_before,
    } = adoption;
    if now.duration_since(newest) < *idle_for {
        return Err(format!("it was modified at {newest:.0}"));
    }
    match last_modified_before {
        Some(before) if newest >= *before => Err(format!("it was modified at {newest:.0}")),
        Some(_) | None => Ok(newest),
    }
}
