use crate::evidence::{Evidence, JobEvidence};
use crate::location::Location;
use crate::policy::{Exclusive, Policy};

/// The directories into which nobody refers but the jobs that use them, by the administrator's word, as long as nothing
/// that was seen contradicts it.
#[derive(Debug, Default)]
pub(crate) struct ExclusiveBases<'a> {
    held: Vec<(&'a Location, Vec<&'a JobEvidence>)>,
}

impl<'a> ExclusiveBases<'a> {
    pub(super) fn of(evidence: &'a Evidence, policy: &'a Policy) -> Self {
        let held = policy
            .exclusive
            .iter()
            .filter_map(
                |Exclusive {
                     location,
                     namespace,
                 }| {
                    let users: Vec<&JobEvidence> = evidence
                        .jobs
                        .iter()
                        .filter(|job| uses(job, location, evidence))
                        .collect();
                    let own = users.iter().all(|job| job.name.namespace == *namespace);
                    own.then_some((location, users))
                },
            )
            .collect();
        Self { held }
    }

    /// Whether snapshots in `other` name no file at `location`.
    pub(crate) fn rules_out(&self, other: &Location, location: &Location) -> bool {
        self.held.iter().any(|(exclusive, users)| {
            let inside = location.relative_to(exclusive).is_some();
            let apart = !overlap(other, exclusive);
            let used_by_one = || users.iter().any(|job| keeps_state_in(job, other));
            inside && apart && !used_by_one()
        })
    }
}

fn overlap(one: &Location, other: &Location) -> bool {
    one.may_be_below(other) || other.may_be_below(one)
}

fn keeps_state_in(job: &JobEvidence, directory: &Location) -> bool {
    job.bases.iter().any(|base| overlap(base, directory))
}

/// A job that keeps its state there, or was or is to be restored from there: its snapshots may name files in it.
fn uses(job: &JobEvidence, directory: &Location, evidence: &Evidence) -> bool {
    let answer = job.job_manager.answer();
    let restored = answer.and_then(|rest| rest.restored.as_ref()?.external_path.as_ref());
    let entries = job.high_availability.entries();
    let held = entries.iter().flat_map(|entry| {
        let references = entry.checkpoint.references.iter();
        let references = references.map(|reference| &reference.location);
        entry.checkpoint.pointer.iter().chain(references)
    });
    let name = job.name.to_string();
    let named = evidence
        .roots
        .iter()
        .filter(|root| root.named_by.contains(&name))
        .filter_map(|root| root.location.as_ref());
    keeps_state_in(job, directory)
        || restored
            .into_iter()
            .chain(held)
            .chain(named)
            .any(|at| at.may_be_below(directory))
}
