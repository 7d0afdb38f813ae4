//! The status of a `CheckpointInventory`.

use jiff::Timestamp;
use retention::evidence::{JobEvidence, JobManager, Phase, Processes, ResourceState};

use super::latest::{NamedByFlink, Verdict, named_by_flink};
use super::scan::JobScan;
use crate::api::checkpoint_inventory::{
    CheckpointInventoryDisplay, CheckpointInventoryStatus, EvidenceSource, LatestRestorable,
    OwnerClass, PolicyReference, condition,
};
use crate::api::conditions::{ConditionStatus, Finding, find, merge};
use crate::api::quantity::human;
use crate::api::time::whole_seconds;
use crate::api::{Amount, Reason, StorageByClass};
use crate::operator::events::shortened;

/// A message of a condition should fit a screen.
const MAX_MESSAGE: usize = 1024;

/// Everything that a status depends on.
#[derive(Clone, Copy, Debug)]
pub(in crate::operator) struct Facts<'a> {
    pub(in crate::operator) job: &'a JobEvidence,
    /// Whether the Flink resource still exists.
    pub(in crate::operator) present: bool,
    pub(in crate::operator) generation: Option<i64>,
    pub(in crate::operator) existing: Option<&'a CheckpointInventoryStatus>,
    /// Of the last run of this process that was for this job.
    pub(in crate::operator) scan: Option<&'a JobScan>,
    pub(in crate::operator) policy: Option<&'a str>,
    pub(in crate::operator) truncated: bool,
    pub(in crate::operator) now: Timestamp,
}

/// Says what is known. What no scan of this process has found stays as an earlier one wrote it.
#[must_use]
pub(in crate::operator) fn status(facts: Facts<'_>) -> CheckpointInventoryStatus {
    let none = CheckpointInventoryStatus::default();
    let existing = facts.existing.unwrap_or(&none);
    let (restorable, latest) = restorable(facts, existing);
    let truncated = facts.truncated.then(|| Finding {
        condition: condition::LINEAGE_TRUNCATED,
        status: ConditionStatus::True,
        reason: Reason::TooManyEntries,
        message: "job ids or directories were forgotten for want of room; what they hold is unknown and never deleted".to_owned(),
    });
    let findings = [restorable, job_manager(facts.job), resource(&facts)]
        .into_iter()
        .chain(truncated);
    let (snapshots, storage, protected_by, last_scan_time) = match facts.scan {
        Some(scan) => (
            Some(scan.snapshots),
            Some(scan.storage.clone()),
            scan.protected_by.clone(),
            Some(whole_seconds(scan.at)),
        ),
        None => (
            existing.snapshots,
            existing.storage.clone(),
            existing.protected_by.clone(),
            existing.last_scan_time.clone(),
        ),
    };
    CheckpointInventoryStatus {
        observed_generation: facts.generation,
        owner_class: Some(owner_class(facts.job)),
        policy_ref: facts.policy.map(|name| PolicyReference {
            name: name.to_owned(),
        }),
        latest_restorable: latest,
        snapshots,
        display: storage.as_ref().map(display),
        storage,
        protected_by,
        last_scan_time,
        conditions: merge(&existing.conditions, findings, facts.generation, facts.now),
    }
}

