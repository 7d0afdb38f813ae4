//! Our side: policies that are legal, and runs of the real engine.

use crate::choices::Choices;
use crate::evidence::Eyes;
use crate::needs::Wanted;
use crate::seam::Seam;
use crate::world::{BASES, Millis, SAVEPOINTS, Shared, location, minutes};
use flink_retention::engine::journal::{OwnerId, PlanDigest};
use flink_retention::engine::{Consent, MetadataCache, Mode, NoProgress, Report, Run, Stores};
use jiff::SignedDuration;
use retention::keep::{KeepRules, SavepointRules};
use retention::plan::{Ripeness, Waiting};
use retention::policy::{Limits, Margins, Policy};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Anything that a person may ask for and an administrator may allow.
pub(crate) fn any_policy(choices: &mut Choices) -> Policy {
    let checkpoints = match choices.below(4) {
        0 => None,
        _ => Some(KeepRules {
            keep_last: choices.pick(&[None, Some(0), Some(1), Some(2)]),
            keep_within: choices
                .pick(&[None, Some(0), Some(60), Some(600)])
                .map(minutes),
        }),
    };
    Policy {
        savepoints: choices.one_in(2).then(|| SavepointRules {
            keep: KeepRules {
                keep_last: choices.pick(&[None, Some(0), Some(1), Some(2)]),
                keep_within: choices
                    .pick(&[None, None, Some(60), Some(600)])
                    .map(minutes),
            },
            keep_hourly: choices.pick(&[None, None, Some(2)]),
            ..SavepointRules::default()
        }),
        unrestorable: choices
            .pick(&[None, Some(0), Some(60), Some(600)])
            .map(minutes),
        checkpoints,
        deleted_jobs: choices
            .pick(&[None, Some(0), Some(60), Some(600)])
            .map(minutes),
        adopt: Vec::new(),
        exclusive: Vec::new(),
        pinned: Vec::new(),
        min_age: minutes(choices.pick(&[0, 10, 60])),
        grace_period: minutes(choices.pick(&[0, 5, 60])),
        margins: MARGINS,
        limits: Limits {
            max_bytes_per_run: choices.pick(&[None, None, None, Some(200)]),
            max_referenced_shrink_percent: choices.pick(&[None, None, None, Some(50), Some(0)]),
        },
    }
}

/// Whoever wants to keep no more than promises ask for, and is not in a hurry: what is left then, a guard keeps.
pub(crate) fn thorough() -> Policy {
    let none = KeepRules {
        keep_last: Some(0),
        keep_within: Some(minutes(0)),
    };
    Policy {
        savepoints: Some(SavepointRules {
            keep: none,
            ..SavepointRules::default()
        }),
        unrestorable: Some(minutes(60)),
        checkpoints: Some(none),
        deleted_jobs: Some(minutes(60)),
        adopt: Vec::new(),
        exclusive: Vec::new(),
        pinned: Vec::new(),
        min_age: minutes(10),
        grace_period: minutes(60),
        margins: MARGINS,
        limits: Limits::default(),
    }
}

const MARGINS: Margins = Margins {
    clock_skew: SignedDuration::from_mins(5),
    settle: SignedDuration::from_mins(2),
};

/// What is known of a run of ours.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// What was wanted when it last looked, and when that was by its clock.
    pub(crate) wanted: Wanted,
    pub(crate) looked: Millis,
    /// Snapshots, by number, that came to be needed since by an act that nobody could foresee.
    pub(crate) surprises: BTreeSet<usize>,
    /// By base.
    pub(crate) epochs: BTreeMap<String, Epochs>,
    /// What a person lets go, if somebody was asked.
    pub(crate) approved: Option<BTreeSet<String>>,
    /// It knows that its lease is lost, or was told to stop.
    pub(crate) cancel: CancellationToken,
}

/// What a run knows of who owns a base.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Epochs {
    pub(crate) taken: Option<u64>,
    /// The highest that it has seen.
    pub(crate) seen: u64,
    /// It has looked since its last evidence.
    pub(crate) fresh: bool,
}

/// One process of ours.
#[derive(Debug)]
pub(crate) struct Operator {
    world: Shared,
    owner: &'static str,
    cache: MetadataCache,
    policy: Policy,
    /// What its runs act on. They read every base that a resource has.
    bases: Vec<&'static str>,
    /// Whether a person has a say in what is deleted.
    asks: bool,
    /// What a person was asked last.
    asked: RefCell<Option<(PlanDigest, BTreeSet<String>)>>,
}

impl Operator {
    pub(crate) fn new(world: &Shared, owner: &'static str) -> Self {
        let (policy, asks, some) = {
            let world = world.lock();
            (world.policy.clone(), world.asks, world.acts_on_some)
        };
        let some = if some { 1 } else { BASES.len() };
        let bases = BASES.into_iter().take(some).chain([SAVEPOINTS]);
        Self {
            world: world.clone(),
            owner,
            cache: MetadataCache::default(),
            policy,
            bases: bases.collect(),
            asks,
            asked: RefCell::default(),
        }
    }

    /// One that acts on every base and asks nobody.
    pub(crate) fn of_everything(world: &Shared) -> Self {
        let mut operator = Self::new(world, "one");
        operator.bases = BASES.into_iter().chain([SAVEPOINTS]).collect();
        operator.asks = false;
        operator
    }

    /// One run. An error is a run that could say nothing.
    pub(crate) async fn run(&self, number: usize) -> Option<Report> {
        let mut stores = Stores::default();
        let (consent, approved) = self.consent();
        let told = Told {
            approved,
            ..Told::default()
        };
        let cancel = told.cancel.clone();
        let inner = {
            let world = &mut *self.world.lock();
            world.told.insert(number, told);
            world.storage.clone()
        };
        let world = self.world.clone();
        let seam = Seam {
            world: world.clone(),
            run: number,
            grace: self.policy.grace_period,
            inner,
        };
        stores.add(location(""), Arc::new(seam));
        let eyes = Eyes { world, run: number };
        let run = Run {
            observer: &eyes,
            stores: &stores,
            clock: &eyes,
            progress: &NoProgress,
            cache: &self.cache,
            policy: &self.policy,
            bases: self.bases.iter().copied().map(location).collect(),
            scope: None,
            mode: Mode::Enforce,
            consent,
            owner: Some(OwnerId(self.owner.to_owned())),
            term: None,
            cancel,
        };
        let report = run.execute().await.ok();
        self.world.lock().told.remove(&number);
        if let Some(report) = &report {
            self.note(report);
        }
        report
    }

    /// A person approves most of what they are asked, sooner or later.
    fn consent(&self) -> (Consent, Option<BTreeSet<String>>) {
        if !self.asks {
            return (Consent::Given, None);
        }
        let late = self.world.lock().choices.one_in(4);
        match self.asked.borrow_mut().take_if(|_| !late) {
            Some((digest, files)) => (Consent::Approved(digest), Some(files)),
            None => (Consent::Asked, Some(BTreeSet::new())),
        }
    }

    fn note(&self, report: &Report) {
        let Some(asked) = &report.outcome.asked else {
            return;
        };
        let would_go = report.plan.entries.iter().filter(|entry| {
            let ripeness = &entry.ripeness;
            matches!(
                ripeness,
                Ripeness::Ripe | Ripeness::Waiting(Waiting::Approval)
            )
        });
        let files = would_go
            .map(|entry| format!("{}/{}", self.bases[entry.base.0], entry.path))
            .collect();
        *self.asked.borrow_mut() = Some((asked.digest.clone(), files));
    }
}
