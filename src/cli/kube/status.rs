//! `kubectl flink-retention status`: what could be freed, whether each job could be restored, and who is asked.

use jiff::Timestamp;

use super::answer::{Form, list, objects, values};
use super::columns::Columns;
use super::connection::Cluster;
use super::words::{age, ahead, bytes, name, namespace, status_of};
use crate::api::retention_run::Phase;
use crate::api::{CheckpointInventory, Mode, RetentionPolicy, RetentionRun};
use crate::api::{checkpoint_inventory, retention_policy};
use crate::cli::Exit;
use crate::cli::output::{Output, count, size};
use crate::engine::{Clock, SystemClock};

/// Show what could be freed, by job, which policies do it, and which runs ask
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// In all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
}

pub(super) async fn run(
    cluster: &Cluster,
    arguments: &Arguments,
    form: Form,
) -> anyhow::Result<Exit> {
    let all = arguments.all_namespaces;
    let policies: Vec<RetentionPolicy> = cluster.list(all).await?;
    let jobs: Vec<CheckpointInventory> = cluster.list(all).await?;
    let runs: Vec<RetentionRun> = cluster.list(all).await?;
    let mut output = Output::new();
    let as_objects = || {
        let mut items = values(&policies)?;
        items.extend(values(&jobs)?);
        Ok(list(&items))
    };
    if !objects(&mut output, form, as_objects)? {
        let now = SystemClock.now();
        output.line(savings(&jobs, &policies))?;
        let wide = form == Form::Wide;
        let shown = Shown { all, wide, now };
        policies_table(&mut output, &policies, shown)?;
        jobs_table(&mut output, &jobs, shown)?;
        asking(&mut output, &runs, shown)?;
    }
    output.finish()?;
    Ok(Exit::Fine)
}

#[derive(Clone, Copy)]
struct Shown {
    all: bool,
    wide: bool,
    now: Timestamp,
}

/// Every job once, whichever policies select it.
fn savings(jobs: &[CheckpointInventory], policies: &[RetentionPolicy]) -> String {
    let looked_at: Vec<u64> = jobs
        .iter()
        .filter_map(|job| job.status.as_ref()?.storage.as_ref())
        .map(|storage| bytes(storage.orphaned))
        .collect();
    if looked_at.is_empty() {
        return "reclaimable: not known, as no run has looked at a job yet".to_owned();
    }
    let enforced = policies
        .iter()
        .filter(|policy| policy.spec.mode == Mode::Enforce)
        .count() as u64;
    let who = match (enforced, policies.len() as u64 - enforced) {
        (0, 0) => "there is no policy".to_owned(),
        (0, dry) => format!(
            "nothing is deleted by {}",
            count(dry, "dry run", "dry runs")
        ),
        (enforced, _) => format!("{} enforced", count(enforced, "policy is", "policies are")),
    };
    format!(
        "reclaimable: {} of {}; {who}",
        size(looked_at.iter().sum()),
        count(looked_at.len() as u64, "job", "jobs")
    )
}

fn policies_table(
    output: &mut Output,
    policies: &[RetentionPolicy],
    shown: Shown,
) -> std::io::Result<()> {
    use retention_policy::condition;
    let Shown { all, wide, now } = shown;
    let mut table = Columns::new([
        "NAMESPACE",
        "POLICY",
        "MODE",
        "READY",
        "ENFORCING",
        "JOBS",
        "RECLAIMABLE",
        "LAST RUN",
        "NEXT RUN",
        "LAST",
        "DELETED",
        "AGE",
    ]);
    for policy in policies {
        let status = policy.status.clone().unwrap_or_default();
        let display = status.display.unwrap_or_default();
        let last = status.last_run;
        table.row([
            namespace(policy),
            name(policy),
            format!("{:?}", policy.spec.mode),
            status_of(&status.conditions, condition::READY),
            status_of(&status.conditions, condition::ENFORCING),
            status
                .jobs
                .map_or_else(String::new, |jobs| jobs.selected.to_string()),
            display.reclaimable.unwrap_or_default(),
            last.as_ref()
                .map_or_else(String::new, |run| run.phase.as_str().to_owned()),
            ahead(status.next_run_time.as_ref(), now),
            last.map_or_else(String::new, |run| run.name),
            display.deleted.unwrap_or_default(),
            age(policy.metadata.creation_timestamp.as_ref(), now),
        ]);
    }
    if table.is_empty() {
        return Ok(());
    }
    output.line("")?;
    let mut columns = [true; 12];
    (columns[0], columns[9], columns[10]) = (all, wide, wide);
    table.print(output, columns)
}

fn jobs_table(
    output: &mut Output,
    jobs: &[CheckpointInventory],
    shown: Shown,
) -> std::io::Result<()> {
    use checkpoint_inventory::condition;
    let Shown { all, wide, now } = shown;
    let mut table = Columns::new([
        "NAMESPACE",
        "JOB",
        "STATE",
        "RESTORABLE",
        "LATEST",
        "SIZE",
        "RECLAIMABLE",
        "POLICY",
        "KIND",
        "SNAPSHOT",
    ]);
    for job in jobs {
        let status = job.status.clone().unwrap_or_default();
        let display = status.display.unwrap_or_default();
        let latest = status.latest_restorable;
        table.row([
            namespace(job),
            job.spec.job_ref.name.clone(),
            status
                .owner_class
                .map_or("", checkpoint_inventory::OwnerClass::as_str)
                .to_owned(),
            status_of(&status.conditions, condition::RESTORABLE),
            age(
                latest
                    .as_ref()
                    .and_then(|latest| latest.completion_time.as_ref()),
                now,
            ),
            display.size.unwrap_or_default(),
            display.orphaned.unwrap_or_default(),
            status
                .policy_ref
                .map_or_else(String::new, |policy| policy.name),
            job.spec.job_ref.kind.clone(),
            latest.and_then(|latest| latest.path).unwrap_or_default(),
        ]);
    }
    if table.is_empty() {
        return Ok(());
    }
    output.line("")?;
    let mut columns = [true; 10];
    (columns[0], columns[8], columns[9]) = (all, wide, wide);
    table.print(output, columns)
}

/// The command that each of them wants.
fn asking(output: &mut Output, runs: &[RetentionRun], shown: Shown) -> std::io::Result<()> {
    let asks = |run: &&RetentionRun| {
        let phase = run.status.as_ref().and_then(|status| status.phase);
        phase == Some(Phase::AwaitingApproval)
    };
    for (position, run) in runs.iter().filter(asks).enumerate() {
        if position == 0 {
            output.line("")?;
        }
        let deadline = run
            .status
            .as_ref()
            .and_then(|status| status.approval_deadline.as_ref());
        output.line(format_args!(
            "run {name} asks, for {} more: kubectl flink-retention -n {} approve {name}",
            ahead(deadline, shown.now),
            namespace(run),
            name = name(run),
        ))?;
    }
    Ok(())
}
