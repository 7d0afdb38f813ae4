//! Which jobs and directories a policy is for, and what stands in its way.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use retention::evidence::JobName;
use retention::location::{Location, Origin};

use super::adoption;
use super::overlap::{Labelled, Rival, overlaps};
use crate::api::selector::{KnownLabels, Selects};
use crate::api::{CheckpointInventory, Mode, Reason, RetentionPolicySpec, unsupported};
use crate::operator::administrator::{Administrator, Pause};
use crate::operator::identity::{Identity, NoIdentity};
use crate::operator::schedule::{InvalidSchedule, Schedule};

/// Where a policy lives.
#[allow(missing_debug_implementations, reason = "it holds a function")]
pub(in crate::operator) struct Surroundings<'a, 'f> {
    pub(in crate::operator) namespace: &'f str,
    pub(in crate::operator) uid: &'f str,
    /// Every inventory of the namespace.
    pub(in crate::operator) inventories: &'a [CheckpointInventory],
    /// Every other policy of the namespace.
    pub(in crate::operator) rivals: &'f [Rival],
    pub(in crate::operator) administrator: &'f Administrator,
    /// What paths of the namespace leave out.
    pub(in crate::operator) origin: &'f Origin,
    /// As whom the storage is reached.
    pub(in crate::operator) identity: &'f Identity,
    /// Whether the operator itself reaches a location.
    pub(in crate::operator) reachable: &'f (dyn Fn(&Location) -> bool + Sync),
    pub(in crate::operator) now: Timestamp,
}

/// What a policy is for.
#[derive(Debug)]
pub(in crate::operator) struct Judgement<'a> {
    /// By the selector.
    pub(in crate::operator) selected: Vec<&'a CheckpointInventory>,
    /// Jobs that other policies select as well, and which.
    pub(in crate::operator) overlaps: BTreeMap<JobName, BTreeSet<String>>,
    /// Whose files may be acted upon: selected, and by no other policy.
    pub(in crate::operator) scope: BTreeSet<JobName>,
    /// Directories that runs look at: of the scope, granted, within reach.
    pub(in crate::operator) bases: Vec<Location>,
    /// Everything that stands in the way.
    pub(in crate::operator) obstacles: Vec<Obstacle>,
    pub(in crate::operator) schedule: Result<Schedule, InvalidSchedule>,
    /// What may be done at most: `Enforce` only if nothing forbids it.
    pub(in crate::operator) mode: Mode,
    /// Why that is less than the policy asks for.
    pub(in crate::operator) restrained: Option<Restraint>,
}

/// Something without which the policy cannot do all its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::operator) enum Obstacle {
    /// Fields of the spec that this version does not honour: nothing is done.
    NotSupportedYet {
        fields: Vec<&'static str>,
    },
    /// Nothing is done.
    InvalidSelector {
        why: String,
    },
    /// Jobs of which not every label is known, and that the selector may mean: nothing is done for them.
    TooManyLabels {
        jobs: Vec<JobName>,
    },
    /// Runs by hand are still done.
    InvalidSchedule {
        why: String,
    },
    BaseNotGranted {
        bases: Vec<String>,
    },
    BaseUnreachable {
        bases: Vec<String>,
        by: Reacher,
    },
    /// Nothing is done: nobody may ask the storage.
    NoIdentity(NoIdentity),
    /// Directories are adopted only where a person approves, and by age only where nobody else refers.
    NotAdopted {
        why: String,
    },
    EndpointNotGranted {
        endpoint: String,
    },
}

/// Who does not reach something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::operator) enum Reacher {
    Operator,
    Tenant,
    Worker,
}

/// Why nothing is deleted although the policy says `Enforce`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::operator) enum Restraint {
    Suspended,
    Paused(Pause),
    NotSupportedYet,
    WorkerOnlyLooks,
}

