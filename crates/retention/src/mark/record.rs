use crate::run::RunId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// "This file was superfluous in a complete listing, since then."
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    pub kind: MarkKind,
    /// The size in bytes when it was marked; another size starts anew.
    pub size: u64,
    /// The modification time when it was marked; another time starts anew.
    pub modified: Timestamp,
    /// The end of the listing that first had it.
    pub since: Timestamp,
    /// The checkpoint counter, read after that listing. Only for files of running jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<CounterMark>,
    /// A later checkpoint of the same run that does not name it. Only for files of running jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MarkKind {
    /// No snapshot names it.
    Orphan,
    /// It belongs to a snapshot that no rule keeps.
    Expired,
}

/// The next checkpoint id of a run: every checkpoint of it from here on was triggered after the listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CounterMark {
    /// Another run has another counter, and a counter of one kind never passes for one of the other.
    #[serde(flatten)]
    pub run: RunId,
    pub counter: u64,
}

/// A completed checkpoint that was triggered after the listing and does not name the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Witness {
    /// The run whose checkpoint it is.
    #[serde(flatten)]
    pub run: RunId,
    pub checkpoint_id: u64,
    /// By the clock of the JobManager. Without high availability the rule asks for it again before it deletes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triggered: Option<Timestamp>,
    /// When we had seen it complete, parsed it and found every file of it.
    pub seen: Timestamp,
}

/// The marks of one base, by path relative to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    pub by_path: BTreeMap<Arc<str>, Mark>,
}
