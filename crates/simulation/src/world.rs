//! Everything there is in a history: time, storage, jobs, and what has been said so far.

use crate::choices::Choices;
use crate::flink::{Corner, Resource, Setup, Snapshot, populate};
use crate::history::Violation;
use crate::operator::Told;
use crate::recall::Recall;
use jiff::{SignedDuration, Timestamp};
use retention::location::{Location, Origin};
use retention::policy::Policy;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use storage::Key;
use storage::memory::{MemoryStorage, Node};

/// Milliseconds since the epoch, in truth: the clocks of the world deviate from it.
pub(crate) type Millis = i64;

pub(crate) const SECOND: Millis = 1000;
pub(crate) const MINUTE: Millis = 60 * SECOND;
pub(crate) const HOUR: Millis = 60 * MINUTE;
const BEGIN: Millis = 1_767_225_600_000;

/// What is mounted at the root of the store.
const ROOT: &str = "/data";
/// The bases of jobs, below the root. Most are in the first one.
pub(crate) const BASES: [&str; 2] = ["ckp", "more"];
/// Where savepoints go, below the root.
pub(crate) const SAVEPOINTS: &str = "sav";

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) choices: Choices,
    clock: Arc<AtomicI64>,
    pub(crate) deviation: Deviation,
    pub(crate) storage: MemoryStorage,
    pub(crate) disk: Disk,
    pub(crate) resources: Vec<Resource>,
    /// Every snapshot whose `_metadata` was ever written.
    pub(crate) snapshots: Vec<Arc<Snapshot>>,
    /// The positions of those that Flink could start from, oldest first.
    pub(crate) whole: Vec<usize>,
    /// Which snapshots name a file, by their positions.
    namers: HashMap<String, Vec<usize>>,
    pub(crate) policy: Policy,
    /// A person has a say in what is deleted.
    pub(crate) asks: bool,
    /// Runs of ours act on one base of checkpoints only, and have to read the other.
    pub(crate) acts_on_some: bool,
    /// Where the history leads to.
    pub(crate) corner: Corner,
    pub(crate) trouble: Trouble,
    names: u64,
    telling: bool,
    pub(crate) said: usize,
    pub(crate) log: Vec<String>,
    pub(crate) violation: Option<Violation>,
    /// What is known of each run of ours.
    pub(crate) told: BTreeMap<usize, Told>,
    /// By which runs of ours a file was listed first, and when: the first two runs.
    pub(crate) listed: HashMap<String, Vec<(usize, Millis)>>,
    pub(crate) recall: Recall,
}

/// Every file of Flink by path.
pub(crate) type Disk = BTreeMap<String, File>;

#[derive(Clone, Copy, Debug)]
pub(crate) struct File {
    pub(crate) size: u64,
    pub(crate) written: Millis,
}

/// How far the clocks are from the truth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deviation {
    pub(crate) store: Millis,
    pub(crate) flink: Millis,
    pub(crate) ours: Millis,
}

