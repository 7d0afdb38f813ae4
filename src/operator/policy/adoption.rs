//! What a policy adopts, within what the administrator allows.

use retention::location::{Location, Origin};
use retention::policy::Adoption;

use super::judgement::{Obstacle, Surroundings, may_act};
use super::quoted::as_yaml;
use crate::api::retention_policy::{self, ApprovalMode, RetentionPolicySpec};
use crate::operator::administrator::{Administrator, signed};
use crate::operator::identity::Identity;

/// The directories that the policy adopts from. Each is granted or not like any other.
pub(super) fn wanted<'s>(
    spec: &'s RetentionPolicySpec,
    at: &Surroundings<'_, '_>,
    obstacles: &mut Vec<Obstacle>,
) -> Vec<&'s String> {
    if spec.adopt.is_empty() {
        return Vec::new();
    }
    // The definition says so too; one of an older release may not.
    if spec.approval != ApprovalMode::Manual {
        let why = "adopting directories of unknown jobs needs a person's approval: add `approval: Manual`";
        obstacles.push(Obstacle::NotAdopted {
            why: why.to_owned(),
        });
        return Vec::new();
    }
    for base in spec
        .adopt
        .iter()
        .filter_map(|adoption| adoption.base.as_ref())
    {
        if !is_exclusive(base, at.namespace, at.administrator, at.origin) {
            obstacles.push(Obstacle::NotAdopted {
                why: format!(
                    "{base} is not exclusive to namespace {namespace}, so that its idle directories may be of jobs elsewhere: name them by `directory` and `jobIds`, or let the administrator's file say `{{location: {location}, exclusive: true}}`",
                    namespace = at.namespace,
                    location = as_yaml(base)
                ),
            });
        }
    }
    spec.adopt
        .iter()
        .filter_map(|adoption| adoption.directory.as_ref().or(adoption.base.as_ref()))
        .collect()
}

fn is_exclusive(
    base: &str,
    namespace: &str,
    administrator: &Administrator,
    origin: &Origin,
) -> bool {
    let Ok(base) = Location::parse(base, origin) else {
        return false;
    };
    let exclusive = administrator.exclusive(namespace, origin);
    exclusive
        .iter()
        .any(|exclusive| base.relative_to(&exclusive.location).is_some())
}

/// What the core may adopt: nothing that is not granted, nothing without a person's approval, and by age alone only
/// where the administrator says that nobody else refers. Floors are still to be applied.
pub(in crate::operator) fn adoptions(
    spec: &RetentionPolicySpec,
    namespace: &str,
    administrator: &Administrator,
    origin: &Origin,
    identity: &Identity,
) -> Vec<Adoption> {
    if spec.approval != ApprovalMode::Manual {
        return Vec::new();
    }
    let granted = |directory: &str| {
        let directory = Location::parse(directory, origin).ok()?;
        may_act(identity, administrator, namespace, origin, &directory).then_some(directory)
    };
    spec.adopt
        .iter()
        .filter_map(|adoption| {
            let retention_policy::Adoption {
                directory,
                job_ids,
                last_modified_before,
                base,
                idle_for,
            } = adoption;
            match (directory, base, idle_for) {
                (Some(directory), None, None) => Some(Adoption {
                    directory: granted(directory)?,
                    jobs: Some(job_ids.iter().filter_map(|id| id.parse().ok()).collect()),
                    idle_for: jiff::SignedDuration::ZERO,
                    last_modified_before: last_modified_before.as_ref().map(|time| time.0),
                }),
                (None, Some(base), Some(idle_for))
                    if is_exclusive(base, namespace, administrator, origin) =>
                {
                    Some(Adoption {
                        directory: granted(base)?,
                        jobs: None,
                        idle_for: signed(*idle_for),
                        last_modified_before: None,
                    })
                }
                _ => None,
            }
        })
        .collect()
}
