//! One use of the engine from a shell.

use std::sync::Arc;

use retention::policy::Policy;
use tokio_util::sync::CancellationToken;

use super::UsageError;
use super::bases::Bases;
use super::directory::Directory;
use super::jobs::{JobArguments, JobStates};
use super::mounts::MountArguments;
use super::observer::CommandLineObserver;
use super::progress::TerminalProgress;
use crate::engine::journal::OwnerId;
use crate::engine::{Consent, MetadataCache, Mode, Observer, Progress, Report, Run, SystemClock};
use crate::observe::{ManifestObserver, Manifests, NamedStates, NoJobManagers};
use crate::owner_id::owner_id;

/// Who acts, and what is known of the jobs.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct WorldArguments {
    #[command(flatten)]
    pub(super) jobs: JobArguments,
    #[command(flatten)]
    pub(super) mounts: MountArguments,
    /// Who we are in the journal beside the data; a directory that another owner acts on is left alone
    #[arg(long, value_name = "ID", default_value = "command-line", value_parser = owner_id)]
    owner_id: String,
}

/// Everything that a run needs.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) bases: Bases,
    pub(super) policy: Policy,
    pub(super) cancel: CancellationToken,
    observer: CommandLineObserver,
    owner: OwnerId,
    cache: MetadataCache,
}

impl Invocation {
    pub(super) async fn new(
        world: &WorldArguments,
        directories: &[Directory],
        policy: Policy,
    ) -> anyhow::Result<Self> {
        let bases = Bases::open(&world.mounts, directories).await?;
        refuse_unknown_pins(&policy, &bases).await?;
        let states = world.jobs.states(&bases).await?;
        Ok(Self {
            observer: CommandLineObserver {
                manifests: manifests(&world.jobs, &states, &bases)?,
                states,
                bases: bases.clone(),
                clock: Arc::new(SystemClock),
            },
            bases,
            policy,
            cancel: CancellationToken::new(),
            owner: OwnerId(world.owner_id.clone()),
            cache: MetadataCache::default(),
        })
    }

    /// Observes, scans, plans, and in `Enforce` marks and deletes.
    pub(super) async fn run(&self, mode: Mode) -> anyhow::Result<Report> {
        self.run_with(mode, &self.policy).await
    }

    pub(super) async fn run_with(&self, mode: Mode, policy: &Policy) -> anyhow::Result<Report> {
        self.run_watched(mode, policy, &TerminalProgress::new())
            .await
    }

    async fn run_watched(
        &self,
        mode: Mode,
        policy: &Policy,
        progress: &dyn Progress,
    ) -> anyhow::Result<Report> {
        let run = Run {
            observer: &self.observer,
            stores: &self.bases.stores,
            clock: &SystemClock,
            progress,
            cache: &self.cache,
            policy,
            bases: self.bases.locations.clone(),
            scope: None,
            mode,
            consent: Consent::Given,
            owner: Some(self.owner.clone()),
            term: None,
            cancel: self.cancel.clone(),
        };
        Ok(run.execute().await?)
    }
}

/// A pin with a slip of the pen protects nothing, and whoever wrote it would not know.
async fn refuse_unknown_pins(policy: &Policy, bases: &Bases) -> anyhow::Result<()> {
    if policy.pinned.is_empty() {
        return Ok(());
    }
    let snapshots = bases.snapshots().await?;
    match policy.pinned.iter().find(|pin| !snapshots.contains(*pin)) {
        Some(pin) => Err(UsageError(format!(
            "--pin {pin}: no such snapshot here; check the spelling"
        ))
        .into()),
        None => Ok(()),
    }
}

fn manifests(
    jobs: &JobArguments,
    states: &JobStates,
    bases: &Bases,
) -> anyhow::Result<Option<Box<dyn Observer>>> {
    let Some(directory) = &jobs.manifests else {
        return Ok(None);
    };
    let JobStates {
        running,
        running_backend: _,
        stopped,
        homes: _,
    } = states.clone();
    let observer = ManifestObserver::new(
        Manifests::read(directory)?,
        NamedStates { running, stopped },
        Arc::new(NoJobManagers),
        Arc::clone(&bases.stores),
        Arc::new(SystemClock),
    );
    Ok(Some(Box::new(observer)))
}

#[cfg(test)]
mod tests;
