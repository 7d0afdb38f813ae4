//! `flink-retention worker`: reaches storage for an operator.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use storage::{LocalStorage, Patience};
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};
use wire::{Access, DialError, Fence, Root, Upgraded, Worker, dial, trusting_only};

use super::Exit;
use crate::engine::Mount;
use crate::telemetry::logs::{self, LogFormat};

/// How long until the next try.
const AGAIN: Duration = Duration::from_secs(1);
/// How long the network may take to say that nobody is there.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long the volumes are waited for: less than the operator waits for us, so that it learns which one hangs.
const STORAGE_WITHIN: Duration = Duration::from_secs(45);

/// Reach volumes for an operator, which makes a Job of this in the namespace of a policy
///
/// It dials the operator, shows it the token, and then answers what the operator asks of the mounted directories. It
/// decides nothing by itself, and ends with the connection.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// Host and port of the operator
    #[arg(long, value_name = "HOST:PORT")]
    operator: String,
    /// The operator's certificate as PEM, which alone is trusted
    #[arg(long, value_name = "PEM", env = "FLINK_RETENTION_OPERATOR_CERTIFICATE")]
    operator_certificate: String,
    /// The token of this pod, for the audience workers.flink-retention.dev; read at each dialling
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// Where a volume of the Flink pods is mounted here; repeatable
    #[arg(long, value_name = "file:PATH=LOCAL", required = true)]
    mount: Vec<Mount>,
    /// Refuse every change, whoever asks
    #[arg(long)]
    read_only: bool,
    /// How long the operator is dialled in vain, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    dial_seconds: u32,
    /// Which log lines are written
    #[arg(long, value_name = "FILTER", default_value = "info", env = "RUST_LOG")]
    log: String,
    /// How log lines look
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    logs::start(&arguments.log, arguments.log_format).context("--log")?;
    let mut terminated = signal(SignalKind::terminate()).context("cannot listen to signals")?;
    tokio::select! {
        done = work(&arguments) => done,
        // What was asked for and has begun is one call of the operating system; the rest is not done.
        _ = terminated.recv() => Ok(Exit::Fine),
    }
}

async fn work(arguments: &Arguments) -> anyhow::Result<Exit> {
    let access = if arguments.read_only {
        Access::ReadOnly
    } else {
        Access::ReadAndDelete
    };
    let worker = Worker::new(roots(&arguments.mount).await?, Fence::new(access));
    let within = Duration::from_secs(arguments.dial_seconds.into());
    let io = timeout(within, let_in(arguments)).await;
    let io = io.with_context(|| {
        let seconds = within.as_secs();
        format!(
            "{} lets no worker in within {seconds} s",
            arguments.operator
        )
    })??;
    tracing::info!(operator = arguments.operator, "connected");
    // A run that has lost its connection is over, so nobody would ask on another one.
    match worker.serve(io).await {
        Ok(()) => tracing::info!("the operator has ended the connection"),
        Err(error) => tracing::info!(%error, "the connection has ended"),
    }
    Ok(Exit::Fine)
}

/// Dials until it is let in, or can never be.
async fn let_in(arguments: &Arguments) -> anyhow::Result<Upgraded> {
    let trusted = trusting_only(&arguments.operator_certificate)?;
    loop {
        let token = tokio::fs::read_to_string(&arguments.token_file).await;
        let token =
            token.with_context(|| format!("cannot read {}", arguments.token_file.display()))?;
        let dialled = match connect(&arguments.operator).await {
            Ok(stream) => dial(stream, Arc::clone(&trusted), token.trim()).await,
            Err(why) => Err(DialError::Connection(why)),
        };
        match dialled {
            Ok(io) => return Ok(io),
            Err(error) if error.may_pass() => tracing::info!(%error, "trying again"),
            Err(error) => bail!(error),
        }
        sleep(AGAIN).await;
    }
}

async fn roots(mounts: &[Mount]) -> anyhow::Result<Vec<Root>> {
    let patience = Patience::new(STORAGE_WITHIN);
    let mut roots = Vec::new();
    for Mount {
        namespace,
        remote,
        local,
    } in mounts
    {
        if namespace.is_some() {
            bail!("--mount: a worker has one namespace; leave it out");
        }
        let opened = timeout(STORAGE_WITHIN, LocalStorage::open(local)).await;
        let storage = opened.with_context(|| format!("{} does not answer", local.display()))??;
        roots.push(Root {
            name: remote.clone(),
            storage: Arc::new(patience.volume(Arc::new(storage))),
        });
    }
    Ok(roots)
}

async fn connect(operator: &str) -> Result<TcpStream, String> {
    let connected = timeout(CONNECT_WITHIN, TcpStream::connect(operator)).await;
    let stream = connected
        .map_err(|_| format!("{operator} does not answer"))?
        .map_err(|error| format!("{operator}: {error}"))?;
    stream
        .set_nodelay(true)
        .map_err(|error| format!("{operator}: {error}"))?;
    Ok(stream)
}
