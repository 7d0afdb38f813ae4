//! What a report says, however it is shown: bounded, however much is stored, and readable again from its own JSON.

use std::collections::BTreeMap;

use jiff::Timestamp;
use retention::plan::Amount as Counted;
use serde::{Deserialize, Serialize};

use crate::cli::output::plain;

/// The version of this document that this program writes, and the only one that it reads.
pub(super) const FORMAT_VERSION: u32 = 1;

/// A whole report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::cli) struct Contents {
    pub(super) format_version: u32,
    /// When the plan was made.
    pub(super) made: Timestamp,
    /// The directories that were judged.
    pub(super) directories: Vec<String>,
    pub(super) savings: Savings,
    /// All that is stored, by class.
    pub(super) total: Classes,
    /// The jobs with the most bytes.
    pub(super) jobs: Top<Job>,
    /// Superfluous files by the reason why they are.
    pub(super) orphans_by_reason: BTreeMap<String, Amount>,
    /// The largest superfluous files.
    pub(super) orphans: Top<Orphan>,
    pub(super) guards: Vec<Guarded>,
    /// What could not be read, and what stops the deleting.
    pub(super) problems: Top<Problem>,
}

/// The first of many, and how many more there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct Top<T> {
    pub(super) first: Vec<T>,
    pub(super) more: u64,
}

/// What a policy frees, once it is enforced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct Savings {
    /// Superfluous, marked or not.
    pub(in crate::cli) reclaimable: Amount,
    /// The part of it that may go now.
    pub(in crate::cli) ripe: Amount,
    /// What becomes superfluous once the snapshots are gone that no rule keeps.
    pub(in crate::cli) later: Amount,
}

/// Files and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct Amount {
    pub(in crate::cli) files: u64,
    pub(in crate::cli) bytes: u64,
}

/// What is stored, by what keeps it. The words are those of `plan`, of the resources and of the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct Classes {
    pub(super) live: Amount,
    pub(super) retained: Amount,
    pub(super) orphaned: Amount,
    pub(super) protected: Amount,
}

/// A job with all the directories that its lineage has had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::cli) struct Job {
    /// The resource, or the job id where no resource is known.
    pub(super) name: String,
    pub(super) total: Classes,
    pub(super) savings: Savings,
    pub(super) directories: Top<Directory>,
    /// Newest first.
    pub(super) snapshots: Top<Snapshot>,
}

/// One job directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::cli) struct Directory {
    pub(super) path: String,
    pub(super) class: String,
    /// Why it has its class.
    pub(super) why: String,
    pub(super) total: Classes,
    /// What guards keep in it.
    pub(super) guards: BTreeMap<String, Amount>,
}

/// A checkpoint or a savepoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::cli) struct Snapshot {
    /// The last part of its path.
    pub(super) name: String,
    pub(super) path: String,
    /// `checkpoint`, `savepoint`; `unreadable` where nobody can tell.
    pub(super) kind: String,
    pub(super) completed: Option<Timestamp>,
    pub(super) fate: Fate,
    /// What keeps it, or why it goes.
    pub(super) because: String,
    /// `restorable`, `not-restorable`, `unverified`, `unreadable`.
    pub(super) state: String,
    /// All of its files that are there, with `_metadata`.
    pub(super) holds: Amount,
    /// Those that no other snapshot names.
    pub(super) alone: Amount,
}

/// What becomes of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum Fate {
    /// Flink uses it, or its job would be started from it.
    Live,
    /// A rule keeps it.
    Retained,
    /// No rule keeps it, but a guard objects; or it cannot be read.
    Protected,
    /// No rule keeps it.
    Expires,
}

/// A superfluous file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::cli) struct Orphan {
    pub(super) path: String,
    pub(super) bytes: u64,
    pub(super) modified: Option<Timestamp>,
    pub(super) reason: String,
    /// `now`, or what it waits for.
    pub(super) goes: String,
}

/// What one guard keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::cli) struct Guarded {
    pub(super) guard: String,
    pub(super) amount: Amount,
    /// What it says of its largest file.
    pub(super) example: String,
    pub(super) why: String,
}

/// Something to look after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct Problem {
    pub(super) what: String,
    pub(super) why: String,
}

impl From<Counted> for Amount {
    fn from(Counted { files, bytes }: Counted) -> Self {
        Self { files, bytes }
    }
}

impl std::ops::AddAssign for Amount {
    fn add_assign(&mut self, Self { files, bytes }: Self) {
        self.files = self.files.saturating_add(files);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

impl std::ops::AddAssign for Savings {
    fn add_assign(&mut self, other: Self) {
        let Self {
            reclaimable,
            ripe,
            later,
        } = other;
        self.reclaimable += reclaimable;
        self.ripe += ripe;
        self.later += later;
    }
}

impl std::ops::AddAssign for Classes {
    fn add_assign(&mut self, other: Self) {
        let Self {
            live,
            retained,
            orphaned,
            protected,
        } = other;
        self.live += live;
        self.retained += retained;
        self.orphaned += orphaned;
        self.protected += protected;
    }
}

impl Classes {
    /// In the order in which they are shown.
    pub(super) fn named(&self) -> [(&'static str, Amount); 4] {
        let Self {
            live,
            retained,
            orphaned,
            protected,
        } = *self;
        [
            ("live", live),
            ("retained", retained),
            ("protected", protected),
            ("orphaned", orphaned),
        ]
    }

    pub(super) fn all(&self) -> Amount {
        let mut all = Amount::default();
        for (_, amount) in self.named() {
            all += amount;
        }
        all
    }
}

impl<T> Top<T> {
    /// The first `most` of these, which are in order.
    pub(super) fn of(mut all: Vec<T>, most: usize) -> Self {
        let more = all.len().saturating_sub(most) as u64;
        all.truncate(most);
        Self { first: all, more }
    }
}

/// What is written of a path or a sentence: a name on storage may have thousands of characters.
const LONGEST: usize = 400;

/// A text of bounded length that a terminal and a browser only show. What is left out is in the middle: both ends of a
/// path say something.
pub(super) fn bounded(text: &(impl ToString + ?Sized)) -> String {
    let text = plain(&text.to_string());
    let length = text.chars().count();
    if length <= LONGEST {
        return text;
    }
    let half = LONGEST / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(length - half).collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::bounded;

    #[test]
    fn no_text_is_long_or_acts_on_a_terminal() {
        let long = bounded(&format!("{}/end", "ä".repeat(4000)));
        assert_eq!(long.chars().count(), 401);
        assert!(long.ends_with("ä/end"), "{long}");
        let acting = bounded(&"a\u{1b}[2Jb\u{202e}c\nd");
        assert_eq!(acting, "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d");
    }
}