/// Between scans the newest completed snapshot is known by Flink's word alone. It takes over as the latest one, because
/// Flink deletes the one before; it changes a "yes" of the last scan into no "no", and no other answer into a "yes".
fn restorable(
    facts: Facts<'_>,
    existing: &CheckpointInventoryStatus,
) -> (Finding, Option<LatestRestorable>) {
    let known = match facts.scan {
        Some(scan) => since_scan(by_scan(scan), scan, existing),
        None => by_earlier_process(existing),
    };
    let named = named_by_flink(facts.job);
    if let Some(ended) = ended_since(&known, named.as_ref(), facts.job) {
        return ended;
    }
    let newer = named.filter(|named| is_newer(named, known.latest.as_ref()));
    match (known.status, newer) {
        (_, None) => (known.finding(), known.latest),
        (ConditionStatus::False, Some(_)) if !known.empty => (known.finding(), known.latest),
        (ConditionStatus::True, Some(named)) => {
            let finding = finding(
                ConditionStatus::True,
                Reason::CompletedByFlink,
                format!(
                    "Flink has completed {} since the last scan, when {}",
                    named.location.name(),
                    known.message
                ),
            );
            (finding, Some(named.unverified()))
        }
        (ConditionStatus::False | ConditionStatus::Unknown, Some(named)) => {
            let message = format!(
                "Flink names {}; whether all of its files exist has not been looked at",
                named.location
            );
            (
                finding(ConditionStatus::Unknown, Reason::NotVerified, message),
                Some(named.unverified()),
            )
        }
    }
}

/// What was told since the scan: Flink has completed a newer checkpoint, and so has deleted those before it; or the job
/// has ended.
fn since_scan(known: Known, scan: &JobScan, existing: &CheckpointInventoryStatus) -> Known {
    let told = by_earlier_process(existing);
    let completed = told.latest.as_ref().and_then(|latest| {
        let by_flink_alone = latest.verified_time.is_none();
        latest.completion_time.as_ref().filter(|_| by_flink_alone)
    });
    let ended = find(&existing.conditions, condition::RESTORABLE)
        .filter(|_| told.reason == Reason::JobEnded)
        .map(|written| written.last_transition_time.0);
    let later = [completed.map(|time| time.0), ended];
    if known.status == ConditionStatus::True
        && later.into_iter().flatten().any(|time| time > scan.at)
    {
        told
    } else {
        known
    }
}

/// A job that is over is named by nobody any more, and what it does with its checkpoints then is its own affair
/// (`externalized-checkpoint-retention`): what Flink said of them while it ran is no truth of today, until a run has
/// looked.
fn ended_since(
    known: &Known,
    named: Option<&NamedByFlink>,
    job: &JobEvidence,
) -> Option<(Finding, Option<LatestRestorable>)> {
    let over = match job.phase {
        Phase::Suspended
        | Phase::Terminal { .. }
        | Phase::Stopped
        | Phase::Gone
        | Phase::NoJob { .. } => true,
        Phase::Running | Phase::Unclear { .. } => false,
    };
    let latest = known.latest.as_ref()?;
    let by_flink = matches!(latest.source, EvidenceSource::HA | EvidenceSource::REST);
    if known.status != ConditionStatus::True || named.is_some() || !over || !by_flink {
        return None;
    }
    let seen = latest.verified_time.as_ref().map_or_else(
        || "no run has looked at it".to_owned(),
        |time| format!("all of its files were there at {}", time.0),
    );
    let message = format!(
        "the job has ended, and Flink may have deleted {} then, as its retention says; {seen}; the next run looks",
        latest.named()
    );
    let finding = finding(ConditionStatus::Unknown, Reason::JobEnded, message);
    Some((finding, Some(latest.clone())))
}

#[derive(Debug)]
struct Known {
    status: ConditionStatus,
    reason: Reason,
    message: String,
    latest: Option<LatestRestorable>,
    /// There was no snapshot at all.
    empty: bool,
}

impl Known {
    fn finding(&self) -> Finding {
        finding(self.status, self.reason, self.message.clone())
    }
}

