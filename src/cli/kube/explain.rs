//! `kubectl flink-retention explain`: why nothing goes, why a run ended as it did, why a job's files stay.

use std::str::FromStr;

use anyhow::bail;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::Value;

use super::answer::{Form, list, objects, values};
use super::connection::Cluster;
use super::words::{bytes, classes, name, namespace, sentence};
use crate::api::retention_run::{JobOutcome, ProtectedByGuard};
use crate::api::{CheckpointInventory, RetentionPolicy, RetentionRun};
use crate::cli::Exit;
use crate::cli::output::{Output, count, plain, size};

/// Say why: what stands in the way of a policy, how a run ended, what keeps the files of a job
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// A policy, a run or a Flink job by its name; policy/NAME, run/NAME or job/NAME where one name has several meanings
    what: What,
}

#[derive(Clone, Debug)]
struct What {
    kind: Option<Kind>,
    name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Policy,
    Run,
    Job,
}

impl FromStr for What {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((kind, name)) = text.split_once('/') else {
            return Ok(Self {
                kind: None,
                name: text.to_owned(),
            });
        };
        let kind = match kind {
            "policy" | "frp" | "retentionpolicy" => Kind::Policy,
            "run" | "frr" | "retentionrun" => Kind::Run,
            "job" | "ckinv" | "checkpointinventory" => Kind::Job,
            _ => return Err(format!("{kind:?} is no kind; write policy/, run/ or job/")),
        };
        Ok(Self {
            kind: Some(kind),
            name: name.to_owned(),
        })
    }
}

pub(super) async fn run(
    cluster: &Cluster,
    Arguments { what }: &Arguments,
    form: Form,
) -> anyhow::Result<Exit> {
    let may_be = |kind| what.kind.is_none_or(|meant| meant == kind);
    let jobs: Vec<CheckpointInventory> = cluster.list(false).await?;
    let policy: Option<RetentionPolicy> = if may_be(Kind::Policy) {
        cluster.find(&what.name).await?
    } else {
        None
    };
    let run: Option<RetentionRun> = if may_be(Kind::Run) {
        cluster.find(&what.name).await?
    } else {
        None
    };
    let meant: Vec<&CheckpointInventory> = jobs
        .iter()
        .filter(|_| may_be(Kind::Job))
        .filter(|job| job.spec.job_ref.name == what.name || name(*job) == what.name)
        .collect();
    if policy.is_none() && run.is_none() && meant.is_empty() {
        bail!(
            "there is no policy, run or job {} in namespace {namespace}; see kubectl flink-retention -n {namespace} status",
            what.name,
            namespace = cluster.namespace
        );
    }
    let mut output = Output::new();
    let as_objects = || {
        let mut items: Vec<Value> = values(policy.as_slice())?;
        items.extend(values(run.as_slice())?);
        items.extend(values(&meant)?);
        Ok(list(&items))
    };
    if !objects(&mut output, form, as_objects)? {
        if let Some(policy) = &policy {
            explain_policy(&mut output, policy, &jobs)?;
        }
        if let Some(run) = &run {
            explain_run(&mut output, run)?;
        }
        for job in meant {
            explain_job(&mut output, job)?;
        }
    }
    output.finish()?;
    Ok(Exit::Fine)
}

