use async_trait::async_trait;
use flink_retention::engine::journal::{LeaseTerm, OwnerId};
use flink_retention::engine::run::Scope;
use flink_retention::engine::{
    Clock, Consent, MetadataCache, Mode, NoProgress, Observer, Report, Run, Stores,
};
use jiff::{SignedDuration, Timestamp};
use retention::evidence::{
    Evidence, HaCheckpoint, HaEntry, HaMap, HaReference, HighAvailability, JobEvidence, JobManager,
    JobName, Lineage, LineageEntry, Phase, Processes, ResourceState, RestCheckpoint,
    RestCheckpoints, Root, StateBackend,
};
use retention::guard::Guard;
use retention::inventory::Contents;
use retention::keep::KeepRules;
use retention::layout::JobId;
use retention::location::{Location, Origin};
use retention::plan::Decision;
use retention::policy::{Margins, Policy};
use retention::reference::Required;
use std::sync::{Arc, Mutex};
use storage::memory::MemoryStorage;
use storage::{Key, Storage};
use testbed::snapshot::SnapshotFile;
use tokio_util::sync::CancellationToken;

pub const JOB: &str = "00000000000000000000000000000abc";
pub const OLD_JOB: &str = "00000000000000000000000000000def";

type Hook = Box<dyn Fn(&World) + Send + Sync>;

/// A base `/data/ckp` in memory, and what is known of its jobs.
#[derive(Clone)]
pub struct World {
    pub storage: MemoryStorage,
    now: Arc<Mutex<Timestamp>>,
    /// How far the clock of the store is ahead of ours.
    store_ahead: Arc<Mutex<SignedDuration>>,
    pub jobs: Arc<Mutex<Vec<JobEvidence>>>,
    pub roots: Arc<Mutex<Vec<Root>>>,
    /// Called at each observation, with its number.
    observed: Arc<Mutex<u64>>,
    hook: Arc<Mutex<Option<(u64, Hook)>>>,
    pub policy: Policy,
    pub scope: Option<Scope>,
    pub owner: String,
    pub bases: Vec<Location>,
    /// Another name of `/data`.
    pub alias: Option<Location>,
    pub cancel: CancellationToken,
    pub consent: Consent,
    pub term: Option<LeaseTerm>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }
}

#[async_trait]
impl Observer for World {
    async fn observe(&self) -> Evidence {
        let number = {
            let mut observed = self.observed.lock().unwrap();
            *observed += 1;
            *observed
        };
        let hook = self.hook.lock().unwrap().take_if(|(at, _)| *at == number);
        if let Some((_, hook)) = hook {
            hook(self);
        }
        let mut jobs = self.jobs.lock().unwrap().clone();
        for job in &mut jobs {
            if let HighAvailability::Map(map) = &mut job.high_availability {
                map.read_at = self.now();
            }
        }
        Evidence {
            taken_at: self.now(),
            high_availability_ids: jobs
                .iter()
                .filter(|job| matches!(job.high_availability, HighAvailability::Map(_)))
                .filter_map(|job| job.current)
                .collect(),
            jobs,
            roots: self.roots.lock().unwrap().clone(),
            gaps: Vec::new(),
        }
    }
}

impl World {
    pub fn new() -> Self {
        let now = Arc::new(Mutex::new("2026-01-01T00:00:00Z".parse().unwrap()));
        let clock = Arc::clone(&now);
        let store_ahead = Arc::new(Mutex::new(SignedDuration::ZERO));
        let ahead = Arc::clone(&store_ahead);
        let stamp = move || *clock.lock().unwrap() + *ahead.lock().unwrap();
        Self {
            storage: MemoryStorage::new(Arc::new(stamp)),
            now,
            store_ahead,
            jobs: Arc::default(),
            roots: Arc::default(),
            observed: Arc::default(),
            hook: Arc::default(),
            policy: Policy {
                margins: Margins {
                    clock_skew: SignedDuration::from_mins(1),
                    settle: SignedDuration::from_mins(2),
                },
                ..Policy::default()
            },
            scope: None,
            owner: "us".to_owned(),
            bases: vec![at("/data/ckp")],
            alias: None,
            cancel: CancellationToken::new(),
            consent: Consent::Given,
            term: None,
        }
    }

    /// A job that is over, its checkpoint, and a file that nobody names, old enough to be marked.
    pub fn with_an_orphan() -> Self {
        let world = Self::new();
        world.checkpoint(JOB, 9, &[&uuid(1)]);
        world.file(&orphan(), 100);
        world.set(vec![terminal(JOB)]);
        world.wait(48);
        world
    }

    /// Its job is over, and of its checkpoints all but the newest go in the next run.
    pub async fn ripen_all_but_the_newest(&mut self) {
        self.set(vec![terminal(JOB)]);
        self.wait(48);
        self.policy.checkpoints = Some(KeepRules {
            keep_last: Some(1),
            keep_within: None,
        });
        self.enforce().await;
        self.wait(25);
    }

