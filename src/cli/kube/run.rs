//! `kubectl flink-retention run`: one execution of a policy, by hand.

use kube::api::{ObjectMeta, PostParams};

use super::answer::{Form, objects};
use super::connection::Cluster;
use super::follow::{Wait, follow};
use super::words::name;
use crate::api::retention_run::PolicyReference;
use crate::api::{Mode, RetentionPolicy, RetentionRun, RetentionRunSpec};
use crate::cli::Exit;
use crate::cli::exit::note;
use crate::cli::output::Output;

/// Run a policy now; only a dry run, unless --enforce says otherwise
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// The `RetentionPolicy`
    policy: String,
    /// Mark and delete, as far as the policy does. Where it asks for approval, so does the run
    #[arg(long)]
    enforce: bool,
    #[command(flatten)]
    wait: Wait,
}

pub(super) async fn run(
    cluster: &Cluster,
    arguments: Arguments,
    form: Form,
) -> anyhow::Result<Exit> {
    let Arguments {
        policy,
        enforce,
        wait,
    } = arguments;
    // A run of a policy that does not exist waits for it, which is not what a slip of the pen means.
    let found: RetentionPolicy = cluster.get(&policy).await?;
    let mode = match (enforce, found.spec.mode) {
        (false, _) => Mode::DryRun,
        (true, Mode::Enforce) => Mode::Enforce,
        (true, Mode::DryRun) => {
            note(&format!(
                "policy {policy} is a dry run, and no run does more than its policy: nothing will be deleted"
            ));
            Mode::Enforce
        }
    };
    let spec = RetentionRunSpec {
        policy_ref: PolicyReference {
            name: policy.clone(),
        },
        mode,
        approval: None,
        cancel: false,
        ttl_seconds_after_finished: None,
    };
    let mut run = RetentionRun::new("", spec);
    run.metadata = ObjectMeta {
        generate_name: Some(format!("{policy}-")),
        ..ObjectMeta::default()
    };
    let created = cluster.api().create(&PostParams::default(), &run).await;
    let created = created.map_err(|error| cluster.told::<RetentionRun>("create", None, error))?;
    let mut output = Output::new();
    if !objects(&mut output, form, || serde_json::to_value(&created))? {
        output.line(format_args!(
            "retentionrun.flink-retention.dev/{} created",
            name(&created)
        ))?;
    }
    output.finish()?;
    follow(cluster, &name(&created), &wait).await
}
