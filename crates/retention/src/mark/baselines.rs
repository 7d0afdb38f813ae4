use crate::layout::JobId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The highest or first values that were ever seen: a world that falls behind them has been turned back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Baselines {
    /// The highest checkpoint counter by uid of the high-availability map.
    pub counters: BTreeMap<String, u64>,
    /// Since when a job has had a restorable checkpoint of its own without a break.
    pub restorable_since: BTreeMap<JobId, Timestamp>,
}
