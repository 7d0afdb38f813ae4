//! What our observer learns of the model: each answer is of its own moment, and things happen in between.

use crate::flink::{
    Backend, ClaimMode, Deletion, JobManager, Resource, Snapshot, Stage, Statistic, Status,
};
use crate::turn::turn;
use crate::world::{Millis, SAVEPOINTS, Shared, World, location};
use async_trait::async_trait;
use flink_retention::engine::{Clock, Observer};
use jiff::{SignedDuration, Timestamp};
use retention::evidence::{
    ClusterConfiguration, Evidence, Gap, HaCheckpoint, HaEntry, HaMap, HighAvailability,
    JobEvidence, JobManager as Answer, JobName, Lineage, LineageEntry, Phase, Processes, Radius,
    ResourceState, RestCheckpoint, RestCheckpoints, RestRestored, Root, StateBackend,
};
use retention::guard::Guard;
use retention::inventory::Contents;
use retention::reference::DirectoryKey;

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
        let mut gaps = Vec::new();
        let (mut jobs, mut roots) = {
            let world = &mut *self.world.lock();
            self.look(world);
            if world.blind() {
                gaps.push(unread());
                (Vec::new(), Vec::new())
            } else {
                let now = world.our_time();
                for known in &mut world.resources {
                    known.note_deletion(now);
                }
                let visible = world.resources.iter().filter(|known| known.visible);
                let jobs: Vec<JobEvidence> = visible.clone().map(job).collect();
                (jobs, visible.filter_map(root).collect::<Vec<Root>>())
            }
        };
        let mut high_availability_ids = Vec::new();
        for job in &mut jobs {
            turn().await;
            let world = &mut *self.world.lock();
            let blind = world.blind();
            let of = named(world, &job.name.name);
            // The map of the job that the resource named, if it has not got a new one meanwhile.
            let same = job.current == Some(of.job.parse().unwrap());
            job.high_availability =
                if blind && of.setup.high_availability && of.stage != Stage::Gone {
                    let why = "the API server does not answer".to_owned();
                    HighAvailability::Unreadable { why }
                } else {
                    high_availability(world, of, same)
                };
            // As the observer does: to Flink a job is over that was stopped with a savepoint.
            if let (Phase::Suspended, HighAvailability::NoMap { .. }) =
                (&job.phase, &job.high_availability)
                && of.root.as_ref().is_some_and(|root| root.savepoint)
            {
                job.phase = Phase::Terminal {
                    state: "suspended with a savepoint".to_owned(),
                };
            }
            if let (true, HighAvailability::Map(_)) = (same, &job.high_availability) {
                high_availability_ids.extend(job.current);
            }
        }
        for job in &mut jobs {
            turn().await;
            let world = &mut *self.world.lock();
            job.processes = match &named(world, &job.name.name).job_manager {
                Some(jm) if jm.lingers.is_none() => Processes::Present,
                Some(_) | None => Processes::Absent,
            };
            job.job_manager = ask(world, &job.name.name);
            gaps.extend(unanswered(job));
        }
        turn().await;
        let world = self.world.lock();
        roots.dedup();
        Evidence {
            taken_at: world.our_time(),
            jobs,
            roots,
            high_availability_ids,
            gaps,
        }
    }
}

impl Eyes {
    /// What it can learn from now on is what the model knows now.
    fn look(&self, world: &mut World) {
        let (now, wanted) = (world.now(), world.wanted());
        if let Some(told) = world.told.get_mut(&self.run) {
            told.wanted = wanted;
            told.looked = now;
            told.surprises.clear();
            for epochs in told.epochs.values_mut() {
                epochs.fresh = false;
            }
        }
    }
}

impl World {
    fn blind(&mut self) -> bool {
        self.trouble.blind > 0 && self.choices.one_in(self.trouble.blind)
    }
}

/// No resource could be listed, so any may be there.
fn unread() -> Gap {
    Gap {
        guard: Guard::MissingEvidence,
        what: "FlinkDeployments".to_owned(),
        why: "the API server does not answer".to_owned(),
        radius: vec![Radius::All],
    }
}

