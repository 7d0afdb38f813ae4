//! From a `FlinkSessionJob` to the draft of its job. It is never more than "unclear": its id is claimed, its bases are
//! scanned, and its files stay.

use crate::api::flink::FlinkSessionJob;
use crate::observe::configurations::Configurations;
use crate::observe::deployment::{Parts, collect, current_id, finish, job_name};
use crate::observe::draft::{Draft, Surroundings};
use retention::evidence::Phase;

/// `cluster` is the configuration of its session cluster, where that is known.
#[must_use]
pub(super) fn draft(
    job: &FlinkSessionJob,
    cluster: Option<&Configurations>,
    surroundings: Surroundings,
) -> Draft {
    let mut known = Vec::new();
    let mut problems = Vec::new();
    let status = job.status.as_ref();
    if let Some(reconciliation) = status.and_then(|status| status.reconciliation_status.as_ref()) {
        collect(
            reconciliation.deployed(),
            "lastReconciledSpec",
            &mut known,
            &mut problems,
        );
        collect(
            reconciliation.stable(),
            "lastStableSpec",
            &mut known,
            &mut problems,
        );
    }
    let own = Configurations::new(known, job.spec.flink_configuration.clone());
    if cluster.is_none() {
        let why = "its session cluster is not known, nor the directories that it sets";
        problems.push(why.to_owned());
    }
    let configurations = cluster.map_or_else(
        || own.clone(),
        |cluster| Configurations::of_session_job(&own, cluster),
    );
    let named = job.job_status().and_then(|status| status.job_id.as_deref());
    let parts = Parts {
        name: job_name("FlinkSessionJob", &job.metadata),
        current: current_id(named, None).0,
        phase: Phase::Unclear {
            why: "FlinkSessionJob is not supported yet".to_owned(),
        },
        stateful: true,
        problems,
    };
    let mut draft = finish(parts, &job.metadata, &configurations, surroundings);
    match (&mut draft.address, &job.spec.deployment_name) {
        (Some(address), Some(cluster)) => address.cluster.clone_from(cluster),
        (address, None) => *address = None,
        (None, Some(_)) => {}
    }
    draft
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::api::flink::FlinkConfiguration;

    const JOB: &str = "
apiVersion: flink.apache.org/v1beta1
kind: FlinkSessionJob
metadata: {name: clicks, namespace: flink}
spec:
  deploymentName: session
  flinkConfiguration: {state.checkpoints.dir: /own}
status:
  jobStatus: {jobId: 00000000000000000000000000000abc, state: RUNNING}
";

    fn drafted(cluster: Option<&Configurations>) -> Draft {
        let object = serde_saphyr::from_str(JOB).unwrap();
        let job = FlinkSessionJob::from_dynamic(object).unwrap();
        draft(&job, cluster, Surroundings::default())
    }

    #[test]
    fn its_id_and_both_directories_are_known_and_nothing_else() {
        let cluster = FlinkConfiguration::from_iter([("state.checkpoints.dir", "/cluster")]);
        let draft = drafted(Some(&Configurations::new(Vec::new(), cluster)));
        assert!(draft.current.is_some());
        let bases: Vec<_> = draft.bases.iter().map(ToString::to_string).collect();
        assert_eq!(bases, ["file:/own", "file:/cluster"]);
        assert_eq!(draft.address.unwrap().cluster, "session");
        assert!(matches!(draft.phase, Phase::Unclear { .. }));
        assert!(draft.gaps.is_empty());
    }

    #[test]
    fn without_its_cluster_a_directory_may_be_missing() {
        assert_eq!(drafted(None).gaps.len(), 1);
    }
}
