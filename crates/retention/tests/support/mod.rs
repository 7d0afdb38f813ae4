//! A small world to tell stories in: one base `/ckp`, jobs J0, J1 and J2, minutes as time.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod jobs;

pub(crate) use jobs::*;

use jiff::{SignedDuration, Timestamp};
use retention::evidence::{Evidence, Gap, JobEvidence, Root};
use retention::guard::Guard;
use retention::inventory::{
    Base, BaseId, Contents, Inventory, ListedFile, Listing, Reading, Snapshot, SnapshotKind,
    SnapshotPlace, Source,
};
use retention::keep::{KeepRules, Verdict};
use retention::layout::place;
use retention::location::{Location, Origin};
use retention::mark::{self, Baselines, Mark, MarkKind, Marks};
use retention::plan::{Context, Decision, Plan, PlanEntry, Ripeness, Waiting, plan};
use retention::policy::Policy;
use retention::reference::{DirectoryKey, FileName, Found, Reference, Required, deduplicate};

pub(crate) const J0: &str = "000000000000000000000000000000a0";
pub(crate) const J1: &str = "000000000000000000000000000000a1";
pub(crate) const J2: &str = "000000000000000000000000000000a2";
pub(crate) const BASE: BaseId = BaseId(0);
/// The minute at which stories are told.
pub(crate) const NOW: i64 = 10_000;

pub(crate) fn minute(minutes: i64) -> Timestamp {
    let zero: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    zero + SignedDuration::from_mins(minutes)
}

pub(crate) fn uuid(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// `<job>/shared/<uuid>`.
pub(crate) fn shared(job: &str, number: u32) -> String {
    format!("{job}/shared/{}", uuid(number))
}

/// `<job>/chk-<n>/<uuid>`.
pub(crate) fn own(job: &str, checkpoint: u64, number: u32) -> String {
    format!("{job}/chk-{checkpoint}/{}", uuid(number))
}

pub(crate) fn metadata(job: &str, checkpoint: u64) -> String {
    format!("{job}/chk-{checkpoint}/_metadata")
}

pub(crate) fn location(path: &str) -> Location {
    Location::parse(path, &Origin::default()).unwrap()
}

pub(crate) fn in_base(path: &str) -> Location {
    location("/ckp").join(path)
}

pub(crate) fn key(path: &str) -> DirectoryKey {
    DirectoryKey::of(in_base(path).path())
}

/// Everything that a plan depends on, to be changed at will.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) evidence: Evidence,
    pub(crate) inventory: Inventory,
    pub(crate) policy: Policy,
    pub(crate) marks: Marks,
    pub(crate) baselines: Baselines,
    pub(crate) now: Timestamp,
}

impl World {
    /// No job, no file; one hour of age and one of grace.
    pub(crate) fn empty() -> Self {
        let inventory = Inventory {
            bases: vec![Base {
                location: location("/ckp"),
                reading: Reading::Whole,
                listing: Listing::Complete {
                    finished: minute(NOW - 1),
                },
                apart: Vec::new(),
            }],
            ..Inventory::default()
        };
        Self {
            evidence: Evidence {
                taken_at: minute(NOW),
                jobs: Vec::new(),
                roots: Vec::new(),
                high_availability_ids: Vec::new(),
                gaps: Vec::new(),
            },
            inventory,
            policy: Policy {
                checkpoints: Some(KeepRules::default()),
                min_age: SignedDuration::from_hours(1),
                grace_period: SignedDuration::from_hours(1),
                ..Policy::default()
            },
            marks: Marks::default(),
            baselines: Baselines::default(),
            now: minute(NOW),
        }
    }

    pub(crate) fn with_job(mut self, job: JobEvidence) -> Self {
        self.evidence.jobs.push(job);
        self
    }

    pub(crate) fn job(&mut self) -> &mut JobEvidence {
        self.evidence.jobs.first_mut().unwrap()
    }

    /// A snapshot whose `_metadata` was written at a minute; all that it names is there, 10 bytes each.
    pub(crate) fn snapshot(&mut self, directory: &str, at: i64, names: &[&str]) -> &mut Snapshot {
        let references = names.iter().map(|name| {
            let full = in_base(name);
            let file = self
                .inventory
                .references
                .insert(&full.parent(), full.name());
            let found = Found::Present {
                size: 10,
                modified: Some(minute(at - 1)),
            };
            self.inventory.references.set(file, found);
            Reference {
                file,
                required: Required(10),
            }
        });
        let references = deduplicate(references.collect());
        let metadata_path = format!("{directory}/_metadata");
        let placement = place(&metadata_path);
        let number = placement.snapshot.as_ref().unwrap().checkpoint_id;
        self.inventory.snapshots.push(Snapshot {
            source: Source::Metadata,
            location: in_base(directory),
            kind: if number.is_some() {
                SnapshotKind::Checkpoint
            } else {
                SnapshotKind::Savepoint
            },
            checkpoint_id: number.unwrap_or(1),
            format_version: 6,
            place: Some(SnapshotPlace {
                base: BASE,
                metadata_path: metadata_path.into(),
                placement,
                metadata_size: 100,
                modified: Some(minute(at)),
            }),
            completed: minute(at),
            references,
            inline_bytes: 0,
            contents: Contents::default(),
        });
        self.inventory.snapshots.last_mut().unwrap()
    }

