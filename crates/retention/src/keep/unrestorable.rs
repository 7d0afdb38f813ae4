use super::SnapshotFacts;
use super::verdict::usable_time;
use crate::layout::JobId;
use crate::policy::Policy;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Which snapshots that nobody can start from may go: old ones that their job has left behind.
#[derive(Debug)]
pub struct Unrestorable {
    expire_after: Option<SignedDuration>,
    now: Timestamp,
    /// Number and time of the restorable snapshots of each job id.
    restorable: BTreeMap<JobId, Vec<(u64, Timestamp)>>,
}

impl Unrestorable {
    #[must_use]
    pub fn of(facts: &[SnapshotFacts], policy: &Policy, now: Timestamp) -> Self {
        let mut restorable: BTreeMap<JobId, Vec<(u64, Timestamp)>> = BTreeMap::new();
        let usable = facts
            .iter()
            .filter(|fact| fact.is_restorable() && usable_time(fact.completed, policy, now));
        for fact in usable {
            if let Some(job) = fact.job_id {
                let of_job = restorable.entry(job).or_default();
                of_job.push((fact.checkpoint_id, fact.completed));
            }
        }
        Self {
            expire_after: policy.unrestorable,
            now,
            restorable,
        }
    }

    /// Whether a snapshot that cannot be restored may go: it is old enough, and its job has made a restorable one since,
    /// with a higher number (numbers of one job id begin again only with another run of it, and where the number is
    /// not known, time alone tells).
    #[must_use]
    pub fn may_go(&self, job: Option<JobId>, number: Option<u64>, completed: Timestamp) -> bool {
        let Some(expire_after) = self.expire_after else {
            return false;
        };
        let newer = job
            .and_then(|job| self.restorable.get(&job))
            .into_iter()
            .flatten()
            .any(|&(other, at)| at > completed && number.is_none_or(|number| other > number));
        newer && self.now.duration_since(completed) >= expire_after
    }
}
