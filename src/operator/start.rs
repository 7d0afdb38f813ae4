//! From flags to a working operator, and to its end.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, ResourceExt};
use storage::{MemoryBudget, Patience, Requests};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use wire::OperatorCertificate;

use super::administrator::AdministratorFile;
use super::arguments::Arguments;
use super::context::{DebugClient, Operator, Scans};
use super::events::Events;
use super::lease::{Held, LeaseLost, LeaseSettings, acquire};
use super::volumes::UnopenedMount;
use super::workers::{Awaited, Door, Workers};
use super::{
    definitions, inventory_controller, jitter, log_level, policy_controller, run_controller, stop,
    volumes,
};
use crate::engine::journal::{LeaseTerm, OwnerId};
use crate::engine::{Clock, Stores, SystemClock};
use crate::observe::{
    KubernetesObserver, KubernetesSource, Namespaces, RestClient, RestSecurity, SecurityError,
};
use crate::telemetry::http::{self, Readiness};
use crate::telemetry::{Metrics, logs};

const RETRY: Duration = Duration::from_secs(2);
const NEWS: usize = 64;

/// Why the operator ended, or did not begin.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    #[error("--log: {0}")]
    Log(#[from] logs::FilterError),
    #[error("--metrics-address {address}: {error}")]
    Address {
        address: SocketAddr,
        error: std::io::Error,
    },
    #[error("--worker-address {address}: {error}")]
    WorkerAddress {
        address: SocketAddr,
        error: std::io::Error,
    },
    #[error("workers: {0}")]
    Trust(#[from] wire::TrustError),
    #[error("--mount: {0}")]
    Mount(#[from] UnopenedMount),
    #[error(transparent)]
    RestSecurity(#[from] SecurityError),
    #[error("--leader-election-namespace is needed outside a pod: name the namespace of the lease")]
    NoNamespace,
    #[error(
        "cannot connect to an API server: {0}; inside a cluster mount a service account's token, outside set KUBECONFIG"
    )]
    Client(Box<kube::Error>),
    #[error("cannot listen to signals: {0}")]
    Signals(std::io::Error),
    #[error("metrics: {0}")]
    Metrics(String),
    #[error(transparent)]
    LeaseLost(#[from] LeaseLost),
    #[error("the {what} ended, which it never should")]
    TaskEnded { what: &'static str },
}

/// Runs the operator until SIGTERM, or until it loses its lease.
///
/// # Errors
/// It could not begin, or must end at once.
pub async fn run(arguments: Arguments) -> Result<(), OperatorError> {
    let filter = logs::start(&arguments.log, arguments.log_format)?;
    let file = AdministratorFile::new(arguments.administrator_config.clone());
    let logging = log_level::follow(file, filter);
    let stop = stop::on_signal().map_err(OperatorError::Signals)?;
    let metrics = Metrics::new(arguments.job_metrics)
        .map_err(|error| OperatorError::Metrics(error.to_string()))?;
    let ready = Readiness::default();
    let address = arguments.metrics_address;
    let listener = http::bind(address)
        .await
        .map_err(|error| OperatorError::Address { address, error })?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "metrics and probes answer");
    }
    let server = tokio::spawn(http::serve(listener, metrics.clone(), ready.clone()));
    let ended = tokio::select! {
        ended = lead(&arguments, &metrics, &ready, &stop) => ended,
        never = logging => match never {},
        _ = server => Err(OperatorError::TaskEnded { what: "server of metrics and probes" }),
    };
    if let Err(error) = &ended {
        tracing::error!(%error, "the operator ends");
    }
    ended
}

/// Waits for the lease, works while it is ours, gives it back at the end.
async fn lead(
    arguments: &Arguments,
    metrics: &Metrics,
    ready: &Readiness,
    stop: &CancellationToken,
) -> Result<(), OperatorError> {
    let clock = Arc::new(SystemClock);
    let namespace = arguments
        .leader_election_namespace
        .clone()
        .ok_or(OperatorError::NoNamespace)?;
    let client = Client::try_default()
        .await
        .map_err(|error| OperatorError::Client(Box::new(error)))?;
    let security = RestSecurity::new(
        arguments.flink_rest_ca.as_deref(),
        &arguments.flink_rest_credentials,
    )?;
    let counting: Arc<dyn Requests> = Arc::new(metrics.clone());
    let patience = Arc::new(Patience::new(arguments.storage_timeout));
    let mounted = volumes::open(arguments.mount.clone(), &patience).await?;
    let memory = MemoryBudget::default();
    let stores = Arc::new(volumes::shared_by_tenants(&mounted, &memory, &counting));
    let Some(owner) = owner(arguments, &client, &namespace, stop).await else {
        return Ok(());
    };
    ready.set(true);
    let identity = identity(arguments);
    let settings = LeaseSettings {
        name: arguments.lease_name.clone(),
        identity: identity.clone(),
        duration: arguments.lease_duration,
    };
    let leases: Api<Lease> = Api::namespaced(client.clone(), &namespace);
    let Some(held) = acquire(leases, settings, clock.as_ref(), stop).await else {
        return Ok(());
    };
    let term = held.term();
    tracing::info!(
        lease = arguments.lease_name,
        identity,
        fencing_number = term.as_ref().map(|term| term.number),
        "leading"
    );
    metrics.set_leader(true);
    let entrance = entrance(arguments, &client, term.as_ref()).await?;
    let (workers, door) = entrance.unzip();
    let operator = Operator {
        mounted,
        memory,
        patience,
        term,
        workers,
        ..operator(arguments, client, security, stores, clock, owner, metrics)
    };
    let result = work(Arc::new(operator), door, held, arguments, stop).await;
    metrics.set_leader(false);
    result
}

/// The controllers, beside the task that keeps the lease. Whichever ends first ends all.
async fn work(
    operator: Arc<Operator>,
    door: Option<Opening>,
    held: Held,
    arguments: &Arguments,
    stop: &CancellationToken,
) -> Result<(), OperatorError> {
    let (working, release) = (stop.child_token(), CancellationToken::new());
    let clock = Arc::clone(&operator.clock);
    let released = release.clone();
    let mut keeper = tokio::spawn(async move { held.keep(clock.as_ref(), released).await });
    let controllers = controllers(
        operator,
        arguments.observe_interval,
        arguments.runs_at_once,
        working.clone(),
    );
    let mut controllers = tokio::spawn(async move {
        tokio::select! {
            () = controllers => {}
            () = opened(door) => {}
        }
    });
    let halted = tokio::select! {
        lost = &mut keeper => {
            // At once: another process may lead already. The controllers write nothing any more.
            controllers.abort();
            working.cancel();
            return match lost {
                Ok(Err(lost)) => Err(lost.into()),
                Ok(Ok(())) | Err(_) => Err(OperatorError::TaskEnded { what: "task that keeps the lease" }),
            };
        }
        _ = &mut controllers => true,
        () = stop.cancelled() => timeout(arguments.stop_timeout, &mut controllers).await.is_ok(),
    };
    if !halted {
        tracing::warn!(
            "a run did not come to a halt in time; the lease is not given back, so that nobody works beside it"
        );
        return Ok(());
    }
    release.cancel();
    let _ = keeper.await;
    if stop.is_cancelled() {
        return Ok(());
    }
    Err(OperatorError::TaskEnded {
        what: "controllers",
    })
}

/// A door that is still closed.
type Opening = (Door, TcpListener);

/// Where workers dial in, with a certificate of this term of ours.
async fn entrance(
    arguments: &Arguments,
    client: &Client,
    term: Option<&LeaseTerm>,
) -> Result<Option<(Workers, Opening)>, OperatorError> {
    let (Some(address), Some(ip), Some(image)) = (
        arguments.worker_address,
        arguments.worker_advertised_ip,
        arguments.worker_image.clone(),
    ) else {
        return Ok(None);
    };
    let failed = |error| OperatorError::WorkerAddress { address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let certificate = OperatorCertificate::new()?;
    let workers = Workers {
        awaited: Awaited::default(),
        certificate: certificate.pem.clone(),
        address: SocketAddr::new(ip, port),
        image,
        start_within: arguments.worker_start_timeout,
    };
    tracing::info!(address = %workers.address, "workers may dial in");
    let door = Door {
        client: client.clone(),
        awaited: workers.awaited.clone(),
        certificate,
        term: term.map(|LeaseTerm { lease, number }| wire::Term {
            lease: lease.clone(),
            number: i64::from(*number),
        }),
    };
    Ok(Some((workers, (door, listener))))
}

/// Open for as long as it is asked; without a door for ever.
async fn opened(door: Option<Opening>) {
    match door {
        Some((door, listener)) => door.open(listener).await,
        None => std::future::pending().await,
    }
}

async fn controllers(
    operator: Arc<Operator>,
    interval: Duration,
    runs_at_once: NonZeroUsize,
    stop: CancellationToken,
) {
    tokio::join!(
        inventory_controller::run(Arc::clone(&operator), interval, stop.clone()),
        definitions::run(Arc::clone(&operator), interval, stop.clone()),
        policy_controller::run(Arc::clone(&operator), stop.clone()),
        run_controller::run(operator, runs_at_once, stop),
    );
}

fn operator(
    arguments: &Arguments,
    client: Client,
    security: RestSecurity,
    stores: Arc<Stores>,
    clock: Arc<dyn Clock>,
    owner: OwnerId,
    metrics: &Metrics,
) -> Operator {
    let namespaces = if arguments.watch_namespace.is_empty() {
        Namespaces::All
    } else {
        Namespaces::Only(arguments.watch_namespace.iter().cloned().collect())
    };
    let source = KubernetesSource::new(client.clone(), namespaces.clone());
    let job_managers = Arc::new(RestClient::new(
        arguments.flink_rest_url.clone(),
        security,
        Arc::clone(&clock),
    ));
    let observer = KubernetesObserver::new(
        Arc::new(source),
        job_managers,
        Arc::clone(&stores),
        Arc::clone(&clock),
    );
    Operator {
        events: Events::new(client.clone(), &identity(arguments)),
        client: DebugClient(client),
        namespaces,
        observer: Arc::new(observer),
        mounted: Stores::default(),
        memory: MemoryBudget::default(),
        patience: Arc::default(),
        stores,
        account: format!(
            "{}:{}",
            arguments
                .leader_election_namespace
                .as_deref()
                .unwrap_or("<namespace>"),
            arguments
                .service_account
                .as_deref()
                .unwrap_or("<service account of the operator>")
        ),
        clock,
        administrator: AdministratorFile::new(arguments.administrator_config.clone()),
        metrics: metrics.clone(),
        owner,
        term: None,
        workers: None,
        cache: Arc::default(),
        scans: Scans::default(),
        news: broadcast::Sender::new(NEWS),
        told: AtomicU64::default(),
        looks: watch::Sender::default(),
    }
}

/// Who we are in journals: what we were told, else the uid of the namespace that every cluster has, and our lease. Of two
/// operators in one cluster only those that share a lease are one.
async fn owner(
    arguments: &Arguments,
    client: &Client,
    namespace: &str,
    stop: &CancellationToken,
) -> Option<OwnerId> {
    if let Some(id) = &arguments.owner_id {
        return Some(OwnerId(id.clone()));
    }
    let namespaces: Api<Namespace> = Api::all(client.clone());
    loop {
        let error = match namespaces.get_metadata("kube-system").await {
            Ok(system) => match system.uid() {
                Some(uid) => {
                    let lease = &arguments.lease_name;
                    return Some(OwnerId(format!("{uid}/{namespace}/{lease}")));
                }
                None => "it has no uid".to_owned(),
            },
            Err(error) => error.to_string(),
        };
        tracing::warn!(
            error,
            "cannot read the uid of the namespace kube-system, which names this cluster in journals; allow it, or set --owner-id"
        );
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            () = stop.cancelled() => return None,
        }
    }
}

/// Our name in the lease, another one in every process.
fn identity(arguments: &Arguments) -> String {
    let name = arguments
        .identity
        .clone()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .unwrap_or_else(|| "operator".to_owned());
    let random = jitter::fraction(&name, std::process::id()).to_bits() & 0xffff_ffff;
    format!("{name}_{random:08x}")
}
