//! The record of one Flink resource: which job ids and directories it has had. Pure.
//!
//! Flink's operator remembers only the current id, so what is forgotten here is forgotten for good: entries are only
//! added and refreshed. Where there is no room left, the newcomer is kept and the oldest goes, which only protects:
//! a directory of an id that nobody claims is `unknown`, and never deleted.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::api::checkpoint_inventory::{
    CheckpointInventorySpec, JobReference, LineageEntry, MAX_BASES, MAX_LINEAGE,
};
use crate::api::selector::MAX_LABELS;
use crate::api::time::whole_seconds;

/// Refreshing `lastSeen` at every look would write to the API server at every look.
const REFRESH: SignedDuration = SignedDuration::from_hours(1);
const MAX_LOCATION: usize = 1024;

/// What was seen of a Flink resource at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub job: JobReference,
    pub uid: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// The current job id, as 32 hexadecimal digits.
    pub job_id: Option<String>,
    /// Where its checkpoints are, if that is known.
    pub base: Option<String>,
    /// All directories of checkpoints and savepoints that are known.
    pub bases: Vec<String>,
}

/// The record after a look at the resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    pub spec: CheckpointInventorySpec,
    /// Something was forgotten, now or earlier looks could not record it.
    pub truncated: bool,
}

/// Adds what was seen to the record.
#[must_use]
pub fn merge(recorded: Option<&CheckpointInventorySpec>, seen: Seen, now: Timestamp) -> Merged {
    let Seen {
        job,
        uid,
        labels,
        job_id,
        base,
        bases,
    } = seen;
    let mut spec = recorded.cloned().unwrap_or_default();
    let mut truncated = false;
    spec.job_ref = job;
    spec.last_labels = bounded(labels);
    for base in bases.iter().chain(&base) {
        truncated |= !remember(&mut spec.bases, base);
    }
    if let Some(uid) = &uid {
        tell_apart(&mut spec.lineage, uid, now);
    }
    if let Some(job_id) = job_id.filter(|id| is_job_id(id)) {
        let base = base.and_then(|base| position(&spec.bases, &base));
        record(&mut spec.lineage, job_id, uid, base, now);
    }
    while spec.lineage.len() > MAX_LINEAGE {
        spec.lineage.remove(0);
        truncated = true;
    }
    Merged { spec, truncated }
}

/// The record after its resource was found to be deleted.
#[must_use]
pub fn deleted(recorded: &CheckpointInventorySpec, now: Timestamp) -> CheckpointInventorySpec {
    let mut spec = recorded.clone();
    for entry in &mut spec.lineage {
        date(entry, now);
    }
    spec
}

/// Whether the deletion of the resource of any entry is still to be recorded.
#[must_use]
pub fn has_undated(recorded: &CheckpointInventorySpec) -> bool {
    recorded
        .lineage
        .iter()
        .any(|entry| entry.deleted_time.is_none())
}

/// There is one resource of a name: one of another uid was deleted before. One that is there was not, whatever was
/// recorded: it came back with a backup.
fn tell_apart(lineage: &mut [LineageEntry], present: &str, now: Timestamp) {
    for entry in lineage {
        match &entry.uid {
            Some(uid) if uid != present => {
                date(entry, now);
            }
            Some(_) | None => entry.deleted_time = None,
        }
    }
}

/// It was there when it was last seen, whatever the clock of this process says now.
fn date(entry: &mut LineageEntry, now: Timestamp) {
    let now = now.max(entry.last_seen.0);
    entry.deleted_time.get_or_insert(whole_seconds(now));
}

fn record(
    lineage: &mut Vec<LineageEntry>,
    job_id: String,
    uid: Option<String>,
    base: Option<u8>,
    now: Timestamp,
) {
    let same = |entry: &&mut LineageEntry| entry.job_id == job_id && entry.uid == uid;
    let Some(entry) = lineage.iter_mut().rev().find(same) else {
        lineage.push(LineageEntry {
            job_id,
            uid,
            base,
            first_seen: whole_seconds(now),
            last_seen: whole_seconds(now),
            deleted_time: None,
        });
        return;
    };
    // A base that was known stays: the id's files do not move when the configuration does.
    entry.base = entry.base.or(base);
    if now.duration_since(entry.last_seen.0) >= REFRESH {
        entry.last_seen = whole_seconds(now);
    }
}

fn remember(bases: &mut Vec<String>, base: &str) -> bool {
    if bases.iter().any(|known| known == base) {
        return true;
    }
    let fits = bases.len() < MAX_BASES && base.chars().count() <= MAX_LOCATION;
    if fits {
        bases.push(base.to_owned());
    }
    fits
}

fn position(bases: &[String], base: &str) -> Option<u8> {
    bases
        .iter()
        .position(|known| known == base)
        .and_then(|position| u8::try_from(position).ok())
}

fn is_job_id(text: &str) -> bool {
    text.parse::<retention::layout::JobId>().is_ok()
}

