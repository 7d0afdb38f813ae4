//! Every snapshot that a Flink resource names, in whatever field: whoever may still restore from it, names it.

use crate::api::flink::{
    FlinkBlueGreenDeployment, FlinkDeployment, FlinkKind, FlinkSessionJob, FlinkStateSnapshot,
    JobSpec, JobStatus,
};
use crate::observe::deployment::job_name;
use crate::observe::gaps;
use kube::api::DynamicObject;
use retention::evidence::{Gap, Root};
use retention::guard::Guard;
use retention::layout::METADATA_FILE;
use retention::location::{Location, Origin};
use retention::reference::DirectoryKey;
use std::collections::{BTreeMap, BTreeSet};

/// The roots R1 to R5, R8, R9 and R13, and any that a later version of the Flink operator may add: the text of the
/// whole resource is searched for names that Flink gives to snapshots. Fields that hold a path are taken as they are,
/// for a snapshot may have been copied to a directory of any name.
#[must_use]
pub(super) fn of(kind: FlinkKind, object: &DynamicObject, origin: &Origin) -> Vec<Root> {
    let text = format!("{} {}", object.data, annotations(object));
    let mut roots: BTreeMap<DirectoryKey, BTreeSet<Location>> = DirectoryKey::all_in(&text)
        .into_iter()
        .map(|key| (key, BTreeSet::new()))
        .collect();
    for path in in_fields(kind, object) {
        let locations = roots.entry(DirectoryKey::of(&path)).or_default();
        locations.extend(directory(&path, origin));
    }
    let named_by = job_name(kind.as_str(), &object.metadata).to_string();
    let root = |snapshot, location| Root {
        snapshot,
        location,
        named_by: named_by.clone(),
    };
    roots
        .into_iter()
        .flat_map(|(snapshot, locations)| {
            if locations.is_empty() {
                return vec![root(snapshot, None)];
            }
            let locations = locations.into_iter();
            locations
                .map(|location| root(snapshot.clone(), Some(location)))
                .collect()
        })
        .collect()
}

/// The directory of a pointer, which may name the `_metadata` in it. What is no path has no place.
fn directory(path: &str, origin: &Origin) -> Option<Location> {
    let location = Location::parse(path, origin).ok()?;
    Some(if location.name() == METADATA_FILE {
        location.parent()
    } else {
        location
    })
}

/// A snapshot or pair that cannot be decoded may name a snapshot that the search of its text does not recognise. (The
/// other kinds have a job, whose evidence says so.)
#[must_use]
pub(super) fn undecodable(kind: FlinkKind, object: &DynamicObject) -> Option<Gap> {
    let error = match kind {
        FlinkKind::Deployment | FlinkKind::SessionJob => None,
        FlinkKind::StateSnapshot => FlinkStateSnapshot::from_dynamic(object.clone()).err(),
        FlinkKind::BlueGreenDeployment => {
            FlinkBlueGreenDeployment::from_dynamic(object.clone()).err()
        }
    }?;
    Some(Gap {
        guard: Guard::MissingEvidence,
        what: job_name(kind.as_str(), &object.metadata).to_string(),
        why: format!("{} cannot be read: {}", error.field, error.problem),
        radius: vec![gaps::seen_from(&error.namespace)],
    })
}

