use super::{BASE, NOW, World, in_base, location, metadata, minute, shared};
use jiff::SignedDuration;
use retention::evidence::{
    ClaimMode, ClusterConfiguration, HaCheckpoint, HaEntry, HaMap, HighAvailability, JobEvidence,
    JobManager, JobName, Lineage, LineageEntry, Phase, Processes, ResourceState, RestCheckpoint,
    RestCheckpoints, StateBackend,
};
use retention::inventory::Contents;
use retention::mark::{CounterMark, MarkKind, Witness};
use retention::run::RunId;

/// A file of the running job that nobody names.
pub(crate) const F: u32 = 0xf;

fn job(name: &str, current: &str) -> JobEvidence {
    JobEvidence {
        name: JobName {
            kind: "FlinkDeployment".to_owned(),
            namespace: "flink".to_owned(),
            name: name.to_owned(),
        },
        current: Some(current.parse().unwrap()),
        lineage: Lineage::default(),
        phase: Phase::Stopped,
        processes: Processes::Absent,
        bases: vec![location("/ckp")],
        high_availability: HighAvailability::NotConfigured,
        job_manager: JobManager::NotAsked,
        checkpoint_timeout: None,
        state_backend: None,
        suspended_by: None,
    }
}

/// A job that surely does not run, named on the command line.
pub(crate) fn stopped(id: &str) -> JobEvidence {
    job(id, id)
}

/// A job whose resource says that it was cancelled.
pub(crate) fn terminal(id: &str) -> JobEvidence {
    JobEvidence {
        phase: Phase::Terminal {
            state: "CANCELED".to_owned(),
        },
        ..job("over", id)
    }
}

/// A plain job that runs under Kubernetes high availability, with these checkpoints in Flink's own store.
pub(crate) fn running(id: &str, retained: &[(u64, i64)]) -> JobEvidence {
    let entries = retained
        .iter()
        .map(|&(number, at)| entry(id, number, at))
        .collect();
    let counter = retained.iter().map(|(number, _)| number + 1).max();
    let checkpoints = retained
        .iter()
        .map(|&(number, at)| complete(id, number, at))
        .collect();
    JobEvidence {
        phase: Phase::Running,
        processes: Processes::Present,
        high_availability: HighAvailability::Map(Box::new(HaMap {
            uid: "uid-1".to_owned(),
            read_at: minute(NOW),
            counter,
            entries,
        })),
        job_manager: JobManager::Answered(Box::new(RestCheckpoints {
            read_at: minute(NOW),
            told: Some(minute(NOW)),
            job_id: id.parse().unwrap(),
            state: "RUNNING".to_owned(),
            started: Some(minute(1)),
            max_concurrent: Some(1),
            backend: StateBackend::RocksDb,
            changelog: Some(false),
            file_system_storage: true,
            timeout: Some(SignedDuration::from_mins(10)),
            checkpoints,
            completed: None,
            restored: None,
            cluster: Ok(cluster(Some("kubernetes"))),
        })),
        ..job("live", id)
    }
}

pub(crate) fn cluster(high_availability: Option<&str>) -> ClusterConfiguration {
    ClusterConfiguration {
        high_availability: high_availability.map(str::to_owned),
        job_managers: 1,
        statistics_cache: SignedDuration::from_secs(3),
        claim_mode: ClaimMode::NoClaim,
    }
}

/// The same without high availability: only its JobManager knows its checkpoints.
pub(crate) fn running_alone(id: &str, retained: &[(u64, i64)]) -> JobEvidence {
    let mut job = running(id, retained);
    job.high_availability = HighAvailability::NotConfigured;
    let rest = rest(&mut job);
    rest.cluster = Ok(cluster(None));
    rest.completed = Some(retained.len() as u64);
    job
}

/// A job that is suspended and will come back from these checkpoints; nobody of it is left.
pub(crate) fn suspended(id: &str, retained: &[(u64, i64)]) -> JobEvidence {
    JobEvidence {
        phase: Phase::Suspended,
        processes: Processes::Absent,
        job_manager: JobManager::NotAsked,
        ..running(id, retained)
    }
}

/// The resource had this id before.
pub(crate) fn after(mut job: JobEvidence, former: &str) -> JobEvidence {
    job.lineage.entries.push(LineageEntry {
        job_id: former.parse().unwrap(),
        base: Some(location("/ckp")),
        first_seen: minute(1),
        last_seen: minute(2),
        resource: ResourceState::Exists,
    });
    job
}

pub(crate) fn entry(id: &str, number: u64, at: i64) -> HaEntry {
    HaEntry {
        checkpoint_id: number,
        marked_for_deletion: false,
        checkpoint: HaCheckpoint {
            job_id: id.parse().unwrap(),
            pointer: Some(in_base(&format!("{id}/chk-{number}"))),
            triggered: minute(at - 1),
            completed: minute(at),
            references: Vec::new(),
            contents: Contents::default(),
            inline_bytes: 0,
        },
    }
}

