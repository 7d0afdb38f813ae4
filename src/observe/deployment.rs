//! From a `FlinkDeployment` to the draft of its job.

use crate::api::flink::blue_green::CHILD_LABEL;
use crate::api::flink::{
    EmbeddedSpec, FlinkConfiguration, FlinkDeployment, FlinkKind, InvalidEmbeddedSpec,
    ReconciliationStatus,
};
use crate::api::names::{SUSPEND_ANNOTATION, is_on};
use crate::observe::configurations::{Configurations, Directories};
use crate::observe::draft::{Colour, Draft, Half, Host, Surroundings};
use crate::observe::job_manager::ClusterAddress;
use crate::observe::sketch::Sketch;
use crate::observe::{gaps, phase};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use retention::evidence::{Gap, JobName, Phase, Radius, Root};
use retention::guard::Guard;
use retention::layout::JobId;

/// The configuration that a cluster was deployed with: `flink-config-<name>`. None while nothing is deployed.
pub(super) type Deployed = Result<Option<FlinkConfiguration>, String>;

/// A `FlinkDeployment`, as far as it matters.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) sketch: Sketch,
    /// Without a job of its own it is a session cluster.
    pub(super) is_session: bool,
    pub(super) is_being_deleted: bool,
}

#[must_use]
pub(super) fn read(deployment: &FlinkDeployment) -> Read {
    let metadata = &deployment.metadata;
    let name = job_name("FlinkDeployment", metadata);
    let (configurations, problems) = configurations(
        deployment.reconciliation_status(),
        &deployment.spec.flink_configuration,
    );
    let status = deployment.job_status();
    let asked = deployment.spec.job.as_ref();
    let stateful = asked
        .and_then(|job| job.upgrade_mode.as_deref())
        .is_some_and(|mode| !mode.eq_ignore_ascii_case("stateless"));
    Read {
        is_session: deployment.is_session_cluster(),
        is_being_deleted: metadata.deletion_timestamp.is_some(),
        sketch: Sketch {
            host: Host::Own,
            named_id: status.and_then(|status| status.job_id.clone()),
            phase: phase::of(deployment),
            starts_from: phase::starts_from(deployment),
            stateful,
            configurations,
            problems,
            half: half(metadata),
            suspended_by: suspended_by(&name, metadata),
            name,
        },
    }
}

/// The draft of its job, and every configuration that it may have.
#[must_use]
pub(super) fn draft(
    sketch: Sketch,
    deployed: Deployed,
    surroundings: Surroundings,
) -> (Draft, Configurations) {
    let mut sketch = sketch;
    match deployed {
        Ok(None) => {}
        Ok(Some(deployed)) => sketch.configurations = sketch.configurations.nearest(deployed),
        // The first problem that is told: it hides more than any other.
        Err(why) => sketch.problems.insert(
            0,
            format!("its deployed configuration cannot be read: {why}"),
        ),
    }
    let fixed = sketch.configurations.fixed_job_id();
    let (current, id_problem) = current_id(sketch.named_id.as_deref(), fixed);
    sketch.phase = match (sketch.phase, id_problem) {
        (phase @ Phase::NoJob { .. }, _) | (phase, None) => phase,
        (_, Some(why)) => Phase::Unclear { why },
    };
    let configurations = sketch.configurations.clone();
    let draft = finish(sketch, current, &configurations, surroundings);
    (draft, configurations)
}

