//! A Flink resource, read when it was listed. There may be thousands, each with its pod templates three times over, so
//! its text is not kept: what it names and what it says of its job is.

use crate::api::flink::{
    FlinkBlueGreenDeployment, FlinkDeployment, FlinkKind, FlinkSessionJob, FlinkStateSnapshot,
    Undecodable,
};
use crate::observe::deployment::job_name;
use crate::observe::gaps;
use crate::observe::pairs::Pair;
use crate::observe::roots::Named;
use crate::observe::sketch::Sketch;
use crate::observe::snapshot_requests::SnapshotRequest;
use crate::observe::{deployment, roots, session_job, undecodable};
use kube::ResourceExt;
use kube::api::DynamicObject;
use retention::evidence::{Gap, JobName};
use retention::guard::Guard;
use std::collections::BTreeMap;

/// A Flink resource, as far as it matters to anybody.
#[derive(Clone, Debug)]
pub struct FlinkObject {
    pub(super) kind: FlinkKind,
    pub(super) name: JobName,
    pub(super) resource: FlinkResource,
    /// Every snapshot that it names.
    pub(super) named: Named,
    pub(super) says: Says,
}

/// Who a Flink resource is, as it was listed: before anybody was asked about its job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlinkResource {
    pub uid: Option<String>,
    pub labels: BTreeMap<String, String>,
}

/// What it says, by its kind.
#[derive(Clone, Debug)]
pub(super) enum Says {
    Deployment(Box<deployment::Read>),
    SessionJob(Box<session_job::Read>),
    /// A resource that has a job, and of which something cannot be understood.
    Unclear(Box<Sketch>),
    Snapshot(SnapshotRequest),
    Pair(Box<Pair>),
    /// A snapshot that cannot be decoded.
    Unreadable(Gap),
}

impl FlinkObject {
    /// Reads it.
    #[must_use]
    pub fn read(kind: FlinkKind, object: DynamicObject) -> Self {
        let named = Named::in_text(kind, &object);
        let name = job_name(kind.as_str(), &object.metadata);
        let resource = FlinkResource {
            uid: object.uid(),
            labels: object.labels().clone(),
        };
        let (says, paths) = match kind {
            FlinkKind::Deployment => deployment(&object),
            FlinkKind::SessionJob => session_job(&object),
            FlinkKind::StateSnapshot => snapshot(object),
            FlinkKind::BlueGreenDeployment => pair(object),
        };
        Self {
            kind,
            name,
            resource,
            named: named.and_in_fields(paths),
            says,
        }
    }
}

/// What it says, and the snapshots that its fields name. An object that cannot be decoded has no fields: its text was
/// searched, and it protects more in other ways.
type Read = (Says, Vec<String>);

fn deployment(object: &DynamicObject) -> Read {
    match FlinkDeployment::from_dynamic(object.clone()) {
        Ok(read) => {
            let paths = roots::in_deployment(&read);
            (Says::Deployment(Box::new(deployment::read(&read))), paths)
        }
        Err(error) => unclear(object, &error),
    }
}

fn session_job(object: &DynamicObject) -> Read {
    match FlinkSessionJob::from_dynamic(object.clone()) {
        Ok(read) => {
            let paths = roots::in_session_job(&read);
            (Says::SessionJob(Box::new(session_job::read(&read))), paths)
        }
        Err(error) => unclear(object, &error),
    }
}

fn unclear(object: &DynamicObject, error: &Undecodable) -> Read {
    let sketch = undecodable::sketch(object, error);
    (Says::Unclear(Box::new(sketch)), Vec::new())
}

fn snapshot(object: DynamicObject) -> Read {
    match FlinkStateSnapshot::from_dynamic(object) {
        Ok(read) => {
            let paths = read.roots().map(str::to_owned).collect();
            (Says::Snapshot(SnapshotRequest::of(&read)), paths)
        }
        Err(error) => (Says::Unreadable(unreadable(&error)), Vec::new()),
    }
}

fn pair(object: DynamicObject) -> Read {
    let metadata = object.metadata.clone();
    let read = FlinkBlueGreenDeployment::from_dynamic(object);
    let paths = read.as_ref().map(roots::in_pair).unwrap_or_default();
    (Says::Pair(Box::new(Pair::of(&metadata, read))), paths)
}

/// A snapshot or pair that cannot be decoded may name a snapshot that the search of its text does not recognise. (The
/// other kinds have a job, whose evidence says so.)
#[must_use]
pub(super) fn unreadable(error: &Undecodable) -> Gap {
    Gap {
        guard: Guard::MissingEvidence,
        what: job_name(error.kind.as_str(), &error.metadata).to_string(),
        why: format!("{} cannot be read: {}", error.field, error.problem),
        radius: vec![gaps::seen_from(&error.namespace)],
    }
}