    /// Lets time pass.
    pub fn wait(&self, hours: i64) {
        let mut now = self.now.lock().unwrap();
        *now = now.checked_add(SignedDuration::from_hours(hours)).unwrap();
    }

    /// Sets the clock of the store; a negative time is behind ours.
    pub fn store_ahead(&self, seconds: i64) {
        *self.store_ahead.lock().unwrap() = SignedDuration::from_secs(seconds);
    }

    /// Does something in the middle of the next run: at its `number`-th observation (1 and 2 before the plan is made,
    /// 3 and 4 while the first batch is verified).
    pub fn at_observation(&self, number: u64, hook: impl Fn(&World) + Send + Sync + 'static) {
        *self.observed.lock().unwrap() = 0;
        *self.hook.lock().unwrap() = Some((number, Box::new(hook)));
    }

    pub fn file(&self, path: &str, size: usize) {
        self.storage
            .insert_file(&Key::parse(&format!("ckp/{path}")).unwrap(), vec![0; size]);
    }

    pub fn put(&self, path: &str, bytes: Vec<u8>) {
        self.storage
            .insert_file(&Key::parse(&format!("ckp/{path}")).unwrap(), bytes);
    }

    pub fn has(&self, path: &str) -> bool {
        self.paths().iter().any(|found| found == path)
    }

    /// Every file of the base but the journal's.
    pub fn paths(&self) -> Vec<String> {
        self.storage
            .files()
            .into_iter()
            .filter_map(|(key, _)| Some(key.as_str().strip_prefix("ckp/")?.to_owned()))
            .filter(|path| !path.starts_with(".flink-retention"))
            .collect()
    }

    pub fn journal_files(&self) -> usize {
        self.storage
            .files()
            .iter()
            .filter(|(key, _)| key.as_str().contains(".flink-retention"))
            .count()
    }

    /// The records of batches that were deleted, or begun.
    pub fn records(&self) -> Vec<String> {
        let of_journal = self
            .storage
            .files()
            .into_iter()
            .filter(|(key, _)| key.as_str().contains(".flink-retention/runs/"));
        of_journal
            .map(|(_, bytes)| String::from_utf8(bytes.to_vec()).unwrap())
            .collect()
    }

    /// A complete checkpoint with one exclusive and the given shared files, all written.
    pub fn checkpoint(&self, job: &str, id: u64, shared: &[&str]) -> SnapshotFile {
        let snapshot = SnapshotFile {
            checkpoint_id: id,
            shared: shared
                .iter()
                .map(|name| (format!("file:/data/ckp/{job}/shared/{name}"), 10))
                .collect(),
            exclusive: vec![(uuid(1000 + id), 5)],
        };
        for name in shared {
            let path = format!("{job}/shared/{name}");
            if !self.has(&path) {
                self.file(&path, 10);
            }
        }
        self.file(&format!("{job}/chk-{id}/{}", uuid(1000 + id)), 5);
        self.put(&format!("{job}/chk-{id}/_metadata"), snapshot.to_bytes());
        snapshot
    }

    /// A complete savepoint with one file.
    pub fn savepoint(&self, job: &str, number: u64) {
        let name = format!("savepoint-{}-{number:012x}", &job[..6]);
        let snapshot = SnapshotFile {
            checkpoint_id: number,
            exclusive: vec![(uuid(2000 + number), 5)],
            ..SnapshotFile::default()
        };
        self.file(&format!("{name}/{}", uuid(2000 + number)), 5);
        self.put(&format!("{name}/_metadata"), snapshot.to_bytes());
    }

    pub fn remove(&self, path: &str) {
        let key = Key::parse(&format!("ckp/{path}")).unwrap();
        self.storage.remove(&key);
    }

    pub fn set(&self, jobs: Vec<JobEvidence>) {
        *self.jobs.lock().unwrap() = jobs;
    }

    pub fn edit(&self, edit: impl FnOnce(&mut JobEvidence)) {
        edit(self.jobs.lock().unwrap().first_mut().unwrap());
    }

    pub async fn run(&self, mode: Mode) -> Report {
        self.run_on(mode, Arc::new(self.storage.clone())).await
    }

    pub async fn run_on(&self, mode: Mode, storage: Arc<dyn Storage>) -> Report {
        let mut stores = Stores::default();
        if let Some(alias) = &self.alias {
            stores.add(alias.clone(), Arc::clone(&storage));
        }
        stores.add(at("/data"), storage);
        Run {
            observer: self,
            stores: &stores,
            clock: self,
            progress: &NoProgress,
            cache: &MetadataCache::default(),
            policy: &self.policy,
            bases: self.bases.clone(),
            scope: self.scope.clone(),
            mode,
            consent: self.consent.clone(),
            owner: Some(OwnerId(self.owner.clone())),
            term: self.term.clone(),
            cancel: self.cancel.clone(),
        }
        .execute()
        .await
        .unwrap()
    }

