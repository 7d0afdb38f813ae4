//! What the objects in sight say all together.

use crate::observe::high_availability_map::MapName;
use crate::observe::source::Resources;
use crate::observe::{deployment, roots};
use kube::{Resource, ResourceExt};
use retention::evidence::{JobName, Root};
use retention::layout::JobId;
use retention::location::Origin;
use std::collections::{BTreeMap, BTreeSet};

/// Of every Flink resource that exists.
pub(super) fn uids(resources: &Resources) -> BTreeMap<JobName, String> {
    let named = resources.flink.iter().filter_map(|(kind, stored)| {
        let name = deployment::job_name(kind.as_str(), stored.meta());
        Some((name, stored.uid()?))
    });
    named.collect()
}

pub(super) fn high_availability_ids(resources: &Resources) -> Vec<JobId> {
    let ids: BTreeSet<JobId> = resources
        .config_maps
        .iter()
        .filter_map(|name| Some(MapName::parse(&name.name)?.job_id))
        .collect();
    ids.into_iter().collect()
}

pub(super) fn all_roots(resources: &Resources, origin: &dyn Fn(&str) -> Origin) -> Vec<Root> {
    resources
        .flink
        .iter()
        .flat_map(|(kind, stored)| {
            let namespace = stored.meta().namespace.as_deref().unwrap_or_default();
            roots::of(*kind, &stored.object(), &origin(namespace))
        })
        .collect()
}