/// What goes wrong around us: once in so many times; zero for never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trouble {
    /// A call to the store fails.
    pub(crate) store: u32,
    /// A JobManager, a high-availability map or a list of resources cannot be read.
    pub(crate) blind: u32,
    /// A JobManager gives its statistics of whatever age.
    pub(crate) busy: u32,
    /// Flink's write of a high-availability entry fails, perhaps after it took effect.
    pub(crate) ambiguous: u32,
    /// How long a new file may be missing in listings.
    pub(crate) lag: Millis,
    /// A `_metadata` that is written when its JobManager is killed is torn; one is of a version that nobody knows.
    pub(crate) torn: u32,
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
    pub(crate) fn new(mut choices: Choices, telling: bool) -> Self {
        let clock = Arc::new(AtomicI64::new(BEGIN));
        let mut any = || Millis::from(choices.below(9)) * MINUTE / 2;
        let deviation = Deviation {
            store: any(),
            flink: any(),
            ours: any(),
        };
        let of_store = Arc::clone(&clock);
        let stamp = move || at(of_store.load(Ordering::Relaxed) + deviation.store);
        let policy = crate::operator::any_policy(&mut choices);
        let asks = choices.one_in(6);
        let trouble = Trouble::any(&mut choices, &policy);
        let acts_on_some = choices.one_in(4);
        let corner = Corner::any(&mut choices);
        let mut world = Self {
            choices,
            clock,
            deviation,
            storage: MemoryStorage::new(Arc::new(stamp)),
            disk: BTreeMap::new(),
            resources: Vec::new(),
            snapshots: Vec::new(),
            whole: Vec::new(),
            namers: HashMap::new(),
            policy,
            asks,
            acts_on_some,
            corner,
            trouble,
            names: 0,
            telling,
            said: 0,
            log: Vec::new(),
            violation: None,
            told: BTreeMap::new(),
            listed: HashMap::new(),
            recall: Recall::default(),
        };
        populate(&mut world);
        for base in BASES.into_iter().chain([SAVEPOINTS]) {
            world.storage.insert(&key(base), Node::Directory);
        }
        let policy = world.policy.clone();
        let (trouble, kinds) = (world.trouble, world.setups());
        world.say(|| {
            let on = if acts_on_some {
                "one base"
            } else {
                "all bases"
            };
            format!("{policy:?} {trouble:?} {deviation:?} {corner:?} {on} {kinds:?}")
        });
        world
    }

    fn setups(&self) -> Vec<Setup> {
        self.resources.iter().map(|known| known.setup).collect()
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
        self.said += 1;
        if self.telling {
            let minutes = (self.now() - BEGIN) / MINUTE;
            let line = format!("{minutes:>6} min  {}", what());
            self.log.push(line);
        }
    }

    /// A new name of a data file, or anything else that must not repeat.
    pub(crate) fn uuid(&mut self) -> String {
        self.names += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.names)
    }

    /// A new job id. The names of savepoints have the first six digits of it; those of two known jobs may be the same.
    pub(crate) fn job_id(&mut self, known: bool) -> String {
        self.names += 1;
        let alike = known && self.choices.one_in(20);
        let first = if alike {
            0x00ab_cdef
        } else {
            0xa0_0000 + self.names
        };
        format!("{first:06x}{:026x}", self.names)
    }

    pub(crate) fn write(&mut self, path: &str, bytes: Vec<u8>) {
        let file = File {
            size: bytes.len() as u64,
            written: self.now(),
        };
        self.listed.remove(path);
        self.disk.insert(path.to_owned(), file);
        self.storage.insert_file(&key(path), bytes);
    }

    /// A data file of so many bytes.
    pub(crate) fn write_data(&mut self, path: &str, size: u64) {
        self.write(path, vec![0; usize::try_from(size).unwrap_or(1)]);
    }

    pub(crate) fn make_directory(&mut self, path: &str) {
        self.storage.insert(&key(path), Node::Directory);
    }

    /// Removes a file, or a directory and all below it.
    pub(crate) fn remove(&mut self, path: &str) {
        self.storage.remove(&key(path));
        if self.disk.contains_key(path) {
            return self.forget(path);
        }
        for file in self.below(path) {
            self.forget(&file);
        }
    }

    /// Every file below a directory.
    pub(crate) fn below(&self, directory: &str) -> Vec<String> {
        let prefix = format!("{directory}/");
        self.disk
            .range(prefix.clone()..)
            .take_while(|(file, _)| file.starts_with(&prefix))
            .map(|(file, _)| file.clone())
            .collect()
    }

    /// The file is gone: whatever names it is not whole any more.
    pub(crate) fn forget(&mut self, path: &str) {
        if self.disk.remove(path).is_some() {
            self.listed.remove(path);
            if let Some(namers) = self.namers.remove(path) {
                self.whole.retain(|known| !namers.contains(known));
            }
        }
    }

    /// A `_metadata` was written.
    pub(crate) fn add(&mut self, snapshot: &Arc<Snapshot>) {
        let number = snapshot.number;
        self.snapshots.push(Arc::clone(snapshot));
        let metadata = [snapshot.metadata()];
        let files = snapshot.files().map(|file| file.path.clone());
        for path in files.chain(metadata) {
            self.namers.entry(path).or_default().push(number);
        }
        if snapshot.files().all(|file| self.has(&file.path)) {
            self.whole.push(number);
        }
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.disk.contains_key(path)
    }

    /// Whether Flink could start from it.
    pub(crate) fn is_whole(&self, snapshot: &Snapshot) -> bool {
        self.whole.binary_search(&snapshot.number).is_ok()
    }

    pub(crate) fn whole(&self) -> impl DoubleEndedIterator<Item = &Arc<Snapshot>> {
        self.whole.iter().map(|&known| &self.snapshots[known])
    }
}

impl Trouble {
    fn any(choices: &mut Choices, policy: &Policy) -> Self {
        // A grace period shorter than the lag of listings is what nobody should ask for.
        let slow = policy.grace_period >= minutes(5);
        let lag = choices.pick(&[0, 0, 0, 20 * SECOND]);
        Self {
            store: choices.pick(&[0, 0, 0, 400, 100, 30]),
            blind: choices.pick(&[0, 0, 60, 12]),
            busy: 50,
            ambiguous: choices.pick(&[0, 0, 400, 30]),
            lag: if slow { lag } else { 0 },
            torn: choices.pick(&[0, 0, 60, 10]),
        }
    }
}

/// A path below a job directory: the base, the job id and the rest.
pub(crate) fn in_job_directory(path: &str) -> Option<(&str, &str, &str)> {
    let (base, inside) = path.split_once('/')?;
    let (job, rest) = inside.split_once('/')?;
    BASES.contains(&base).then_some((base, job, rest))
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