    pub async fn enforce_with(&self, consent: Consent) -> Report {
        let world = Self {
            consent,
            ..self.clone()
        };
        world.enforce().await
    }

    pub async fn enforce(&self) -> Report {
        self.run(Mode::Enforce).await
    }

    /// Runs, and finds this file protected by this guard, and still there.
    pub async fn assert_protected(&self, path: &str, guard: Guard) {
        let report = self.enforce().await;
        let entry = report
            .plan
            .entries
            .iter()
            .find(|entry| *entry.path == *path)
            .unwrap();
        let Decision::Protected(protection) = &entry.decision else {
            panic!("{entry:?}");
        };
        assert_eq!(protection.guard, guard, "{}", protection.why);
        assert!(self.has(path));
    }

    /// A running plain job whose high-availability map and REST hold these checkpoints, with this next id.
    pub fn running(&self, checkpoints: &[(u64, SnapshotFile)], counter: u64) -> JobEvidence {
        let now = self.now();
        JobEvidence {
            phase: Phase::Running,
            processes: Processes::Present,
            high_availability: HighAvailability::Map(Box::new(HaMap {
                uid: "map-1".to_owned(),
                read_at: now,
                counter: Some(counter),
                entries: checkpoints
                    .iter()
                    .map(|(id, snapshot)| ha_entry(*id, snapshot, now))
                    .collect(),
            })),
            job_manager: JobManager::Answered(Box::new(RestCheckpoints {
                read_at: now,
                told: Some(now),
                job_id: JOB.parse().unwrap(),
                state: "RUNNING".to_owned(),
                started: Some(now),
                max_concurrent: Some(1),
                backend: StateBackend::RocksDb,
                changelog: Some(false),
                file_system_storage: true,
                timeout: Some(SignedDuration::from_mins(10)),
                checkpoints: checkpoints
                    .iter()
                    .map(|(id, _)| rest_checkpoint(*id, now))
                    .collect(),
                completed: None,
                restored: None,
                cluster: Err("not asked".to_owned()),
            })),
            ..terminal(JOB)
        }
    }
}

fn ha_entry(id: u64, snapshot: &SnapshotFile, now: Timestamp) -> HaEntry {
    let directory = at(&format!("/data/ckp/{JOB}/chk-{id}"));
    let shared = snapshot.shared.iter().map(|(path, size)| (at(path), *size));
    let exclusive = snapshot
        .exclusive
        .iter()
        .map(|(name, size)| (directory.join(name), *size));
    HaEntry {
        checkpoint_id: id,
        marked_for_deletion: false,
        checkpoint: HaCheckpoint {
            job_id: JOB.parse().unwrap(),
            pointer: Some(directory.clone()),
            triggered: now,
            completed: now,
            references: shared
                .chain(exclusive)
                .map(|(location, size)| HaReference {
                    location,
                    required: Required(size),
                })
                .collect(),
            contents: Contents::default(),
            inline_bytes: 0,
        },
    }
}

fn rest_checkpoint(id: u64, now: Timestamp) -> RestCheckpoint {
    RestCheckpoint {
        id,
        status: "COMPLETED".to_owned(),
        is_savepoint: false,
        triggered: now,
        latest_ack: Some(now),
        external_path: Some(at(&format!("/data/ckp/{JOB}/chk-{id}"))),
        discarded: false,
    }
}

/// The file that nobody names in [`World::with_an_orphan`].
pub fn orphan() -> String {
    format!("{JOB}/shared/{}", uuid(2))
}

/// A job that is over, with no process and no high-availability data left.
pub fn terminal(id: &str) -> JobEvidence {
    JobEvidence {
        name: JobName {
            kind: "FlinkDeployment".to_owned(),
            namespace: "flink".to_owned(),
            name: "orders".to_owned(),
        },
        current: Some(id.parse().unwrap()),
        lineage: Lineage::default(),
        phase: Phase::Terminal {
            state: "CANCELED".to_owned(),
        },
        processes: Processes::Absent,
        bases: vec![at("/data/ckp")],
        high_availability: HighAvailability::NotConfigured,
        job_manager: JobManager::NotAsked,
        checkpoint_timeout: None,
        state_backend: None,
        suspended_by: None,
    }
}

pub fn lineage(id: &str) -> Lineage {
    Lineage {
        entries: vec![LineageEntry {
            job_id: id.parse::<JobId>().unwrap(),
            base: Some(at("/data/ckp")),
            first_seen: Timestamp::UNIX_EPOCH,
            last_seen: Timestamp::UNIX_EPOCH,
            resource: ResourceState::Exists,
        }],
    }
}

pub fn at(path: &str) -> Location {
    Location::parse(path, &Origin::default()).unwrap()
}

/// The name of a data file.
pub fn uuid(number: u64) -> String {
    format!("00000000-0000-0000-0000-{number:012}")
}