/// As the observer does for each job: with neither of the two, nobody says what it holds.
fn unanswered(job: &JobEvidence) -> Vec<Gap> {
    let former = job.lineage.entries.iter().map(|entry| entry.job_id);
    let ids: Vec<Radius> = job
        .current
        .into_iter()
        .chain(former)
        .map(Radius::Job)
        .collect();
    let answered = matches!(job.job_manager, Answer::Answered(_));
    let unreadable = matches!(job.high_availability, HighAvailability::Unreadable { .. });
    let without = matches!(job.high_availability, HighAvailability::NotConfigured);
    let blind = !answered && (unreadable || without);
    let gap = |guard| Gap {
        guard,
        what: job.name.to_string(),
        why: "it does not answer".to_owned(),
        radius: ids
            .iter()
            .cloned()
            .chain(
                job.bases
                    .iter()
                    .filter(|_| blind)
                    .cloned()
                    .map(Radius::Below),
            )
            .collect(),
    };
    let map = unreadable.then(|| gap(Guard::NoHighAvailability));
    let silent = matches!(job.job_manager, Answer::Unreachable { .. });
    let manager = silent.then(|| gap(Guard::JobManagerUnreachable));
    map.into_iter().chain(manager).collect()
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
        current: Some(of.job.parse().unwrap()).filter(|_| of.stage != Stage::Gone),
        lineage: Lineage {
            entries: of
                .former
                .iter()
                .map(|former| (former.job.as_str(), former.base))
                .chain((of.stage == Stage::Gone).then(|| (of.job.as_str(), of.base())))
                .map(|(job, base)| LineageEntry {
                    job_id: job.parse().unwrap(),
                    base: Some(location(base)),
                    first_seen: Timestamp::UNIX_EPOCH,
                    last_seen: Timestamp::UNIX_EPOCH,
                    resource: match of.deletion_of(job) {
                        None => ResourceState::Exists,
                        Some(Deletion { observed }) => ResourceState::Deleted { observed },
                    },
                })
                .collect(),
        },
        phase: match of.stage {
            Stage::Starting => Phase::Unclear {
                why: "it is being deployed".to_owned(),
            },
            Stage::Running => Phase::Running,
            Stage::Suspended => Phase::Suspended,
            Stage::Deleting => Phase::Unclear {
                why: "its resource is being deleted".to_owned(),
            },
            Stage::Gone => Phase::Gone,
            Stage::Terminal(state) => Phase::Terminal {
                state: state.to_owned(),
            },
        },
        processes: Processes::Absent,
        bases: of
            .bases
            .iter()
            .chain([&SAVEPOINTS])
            .map(|base| location(base))
            .collect(),
        high_availability: HighAvailability::NotConfigured,
        job_manager: Answer::NotAsked,
        checkpoint_timeout: of.setup.told_timeout(),
        state_backend: of.setup.says_timeout.then(|| backend(of)),
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
    if !of.setup.high_availability || of.stage == Stage::Gone {
        return HighAvailability::NotConfigured;
    }
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
        references: snapshot.references().to_vec(),
        contents: Contents {
            changelog: snapshot.files().any(|file| file.path.contains("/dstl/")),
            file_merging: snapshot.files().any(|file| file.path.contains("/job_")),
            forst: snapshot.files().any(|file| file.path.contains("/op_")),
        },
        inline_bytes: 0,
    }
}

/// For how long a JobManager may give the same statistics again.
const CACHE: Millis = 3000;

/// REST: the statistics may be a few seconds old, or of any age where the tracker was busy.
fn ask(world: &mut World, name: &str) -> Answer {
    let now = world.now();
    let position = world.resources.iter().position(|known| known.name == name);
    let position = position.unwrap();
    let fresh = !world.choices.one_in(3);
    let busy = world.choices.one_in(world.trouble.busy);
    let blind = world.blind();
    let of = &mut world.resources[position];
    if blind && matches!(of.stage, Stage::Running | Stage::Starting | Stage::Deleting) {
        let why = "timed out".to_owned();
        return Answer::Unreachable { why };
    }
    let seen = of.job_manager.as_mut().filter(|jm| jm.lingers.is_none());
    let Some(jm) = seen else {
        return match of.stage {
            Stage::Running | Stage::Starting | Stage::Deleting => Answer::Unreachable {
                why: "connection refused".to_owned(),
            },
            Stage::Suspended | Stage::Terminal(_) | Stage::Gone => Answer::NotAsked,
        };
    };
    let cached = jm
        .cached
        .take()
        .filter(|(at, _)| busy || (!fresh && now - at <= CACHE));
    let (at, statistics) = cached.unwrap_or_else(|| (now, jm.statistics.clone()));
    jm.cached = Some((at, statistics.clone()));
    let of = &world.resources[position];
    of.job_manager.as_ref().map_or(Answer::NotAsked, |jm| {
        Answer::Answered(Box::new(answer(world, of, jm, &statistics)))
    })
}

fn backend(of: &Resource) -> StateBackend {
    match of.setup.backend {
        Backend::HashMap => StateBackend::HashMap,
        Backend::RocksDb | Backend::Changelog | Backend::Merging => StateBackend::RocksDb,
        Backend::ForSt => StateBackend::Other("ForStStateBackend".to_owned()),
    }
}

fn answer(world: &World, of: &Resource, jm: &JobManager, known: &[Statistic]) -> RestCheckpoints {
    let is_completed = |known: &&Statistic| matches!(known.status, Status::Completed { .. });
    let completed = known.iter().filter(is_completed).count();
    // The history holds the newest ten.
    let newest = known.iter().skip(known.len().saturating_sub(10));
    RestCheckpoints {
        read_at: world.our_time(),
        told: Some(world.flink_time(world.now())),
        job_id: of.job.parse().unwrap(),
        state: jm.over.unwrap_or("RUNNING").to_owned(),
        started: Some(world.flink_time(jm.started)),
        max_concurrent: Some(of.setup.max_concurrent as u64),
        backend: backend(of),
        changelog: Some(of.setup.backend == Backend::Changelog),
        file_system_storage: true,
        timeout: of.setup.told_timeout(),
        checkpoints: newest.map(|known| statistic(world, known)).collect(),
        completed: Some(completed as u64),
        restored: jm.restored.as_ref().map(|restored| RestRestored {
            id: restored.id,
            at: Some(world.flink_time(jm.restored_at)),
            external_path: Some(location(&restored.directory)),
            is_savepoint: restored.savepoint,
        }),
        cluster: Ok(ClusterConfiguration {
            high_availability: of.setup.high_availability.then(|| "kubernetes".to_owned()),
            job_managers: 1,
            statistics_cache: SignedDuration::from_millis(CACHE),
            claim_mode: match of.claim {
                ClaimMode::NoClaim => retention::evidence::ClaimMode::NoClaim,
                ClaimMode::Claim => retention::evidence::ClaimMode::Claim,
                ClaimMode::Legacy => retention::evidence::ClaimMode::Legacy,
            },
        }),
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