fn by_scan(scan: &JobScan) -> Known {
    let latest = scan.latest.clone();
    let (status, reason, message) = match &scan.verdict {
        Verdict::Verified { files, unreadable } => {
            let name = latest
                .as_ref()
                .and_then(|latest| latest.named().rsplit('/').next())
                .unwrap_or_default();
            let present = match files {
                1 => "its only file is present".to_owned(),
                files => format!("all {files} files present"),
            };
            let newer = unreadable
                .as_ref()
                .map(|why| format!("; Flink does not name a newer one: {why}"))
                .unwrap_or_default();
            (
                ConditionStatus::True,
                Reason::Verified,
                format!("{name}: {present}{newer}"),
            )
        }
        Verdict::Broken { why, missing: _ } => (
            ConditionStatus::False,
            Reason::FilesMissing,
            format!("{why}{}", older(latest.as_ref())),
        ),
        Verdict::Unreadable { why } => (
            ConditionStatus::False,
            Reason::NewestUnreadable,
            format!("{why}{}", older(latest.as_ref())),
        ),
        Verdict::Unverified { why } => (ConditionStatus::Unknown, Reason::NotVerified, why.clone()),
        Verdict::NoSnapshot => (
            ConditionStatus::False,
            Reason::NoSnapshot,
            "there is no completed checkpoint and no savepoint".to_owned(),
        ),
    };
    let message = match &scan.disagreement {
        Some(told) => format!("{message}; {told}"),
        None => message,
    };
    Known {
        status,
        reason,
        message,
        empty: matches!(scan.verdict, Verdict::NoSnapshot),
        latest,
    }
}

fn older(latest: Option<&LatestRestorable>) -> String {
    match latest {
        Some(latest) => format!("; the newest that can be restored is {}", latest.named()),
        None => "; no other snapshot can be restored either".to_owned(),
    }
}

/// What an earlier process wrote about its last scan.
fn by_earlier_process(existing: &CheckpointInventoryStatus) -> Known {
    let latest = existing.latest_restorable.clone();
    let written = find(&existing.conditions, condition::RESTORABLE);
    let mut message = written
        .map(|written| written.message.clone())
        .unwrap_or_default();
    let (status, reason) =
        match written.map(|written| (written.status.as_str(), written.reason.as_str())) {
            Some(("True", word)) if word == Reason::CompletedByFlink.as_str() => {
                // Or the sentence would grow with every checkpoint.
                "all files of an earlier one were present".clone_into(&mut message);
                (ConditionStatus::True, Reason::CompletedByFlink)
            }
            Some(("True", _)) => (ConditionStatus::True, Reason::Verified),
            Some(("False", word)) => {
                let known = [Reason::NoSnapshot, Reason::NewestUnreadable];
                let known = known.into_iter().find(|reason| reason.as_str() == word);
                (
                    ConditionStatus::False,
                    known.unwrap_or(Reason::FilesMissing),
                )
            }
            Some((_, word)) if word == Reason::JobEnded.as_str() => {
                (ConditionStatus::Unknown, Reason::JobEnded)
            }
            Some((_, word)) if word == Reason::NotVerified.as_str() => {
                (ConditionStatus::Unknown, Reason::NotVerified)
            }
            Some(_) | None => {
                return Known {
                    status: ConditionStatus::Unknown,
                    reason: Reason::NotScanned,
                    message: "no run has looked at the storage of this job yet".to_owned(),
                    latest,
                    empty: false,
                };
            }
        };
    Known {
        status,
        reason,
        message,
        latest,
        empty: reason == Reason::NoSnapshot,
    }
}

fn is_newer(named: &NamedByFlink, latest: Option<&LatestRestorable>) -> bool {
    let Some(latest) = latest else { return true };
    if latest.path == Some(named.location.to_string()) {
        return false;
    }
    match (&latest.completion_time, named.completed) {
        (Some(known), Some(completed)) => completed > known.0,
        (None, _) => true,
        (Some(_), None) => false,
    }
}

fn finding(status: ConditionStatus, reason: Reason, message: String) -> Finding {
    Finding {
        condition: condition::RESTORABLE,
        status,
        reason,
        message: shortened(message, MAX_MESSAGE),
    }
}

