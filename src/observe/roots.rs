//! Every snapshot that a Flink resource names, in whatever field: whoever may still restore from it, names it.

use crate::api::flink::job::LAST_STATE_MARKER;
use crate::api::flink::options::RESTORE_PATH;
use crate::api::flink::{
    EmbeddedSpec, FlinkBlueGreenDeployment, FlinkConfiguration, FlinkDeployment, FlinkKind,
    FlinkSessionJob, JobSpec, JobStatus, ReconciliationStatus,
};
use crate::api::names::{KEEP_ANNOTATION, is_on};
use crate::observe::deployment::job_name;
use kube::api::DynamicObject;
use retention::evidence::Root;
use retention::layout::METADATA_FILE;
use retention::location::{Location, Origin};
use retention::reference::DirectoryKey;
use std::collections::{BTreeMap, BTreeSet};

/// The roots R1 to R5, R8, R9 and R13, and any that a later version of the Flink operator may add: the text of the
/// whole resource is searched for names that Flink gives to snapshots. Fields that hold a path are taken as they are,
/// for a snapshot may have been copied to a directory of any name.
#[derive(Clone, Debug)]
pub(super) struct Named {
    by: String,
    in_text: BTreeSet<DirectoryKey>,
    in_fields: Vec<String>,
}

impl Named {
    /// All that the text of a resource names.
    #[must_use]
    pub(super) fn in_text(kind: FlinkKind, object: &DynamicObject) -> Self {
        let text = format!("{} {}", object.data, annotations(object));
        Self {
            by: named_by(kind, object),
            in_text: DirectoryKey::all_in(&text).into_iter().collect(),
            in_fields: Vec::new(),
        }
    }

    #[must_use]
    pub(super) fn and_in_fields(mut self, mut paths: Vec<String>) -> Self {
        paths.retain(|path| path != LAST_STATE_MARKER);
        self.in_fields = paths;
        self
    }

    /// What is named, as somebody means it whose paths leave this out.
    #[must_use]
    pub(super) fn roots(self, origin: &Origin) -> Vec<Root> {
        let Self {
            by,
            in_text,
            in_fields,
        } = self;
        let mut roots: BTreeMap<DirectoryKey, BTreeSet<Location>> = in_text
            .into_iter()
            .map(|key| (key, BTreeSet::new()))
            .collect();
        for path in in_fields {
            let (key, location) = key_and_place(&path, origin);
            roots.entry(key).or_default().extend(location);
        }
        let root = |snapshot, location| Root {
            snapshot,
            location,
            named_by: by.clone(),
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
}

/// The snapshot of a pointer, which may name the `_metadata` in it. What is no path has a key and no place.
#[must_use]
pub(super) fn key_and_place(path: &str, origin: &Origin) -> (DirectoryKey, Option<Location>) {
    let Ok(location) = Location::parse(path, origin) else {
        return (DirectoryKey::of(path), None);
    };
    let directory = if location.name() == METADATA_FILE {
        location.parent()
    } else {
        location
    };
    // Not of the text: a bucket is no part of a path.
    (DirectoryKey::of(directory.path()), Some(directory))
}

fn named_by(kind: FlinkKind, object: &DynamicObject) -> String {
    let name = job_name(kind.as_str(), &object.metadata).to_string();
    let kept = kind == FlinkKind::StateSnapshot
        && is_on(
            object
                .metadata
                .annotations
                .iter()
                .flatten()
                .find_map(|(annotation, value)| (annotation == KEEP_ANNOTATION).then_some(value)),
        );
    if kept {
        format!("{name} ({KEEP_ANNOTATION})")
    } else {
        name
    }
}

/// People note restore points there; kubectl keeps the last applied manifest there.
fn annotations(object: &DynamicObject) -> String {
    let annotations = object.metadata.annotations.iter().flatten();
    annotations
        .map(|(_, value)| value.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

#[must_use]
pub(super) fn in_deployment(deployment: &FlinkDeployment) -> Vec<String> {
    of_job(
        deployment.spec.job.as_ref(),
        &deployment.spec.flink_configuration,
        deployment.job_status(),
        deployment.reconciliation_status(),
    )
}

#[must_use]
pub(super) fn in_session_job(job: &FlinkSessionJob) -> Vec<String> {
    let status = job.status.as_ref();
    of_job(
        job.spec.job.as_ref(),
        &job.spec.flink_configuration,
        job.job_status(),
        status.and_then(|status| status.reconciliation_status.as_ref()),
    )
}

#[must_use]
pub(super) fn in_pair(pair: &FlinkBlueGreenDeployment) -> Vec<String> {
    let mut named: Vec<String> = pair
        .specs()
        .iter()
        .flat_map(|spec| in_spec(spec.job.as_ref(), &spec.flink_configuration))
        .map(str::to_owned)
        .collect();
    let status = pair.job_status().into_iter().flat_map(JobStatus::roots);
    named.extend(status.map(str::to_owned));
    named
}

fn of_job(
    asked: Option<&JobSpec>,
    configuration: &FlinkConfiguration,
    job: Option<&JobStatus>,
    reconciliation: Option<&ReconciliationStatus>,
) -> Vec<String> {
    let embedded: Vec<EmbeddedSpec> = reconciliation
        .into_iter()
        .flat_map(|status| [status.deployed(), status.stable()])
        .filter_map(|embedded| embedded.ok().flatten())
        .collect();
    let status = job.into_iter().flat_map(JobStatus::roots);
    let deployed = embedded.iter().flat_map(|embedded| {
        let spec = &embedded.spec;
        in_spec(spec.job.as_ref(), &spec.flink_configuration)
    });
    let asked = in_spec(asked, configuration);
    let all = asked.chain(deployed).chain(status);
    all.map(str::to_owned).collect()
}

fn in_spec<'a>(
    job: Option<&'a JobSpec>,
    configuration: &'a FlinkConfiguration,
) -> impl Iterator<Item = &'a str> {
    let initial = job.and_then(|job| job.initial_savepoint_path.as_deref());
    let arguments = job.map(|job| in_arguments(&job.args)).unwrap_or_default();
    let restored = configuration.all_values(RESTORE_PATH);
    initial.into_iter().chain(restored).chain(arguments)
}

/// Programs may take a restore path like Flink's own command line does: `-s PATH`, `--fromSavepoint PATH`, or as an
/// option `execution.savepoint.path=PATH` (R13).
fn in_arguments(arguments: &[String]) -> Vec<&str> {
    let flags = arguments.windows(2).filter_map(|pair| match pair {
        [flag, path] if matches!(flag.as_str(), "-s" | "--fromSavepoint") => Some(path.as_str()),
        _ => None,
    });
    let options = arguments.iter().filter_map(|argument| {
        let (option, path) = argument.split_once('=')?;
        let option = option.trim_start_matches("-D").trim_start_matches('-');
        let restores = RESTORE_PATH.contains(&option) || option == "fromSavepoint";
        restores.then_some(path)
    });
    flags.chain(options).collect()
}

#[cfg(test)]
mod tests;