pub(crate) fn complete(id: &str, number: u64, at: i64) -> RestCheckpoint {
    RestCheckpoint {
        id: number,
        status: "COMPLETED".to_owned(),
        is_savepoint: false,
        triggered: minute(at - 1),
        latest_ack: Some(minute(at)),
        external_path: Some(in_base(&format!("{id}/chk-{number}"))),
        discarded: false,
    }
}

pub(crate) fn in_progress(number: u64, at: i64) -> RestCheckpoint {
    RestCheckpoint {
        status: "IN_PROGRESS".to_owned(),
        latest_ack: None,
        external_path: None,
        ..complete(super::J1, number, at)
    }
}

pub(crate) fn map(job: &mut JobEvidence) -> &mut HaMap {
    match &mut job.high_availability {
        HighAvailability::Map(map) => map,
        other => panic!("no map: {other:?}"),
    }
}

pub(crate) fn rest(job: &mut JobEvidence) -> &mut RestCheckpoints {
    match &mut job.job_manager {
        JobManager::Answered(rest) => rest,
        other => panic!("no answer: {other:?}"),
    }
}

pub(crate) fn answered_later(job: &mut JobEvidence, by: SignedDuration) {
    if let HighAvailability::Map(map) = &mut job.high_availability {
        map.read_at += by;
    }
    if let JobManager::Answered(rest) = &mut job.job_manager {
        rest.read_at += by;
        rest.told = Some(rest.read_at);
    }
}

impl World {
    /// Scenario 1: J1 runs, `chk-12` is complete and names `shared/1`; `shared/F` is old and named by nobody.
    pub(crate) fn base_case() -> Self {
        let mut world = Self::empty().with_job(running(super::J1, &[(12, NOW - 60)]));
        let named = shared(super::J1, 1);
        world.snapshot(&format!("{}/chk-12", super::J1), NOW - 60, &[&named]);
        world.list(&shared(super::J1, F), 100);
        world
    }

    /// The same, with `shared/F` marked a day ago at counter 10 and passed over by `chk-12`.
    pub(crate) fn ripe() -> Self {
        let mut world = Self::base_case();
        let mark = world.mark(&shared(super::J1, F), 100, MarkKind::Orphan);
        mark.counter = Some(CounterMark {
            run: RunId::MapUid("uid-1".to_owned()),
            counter: 10,
        });
        mark.witness = Some(Witness {
            run: RunId::MapUid("uid-1".to_owned()),
            checkpoint_id: 12,
            triggered: None,
            seen: minute(NOW - 30),
        });
        world
    }

    /// J1 is over; `chk-12` names `shared/1`; `shared/F` was marked a day ago.
    pub(crate) fn ripe_terminal() -> Self {
        let mut world = Self::empty().with_job(terminal(super::J1));
        let named = shared(super::J1, 1);
        world.snapshot(&format!("{}/chk-12", super::J1), 5000, &[&named]);
        world.list(&shared(super::J1, F), 100);
        world.mark(&shared(super::J1, F), 100, MarkKind::Orphan);
        world
    }

    /// J1 is suspended, and has been for two days; `chk-12` names `shared/1`; `shared/F` was marked a day ago.
    pub(crate) fn ripe_suspended() -> Self {
        let mut world = Self::ripe_terminal();
        world.evidence.jobs = vec![suspended(super::J1, &[(12, 5000)])];
        let id = super::J1.parse().unwrap();
        let since = minute(NOW - 2 * 1440);
        world.baselines.stopped_since.insert(id, since);
        world
    }

    /// J1 has a new checkpoint, written now: in its store, by its REST, read and whole.
    pub(crate) fn completes(&mut self, number: u64, names: &[&str]) {
        let at = (self.now.duration_since(minute(0)).as_secs()) / 60 - 1;
        self.snapshot(&format!("{}/chk-{number}", super::J1), at, names);
        let job = self.job();
        let map = map(job);
        map.entries.push(entry(super::J1, number, at));
        map.counter = Some(number + 1);
        rest(job).checkpoints.push(complete(super::J1, number, at));
    }

    /// An expired `chk-n` of J1 with an exclusive file of its own, both marked a day ago.
    pub(crate) fn expired(&mut self, number: u64, file: u32, at: i64) {
        let exclusive = super::own(super::J1, number, file);
        self.snapshot(&format!("{}/chk-{number}", super::J1), at, &[&exclusive]);
        self.mark(&metadata(super::J1, number), at, MarkKind::Expired);
        self.mark(&exclusive, at - 1, MarkKind::Expired);
        let _ = BASE;
    }
}
