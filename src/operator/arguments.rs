//! The flags of `flink-retention operator`.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration as StdDuration;

use clap::Args;

use crate::api::Duration;
use crate::engine::Mount;
use crate::observe::{CredentialsFile, UrlTemplate};
use crate::owner_id::owner_id;
use crate::telemetry::JobLabels;
use crate::telemetry::logs::LogFormat;

/// Watches Flink jobs and retention policies, and acts on them
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// The administrator's file: floors, grants, pause. It is read again whenever it changes. Without it no namespace is
    /// granted anything: with the operator's own identity nothing is deleted, and workers only look; policies with
    /// credentials of their own (storage.secretRef) need no grant
    #[arg(
        long,
        value_name = "FILE",
        env = "FLINK_RETENTION_ADMINISTRATOR_CONFIG"
    )]
    pub administrator_config: Option<PathBuf>,

    /// Where a volume of the Flink pods of a namespace is mounted in this process; repeatable
    #[arg(long, value_name = "NAMESPACE/file:PATH=LOCAL")]
    pub mount: Vec<Mount>,

    /// Watch only this namespace; repeatable. Without it all namespaces
    #[arg(long, value_name = "NAMESPACE")]
    pub watch_namespace: Vec<String>,

    /// How to reach a job's REST endpoint: {cluster} is its cluster, {namespace} its namespace, {port} its rest.port, and
    /// {scheme} is https if its security.ssl.rest.enabled is true, else http
    #[arg(
        long,
        value_name = "TEMPLATE",
        default_value = "{scheme}://{cluster}-rest.{namespace}.svc:{port}"
    )]
    pub flink_rest_url: UrlTemplate,

    /// The authorities, as PEM, that alone may sign the certificates of REST endpoints; without it those of this
    /// machine. Certificates are always verified. Read at the start
    #[arg(long, value_name = "FILE")]
    pub flink_rest_ca: Option<PathBuf>,

    /// A file with user:password for the REST endpoints of one namespace; repeatable. Sent over TLS only, and to no other
    /// namespace's clusters. Read at the start
    #[arg(long, value_name = "NAMESPACE=FILE")]
    pub flink_rest_credentials: Vec<CredentialsFile>,

    /// Who we are in the journals beside the data. Without it the uid of the namespace kube-system with the namespace and
    /// the name of the lease, so that neither two clusters nor two releases in one cluster act on one base
    #[arg(long, value_name = "ID", value_parser = owner_id)]
    pub owner_id: Option<String>,

    /// How often jobs are looked at, for example 2m
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = interval)]
    pub observe_interval: StdDuration,

    /// The namespace of the lease; without it that of this pod
    #[arg(long, value_name = "NAMESPACE", env = "POD_NAMESPACE")]
    pub leader_election_namespace: Option<String>,

    /// The service account of this pod, which messages name to people who are to allow it something
    #[arg(long, value_name = "NAME")]
    pub service_account: Option<String>,

    /// The name of the lease
    #[arg(long, value_name = "NAME", default_value = "flink-retention")]
    pub lease_name: String,

    /// Our name in the lease; without it the host name and a random part
    #[arg(long, value_name = "NAME", env = "POD_NAME")]
    pub identity: Option<String>,

    /// How long others wait for a leader that has gone silent
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = lease_duration)]
    pub lease_duration: StdDuration,

    /// Where /metrics, /healthz and /readyz answer
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub metrics_address: SocketAddr,

    /// How fine the metrics about jobs are
    #[arg(long, value_enum, default_value_t)]
    pub job_metrics: JobLabels,

    /// How long a run may take to come to a halt after a SIGTERM; less than the pod's grace period
    #[arg(long, value_name = "DURATION", default_value = "120s", value_parser = interval)]
    pub stop_timeout: StdDuration,

    /// How long one request to a storage may take, and wait for its turn before. One that has not answered by then is asked
    /// little, until it answers again
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = patience)]
    pub storage_timeout: StdDuration,

    /// How many runs work beside each other; those of one directory never do. The last room is for a namespace that has
    /// none, so that nobody waits for another's long run. Each run needs memory of its own
    #[arg(long, value_name = "COUNT", default_value = "2")]
    pub runs_at_once: NonZeroUsize,

    /// Where workers dial in, while this process leads. Without it policies with storage.worker say that there are none
    #[arg(
        long,
        value_name = "ADDRESS",
        requires = "worker_image",
        requires = "worker_advertised_ip"
    )]
    pub worker_address: Option<SocketAddr>,

    /// The address of this pod, which workers are told to dial
    #[arg(long, value_name = "IP", env = "POD_IP")]
    pub worker_advertised_ip: Option<IpAddr>,

    /// The image of the workers: that of this pod
    #[arg(long, value_name = "IMAGE")]
    pub worker_image: Option<String>,

    /// How long a run waits for its worker; meanwhile it counts among those that work
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = worker_start)]
    pub worker_start_timeout: StdDuration,

    /// Which log lines are written, for example `info,flink_retention=debug`
    #[arg(long, value_name = "FILTER", default_value = "info", env = "RUST_LOG")]
    pub log: String,

    /// How log lines look
    #[arg(long, value_enum, default_value_t)]
    pub log_format: LogFormat,
}

fn interval(text: &str) -> Result<StdDuration, String> {
    bounded(text, StdDuration::from_secs(1), StdDuration::from_hours(24))
}

fn lease_duration(text: &str) -> Result<StdDuration, String> {
    bounded(text, StdDuration::from_secs(3), StdDuration::from_mins(10))
}

fn worker_start(text: &str) -> Result<StdDuration, String> {
    bounded(text, StdDuration::from_secs(1), StdDuration::from_mins(10))
}

/// A delete that is under way must end within the two minutes in which everything comes to a halt.
fn patience(text: &str) -> Result<StdDuration, String> {
    bounded(text, StdDuration::from_secs(1), StdDuration::from_mins(1))
}

fn bounded(text: &str, least: StdDuration, most: StdDuration) -> Result<StdDuration, String> {
    let duration: Duration = text
        .parse()
        .map_err(|error: crate::api::duration::InvalidDuration| error.to_string())?;
    let duration = StdDuration::from(duration);
    if duration < least || duration > most {
        return Err(format!(
            "{text} is not between {} s and {} s",
            least.as_secs(),
            most.as_secs()
        ));
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parse(arguments: &[&str]) -> Result<Arguments, String> {
        let arguments = ["operator"].iter().chain(arguments);
        Program::try_parse_from(arguments)
            .map(|program| program.arguments)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn everything_has_a_default() {
        let arguments = parse(&[]).unwrap();
        assert_eq!(arguments.observe_interval, StdDuration::from_mins(2));
        assert_eq!(arguments.metrics_address.port(), 8080);
        assert!(arguments.administrator_config.is_none() && arguments.mount.is_empty());
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_sentence() {
        for (flag, part) in [
            ("--observe-interval=soon", "is not a duration"),
            ("--observe-interval=0s", "is not between"),
            ("--lease-duration=1s", "is not between 3 s and 600 s"),
            ("--storage-timeout=2m", "is not between 1 s and 60 s"),
            ("--mount=/a", "is no mount"),
        ] {
            let error = parse(&[flag]).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
