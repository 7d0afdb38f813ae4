use crate::choices::Choices;
use crate::flink::Resource;
use crate::world::{MINUTE, Millis, World};
use jiff::SignedDuration;

/// How a job is configured, for good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) version: Version,
    pub(crate) backend: Backend,
    /// Kubernetes high availability, or none.
    pub(crate) high_availability: bool,
    /// Every job of the resource has the same id.
    pub(crate) fixed_id: bool,
    /// `num-retained`.
    pub(crate) retained: usize,
    pub(crate) max_concurrent: usize,
    pub(crate) tasks: usize,
    /// `execution.checkpointing.timeout`, and whether anybody says it.
    pub(crate) timeout: Millis,
    pub(crate) says_timeout: bool,
    /// How well its tasks get on with checkpoints.
    pub(crate) pace: Pace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    Usual,
    /// A checkpoint takes hours.
    Slow,
    /// None ever completes.
    Stuck,
}

/// Releases between which the life of files changed (storage life cycle 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    /// Reference counts, LEGACY only, savepoints in Flink's own store, COMPLETED before the store knows.
    V1_14,
    /// Shared files are registered by their local names.
    V1_15,
    /// By their paths.
    V1_20,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// Everything is in `chk-N`.
    HashMap,
    /// Incremental.
    RocksDb,
    /// The same with the changelog: increments are named for as long as nothing was materialized since.
    Changelog,
    /// The same with files merged across checkpoints.
    Merging,
    /// The database itself is remote.
    ForSt,
}

impl Setup {
    pub(crate) fn any(choices: &mut Choices) -> Self {
        let backend = match choices.below(16) {
            0..=9 => Backend::RocksDb,
            10 | 11 => Backend::Changelog,
            12 | 13 => Backend::Merging,
            14 => Backend::ForSt,
            _ => Backend::HashMap,
        };
        let version = match (choices.below(8), backend) {
            (6, Backend::RocksDb | Backend::HashMap) => Version::V1_14,
            (7, Backend::RocksDb | Backend::HashMap) => Version::V1_15,
            _ => Version::V1_20,
        };
        Self {
            version,
            backend,
            high_availability: choices.below(5) < 4,
            fixed_id: choices.one_in(8),
            retained: 1 + choices.index(3),
            max_concurrent: if choices.one_in(8) { 2 } else { 1 },
            tasks: 1 + choices.index(2),
            timeout: choices.pick(&[10, 10, 10, 60]) * MINUTE,
            says_timeout: !choices.one_in(4),
            pace: Pace::Usual,
        }
    }

    /// The timeout, where it is configured in sight.
    pub(crate) fn told_timeout(&self) -> Option<SignedDuration> {
        self.says_timeout
            .then(|| SignedDuration::from_millis(self.timeout))
    }

    /// What the history of such a job is about.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self { fixed_id: true, .. } => "fixed job id",
            Self {
                backend: Backend::Changelog,
                ..
            } => "changelog",
            Self {
                backend: Backend::Merging,
                ..
            } => "file merging",
            Self {
                backend: Backend::ForSt,
                ..
            } => "ForSt",
            Self {
                max_concurrent: 2..,
                ..
            } => "concurrent checkpoints",
            Self {
                high_availability: false,
                ..
            } => "without high availability",
            Self {
                backend: Backend::HashMap | Backend::RocksDb,
                version: Version::V1_14,
                ..
            } => "1.14",
            Self {
                backend: Backend::HashMap | Backend::RocksDb,
                version: Version::V1_15 | Version::V1_20,
                ..
            } => "plain",
        }
    }
}

/// One to three resources; sometimes two of them use one job id.
pub(crate) fn populate(world: &mut World) {
    let count = (1 + world.choices.index(3)).max(world.corner.resources());
    for number in 0..count {
        let setup = Setup::any(&mut world.choices);
        let resource = Resource::any(world, number, setup);
        world.resources.push(resource);
    }
    if count > 1 && world.choices.one_in(16) {
        let job = world.resources[0].job.clone();
        for resource in &mut world.resources[..2] {
            resource.visible = true;
            resource.setup.fixed_id = true;
            resource.job.clone_from(&job);
        }
    }
    world.set_up_corner();
}