/// Labels that the API server of Flink's kinds accepted fit, but for their number. A record that is full counts as one
/// that misses some.
fn bounded(labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels.into_iter().take(MAX_LABELS).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn seen(job_id: &str, base: Option<&str>) -> Seen {
        Seen {
            job: JobReference {
                api_version: "flink.apache.org/v1beta1".into(),
                kind: "FlinkDeployment".into(),
                name: "orders".into(),
            },
            uid: Some("u1".into()),
            labels: [("team".to_owned(), "payments".to_owned())].into(),
            job_id: Some(job_id.into()),
            base: base.map(str::to_owned),
            bases: base.map(str::to_owned).into_iter().collect(),
        }
    }

    fn id(number: usize) -> String {
        format!("{number:032x}")
    }

    /// The clock of the next leader may be behind.
    #[test]
    fn a_deletion_is_never_dated_before_the_resource_was_last_seen() {
        let recorded = merge(None, seen(&id(1), None), at("2026-11-21T06:00:00Z")).spec;
        let gone = deleted(&recorded, at("2026-11-01T06:00:00Z"));
        let dated = gone.lineage[0].deleted_time.as_ref().unwrap();
        assert_eq!(dated.0, at("2026-11-21T06:00:00Z"));
    }

    #[test]
    fn an_upgrade_adds_an_id_and_a_look_without_news_changes_nothing() {
        let first = merge(
            None,
            seen(&id(1), Some("file:/a")),
            at("2026-11-21T06:00:00Z"),
        )
        .spec;
        let same = merge(
            Some(&first),
            seen(&id(1), Some("file:/a")),
            at("2026-11-21T06:02:00Z"),
        )
        .spec;
        assert_eq!(same, first);
        let upgraded = merge(
            Some(&same),
            seen(&id(2), Some("file:/b")),
            at("2026-11-21T06:04:00Z"),
        )
        .spec;
        assert_eq!(upgraded.bases, ["file:/a", "file:/b"]);
        let ids: Vec<_> = upgraded
            .lineage
            .iter()
            .map(|entry| (entry.job_id.clone(), entry.base))
            .collect();
        assert_eq!(ids, [(id(1), Some(0)), (id(2), Some(1))]);
    }

    #[test]
    fn last_seen_moves_by_the_hour() {
        let first = merge(None, seen(&id(1), None), at("2026-11-21T06:00:00Z")).spec;
        let later = merge(Some(&first), seen(&id(1), None), at("2026-11-21T07:00:00Z")).spec;
        assert_eq!(later.lineage[0].first_seen.0, at("2026-11-21T06:00:00Z"));
        assert_eq!(later.lineage[0].last_seen.0, at("2026-11-21T07:00:00Z"));
    }

    #[test]
    fn an_id_that_comes_back_under_another_uid_is_another_entry() {
        let first = merge(None, seen(&id(1), None), at("2026-11-21T06:00:00Z")).spec;
        let again = Seen {
            uid: Some("u2".into()),
            ..seen(&id(1), None)
        };
        assert_eq!(
            merge(Some(&first), again, at("2026-11-21T06:01:00Z"))
                .spec
                .lineage
                .len(),
            2
        );
    }

    #[test]
    fn a_deletion_is_recorded_once_and_not_for_what_is_there() {
        let first = merge(None, seen(&id(1), None), at("2026-11-21T06:00:00Z")).spec;
        assert!(has_undated(&first));
        let gone = deleted(&first, at("2026-11-21T07:00:00Z"));
        let still_gone = deleted(&gone, at("2026-11-21T08:00:00Z"));
        assert_eq!(still_gone, gone);
        assert!(!has_undated(&gone));
        assert_eq!(
            gone.lineage[0].deleted_time.clone().unwrap().0,
            at("2026-11-21T07:00:00Z")
        );
        // A backup brings the same one back.
        let back = merge(Some(&gone), seen(&id(1), None), at("2026-11-21T09:00:00Z")).spec;
        assert_eq!(back.lineage[0].deleted_time, None);
        // Another one of its name: the first is gone, since when at the latest.
        let anew = Seen {
            uid: Some("u2".into()),
            ..seen(&id(2), None)
        };
        let replaced = merge(Some(&back), anew.clone(), at("2026-11-21T10:00:00Z")).spec;
        let times: Vec<_> = replaced
            .lineage
            .iter()
            .map(|entry| entry.deleted_time.clone().map(|time| time.0))
            .collect();
        assert_eq!(times, [Some(at("2026-11-21T10:00:00Z")), None]);
        // What is known already stays as it is.
        let kept = merge(Some(&gone), anew, at("2026-11-21T10:00:00Z")).spec;
        assert_eq!(kept.lineage[0], gone.lineage[0]);
    }

    #[test]
    fn a_resource_without_an_id_or_base_forgets_none() {
        let first = merge(
            None,
            seen(&id(1), Some("file:/a")),
            at("2026-11-21T06:00:00Z"),
        )
        .spec;
        let suspended = Seen {
            job_id: None,
            base: None,
            bases: Vec::new(),
            ..seen("", None)
        };
        let after = merge(Some(&first), suspended, at("2026-11-21T06:10:00Z"));
        assert_eq!(after.spec.lineage, first.lineage);
        assert_eq!(after.spec.bases, first.bases);
        let nonsense = seen("KUBERNETES", None);
        assert_eq!(
            merge(Some(&first), nonsense, at("2026-11-21T06:10:00Z"))
                .spec
                .lineage,
            first.lineage
        );
    }

    #[test]
    fn the_record_is_bounded_and_says_so() {
        let mut spec = None;
        for number in 0..=MAX_LINEAGE {
            let merged = merge(
                spec.as_ref(),
                seen(&id(number), None),
                at("2026-11-21T06:00:00Z"),
            );
            assert_eq!(merged.truncated, number == MAX_LINEAGE);
            spec = Some(merged.spec);
        }
        let spec = spec.unwrap();
        assert_eq!(
            (spec.lineage.len(), spec.lineage[0].job_id.clone()),
            (MAX_LINEAGE, id(1))
        );
        let many = Seen {
            bases: (0..=MAX_BASES)
                .map(|number| format!("file:/{number}"))
                .collect(),
            ..seen(&id(1), None)
        };
        let merged = merge(None, many, at("2026-11-21T06:00:00Z"));
        assert!(merged.truncated && merged.spec.bases.len() == MAX_BASES);
    }
}
