use super::Referrer;
use crate::breaker::Extent;
use crate::layout::JobId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What earlier runs saw: a world that falls behind the highest or first of it has been turned back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Baselines {
    /// The highest checkpoint counter by uid of the high-availability map.
    pub counters: BTreeMap<String, u64>,
    /// Since when a job has had a restorable checkpoint of its own without a break.
    pub restorable_since: BTreeMap<JobId, Timestamp>,
    /// Since when a job has been seen suspended and without processes, without a break.
    pub stopped_since: BTreeMap<JobId, Timestamp>,
    /// What the last completed run found of what must not shrink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extent: Option<Extent>,
    /// The directories elsewhere that were seen to name files here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub referrers: Vec<Referrer>,
}
