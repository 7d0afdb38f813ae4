//! Everything there is in a history: time, storage, jobs, and what has been said so far.

use crate::choices::Choices;
use crate::flink::{Resource, Snapshot};
use crate::history::Violation;
use crate::recall::Recall;
use jiff::{SignedDuration, Timestamp};
use retention::location::{Location, Origin};
use retention::policy::Policy;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use storage::Key;
use storage::memory::{MemoryStorage, Node};

/// Milliseconds since the epoch, in truth: the clocks of the world deviate from it.
pub(crate) type Millis = i64;

pub(crate) const SECOND: Millis = 1000;
pub(crate) const MINUTE: Millis = 60 * SECOND;
pub(crate) const HOUR: Millis = 60 * MINUTE;

/// What is mounted at the root of the store.
const ROOT: &str = "/data";
/// The base of every job, below the root.
pub(crate) const BASE: &str = "ckp";
/// Where savepoints go, below the root.
pub(crate) const SAVEPOINTS: &str = "sav";

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) choices: Choices,
    clock: Arc<AtomicI64>,
    pub(crate) deviation: Deviation,
    pub(crate) storage: MemoryStorage,
    /// Every file of Flink by path, with its size.
    pub(crate) disk: BTreeMap<String, u64>,
    pub(crate) resources: Vec<Resource>,
    /// Every snapshot whose `_metadata` was ever written.
    pub(crate) snapshots: Vec<Arc<Snapshot>>,
    pub(crate) policy: Policy,
    /// One call in so many to the store fails; zero for none.
    pub(crate) failing: u32,
    names: u64,
    pub(crate) log: Vec<String>,
    pub(crate) violation: Option<Violation>,
    /// What each operator knew to be wanted when it last looked.
    pub(crate) wanted: BTreeMap<usize, BTreeSet<String>>,
    pub(crate) recall: Recall,
}

/// How far the clocks are from the truth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deviation {
    pub(crate) store: Millis,
    pub(crate) flink: Millis,
    pub(crate) ours: Millis,
}

/// The world, shared by everybody in it. There is one thread.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }
}

impl World {
    pub(crate) fn new(mut choices: Choices) -> Self {
        let clock = Arc::new(AtomicI64::new(1_767_225_600_000));
        let mut any = || Millis::from(choices.below(9)) * MINUTE / 2;
        let deviation = Deviation {
            store: any(),
            flink: any(),
            ours: any(),
        };
        let of_store = Arc::clone(&clock);
        let stamp = move || at(of_store.load(Ordering::Relaxed) + deviation.store);
        let policy = crate::operator::any_policy(&mut choices);
        let failing = choices.pick(&[0, 0, 0, 400, 100, 30]);
        let mut world = Self {
            choices,
            clock,
            deviation,
            storage: MemoryStorage::new(Arc::new(stamp)),
            disk: BTreeMap::new(),
            resources: Vec::new(),
            snapshots: Vec::new(),
            policy,
            failing,
            names: 0,
            log: Vec::new(),
            violation: None,
            wanted: BTreeMap::new(),
            recall: Recall::default(),
        };
        let count = 1 + world.choices.below(3);
        for number in 0..count {
            let resource = Resource::any(&mut world, number);
            world.resources.push(resource);
        }
        world.storage.insert(&key(BASE), Node::Directory);
        let policy = format!("{:?}", world.policy);
        world.say(|| policy);
        world
    }

    pub(crate) fn now(&self) -> Millis {
        self.clock.load(Ordering::Relaxed)
    }

    pub(crate) fn pass(&self, time: Millis) {
        self.clock.fetch_add(time, Ordering::Relaxed);
    }

    /// What Flink's clock shows.
    pub(crate) fn flink_time(&self, truth: Millis) -> Timestamp {
        at(truth + self.deviation.flink)
    }

    pub(crate) fn our_time(&self) -> Timestamp {
        at(self.now() + self.deviation.ours)
    }

    pub(crate) fn say(&mut self, what: impl FnOnce() -> String) {
        let minutes = (self.now() - 1_767_225_600_000) / MINUTE;
        let line = format!("{minutes:>6} min  {}", what());
        self.log.push(line);
    }

    /// A new name of a data file, or anything else that must not repeat.
    pub(crate) fn uuid(&mut self) -> String {
        self.names += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.names)
    }

    pub(crate) fn job_id(&mut self) -> String {
        self.names += 1;
        format!("{:032x}", 0xa000_0000 + self.names)
    }

    pub(crate) fn write(&mut self, path: &str, bytes: Vec<u8>) {
        self.disk.insert(path.to_owned(), bytes.len() as u64);
        self.storage.insert_file(&key(path), bytes);
    }

    pub(crate) fn make_directory(&mut self, path: &str) {
        self.storage.insert(&key(path), Node::Directory);
    }

    /// Removes a file, or a directory and all below it.
    pub(crate) fn remove(&mut self, path: &str) {
        self.storage.remove(&key(path));
        let below = format!("{path}/");
        self.disk
            .retain(|file, _| file != path && !file.starts_with(&below));
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.disk.contains_key(path)
    }

    /// Whether Flink could start from it.
    pub(crate) fn is_whole(&self, snapshot: &Snapshot) -> bool {
        self.has(&snapshot.metadata()) && snapshot.files().all(|file| self.has(&file.path))
    }
}

pub(crate) fn at(millis: Millis) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

pub(crate) fn key(path: &str) -> Key {
    Key::parse(path).unwrap()
}

/// The location as Flink writes it of a path of the store; the root for the empty path.
pub(crate) fn location(path: &str) -> Location {
    Location::parse(&location_text(path), &Origin::default()).unwrap()
}

pub(crate) fn location_text(path: &str) -> String {
    if path.is_empty() {
        return ROOT.to_owned();
    }
    format!("{ROOT}/{path}")
}

pub(crate) fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}
