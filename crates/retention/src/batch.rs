//! The only thing that may be deleted: files that fresh evidence condemned again, for two minutes.

use crate::inventory::BaseId;
use crate::layout::FileKind;
use crate::mark::MarkKind;
use crate::plan::{Decision, Plan, PlanEntry, Ripeness};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How long a verification holds.
pub const VALID_FOR: SignedDuration = SignedDuration::from_mins(2);

/// Files that two plans, an earlier one and one from fresh evidence, both found ripe. It is made only by [`verify`],
/// cannot be stored, and runs out.
#[derive(Debug)]
pub struct VerifiedBatch {
    files: Vec<VerifiedFile>,
    verified_at: Timestamp,
}

/// One file that may be deleted if it still is what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedFile {
    /// The base that lists it.
    pub base: BaseId,
    /// Relative to the base.
    pub path: Arc<str>,
    /// The size in bytes that it must still have.
    pub size: u64,
    /// The modification time that it must still have.
    pub modified: Timestamp,
    /// The store's mark of its contents that it must still have, where that was seen and alone tells it from any other.
    pub etag: Option<Arc<str>>,
    /// What it was marked as.
    pub kind: MarkKind,
    /// It is an empty directory: it may be removed only if it still is one.
    pub is_directory: bool,
    /// Why it goes.
    pub reason: String,
    /// The `_metadata` that must be gone before this file goes: that of its own snapshot.
    pub after: Option<Arc<str>>,
}

/// A file that the first plan wanted to delete and the second did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spared {
    /// The base that lists it.
    pub base: BaseId,
    /// Relative to the base.
    pub path: Arc<str>,
    /// What has changed.
    pub why: String,
    /// It is named now, or gone: whatever was known of it as garbage is over.
    pub ends_mark: bool,
}

/// A batch that was verified too long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the batch was verified at {verified_at}, more than two minutes ago; verify it again")]
pub struct Expired {
    /// When gathering its evidence began.
    pub verified_at: Timestamp,
}

/// Compares the entries that were chosen for deletion with a plan made from evidence gathered after them.
///
/// `evidence_from` is the time at which gathering that evidence began: the batch is valid from then.
#[must_use]
pub fn verify(
    chosen: &[PlanEntry],
    fresh: &Plan,
    evidence_from: Timestamp,
) -> (VerifiedBatch, Vec<Spared>) {
    let mut by_path: BTreeMap<(BaseId, &str), &PlanEntry> = BTreeMap::new();
    for entry in &fresh.entries {
        let known = by_path
            .entry((entry.base, entry.path.as_ref()))
            .or_insert(entry);
        // Of two answers for one file, the one that keeps it.
        if !entry.decision.deletes() {
            *known = entry;
        }
    }
    let mut files = Vec::new();
    let mut spared = Vec::new();
    for entry in chosen {
        match judge(
            entry,
            by_path.get(&(entry.base, entry.path.as_ref())).copied(),
        ) {
            Ok(file) => files.push(file),
            Err(Objection { why, ends_mark }) => spared.push(Spared {
                base: entry.base,
                path: entry.path.clone(),
                why,
                ends_mark,
            }),
        }
    }
    keep_snapshots_whole(&mut files, &mut spared);
    files.sort_by(|a, b| (a.base, &a.after, &a.path).cmp(&(b.base, &b.after, &b.path)));
    let batch = VerifiedBatch {
        files,
        verified_at: evidence_from,
    };
    (batch, spared)
}

struct Objection {
    why: String,
    ends_mark: bool,
}

fn judge(chosen: &PlanEntry, fresh: Option<&PlanEntry>) -> Result<VerifiedFile, Objection> {
    let objection = |why: String| Objection {
        why,
        ends_mark: false,
    };
    let Some(fresh) = fresh else {
        return Err(Objection {
            why: "it is referenced or gone now".to_owned(),
            ends_mark: true,
        });
    };
    if (fresh.size, fresh.modified) != (chosen.size, chosen.modified) {
        return Err(objection("its size or time has changed".to_owned()));
    }
    if fresh.decision != chosen.decision {
        let (word, reason) = (fresh.decision.word(), fresh.decision.reason());
        return Err(Objection {
            why: format!("it is now {word}: {reason}"),
            ends_mark: matches!(fresh.decision, Decision::Keep(_)),
        });
    }
    if fresh.class != chosen.class {
        // Whoever resumes a job, or ends it, changes what has to be proven.
        return Err(objection(format!(
            "its job was {} and is {} now",
            chosen.class.as_str(),
            fresh.class.as_str()
        )));
    }
    let kind = match &fresh.decision {
        Decision::Orphan(_) => MarkKind::Orphan,
        Decision::Expire(_) => MarkKind::Expired,
        Decision::Keep(_) | Decision::Protected(_) => {
            return Err(objection("it was not to be deleted".to_owned()));
        }
    };
    match (&fresh.ripeness, fresh.modified) {
        (Ripeness::Ripe, Some(modified)) => Ok(VerifiedFile {
            base: fresh.base,
            path: fresh.path.clone(),
            size: fresh.size,
            modified,
            etag: None,
            kind,
            is_directory: fresh.placement.kind == FileKind::EmptyCheckpoint,
            reason: fresh.decision.reason(),
            after: after(fresh, kind),
        }),
        (Ripeness::Waiting(waiting), _) => Err(objection(waiting.to_string())),
        (Ripeness::NotApplicable | Ripeness::Ripe, _) => {
            Err(objection("it is not ripe".to_owned()))
        }
    }
}

fn after(entry: &PlanEntry, kind: MarkKind) -> Option<Arc<str>> {
    let directory = entry.placement.snapshot.as_deref()?;
    let metadata = format!("{}/{}", directory.path, crate::layout::METADATA_FILE);
    (kind == MarkKind::Expired && *entry.path != *metadata).then(|| metadata.into())
}

/// A file of an expired snapshot goes only together with, and after, its `_metadata`.
fn keep_snapshots_whole(files: &mut Vec<VerifiedFile>, spared: &mut Vec<Spared>) {
    let present: BTreeSet<(BaseId, Arc<str>)> = files
        .iter()
        .filter(|file| file.kind == MarkKind::Expired && file.after.is_none())
        .map(|file| (file.base, file.path.clone()))
        .collect();
    files.retain(|file| {
        let Some(metadata) = &file.after else {
            return true;
        };
        let whole = present.contains(&(file.base, metadata.clone()));
        if !whole {
            spared.push(Spared {
                base: file.base,
                path: file.path.clone(),
                why: format!("{metadata} stays for now"),
                ends_mark: false,
            });
        }
        whole
    });
}

impl VerifiedBatch {
    /// Asks for more of each file: that it still has the etag that `seen` knows of it by its base and path.
    #[must_use]
    pub fn and_etags(mut self, seen: impl Fn(BaseId, &str) -> Option<Arc<str>>) -> Self {
        for file in &mut self.files {
            file.etag = seen(file.base, &file.path);
        }
        self
    }

    /// The files, `_metadata` before the files of its snapshot, while the verification holds.
    pub fn files(&self, now: Timestamp) -> Result<&[VerifiedFile], Expired> {
        let age = now.duration_since(self.verified_at);
        if age.is_negative() || age > VALID_FOR {
            return Err(Expired {
                verified_at: self.verified_at,
            });
        }
        Ok(&self.files)
    }

    /// Whether nothing was verified.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}
