//! What our observer learns of the model: each answer is of its own moment, and things happen in between.

use crate::flink::{JobManager, Resource, Snapshot, Stage, Statistic, Status};
use crate::turn::turn;
use crate::world::{BASE, SAVEPOINTS, Shared, World, location, minutes};
use async_trait::async_trait;
use flink_retention::engine::{Clock, Observer};
use jiff::Timestamp;
use retention::evidence::{
    Evidence, HaCheckpoint, HaEntry, HaMap, HaReference, HighAvailability, JobEvidence,
    JobManager as Answer, JobName, Lineage, LineageEntry, Phase, Processes, ResourceState,
    RestCheckpoint, RestCheckpoints, RestRestored, Root, StateBackend,
};
use retention::inventory::Contents;
use retention::reference::{DirectoryKey, Required};

/// One of our processes, looking at the world.
#[derive(Clone, Debug)]
pub(crate) struct Eyes {
    pub(crate) world: Shared,
    /// Which run it is that looks.
    pub(crate) run: usize,
}

impl Clock for Eyes {
    fn now(&self) -> Timestamp {
        self.world.lock().our_time()
    }
}

#[async_trait]
impl Observer for Eyes {
    async fn observe(&self) -> Evidence {
        turn().await;
        let (mut jobs, mut roots) = {
            let world = &mut *self.world.lock();
            let wanted = world.wanted();
            world.wanted.insert(self.run, wanted);
            let visible = world.resources.iter().filter(|known| known.visible);
            let jobs: Vec<JobEvidence> = visible.clone().map(job).collect();
            (jobs, visible.filter_map(root).collect::<Vec<Root>>())
        };
        let mut high_availability_ids = Vec::new();
        for job in &mut jobs {
            turn().await;
            let world = self.world.lock();
            let of = named(&world, &job.name.name);
            // The map of the job that the resource named, if it has not got a new one meanwhile.
            let same = job.current == Some(of.job.parse().unwrap());
            job.high_availability = high_availability(&world, of, same);
            if let (true, HighAvailability::Map(_)) = (same, &job.high_availability) {
                high_availability_ids.extend(job.current);
            }
        }
        for job in &mut jobs {
            turn().await;
            let world = &mut *self.world.lock();
            job.processes = match named(world, &job.name.name).job_manager {
                Some(_) => Processes::Present,
                None => Processes::Absent,
            };
            job.job_manager = ask(world, &job.name.name);
        }
        turn().await;
        let world = self.world.lock();
        roots.dedup();
        Evidence {
            taken_at: world.our_time(),
            jobs,
            roots,
            high_availability_ids,
            gaps: Vec::new(),
        }
    }
}

fn named<'w>(world: &'w World, name: &str) -> &'w Resource {
    let mut resources = world.resources.iter();
    resources.find(|known| known.name == name).unwrap()
}

fn job(of: &Resource) -> JobEvidence {
    JobEvidence {
        name: JobName {
            kind: "FlinkDeployment".to_owned(),
            namespace: "flink".to_owned(),
            name: of.name.clone(),
        },
        current: Some(of.job.parse().unwrap()),
        lineage: Lineage {
            entries: of
                .former
                .iter()
                .map(|former| LineageEntry {
                    job_id: former.parse().unwrap(),
                    base: Some(location(BASE)),
                    first_seen: Timestamp::UNIX_EPOCH,
                    last_seen: Timestamp::UNIX_EPOCH,
                    resource: ResourceState::Exists,
                })
                .collect(),
        },
        phase: match of.stage {
            Stage::Starting => Phase::Unclear {
                why: "it is being deployed".to_owned(),
            },
            Stage::Running => Phase::Running,
            Stage::Suspended => Phase::Suspended,
            Stage::Terminal(state) => Phase::Terminal {
                state: state.to_owned(),
            },
        },
        processes: Processes::Absent,
        bases: vec![location(BASE), location(SAVEPOINTS)],
        high_availability: HighAvailability::NotConfigured,
        job_manager: Answer::NotAsked,
        checkpoint_timeout: Some(minutes(10)),
        suspended_by: None,
    }
}

fn root(of: &Resource) -> Option<Root> {
    let root = of.root.as_ref()?;
    Some(Root {
        snapshot: DirectoryKey::of(location(&root.directory).path()),
        location: Some(location(&root.directory)),
        named_by: format!("FlinkDeployment flink/{}", of.name),
    })
}