fn job_manager(job: &JobEvidence) -> Finding {
    let (status, reason, message) = match &job.job_manager {
        JobManager::Answered(_) => (ConditionStatus::True, Reason::Answered, String::new()),
        JobManager::Unreachable { why } => {
            (ConditionStatus::False, Reason::Unreachable, why.clone())
        }
        JobManager::NotAsked => (
            ConditionStatus::Unknown,
            Reason::NotAsked,
            "no process of the job is expected to run".to_owned(),
        ),
    };
    Finding {
        condition: condition::JOB_MANAGER_REACHABLE,
        status,
        reason,
        message: shortened(message, MAX_MESSAGE),
    }
}

fn resource(facts: &Facts<'_>) -> Finding {
    let (reason, message) = match (facts.present, doubt(facts.job)) {
        (false, _) => (Reason::Deleted, gone(facts.job)),
        (true, None) => (Reason::Present, String::new()),
        (true, Some(why)) => (Reason::Unclear, format!("{why}: its files stay")),
    };
    Finding {
        condition: condition::RESOURCE_PRESENT,
        status: facts.present.into(),
        reason,
        message: shortened(message, MAX_MESSAGE),
    }
}

/// What is known of the end of a resource. How long its state stays is for the policy to say.
fn gone(job: &JobEvidence) -> String {
    let entries = job.lineage.entries.iter();
    let observed = entries.map(|entry| match entry.resource {
        ResourceState::Exists => None,
        ResourceState::Deleted { observed } => observed,
    });
    let since = match observed.collect::<Option<Vec<_>>>() {
        Some(observed) => observed.into_iter().max(),
        None => None,
    };
    let stays = "its state stays, unless the policy has deletedJobs";
    match (since, doubt(job)) {
        (_, Some(why)) => format!("{why}; its state stays"),
        (Some(since), None) => {
            format!("the Flink resource was deleted, as was seen at {since:.0}; {stays}")
        }
        (None, None) => format!("the Flink resource is gone; {stays}"),
    }
}

/// Why it cannot be said what the job is doing, if that is so: the words behind the class `unknown`.
fn doubt(job: &JobEvidence) -> Option<String> {
    match (&job.phase, &job.processes) {
        (Phase::Unclear { why }, _) => Some(why.clone()),
        (Phase::Terminal { .. }, Processes::Present) => {
            Some("its job is over, but processes of it still exist".to_owned())
        }
        (Phase::Terminal { .. }, Processes::Unknown { why }) => Some(format!(
            "its job is over, but whether processes of it exist is not known: {why}"
        )),
        (Phase::Terminal { .. }, Processes::Absent)
        | (
            Phase::Running | Phase::Suspended | Phase::Stopped | Phase::Gone | Phase::NoJob { .. },
            _,
        ) => None,
    }
}

/// By the resource alone; a run knows more about each of its directories.
fn owner_class(job: &JobEvidence) -> OwnerClass {
    match (&job.phase, &job.processes) {
        (Phase::Running, _) => OwnerClass::Running,
        (Phase::Suspended, _) => OwnerClass::Suspended,
        (Phase::Terminal { .. } | Phase::Stopped, Processes::Absent) => OwnerClass::Terminal,
        (
            Phase::Terminal { .. } | Phase::Stopped,
            Processes::Present | Processes::Unknown { .. },
        )
        | (Phase::Gone | Phase::NoJob { .. } | Phase::Unclear { .. }, _) => OwnerClass::Unknown,
    }
}

fn display(storage: &StorageByClass) -> CheckpointInventoryDisplay {
    let StorageByClass {
        live,
        retained,
        orphaned,
        // A part of what is orphaned.
        marked: _,
        protected,
    } = storage;
    let bytes = |amount: &Option<Amount>| {
        amount.map_or(0, |amount| u64::try_from(amount.bytes).unwrap_or(0))
    };
    let size = [live, retained, orphaned, protected]
        .into_iter()
        .map(bytes)
        .fold(0, u64::saturating_add);
    CheckpointInventoryDisplay {
        size: Some(human(size)),
        orphaned: orphaned.as_ref().map(|_| human(bytes(orphaned))),
    }
}

#[cfg(test)]
mod tests;
