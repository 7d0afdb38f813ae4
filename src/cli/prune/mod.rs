//! `flink-retention prune`: marks what is superfluous, and deletes what has been marked for long enough.

mod outcome;

use jiff::SignedDuration;
use retention::plan::{Decision, Plan, PlanEntry, Ripeness, Waiting};
use retention::policy::{Limits, Policy};
use tokio_util::sync::CancellationToken;

use super::directory::Directory;
use super::exit::note;
use super::invocation::{Invocation, WorldArguments};
use super::output::Format;
use super::policy::PolicyArguments;
use super::trouble;
use super::{Exit, UsageError};
use crate::engine::report::Outcome;
use crate::engine::{Mode, Report};
use outcome::Pass;

/// What a shell says of a program that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// Delete the files that nothing needs; without --yes only say which
///
/// A file goes when it is superfluous, older than --min-age, and was marked as superfluous by an earlier run at least
/// --grace-period ago. So the first run with --yes marks, and a later one deletes; with --grace-period 0s one
/// command does both. Ctrl-C ends it after the files that are being deleted, once more at once. Only files of jobs that are named as stopped go, or of jobs whose state can be proven. With
/// --output json: one line for each file, with path, outcome, reason and bytes, and a last line with the sums.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// Checkpoint and savepoint directories, as state.checkpoints.dir names them: all that snapshots of these jobs may
    /// be in, and those of every job that was started from one of them. Paths of this machine; `s3://bucket/prefix`,
    /// as whoever the AWS command line would be here; `gs://bucket/prefix`, as whoever
    /// `GOOGLE_APPLICATION_CREDENTIALS` names; or `hdfs://namenode:port/path`, as whoever `hdfs dfs` would be
    #[arg(required = true, value_name = "DIR", value_parser = Directory::parser())]
    directories: Vec<Directory>,
    /// Mark and delete; without it nothing is changed
    #[arg(long)]
    yes: bool,
    /// Move what is deleted into the trash of HDFS, from which it can be taken back; its space is free only when the
    /// `NameNode` empties the trash
    #[arg(long)]
    trash: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    world: WorldArguments,
    #[command(flatten)]
    policy: PolicyArguments,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        directories,
        yes,
        trash,
        output: format,
        world,
        policy,
    } = arguments;
    let directories = if trash {
        with_trash(directories)?
    } else {
        directories
    };
    let invocation = Invocation::new(&world, &directories, policy.policy()).await?;
    let pass = if yes {
        let over = CancellationToken::new();
        tokio::spawn(interrupts(invocation.cancel.clone(), over.clone()));
        let pass = enforce(&invocation, trash).await;
        over.cancel();
        pass?
    } else {
        let report = invocation.run(Mode::DryRun).await?;
        Pass {
            would_go: would_go(&report.plan, &invocation.policy),
            report,
            outcome: Outcome::default(),
            dry: true,
            trash,
        }
    };
    pass.show(format)?;
    pass.check()?;
    trouble::of(&pass.report)
}

/// Ctrl-C asks the work to end, once more ends the program: whoever has asked for the signal once gets it ever after. What
/// is half done then is as after a crash.
async fn interrupts(work: CancellationToken, over: CancellationToken) {
    let first = over.run_until_cancelled(tokio::signal::ctrl_c()).await;
    if let Some(Ok(())) = first {
        // The file that is being deleted is finished, and the journal says how far it went.
        work.cancel();
        note("ending after the files that are being deleted; once more ends at once");
    }
    if tokio::signal::ctrl_c().await.is_ok() {
        std::process::exit(INTERRUPTED);
    }
}

fn with_trash(directories: Vec<Directory>) -> Result<Vec<Directory>, UsageError> {
    let each = directories.into_iter().map(|directory| {
        let name = directory.to_string();
        directory.with_trash().ok_or_else(|| {
            UsageError(format!(
                "--trash: {name} is not in HDFS, and elsewhere there is no trash; leave --trash out"
            ))
        })
    });
    each.collect()
}

/// One run, or with no grace period as many as it takes: one marks, the next deletes; a snapshot that expires leaves
/// shared files behind that are marked and deleted in turn.
async fn enforce(invocation: &Invocation, trash: bool) -> anyhow::Result<Pass> {
    let mut total = Outcome::default();
    let report = loop {
        let before = total.deleted.len();
        let report = enforce_once(invocation, &mut total).await?;
        let at_once = invocation.policy.grace_period == SignedDuration::ZERO
            && total.blocked.is_empty()
            && total.failed.is_empty();
        let may_go_on = total.deleted.len() > before || newly_marked(&report);
        if !(at_once && may_go_on) {
            break report;
        }
    };
    let report = if total.deleted.is_empty() {
        report
    } else {
        // What is left, as it is now.
        invocation.run(Mode::DryRun).await?
    };
    Ok(Pass {
        report,
        outcome: total,
        would_go: Vec::new(),
        dry: false,
        trash,
    })
}

async fn enforce_once(invocation: &Invocation, total: &mut Outcome) -> anyhow::Result<Report> {
    let deleted = total.deleted_amount().bytes;
    let left = |limit: u64| limit.saturating_sub(deleted);
    let policy = Policy {
        limits: Limits {
            max_bytes_per_run: invocation.policy.limits.max_bytes_per_run.map(left),
            ..invocation.policy.limits
        },
        ..invocation.policy.clone()
    };
    let mut report = invocation.run_with(Mode::Enforce, &policy).await?;
    let Outcome {
        blocked,
        deleted,
        spared,
        failed,
        asked: _,
        store_ahead,
    } = std::mem::take(&mut report.outcome);
    total.blocked.extend(blocked);
    total.deleted.extend(deleted);
    total.spared.extend(spared);
    total.failed.extend(failed);
    total.store_ahead.extend(store_ahead);
    Ok(report)
}

/// Whether this run has marked what the next one may delete.
fn newly_marked(report: &Report) -> bool {
    report
        .plan
        .entries
        .iter()
        .any(|entry| entry.decision.deletes() && entry.ripeness == Ripeness::Waiting(Waiting::Mark))
}

/// What --yes would delete now; the rest of what is superfluous would wait.
fn would_go(plan: &Plan, policy: &Policy) -> Vec<PlanEntry> {
    let immediately = policy.grace_period == SignedDuration::ZERO;
    let old_enough = |entry: &PlanEntry| {
        entry
            .modified
            .is_some_and(|modified| plan.now.duration_since(modified) >= policy.min_age)
    };
    plan.entries
        .iter()
        .filter(|entry| match (&entry.decision, &entry.ripeness) {
            (Decision::Keep(_) | Decision::Protected(_), _) => false,
            (_, Ripeness::Ripe) => true,
            (_, Ripeness::Waiting(Waiting::Mark)) => immediately && old_enough(entry),
            (_, Ripeness::Waiting(_) | Ripeness::NotApplicable) => false,
        })
        .cloned()
        .collect()
}
