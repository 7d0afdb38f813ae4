//! Our side: policies that are legal, and runs of the real engine.

use crate::choices::Choices;
use crate::evidence::Eyes;
use crate::seam::Seam;
use crate::world::{BASE, Shared, location, minutes};
use flink_retention::engine::journal::OwnerId;
use flink_retention::engine::{Consent, MetadataCache, Mode, NoProgress, Report, Run, Stores};
use retention::keep::KeepRules;
use retention::policy::{Limits, Margins, Policy};
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
        savepoints: None,
        unrestorable: None,
        checkpoints,
        deleted_jobs: None,
        adopt: Vec::new(),
        exclusive: Vec::new(),
        pinned: Vec::new(),
        min_age: minutes(choices.pick(&[0, 10, 60])),
        grace_period: minutes(choices.pick(&[0, 5, 60])),
        margins: Margins {
            clock_skew: minutes(5),
            settle: minutes(2),
        },
        limits: Limits {
            max_bytes_per_run: choices.pick(&[None, None, None, Some(200)]),
            ..Limits::default()
        },
    }
}

/// One process of ours.
#[derive(Debug)]
pub(crate) struct Operator {
    world: Shared,
    owner: &'static str,
    cache: MetadataCache,
    policy: Policy,
}

impl Operator {
    pub(crate) fn new(world: &Shared, owner: &'static str) -> Self {
        Self {
            world: world.clone(),
            owner,
            cache: MetadataCache::default(),
            policy: world.lock().policy.clone(),
        }
    }

    /// One that may delete as much as it finds.
    pub(crate) fn without_limit(world: &Shared) -> Self {
        let mut operator = Self::new(world, "one");
        operator.policy.limits.max_bytes_per_run = None;
        operator
    }

    /// One run. An error is a run that could say nothing.
    pub(crate) async fn run(&self, number: usize) -> Option<Report> {
        let mut stores = Stores::default();
        let inner = self.world.lock().storage.clone();
        let world = self.world.clone();
        let seam = Seam {
            world: world.clone(),
            run: number,
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
            bases: vec![location(BASE)],
            scope: None,
            mode: Mode::Enforce,
            consent: Consent::Given,
            owner: Some(OwnerId(self.owner.to_owned())),
            term: None,
            cancel: CancellationToken::new(),
        };
        run.execute().await.ok()
    }
}