impl Restraint {
    /// The reason of the condition.
    pub(in crate::operator) fn reason(self) -> Reason {
        match self {
            Self::Suspended => Reason::Suspended,
            Self::Paused(Pause::AskedFor) => Reason::PausedByAdministrator,
            Self::Paused(Pause::FileUnusable) => Reason::AdministratorFileUnusable,
            Self::NotSupportedYet => Reason::NotSupportedYet,
            Self::WorkerOnlyLooks => Reason::WorkerOnlyLooks,
        }
    }

    pub(in crate::operator) fn why(self) -> &'static str {
        match self {
            Self::Suspended => "the policy is suspended",
            Self::Paused(pause) => pause.why(),
            Self::NotSupportedYet => "the policy uses fields that are not honoured yet",
            Self::WorkerOnlyLooks => {
                "workers of this namespace may only look until the administrator's file grants it `workersMayDelete: true`"
            }
        }
    }
}

/// Judges a policy.
pub(in crate::operator) fn judge<'a>(
    spec: &RetentionPolicySpec,
    at: &Surroundings<'a, '_>,
) -> Judgement<'a> {
    let mut obstacles = Vec::new();
    let fields = unsupported::in_policy(spec);
    let supported = fields.is_empty();
    if !supported {
        obstacles.push(Obstacle::NotSupportedYet { fields });
    }
    if let Some(why) = at.identity.missing()
        && supported
    {
        obstacles.push(Obstacle::NoIdentity(why.clone()));
    }
    let (mut selected, mut unclear) = (Vec::new(), Vec::new());
    for inventory in at.inventories {
        match spec
            .selector
            .selects(KnownLabels::recorded(&inventory.spec.last_labels))
        {
            Ok(Selects::Yes) => selected.push(inventory),
            Ok(Selects::No) => {}
            Ok(Selects::Unclear) => unclear.push(job_name(at.namespace, inventory)),
            Err(error) => {
                obstacles.push(Obstacle::InvalidSelector {
                    why: error.to_string(),
                });
                break;
            }
        }
    }
    if !unclear.is_empty() {
        obstacles.push(Obstacle::TooManyLabels { jobs: unclear });
    }
    let labelled: Vec<Labelled<'_>> = selected
        .iter()
        .map(|inventory| Labelled {
            job: job_name(at.namespace, inventory),
            labels: KnownLabels::recorded(&inventory.spec.last_labels),
        })
        .collect();
    let overlaps = overlaps(&labelled, at.rivals);
    let scope: BTreeSet<JobName> = labelled
        .into_iter()
        .map(|labelled| labelled.job)
        .filter(|job| !overlaps.contains_key(job))
        .collect();
    let in_scope = selected
        .iter()
        .filter(|inventory| scope.contains(&job_name(at.namespace, inventory)));
    let adopted = adoption::wanted(spec, at, &mut obstacles);
    let texts = in_scope
        .flat_map(|inventory| &inventory.spec.bases)
        .chain(adopted);
    let bases = if at.identity.missing().is_some() {
        Vec::new()
    } else {
        bases(texts.collect(), at, &mut obstacles)
    };
    for endpoint in spec.storage.endpoints() {
        if !at.administrator.grants_endpoint(at.namespace, endpoint) {
            obstacles.push(Obstacle::EndpointNotGranted {
                endpoint: endpoint.clone(),
            });
        }
    }
    let schedule = Schedule::parse(
        spec.schedule.as_deref(),
        spec.time_zone.as_deref(),
        at.uid,
        at.now,
    );
    if let Err(error) = &schedule {
        obstacles.push(Obstacle::InvalidSchedule {
            why: error.to_string(),
        });
    }
    let is_worker = matches!(at.identity, Identity::Worker(_));
    let restrained = if !supported {
        Some(Restraint::NotSupportedYet)
    } else if let Some(pause) = at.administrator.paused {
        Some(Restraint::Paused(pause))
    } else if spec.suspend {
        Some(Restraint::Suspended)
    } else if is_worker && !at.administrator.lets_workers_delete(at.namespace) {
        Some(Restraint::WorkerOnlyLooks)
    } else {
        None
    };
    Judgement {
        selected,
        overlaps,
        scope,
        bases: if supported { bases } else { Vec::new() },
        obstacles,
        schedule,
        mode: if restrained.is_some() {
            Mode::DryRun
        } else {
            spec.mode
        },
        restrained,
    }
}