/// `configurations` are all that the job may have, beside those in its own resource.
pub(super) fn finish(
    sketch: Sketch,
    current: Option<JobId>,
    configurations: &Configurations,
    surroundings: Surroundings,
) -> Draft {
    let Sketch {
        name,
        host,
        named_id: _,
        phase,
        starts_from,
        stateful,
        configurations: _,
        problems,
        half,
        suspended_by,
    } = sketch;
    let Surroundings {
        origin,
        record,
        namespace_suspended,
    } = surroundings;
    let Directories {
        mut bases,
        invalid,
        with_entropy,
    } = configurations.directories(&origin);
    let (lineage, recorded) =
        record.map_or_else(Default::default, |record| (record.lineage, record.bases));
    for base in recorded {
        if !bases.contains(&base) {
            bases.push(base);
        }
    }
    let gap = |why: String, radius: Vec<Radius>| Gap {
        guard: Guard::MissingEvidence,
        what: name.to_string(),
        why,
        radius,
    };
    let ids = gaps::ids(current, &lineage);
    let unknown_places = problems
        .into_iter()
        .map(|why| gap(why, vec![gaps::seen_from(&name.namespace)]));
    let invalid = invalid.into_iter().map(|error| {
        gap(
            format!("it names a directory that is none: {error}"),
            ids.clone(),
        )
    });
    let entropy = with_entropy.into_iter().map(|base| {
        let why = format!(
            "the files of {base} get random path segments (s3.entropy.key), which is not supported"
        );
        gap(why, vec![Radius::Store(base.store().clone())])
    });
    let roots = configurations.snapshots(&origin).into_iter();
    let roots = roots.map(|(snapshot, location)| Root {
        snapshot,
        location,
        named_by: format!("the configuration of {name}"),
    });
    Draft {
        roots: roots.collect(),
        gaps: unknown_places.chain(invalid).chain(entropy).collect(),
        address: Some(address(&name, configurations)),
        host,
        half,
        current,
        phase,
        starts_from,
        lineage,
        bases,
        high_availability: configurations.high_availability(),
        checkpoint_timeout: configurations.checkpoint_timeout(),
        state_backend: configurations.state_backend(),
        suspended_by: suspended_by.or(namespace_suspended),
        origin,
        stateful,
        name,
    }
}

/// Where the cluster of a `FlinkDeployment` answers.
#[must_use]
pub(super) fn address(name: &JobName, configurations: &Configurations) -> ClusterAddress {
    ClusterAddress {
        cluster: configurations.cluster_id().unwrap_or(&name.name).to_owned(),
        namespace: name.namespace.clone(),
        port: configurations.rest_port(),
        tls: configurations.rest_tls(),
    }
}

