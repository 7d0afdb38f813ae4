use super::{Guard, Protection, evidence, ownership, running, savepoint, shape};
use crate::plan::{Candidate, Context};

type Check = fn(&Context<'_>, &Candidate<'_>) -> Option<String>;

/// In the order in which they are asked: what is not known, what it is, whose it is, what may still use it.
const CHAIN: [(Guard, Check); 22] = [
    (Guard::IncompleteListing, evidence::incomplete_listing),
    (Guard::UnreadableSnapshot, evidence::unreadable_snapshot),
    (Guard::MissingEvidence, evidence::missing_evidence),
    (Guard::UnknownName, shape::unknown_name),
    (Guard::SpecialFile, shape::special_file),
    (Guard::UnusableTime, shape::unusable_time),
    (Guard::UnknownOwner, ownership::unknown_owner),
    (Guard::DeletedJob, ownership::deleted_job),
    (Guard::Suspended, ownership::suspend_annotation),
    (Guard::Savepoint, savepoint::needed_by_its_job),
    (Guard::PendingSavepoint, savepoint::in_the_making),
    (Guard::NamedDirectory, ownership::named_directory),
    (
        Guard::KeptSnapshotDirectory,
        ownership::kept_snapshot_directory,
    ),
    (Guard::OpaqueTaskOwned, ownership::opaque_task_owned),
    (Guard::LiveDescendant, ownership::live_descendant),
    (Guard::LiveBackend, running::live_backend),
    (Guard::NoHighAvailability, running::no_high_availability),
    (
        Guard::JobManagerUnreachable,
        running::job_manager_unreachable,
    ),
    (Guard::NotPlain, running::not_plain),
    (
        Guard::ConcurrentCheckpoints,
        running::concurrent_checkpoints,
    ),
    (Guard::Counter, running::counter),
    (Guard::InFlight, running::in_flight),
];

/// Asks every guard in turn. None means that nobody objects, not that the file may go now: see ripeness.
#[must_use]
pub fn check(context: &Context<'_>, candidate: &Candidate<'_>) -> Option<Protection> {
    CHAIN.iter().find_map(|(guard, check)| {
        check(context, candidate).map(|why| Protection {
            guard: *guard,
            why: why.into(),
        })
    })
}

/// The same for a file of a snapshot that is to expire; that its directory holds a `_metadata` is then no objection.
/// (One in which others name files does not expire.)
#[must_use]
pub fn check_expiring(context: &Context<'_>, candidate: &Candidate<'_>) -> Option<Protection> {
    CHAIN
        .iter()
        .filter(|(guard, _)| *guard != Guard::KeptSnapshotDirectory)
        .find_map(|(guard, check)| {
            check(context, candidate).map(|why| Protection {
                guard: *guard,
                why: why.into(),
            })
        })
}
