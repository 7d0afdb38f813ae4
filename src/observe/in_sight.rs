//! What the objects in sight say all together.

use crate::observe::high_availability_map::MapName;
use crate::observe::source::Resources;
use retention::evidence::JobName;
use retention::layout::JobId;
use std::collections::{BTreeMap, BTreeSet};

/// Of every Flink resource that exists.
pub(super) fn uids(resources: &Resources) -> BTreeMap<JobName, String> {
    let named = resources.flink.iter().filter_map(|object| {
        let uid = object.resource.uid.clone()?;
        Some((object.name.clone(), uid))
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