/// The configurations in a resource, and what of them could not be read.
#[must_use]
pub(super) fn configurations(
    reconciliation: Option<&ReconciliationStatus>,
    asked: &FlinkConfiguration,
) -> (Configurations, Vec<String>) {
    let mut known = Vec::new();
    let mut problems = Vec::new();
    if let Some(reconciliation) = reconciliation {
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
    (Configurations::new(known, asked.clone()), problems)
}

fn collect(
    embedded: Result<Option<EmbeddedSpec>, InvalidEmbeddedSpec>,
    field: &str,
    known: &mut Vec<FlinkConfiguration>,
    problems: &mut Vec<String>,
) {
    match embedded {
        Ok(embedded) => known.extend(embedded.map(|embedded| embedded.spec.flink_configuration)),
        Err(error) => problems.push(format!("its {field} cannot be read: {error}")),
    }
}

/// The id of the job, and why it is not sure.
#[must_use]
pub(super) fn current_id(
    named: Option<&str>,
    fixed: Option<&str>,
) -> (Option<JobId>, Option<String>) {
    let parse = |text: &str| text.trim().to_ascii_lowercase().parse::<JobId>();
    let fixed = match fixed.map(parse).transpose() {
        Ok(fixed) => fixed,
        Err(error) => return (None, Some(format!("$internal.pipeline.job-id: {error}"))),
    };
    match (named.map(parse).transpose(), fixed) {
        (Err(error), _) => (None, Some(format!("status.jobStatus.jobId: {error}"))),
        (Ok(None), None) => (None, Some("its resource names no job id".to_owned())),
        (Ok(None), Some(fixed)) => (
            Some(fixed),
            Some("its resource names no job id; its configuration fixes one".to_owned()),
        ),
        (Ok(Some(named)), Some(fixed)) if named != fixed => (
            Some(named),
            Some(format!(
                "it runs as {named}, but its configuration fixes {fixed}"
            )),
        ),
        (Ok(Some(named)), _) => (Some(named), None),
    }
}

#[must_use]
pub(super) fn job_name(kind: &str, metadata: &ObjectMeta) -> JobName {
    JobName {
        kind: kind.to_owned(),
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
    }
}

/// The annotation of the resource itself.
#[must_use]
pub(super) fn suspended_by(name: &JobName, metadata: &ObjectMeta) -> Option<String> {
    let annotation = metadata.annotations.as_ref()?.get(SUSPEND_ANNOTATION);
    is_on(annotation).then(|| format!("{name} has the annotation {SUSPEND_ANNOTATION}"))
}

/// Either the label or the owner makes it one: what is half understood is to be protected.
pub(super) fn half(metadata: &ObjectMeta) -> Option<Half> {
    let label = metadata
        .labels
        .as_ref()
        .and_then(|labels| labels.get(CHILD_LABEL));
    let owner = metadata
        .owner_references
        .iter()
        .flatten()
        .find(|owner| owner.kind == FlinkKind::BlueGreenDeployment.as_str());
    if label.is_none() && owner.is_none() {
        return None;
    }
    Some(Half {
        colour: match label.map(String::as_str) {
            Some("BLUE") => Some(Colour::Blue),
            Some("GREEN") => Some(Colour::Green),
            Some(_) | None => None,
        },
        pair: owner.map(|owner| (owner.name.clone(), owner.uid.clone())),
    })
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use kube::api::DynamicObject;
    use retention::evidence::{Lineage, LineageEntry, ResourceState};
    use retention::location::Origin;

    const STABLE: &str = include_str!("fixtures/stable.yaml");
    const JOB: &str = "00000000000000000000000000000abc";

    /// The fixture with some of its text replaced; each piece must be there.
    pub(in crate::observe) fn object(yaml: &str, edits: &[(&str, &str)]) -> DynamicObject {
        let mut yaml = yaml.to_owned();
        for (from, to) in edits {
            assert!(yaml.contains(from), "{from:?} is not in the fixture");
            yaml = yaml.replacen(from, to, 1);
        }
        serde_saphyr::from_str(&yaml).unwrap()
    }

    pub(in crate::observe) fn deployment(yaml: &str, edits: &[(&str, &str)]) -> FlinkDeployment {
        FlinkDeployment::from_dynamic(object(yaml, edits)).unwrap()
    }

    fn drafted(edits: &[(&str, &str)], deployed: &Deployed) -> Draft {
        let sketch = read(&deployment(STABLE, edits)).sketch;
        draft(sketch, deployed.clone(), Surroundings::default()).0
    }

    fn bases(draft: &Draft) -> Vec<String> {
        draft.bases.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_draft_knows_id_bases_and_address() {
        let deployed = FlinkConfiguration::from_iter([
            ("state.checkpoints.dir", "/from-the-operators-defaults"),
            ("rest.port", "8082"),
            ("high-availability", "kubernetes"),
        ]);
        let draft = drafted(&[], &Ok(Some(deployed)));
        assert_eq!(draft.current.unwrap().to_string(), JOB);
        assert_eq!(draft.name.to_string(), "FlinkDeployment flink/orders");
        assert_eq!(
            bases(&draft),
            [
                "file:/from-the-operators-defaults",
                "file:/opt/flink/volume/flink-cp",
                "file:/opt/flink/volume/before",
                "file:/opt/flink/volume/flink-sp",
            ]
        );
        let address = draft.address.unwrap();
        assert_eq!((address.cluster.as_str(), address.port), ("orders", 8082));
        assert!(draft.stateful && draft.gaps.is_empty());
        assert_eq!(draft.phase, Phase::Running);
    }

    #[test]
    fn an_unreadable_deployed_configuration_may_hide_a_directory() {
        let draft = drafted(&[], &Err("403".to_owned()));
        assert_eq!(draft.gaps.len(), 1);
        assert_eq!(draft.gaps[0].radius, [gaps::seen_from("flink")]);
    }

    #[test]
    fn an_unreadable_rollback_target_may_hide_a_directory() {
        let draft = drafted(&[("lastStableSpec: '{", "lastStableSpec: '")], &Ok(None));
        assert_eq!(draft.gaps.len(), 1, "{:?}", draft.gaps);
    }

    #[test]
    fn a_directory_that_is_none_protects_the_jobs_own_ids() {
        let edits = [("file:///opt/flink/volume/flink-sp", "not/absolute")];
        let draft = drafted(&edits, &Ok(None));
        assert_eq!(draft.gaps.len(), 1);
        assert_eq!(draft.gaps[0].radius, [Radius::Job(JOB.parse().unwrap())]);
    }

    #[test]
    fn a_record_adds_former_ids_and_bases() {
        let old = retention::location::Location::parse("/old", &Origin::default()).unwrap();
        let entry = LineageEntry {
            job_id: "00000000000000000000000000000aaa".parse().unwrap(),
            base: Some(old.clone()),
            first_seen: jiff::Timestamp::UNIX_EPOCH,
            last_seen: jiff::Timestamp::UNIX_EPOCH,
            resource: ResourceState::Exists,
        };
        let record = super::super::lineage::Record {
            lineage: Lineage {
                entries: vec![entry],
            },
            bases: vec![old.clone()],
        };
        let surroundings = Surroundings {
            record: Some(record),
            namespace_suspended: Some("because".to_owned()),
            ..Surroundings::default()
        };
        let sketch = read(&deployment(STABLE, &[])).sketch;
        let (draft, _) = draft(sketch, Ok(None), surroundings);
        assert!(draft.bases.contains(&old));
        assert_eq!(draft.lineage.entries.len(), 1);
        assert_eq!(draft.suspended_by.as_deref(), Some("because"));
    }

    #[test]
    fn the_annotation_of_the_resource_suspends() {
        let annotated = "namespace: flink\n  annotations: {flink-retention.dev/suspend: \"true\"}";
        let draft = drafted(&[("namespace: flink", annotated)], &Ok(None));
        assert!(
            draft
                .suspended_by
                .unwrap()
                .contains("FlinkDeployment flink/orders")
        );
    }

    #[test]
    fn a_half_of_a_pair_is_known_by_its_label_or_its_owner() {
        let with = |metadata: &str| {
            let metadata = format!("namespace: flink\n  {metadata}");
            drafted(&[("namespace: flink", metadata.as_str())], &Ok(None)).half
        };
        let owner = "ownerReferences: [{apiVersion: flink.apache.org/v1beta1, kind: FlinkBlueGreenDeployment, name: pair, uid: p}]";
        let label = "labels: {flink/blue-green-deployment-type: BLUE}";
        let pair = Some(("pair".to_owned(), "p".to_owned()));
        let (blue, none) = (Some(Colour::Blue), None);
        for (metadata, colour, pair) in [
            (owner.to_owned(), none, pair.clone()),
            (label.to_owned(), blue, None),
            (format!("{owner}\n  {label}"), blue, pair),
        ] {
            assert_eq!(with(&metadata), Some(Half { colour, pair }), "{metadata}");
        }
        assert_eq!(with("labels: {team: a}"), None);
    }

    #[test]
    fn an_id_that_is_not_sure_makes_the_phase_unclear() {
        let cases = [
            (format!("jobId: {JOB}"), "other: x".to_owned(), None),
            (JOB.to_owned(), "nonsense".to_owned(), None),
            (
                "high-availability.type: kubernetes".to_owned(),
                "$internal.pipeline.job-id: 00000000000000000000000000000def".to_owned(),
                Some(JOB),
            ),
        ];
        for (from, to, current) in cases {
            let draft = drafted(&[(&from, &to)], &Ok(None));
            assert!(matches!(draft.phase, Phase::Unclear { .. }), "{to}");
            assert_eq!(draft.current.map(|id| id.to_string()).as_deref(), current);
        }
    }
}