fn explain_policy(
    output: &mut Output,
    policy: &RetentionPolicy,
    jobs: &[CheckpointInventory],
) -> std::io::Result<()> {
    output.line(format_args!(
        "policy {}/{}, {:?}",
        namespace(policy),
        name(policy),
        policy.spec.mode
    ))?;
    let Some(status) = &policy.status else {
        return output.line("  no operator has looked at it yet");
    };
    conditions(output, &status.conditions)?;
    if let Some(storage) = &status.storage {
        output.line(format_args!("  stores {}", classes(storage)))?;
    }
    if let Some(last) = &status.last_run {
        output.line(format_args!(
            "  last run {} {}: deleted {}, would have deleted {}",
            last.name,
            last.phase.as_str(),
            size(u64::try_from(last.deleted_bytes).unwrap_or(0)),
            size(u64::try_from(last.would_delete_bytes).unwrap_or(0)),
        ))?;
    }
    if let Some(next) = &status.next_run_time {
        output.line(format_args!("  next run at {:.0}", next.0))?;
    }
    for job in jobs {
        let Some(status) = &job.status else { continue };
        let selected = status.policy_ref.as_ref();
        if selected.is_some_and(|selected| selected.name == name(policy)) {
            let orphaned = status
                .storage
                .as_ref()
                .map(|storage| bytes(storage.orphaned));
            output.line(format_args!(
                "  job {}: reclaimable {}",
                job.spec.job_ref.name,
                orphaned.map_or_else(|| "not known yet".to_owned(), size),
            ))?;
            guards(output, &status.protected_by)?;
        }
    }
    Ok(())
}

fn explain_run(output: &mut Output, run: &RetentionRun) -> std::io::Result<()> {
    output.line(format_args!(
        "run {}/{} of policy {}, {:?}",
        namespace(run),
        name(run),
        run.spec.policy_ref.name,
        run.spec.mode
    ))?;
    let Some(status) = &run.status else {
        return output.line("  no operator has looked at it yet");
    };
    if let Some(phase) = status.phase {
        output.line(format_args!("  {}", phase.as_str()))?;
    }
    conditions(output, &status.conditions)?;
    for blocked in &status.blocked_by {
        output.line(format_args!("  blocked by {}", plain(blocked)))?;
    }
    for JobOutcome {
        kind,
        name,
        orphan_bytes,
        message,
    } in &status.jobs
    {
        output.line(format_args!(
            "  {kind} {name}: reclaimable {}{}",
            size(u64::try_from(*orphan_bytes).unwrap_or(0)),
            message
                .as_ref()
                .map_or_else(String::new, |message| format!("; {}", plain(message))),
        ))?;
    }
    guards(output, &status.protected_by)
}

fn explain_job(output: &mut Output, job: &CheckpointInventory) -> std::io::Result<()> {
    let reference = &job.spec.job_ref;
    output.line(format_args!(
        "job {}/{}, a {}",
        namespace(job),
        reference.name,
        reference.kind
    ))?;
    let Some(status) = &job.status else {
        return output.line("  no operator has looked at it yet");
    };
    conditions(output, &status.conditions)?;
    match &status.latest_restorable {
        Some(latest) => output.line(format_args!(
            "  would be started from {}",
            plain(latest.named())
        ))?,
        None => output.line("  nothing is known that it could be started from")?,
    }
    match &status.policy_ref {
        Some(policy) => output.line(format_args!("  policy {}", policy.name))?,
        None => output.line("  no policy selects it, so nothing of it goes")?,
    }
    if let Some(storage) = &status.storage {
        output.line(format_args!("  stores {}", classes(storage)))?;
    }
    guards(output, &status.protected_by)
}

fn conditions(output: &mut Output, conditions: &[Condition]) -> std::io::Result<()> {
    for condition in conditions {
        let Condition { type_, status, .. } = condition;
        output.line(format_args!(
            "  {type_} {status}: {}",
            plain(&sentence(condition))
        ))?;
    }
    Ok(())
}

fn guards(output: &mut Output, guards: &[ProtectedByGuard]) -> std::io::Result<()> {
    for ProtectedByGuard {
        guard,
        message,
        bytes,
        files,
    } in guards
    {
        let why = message
            .as_ref()
            .map_or_else(String::new, |why| format!(": {}", plain(why)));
        output.line(format_args!(
            "  guard {guard} keeps {} in {}{why}",
            size(u64::try_from(*bytes).unwrap_or(0)),
            count(u64::try_from(*files).unwrap_or(0), "file", "files"),
        ))?;
    }
    Ok(())
}
