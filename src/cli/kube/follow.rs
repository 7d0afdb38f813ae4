//! `--wait`: follows a run to its end, or to where it asks a person.

use std::pin::pin;
use std::time::Duration as StdDuration;

use anyhow::{anyhow, bail};
use futures::TryStreamExt;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watch_object};

use super::connection::Cluster;
use super::words::{condition, sized};
use crate::api::retention_run::{self, Phase};
use crate::api::{Amount, Duration, RetentionRun, RetentionRunStatus};
use crate::cli::Exit;
use crate::cli::exit::complain;
use crate::cli::output::{Output, plain};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Wait {
    /// Wait until the run has ended or asks. Exit code 0 if it succeeded, 3 if it asks, 1 otherwise
    #[arg(long)]
    wait: bool,
    /// How long to wait
    #[arg(long, value_name = "DURATION", default_value = "1h", requires = "wait")]
    timeout: Duration,
}

pub(super) async fn follow(cluster: &Cluster, run: &str, wait: &Wait) -> anyhow::Result<Exit> {
    if !wait.wait {
        return Ok(Exit::Fine);
    }
    let limit = StdDuration::from(wait.timeout);
    let over = tokio::time::timeout(limit, ended(cluster, run)).await;
    let status = over.map_err(|_| {
        anyhow!(
            "run {run} has not ended within {}; it goes on: kubectl flink-retention explain {run}",
            wait.timeout
        )
    })??;
    finish(run, &status)
}

/// Each phase is said once.
async fn ended(cluster: &Cluster, name: &str) -> anyhow::Result<RetentionRunStatus> {
    let watched = watch_object(cluster.api::<RetentionRun>(), name);
    let mut watched = pin!(watched.default_backoff());
    let mut said = None;
    let mut seen = false;
    loop {
        let run = match watched.try_next().await {
            Ok(Some(run)) => run,
            Ok(None) => bail!("the API server tells no more of run {name}; look again"),
            Err(
                watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error),
            ) => {
                return Err(cluster.told::<RetentionRun>("watch", Some(name), error));
            }
            // The connection broke; the watch begins anew.
            Err(error) => {
                complain(&error.to_string());
                continue;
            }
        };
        let Some(run) = run else {
            if seen {
                bail!("run {name} was deleted");
            }
            continue;
        };
        seen = true;
        let status = run.status.unwrap_or_default();
        let phase = status.phase.unwrap_or(Phase::Pending);
        if said.replace(phase) != Some(phase) {
            let mut output = Output::new();
            output.line(phase.as_str())?;
            output.finish()?;
        }
        // What was approved is taken up again.
        let asks = phase == Phase::AwaitingApproval && run.spec.approval.is_none();
        let takes_up =
            phase == Phase::Blocked && run.spec.approval.is_some() && status.plan.is_some();
        if asks || (phase.is_finished() && !takes_up) {
            return Ok(status);
        }
    }
}

fn finish(run: &str, status: &RetentionRunStatus) -> anyhow::Result<Exit> {
    let message = condition(&status.conditions, retention_run::condition::COMPLETE)
        .map(|complete| plain(&complete.message))
        .unwrap_or_default();
    match status.phase.unwrap_or(Phase::Pending) {
        Phase::Succeeded | Phase::AwaitingApproval => {}
        phase => bail!("run {run} is {}: {message}", phase.as_str()),
    }
    let mut output = Output::new();
    output.line(message)?;
    let decisions = status.decisions.unwrap_or_default();
    let amounts = [
        ("orphan", decisions.orphan),
        ("expire", decisions.expire),
        ("protected", decisions.protected),
        ("deleted", decisions.deleted),
    ];
    for (word, amount) in amounts {
        if let Some(amount) = amount.filter(|Amount { files, .. }| *files > 0) {
            output.line(format_args!("  {word:9} {}", sized(amount)))?;
        }
    }
    output.finish()?;
    Ok(if status.phase == Some(Phase::AwaitingApproval) {
        Exit::Findings
    } else {
        Exit::Fine
    })
}