    /// A file that the listing shows, 10 bytes, written at a minute.
    pub(crate) fn list(&mut self, path: &str, at: i64) -> &mut ListedFile {
        let placement = place(path);
        if let Some(job) = &placement.job {
            let entry = self
                .inventory
                .job_directories
                .entry((BASE, (**job).clone()));
            entry.or_default();
        }
        let file = ListedFile {
            base: BASE,
            path: path.into(),
            placement,
            size: 10,
            modified: Some(minute(at)),
            regular: true,
        };
        let named = self.inventory.references.protects(&FileName::of(path));
        let list = if named {
            &mut self.inventory.named_elsewhere
        } else {
            &mut self.inventory.unreferenced
        };
        list.push(file);
        list.last_mut().unwrap()
    }

    /// A mark of an earlier run, a day old.
    pub(crate) fn mark(&mut self, path: &str, at: i64, kind: MarkKind) -> &mut Mark {
        let mark = Mark {
            kind,
            size: if path.ends_with("_metadata") { 100 } else { 10 },
            modified: minute(at),
            since: minute(NOW - 1440),
            counter: None,
            witness: None,
        };
        self.marks.by_path.insert(path.into(), mark);
        self.marks.by_path.get_mut(path).unwrap()
    }

    pub(crate) fn root(&mut self, directory: &str) {
        self.evidence.roots.push(Root {
            snapshot: key(directory),
            location: None,
            named_by: "FlinkDeployment flink/x".to_owned(),
        });
    }

    pub(crate) fn gap(&mut self, guard: Guard, radius: retention::evidence::Radius) {
        self.evidence.gaps.push(Gap {
            guard,
            what: "something".to_owned(),
            why: "no answer".to_owned(),
            radius: vec![radius],
        });
    }

    /// Forgets that a referenced file is there.
    pub(crate) fn lose(&mut self, path: &str, found: Found) {
        let file = self
            .inventory
            .references
            .with_name(&FileName::of(path))
            .next()
            .unwrap();
        self.inventory.references.set(file, found);
    }

    pub(crate) fn with<T>(&self, ask: impl FnOnce(&Context<'_>) -> T) -> T {
        let (marks, baselines) = ([self.marks.clone()], [self.baselines.clone()]);
        let context = Context::new(
            &self.evidence,
            &self.inventory,
            &self.policy,
            &marks,
            &baselines,
            self.now,
        );
        ask(&context)
    }

    pub(crate) fn plan(&self) -> Plan {
        self.with(plan)
    }

    pub(crate) fn next(&self) -> Option<(Marks, Baselines)> {
        self.with(|context| mark::next(context, &plan(context), BASE))
    }

    /// What a run would write down is written down.
    pub(crate) fn remember(&mut self) {
        (self.marks, self.baselines) = self.next().expect("the listing was complete");
    }

    /// Time passes: a new listing, new answers.
    pub(crate) fn later(&mut self, minutes: i64) {
        let by = SignedDuration::from_mins(minutes);
        self.now += by;
        if let Listing::Complete { finished } = &mut self.inventory.bases[0].listing {
            *finished += by;
        }
        for job in &mut self.evidence.jobs {
            answered_later(job, by);
        }
    }

    pub(crate) fn entry(&self, path: &str) -> PlanEntry {
        let plan = self.plan();
        let found = plan.entries.into_iter().find(|entry| *entry.path == *path);
        found.unwrap_or_else(|| panic!("the plan has no entry for {path}"))
    }

    pub(crate) fn guard(&self, path: &str) -> Option<Guard> {
        match self.entry(path).decision {
            Decision::Protected(protection) => Some(protection.guard),
            Decision::Keep(_) | Decision::Expire(_) | Decision::Orphan(_) => None,
        }
    }

    pub(crate) fn goes(&self, path: &str) -> bool {
        let entry = self.entry(path);
        entry.decision.deletes() && entry.ripeness == Ripeness::Ripe
    }

    pub(crate) fn waits_for(&self, path: &str) -> Waiting {
        match self.entry(path).ripeness {
            Ripeness::Waiting(waiting) => waiting,
            other => panic!(
                "{path} does not wait: {other:?}, {:?}",
                self.entry(path).decision
            ),
        }
    }

    /// Whether the plan would ever delete it, ripe or not.
    pub(crate) fn condemned(&self, path: &str) -> bool {
        self.plan()
            .entries
            .iter()
            .any(|entry| *entry.path == *path && entry.decision.deletes())
    }

    pub(crate) fn verdict(&self, directory: &str) -> Verdict {
        let plan = self.plan();
        let at = in_base(directory);
        let entry = plan
            .snapshots
            .iter()
            .find(|entry| self.inventory.snapshots[entry.snapshot].location == at);
        entry.unwrap().verdict.clone()
    }

    pub(crate) fn expires(&self, directory: &str) -> bool {
        self.verdict(directory) == Verdict::Expire
    }
}
