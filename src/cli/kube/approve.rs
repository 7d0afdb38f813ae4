//! `kubectl flink-retention approve`: shows what a run asks for, and says yes to exactly that.

use anyhow::bail;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::answer::{Form, objects};
use super::connection::Cluster;
use super::follow::{Wait, follow};
use super::words::{condition, name};
use crate::api::RetentionRun;
use crate::api::retention_run::{self, Phase, PlanReference, SampleDecision, SampleFile};
use crate::cli::Exit;
use crate::cli::UsageError;
use crate::cli::output::{Output, plain, size};

/// Show what a run asks to delete; with --yes approve exactly that
///
/// What goes is what is in the plan, and is still superfluous when the run looks again. An approval is given once.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// The `RetentionRun`
    run: String,
    /// Approve the plan of --plan; without it only say what is asked, and how to approve it
    #[arg(long, requires = "plan")]
    yes: bool,
    /// The plan that is meant, by its digest: that of another one is not approved
    #[arg(long, value_name = "DIGEST")]
    plan: Option<String>,
    #[command(flatten)]
    wait: Wait,
}

pub(super) async fn run(
    cluster: &Cluster,
    arguments: Arguments,
    form: Form,
) -> anyhow::Result<Exit> {
    let Arguments {
        run,
        yes,
        plan,
        wait,
    } = arguments;
    let asking: RetentionRun = cluster.get(&run).await?;
    let digest = asked(&asking)?.digest.clone();
    if let Some(meant) = plan.filter(|meant| *meant != digest) {
        return Err(UsageError(format!(
            "run {run} asks for the plan {digest}, not for {meant}; look at what it asks, without --plan"
        ))
        .into());
    }
    let mut output = Output::new();
    if !objects(&mut output, form, || serde_json::to_value(&asking))? {
        show(&mut output, &asking)?;
    }
    if !yes {
        if matches!(form, Form::Table | Form::Wide) {
            output.line(format_args!(
                "nothing was approved; to approve this plan: kubectl flink-retention -n {} approve {run} --plan {digest} --yes",
                cluster.namespace
            ))?;
        }
        output.finish()?;
        return Ok(Exit::Findings);
    }
    let approval = json!({"spec": {"approval": {"planDigest": digest}}});
    let patched = cluster
        .api::<RetentionRun>()
        .patch(&run, &PatchParams::default(), &Patch::Merge(approval))
        .await;
    patched.map_err(|error| cluster.told::<RetentionRun>("approve", Some(&run), error))?;
    if matches!(form, Form::Table | Form::Wide) {
        output.line(format_args!(
            "retentionrun.flink-retention.dev/{run} approved"
        ))?;
    }
    output.finish()?;
    follow(cluster, &run, &wait).await
}

/// The plan that the run asks about.
fn asked(run: &RetentionRun) -> anyhow::Result<&PlanReference> {
    let named = name(run);
    let status = run.status.as_ref();
    let phase = status.and_then(|status| status.phase);
    let phase = phase.unwrap_or(Phase::Pending);
    if let Some(approval) = &run.spec.approval {
        bail!(
            "run {named} was approved before, with the plan {}; it is {}",
            approval.plan_digest,
            phase.as_str()
        );
    }
    let asks = matches!(phase, Phase::AwaitingApproval | Phase::Blocked);
    match status.and_then(|status| status.plan.as_ref()) {
        Some(plan) if asks => Ok(plan),
        Some(_) | None => bail!(
            "run {named} asks nothing: it is {}; kubectl flink-retention explain {named} says more",
            phase.as_str()
        ),
    }
}

fn show(output: &mut Output, run: &RetentionRun) -> std::io::Result<()> {
    let Some(status) = &run.status else {
        return Ok(());
    };
    if let Some(complete) = condition(&status.conditions, retention_run::condition::COMPLETE) {
        output.line(plain(&complete.message))?;
    }
    // What may go now is asked; the status also samples what has to wait, and what guards keep.
    let mut superfluous = status
        .sample
        .iter()
        .filter(|file| {
            matches!(
                file.decision,
                SampleDecision::Expire | SampleDecision::Orphan
            )
        })
        .peekable();
    if superfluous.peek().is_some() {
        output.line("some of what is superfluous, now or later:")?;
    }
    for file in superfluous {
        let SampleFile {
            path,
            decision: _,
            reason,
            bytes,
        } = file;
        let bytes = size(u64::try_from(*bytes).unwrap_or(0));
        output.line(format_args!(
            "  {bytes:>10}  {}: {}",
            plain(reason),
            plain(path)
        ))?;
    }
    if let Some(plan) = &status.plan {
        output.line(format_args!("plan     {}", plain(&plan.digest)))?;
        if let Some(location) = &plan.location {
            output.line(format_args!(
                "what is asked is listed in {}",
                plain(location)
            ))?;
        }
    }
    if let Some(deadline) = &status.approval_deadline {
        output.line(format_args!("can be approved until {:.0}", deadline.0))?;
    }
    Ok(())
}