fn high_availability(world: &World, of: &Resource, same: bool) -> HighAvailability {
    let read_at = world.our_time();
    let Some(map) = of.map.as_ref().filter(|_| same) else {
        return HighAvailability::NoMap { read_at };
    };
    HighAvailability::Map(Box::new(HaMap {
        uid: map.uid.clone(),
        read_at,
        counter: Some(map.counter),
        entries: map
            .entries
            .iter()
            .map(|entry| HaEntry {
                checkpoint_id: entry.id,
                marked_for_deletion: entry.marked,
                checkpoint: blob(world, of, &entry.snapshot),
            })
            .collect(),
    }))
}

fn blob(world: &World, of: &Resource, snapshot: &Snapshot) -> HaCheckpoint {
    let own = snapshot.job == of.job;
    // `Checkpoints.loadAndValidateCheckpoint` gives a restored snapshot no times.
    let time = |truth| {
        if own {
            world.flink_time(truth)
        } else {
            Timestamp::UNIX_EPOCH
        }
    };
    HaCheckpoint {
        job_id: of.job.parse().unwrap(),
        pointer: Some(location(&snapshot.directory)),
        triggered: time(snapshot.triggered),
        completed: time(snapshot.completed),
        references: snapshot
            .files()
            .map(|file| HaReference {
                location: location(&file.path),
                required: Required::AtLeast(file.size),
            })
            .collect(),
        contents: Contents::default(),
        inline_bytes: 0,
    }
}

/// REST: the statistics may be a few seconds old.
fn ask(world: &mut World, name: &str) -> Answer {
    let now = world.now();
    let position = world.resources.iter().position(|known| known.name == name);
    let position = position.unwrap();
    let fresh = !world.choices.one_in(3);
    let of = &mut world.resources[position];
    let Some(jm) = of.job_manager.as_mut() else {
        return match of.stage {
            Stage::Running | Stage::Starting => Answer::Unreachable {
                why: "connection refused".to_owned(),
            },
            Stage::Suspended | Stage::Terminal(_) => Answer::NotAsked,
        };
    };
    let cached = jm
        .cached
        .take()
        .filter(|(at, _)| !fresh && now - at <= 3000);
    let (at, statistics) = cached.unwrap_or_else(|| (now, jm.statistics.clone()));
    jm.cached = Some((at, statistics.clone()));
    let of = &world.resources[position];
    of.job_manager.as_ref().map_or(Answer::NotAsked, |jm| {
        Answer::Answered(Box::new(answer(world, of, jm, &statistics)))
    })
}

fn answer(world: &World, of: &Resource, jm: &JobManager, known: &[Statistic]) -> RestCheckpoints {
    // The history holds the newest ten.
    let newest = known.iter().skip(known.len().saturating_sub(10));
    RestCheckpoints {
        read_at: world.our_time(),
        job_id: of.job.parse().unwrap(),
        state: jm.over.unwrap_or("RUNNING").to_owned(),
        started: Some(world.flink_time(jm.started)),
        max_concurrent: Some(of.max_concurrent as u64),
        backend: StateBackend::RocksDb,
        changelog: Some(false),
        file_system_storage: true,
        timeout: Some(minutes(10)),
        checkpoints: newest.map(|known| statistic(world, known)).collect(),
        completed: None,
        restored: jm.restored.as_ref().map(|restored| RestRestored {
            id: restored.id,
            at: None,
            external_path: Some(location(&restored.directory)),
            is_savepoint: restored.savepoint,
        }),
        cluster: Err("not asked".to_owned()),
    }
}

fn statistic(world: &World, known: &Statistic) -> RestCheckpoint {
    let (status, at, discarded) = match known.status {
        Status::InProgress => ("IN_PROGRESS", None, false),
        Status::Completed { at, discarded } => ("COMPLETED", Some(at), discarded),
        Status::Failed => ("FAILED", None, false),
    };
    RestCheckpoint {
        id: known.id,
        status: status.to_owned(),
        is_savepoint: known.savepoint,
        triggered: world.flink_time(known.triggered),
        latest_ack: at.map(|at| world.flink_time(at)),
        external_path: at.map(|_| location(&known.directory)),
        discarded,
    }
}
