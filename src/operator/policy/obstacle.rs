//! What stands in the way of a policy, in a word and in a sentence.

use super::hdfs::{self, is_in_hdfs};
use super::judgement::{Obstacle, Reacher};
use super::quoted::{as_shell_word, as_yaml};
use crate::api::Reason;
use crate::api::selector::MAX_LABELS;

pub(super) const NAMED: usize = 5;

/// A stable word for an obstacle.
pub(in crate::operator) fn word(obstacle: &Obstacle) -> Reason {
    match obstacle {
        Obstacle::NotSupportedYet { .. } => Reason::NotSupportedYet,
        Obstacle::InvalidSelector { .. } => Reason::InvalidSelector,
        Obstacle::TooManyLabels { .. } => Reason::TooManyLabels,
        Obstacle::InvalidSchedule { .. } => Reason::InvalidSchedule,
        Obstacle::BaseNotGranted { .. } => Reason::BaseNotGranted,
        Obstacle::BaseUnreachable { .. } => Reason::BaseUnreachable,
        Obstacle::NotAdopted { .. } => Reason::NotAdopted,
        Obstacle::NoIdentity(why) => why.word(),
        Obstacle::EndpointNotGranted { .. } => Reason::EndpointNotGranted,
    }
}

/// What is wrong, and who has to write what.
pub(in crate::operator) fn sentence(obstacle: &Obstacle, namespace: &str, account: &str) -> String {
    match obstacle {
        Obstacle::NotSupportedYet { fields } => {
            format!(
                "This version does not honour {} yet: remove it. Until then nothing is done for this policy.",
                fields.join(", ")
            )
        }
        Obstacle::TooManyLabels { jobs } => {
            let jobs: Vec<String> = jobs
                .iter()
                .map(|job| format!("{} {}", job.kind, job.name))
                .collect();
            format!(
                "Of {} only the first {MAX_LABELS} labels are known, and not all that the selector asks for: nothing of it is deleted until it has fewer labels.",
                listed(&jobs)
            )
        }
        Obstacle::InvalidSelector { why }
        | Obstacle::InvalidSchedule { why }
        | Obstacle::NotAdopted { why } => format!("{why}."),
        Obstacle::EndpointNotGranted { endpoint } => format!(
            "{endpoint} is not granted to namespace {namespace}; the administrator's file needs `grants: [{{namespace: {namespace}, endpoints: [{}]}}]`.",
            as_yaml(endpoint)
        ),
        Obstacle::BaseNotGranted { bases } => {
            let entries: Vec<String> = bases
                .iter()
                .take(NAMED)
                .map(|base| format!("{{location: {}}}", as_yaml(base)))
                .collect();
            format!(
                "{} not granted to namespace {namespace}; the administrator's file needs `grants: [{{namespace: {namespace}, bases: [{}]}}]`.",
                are(bases),
                entries.join(", ")
            )
        }
        Obstacle::NoIdentity(why) => why.sentence(namespace, account),
        Obstacle::BaseUnreachable { bases, by } if bases.iter().any(|base| is_in_hdfs(base)) => {
            let (in_hdfs, bases): (Vec<_>, Vec<_>) =
                bases.iter().cloned().partition(|base| is_in_hdfs(base));
            let said = hdfs::sentence(&in_hdfs);
            if bases.is_empty() {
                return said;
            }
            let rest = Obstacle::BaseUnreachable { bases, by: *by };
            format!("{said} {}", sentence(&rest, namespace, account))
        }
        Obstacle::BaseUnreachable {
            bases,
            by: Reacher::Tenant,
        } => format!(
            "{} not reached with the credentials of the Secret: s3:// needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in it, gs:// GOOGLE_SERVICE_ACCOUNT_KEY, abfss:// AZURE_STORAGE_ACCOUNT_NAME of that very account and its key; a volume needs a policy of its own with `storage: {{operatorIdentity: {{}}}}`.",
            are(bases)
        ),
        Obstacle::BaseUnreachable {
            bases,
            by: Reacher::Worker,
        } => format!(
            "{} not on a claim that the pod template of a FlinkDeployment mounts into `flink-main-container`, and a worker has no other volumes; buckets need a policy of their own with `storage.secretRef`.",
            are(bases)
        ),
        Obstacle::BaseUnreachable {
            bases,
            by: Reacher::Operator,
        } if bases.iter().all(|base| {
            ["s3", "gs:", "abfss:"]
                .iter()
                .any(|scheme| base.starts_with(scheme))
        }) =>
        {
            format!(
                "{} not within the operator's reach; name a Secret with credentials in `storage.secretRef`.",
                are(bases)
            )
        }
        Obstacle::BaseUnreachable {
            bases,
            by: Reacher::Operator,
        } => {
            let first = bases.first().map(String::as_str).unwrap_or_default();
            format!(
                "{} not within the operator's reach; mount the volume and start the operator with `--mount {}=<path here>`.",
                are(bases),
                as_shell_word(&format!("{namespace}/{first}"))
            )
        }
    }
}

pub(super) fn are(bases: &[String]) -> String {
    let verb = if bases.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", listed(bases))
}

/// The first few, and how many more there are.
pub(super) fn listed(names: &[String]) -> String {
    let first: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    let more = names.len().saturating_sub(NAMED);
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{rest}", first.join(", "))
}