/// People note restore points there; kubectl keeps the last applied manifest there.
fn annotations(object: &DynamicObject) -> String {
    let annotations = object.metadata.annotations.iter().flatten();
    annotations
        .map(|(_, value)| value.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

/// An object that cannot be decoded has no fields: its text was searched, and it protects more in other ways.
fn in_fields(kind: FlinkKind, object: &DynamicObject) -> Vec<String> {
    match kind {
        FlinkKind::Deployment => FlinkDeployment::from_dynamic(object.clone())
            .map(|deployment| {
                let initial = initial(deployment.spec.job.as_ref());
                let restore = deployment.spec.flink_configuration.restore_path();
                let status = deployment
                    .job_status()
                    .into_iter()
                    .flat_map(JobStatus::roots);
                let embedded = deployment
                    .reconciliation_status()
                    .into_iter()
                    .flat_map(|status| [status.deployed(), status.stable()])
                    .filter_map(|embedded| embedded.ok().flatten())
                    .filter_map(|embedded| embedded.spec.job?.initial_savepoint_path);
                let named = initial.into_iter().chain(restore).chain(status);
                named.map(str::to_owned).chain(embedded).collect()
            })
            .unwrap_or_default(),
        FlinkKind::SessionJob => FlinkSessionJob::from_dynamic(object.clone())
            .map(|job| {
                let initial = initial(job.spec.job.as_ref());
                let restore = job.spec.flink_configuration.restore_path();
                let status = job.job_status().into_iter().flat_map(JobStatus::roots);
                let named = initial.into_iter().chain(restore).chain(status);
                named.map(str::to_owned).collect()
            })
            .unwrap_or_default(),
        FlinkKind::StateSnapshot => FlinkStateSnapshot::from_dynamic(object.clone())
            .map(|snapshot| snapshot.roots().map(str::to_owned).collect())
            .unwrap_or_default(),
        FlinkKind::BlueGreenDeployment => FlinkBlueGreenDeployment::from_dynamic(object.clone())
            .map(|pair| pair.roots())
            .unwrap_or_default(),
    }
}

fn initial(job: Option<&JobSpec>) -> Option<&str> {
    job?.initial_savepoint_path.as_deref()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::observe::deployment::tests::object;

    const STABLE: &str = include_str!("fixtures/stable.yaml");

    fn keys(kind: FlinkKind, object: &DynamicObject) -> Vec<String> {
        of(kind, object, &Origin::default())
            .iter()
            .map(|root| root.snapshot.to_string())
            .collect()
    }

    #[test]
    fn a_path_in_a_field_has_a_place() {
        let edits = [(
            "file:///old/savepoint-4f1c0d-0123456789ab",
            "/copied/mine/_metadata",
        )];
        let roots = of(
            FlinkKind::Deployment,
            &object(STABLE, &edits),
            &Origin::default(),
        );
        let copied = roots
            .iter()
            .find(|root| root.snapshot.as_str() == "copied/mine");
        let location = copied.and_then(|root| root.location.as_ref()).unwrap();
        assert_eq!(location.to_string(), "file:/copied/mine");
    }

    #[test]
    fn every_field_of_a_deployment_is_searched() {
        let edits = [
            (
                "jobStatus:",
                "unheardOf: s3://b/savepoint-aaaaaa-0123456789ab\n  jobStatus:",
            ),
            (
                "namespace: flink",
                "namespace: flink\n  annotations: {note: \"back to /x/savepoint-bbbbbb-0123456789ab\"}",
            ),
            (
                r#""upgradeMode":"last-state"}"#,
                r#""initialSavepointPath":"/copied/my-own-name"}"#,
            ),
        ];
        let keys = keys(FlinkKind::Deployment, &object(STABLE, &edits));
        assert_eq!(
            keys,
            [
                "00000000000000000000000000000aaa/chk-7",
                "copied/my-own-name",
                "savepoint-4f1c0d-0123456789ab",
                "savepoint-aaaaaa-0123456789ab",
                "savepoint-bbbbbb-0123456789ab",
            ]
        );
    }

    #[test]
    fn a_root_says_who_names_it() {
        let roots = of(
            FlinkKind::Deployment,
            &object(STABLE, &[]),
            &Origin::default(),
        );
        assert_eq!(roots[0].named_by, "FlinkDeployment flink/orders");
    }

    #[test]
    fn an_undecodable_resource_is_searched_too() {
        let object = object(
            STABLE,
            &[("observedGeneration: 4", "observedGeneration: [4]")],
        );
        assert_eq!(keys(FlinkKind::Deployment, &object).len(), 2);
    }

    #[test]
    fn an_undecodable_snapshot_protects_its_namespace() {
        let yaml = "
apiVersion: flink.apache.org/v1beta1
kind: FlinkStateSnapshot
metadata: {name: odd, namespace: flink}
spec: {savepoint: {path: [a]}}
";
        let gap = undecodable(FlinkKind::StateSnapshot, &object(yaml, &[])).unwrap();
        assert_eq!(gap.radius, [gaps::seen_from("flink")]);
        assert!(gap.why.contains("spec.savepoint.path"), "{}", gap.why);
        assert_eq!(
            undecodable(FlinkKind::Deployment, &object(STABLE, &[])),
            None
        );
    }

    #[test]
    fn a_snapshot_that_was_copied_elsewhere_is_a_root() {
        let yaml = "
apiVersion: flink.apache.org/v1beta1
kind: FlinkStateSnapshot
metadata: {name: kept, namespace: flink}
spec: {savepoint: {path: /flink-data/sp-1, alreadyExists: true}}
";
        let keys = keys(FlinkKind::StateSnapshot, &object(yaml, &[]));
        assert_eq!(keys, ["flink-data/sp-1"]);
    }
}