impl Judgement<'_> {
    /// Whether the spec cannot be followed at all, not even by a dry run: it would report something else than what
    /// the spec asks for.
    pub(in crate::operator) fn does_nothing(&self) -> bool {
        self.obstacles.iter().any(|obstacle| match obstacle {
            Obstacle::NotSupportedYet { .. }
            | Obstacle::InvalidSelector { .. }
            | Obstacle::NoIdentity(_)
            | Obstacle::EndpointNotGranted { .. } => true,
            Obstacle::TooManyLabels { .. }
            | Obstacle::InvalidSchedule { .. }
            | Obstacle::BaseNotGranted { .. }
            | Obstacle::BaseUnreachable { .. }
            | Obstacle::NotAdopted { .. } => false,
        })
    }
}

/// The name of the Flink resource of an inventory.
pub(in crate::operator) fn job_name(namespace: &str, inventory: &CheckpointInventory) -> JobName {
    JobName {
        kind: inventory.spec.job_ref.kind.clone(),
        namespace: namespace.to_owned(),
        name: inventory.spec.job_ref.name.clone(),
    }
}

fn bases(
    texts: BTreeSet<&String>,
    at: &Surroundings<'_, '_>,
    obstacles: &mut Vec<Obstacle>,
) -> Vec<Location> {
    let (mut bases, mut not_granted, mut unreachable) = (BTreeSet::new(), Vec::new(), Vec::new());
    for text in texts {
        match Location::parse(text, at.origin) {
            Ok(base)
                if !may_act(
                    at.identity,
                    at.administrator,
                    at.namespace,
                    at.origin,
                    &base,
                ) =>
            {
                not_granted.push(text.clone());
            }
            Ok(base) if !is_reached(at, &base) => unreachable.push(text.clone()),
            Ok(base) => {
                bases.insert(base);
            }
            // What is no location is no directory that anybody could grant.
            Err(_) => not_granted.push(text.clone()),
        }
    }
    if !not_granted.is_empty() {
        obstacles.push(Obstacle::BaseNotGranted { bases: not_granted });
    }
    if !unreachable.is_empty() {
        let by = match at.identity {
            Identity::Operator => Reacher::Operator,
            Identity::Worker(_) => Reacher::Worker,
            Identity::Tenant(_) | Identity::Nobody(_) => Reacher::Tenant,
        };
        let bases = unreachable;
        obstacles.push(Obstacle::BaseUnreachable { bases, by });
    }
    bases.into_iter().collect()
}

/// Whether the policy may act at a location: as the operator where that was granted; with credentials of the tenant's
/// own wherever these reach, which is for the store to say.
pub(super) fn may_act(
    identity: &Identity,
    administrator: &Administrator,
    namespace: &str,
    origin: &Origin,
    location: &Location,
) -> bool {
    match identity {
        Identity::Operator => administrator.grants(namespace, location, origin),
        // Whoever may mount a claim in a pod of the namespace has what is in it.
        Identity::Tenant(_) | Identity::Worker(_) => true,
        Identity::Nobody(_) => false,
    }
}

fn is_reached(at: &Surroundings<'_, '_>, location: &Location) -> bool {
    match at.identity {
        Identity::Operator => (at.reachable)(location),
        Identity::Tenant(tenant) => tenant.reaches(location),
        Identity::Worker(plan) => plan.reaches(location),
        Identity::Nobody(_) => false,
    }
}

#[cfg(test)]
mod tests;
