//! A history from beginning to end.

use crate::choices::Choices;
use crate::operator::{Operator, thorough};
use crate::recall::Recall;
use crate::turn::{Next, drive};
use crate::world::{HOUR, MINUTE, Shared, World};
use std::collections::hash_map::DefaultHasher;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::Pin;

/// A deletion that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub path: String,
    pub why: String,
}

/// What came of a history.
#[derive(Debug)]
pub struct History {
    pub violation: Option<Violation>,
    /// One line for each thing that happened, if it was to be told.
    pub log: Vec<String>,
    /// How many things happened.
    pub(crate) said: usize,
    pub recall: Recall,
    /// Every decision in it, to play it again.
    pub(crate) choices: Vec<u32>,
}

impl History {
    /// A number that is the same for the same history: to show that it is still played as before.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.choices, self.said).hash(&mut hasher);
        let freed = self.recall.kinds.values().map(|kind| kind.freed);
        freed.collect::<Vec<_>>().hash(&mut hasher);
        hasher.finish()
    }
}

/// Plays the history of a seed.
#[must_use]
pub fn simulate(seed: u64) -> History {
    play(Choices::from_seed(seed), false)
}

/// The same, telling what happens.
#[must_use]
pub fn tell(seed: u64) -> History {
    play(Choices::from_seed(seed), true)
}

/// Rounds of our runs in a history; Flink lives on in between.
const ROUNDS: u32 = 12;

pub(crate) fn play(choices: Choices, telling: bool) -> History {
    let shared = Shared::new(World::new(choices, telling));
    let mut operators = vec![Operator::new(&shared, "one"), Operator::new(&shared, "one")];
    let rivals = shared.lock().choices.one_in(4);
    if rivals {
        operators[1] = Operator::new(&shared, "two");
    }
    let mut runs = 0;
    for _ in 0..ROUNDS {
        between(&shared);
        if round(&shared, &operators, &mut runs) {
            operators[0] = Operator::new(&shared, "one");
        }
        if shared.lock().violation.is_some() {
            break;
        }
    }
    // The end takes as long as half of the rest, and only tells how much is freed, if the bases are our own.
    let settles = shared.lock().choices.one_in(6) && !rivals;
    if settles && shared.lock().violation.is_none() {
        shared.lock().policy = thorough();
        let operator = Operator::of_everything(&shared);
        settle(&shared, &operator, &mut runs);
    }
    drop(operators);
    let world = &mut *shared.lock();
    History {
        violation: world.violation.take(),
        log: std::mem::take(&mut world.log),
        said: world.said,
        // Of what was left nothing is known elsewhere.
        recall: Some(std::mem::take(&mut world.recall))
            .filter(|_| settles)
            .unwrap_or_default(),
        choices: std::mem::replace(&mut world.choices, Choices::replay(Vec::new())).into_made(),
    }
}

fn between(shared: &Shared) {
    let world = &mut *shared.lock();
    let steps = world.choices.below(world.corner.steps());
    for _ in 0..steps {
        world.while_();
    }
    // Some runs come hours apart, so that marks ripen.
    let pause = world.choices.pick(&[0, 0, 10 * MINUTE, HOUR, 9 * HOUR]);
    world.pass(pause);
    world.happen(0);
}

/// One or two runs at once, with the model in between, each of which may die. True if one did.
fn round(shared: &Shared, operators: &[Operator], runs: &mut usize) -> bool {
    let count = if shared.lock().choices.one_in(6) {
        2
    } else {
        1
    };
    let busy = shared.lock().choices.pick(&[0, 40, 15, 4]);
    let mortal = shared.lock().choices.one_in(5);
    let futures = operators[..count].iter().map(|operator| {
        *runs += 1;
        shared.lock().say(|| format!("run {runs} begins"));
        Box::pin(operator.run(*runs)) as Pin<Box<dyn Future<Output = _> + '_>>
    });
    let futures = futures.collect();
    let mut killed = false;
    drive(futures, |left| {
        let world = &mut *shared.lock();
        world.pass(5);
        let which = world.choices.index(left);
        if mortal && world.choices.one_in(150) {
            if world.choices.one_in(2) {
                world.lose_lease(which);
            } else {
                world.say(|| "a run of ours dies".to_owned());
                killed = true;
                return Next::Kill(which);
            }
        }
        if busy > 0 && world.choices.one_in(busy) {
            world.moment();
        }
        Next::Poll(which)
    });
    killed
}

impl World {
    /// A run learns that it is not to go on.
    fn lose_lease(&mut self, which: usize) {
        let run = self.told.keys().nth(which).copied();
        if let Some(told) = run.and_then(|run| self.told.get(&run)) {
            told.cancel.cancel();
        }
        self.say(|| format!("run {run:?} is told to stop"));
    }
}

/// Rounds at the end in which jobs go on, and then some in which nothing new comes, or there would always be something
/// that has just been left.
const ACTIVE: u32 = 4;
const QUIET: u32 = 4;

/// Peace: jobs go on, nothing fails, and the operator has the time it needs.
fn settle(shared: &Shared, operator: &Operator, runs: &mut usize) {
    {
        let trouble = &mut shared.lock().trouble;
        (trouble.store, trouble.blind, trouble.torn) = (0, 0, 0);
    }
    let mut last = None;
    for round in 0..ACTIVE + QUIET {
        {
            let world = &mut *shared.lock();
            world.pass(11 * HOUR);
            let active = if round < ACTIVE {
                world.resources.len()
            } else {
                0
            };
            for resource in 0..active {
                world.complete_some(resource);
            }
            world.pass(5 * MINUTE);
        }
        *runs += 1;
        let future: Pin<Box<dyn Future<Output = _>>> = Box::pin(operator.run(*runs));
        last = drive(vec![future], |_| {
            shared.lock().pass(5);
            Next::Poll(0)
        })
        .pop()
        .flatten();
    }
    if let Some(last) = last {
        Recall::account(&mut shared.lock(), &last);
    }
}
