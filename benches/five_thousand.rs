//! What the operator costs a cluster with five thousand Flink jobs: how long until every one is recorded, the memory it
//! takes, and the processor time it takes while nothing changes. A real API server, high availability whose blobs are on a
//! volume, `JobManager`s that answer over HTTP. `docs/performance.md` has what came of it.
//!
//! `cargo bench --bench five_thousand`; another number of jobs: `JOBS=500 cargo bench --bench five_thousand`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a measurement that cannot be made has no result"
)]

#[path = "five_thousand/job_managers.rs"]
mod job_managers;
#[path = "five_thousand/jobs.rs"]
mod jobs;
#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use jobs::Jobs;
use support::operator::Options;
use support::{Cluster, OperatorProcess};
use testbed::corpus::{self, Times, Tree};

/// As long as in production.
const OBSERVE_INTERVAL: Duration = Duration::from_mins(2);
/// Three looks at least.
const IDLE: Duration = Duration::from_mins(6);
const LIMIT: Duration = Duration::from_mins(20);
const PAUSE: Duration = Duration::from_secs(2);
const LOOKS: &str = "flink_retention_observations_total{result=\"success\"}";
const CPU: &str = "process_cpu_seconds_total";
const RESIDENT: &str = "process_resident_memory_bytes";

fn main() {
    let count = std::env::var("JOBS").map_or(5000, |text| text.parse().unwrap());
    let idle = std::env::var("IDLE_SECONDS")
        .map_or(IDLE, |text| Duration::from_secs(text.parse().unwrap()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cluster = Cluster::start();
    let volume = tempfile::tempdir().unwrap();
    corpus::entry("2.1.3", "kubernetes-ha-failover")
        .unwrap()
        .materialize(Tree::Left, volume.path(), Times::Recorded)
        .unwrap();
    let begun = Instant::now();
    let bytes = runtime.block_on(async {
        let ports = job_managers::start(count).await;
        let admin = cluster.control_plane.kubeconfig_for_admin();
        Jobs::new(&admin).await.create(&ports).await
    });
    println!(
        "{count} FlinkDeployments of {bytes} bytes each, made in {:.0?}",
        begun.elapsed()
    );

    let begun = Instant::now();
    let mut operator = OperatorProcess::start(
        &cluster,
        Options {
            arguments: vec![format!(
                "--observe-interval={}s",
                OBSERVE_INTERVAL.as_secs()
            )],
            rest_url: Some(job_managers::URL.to_owned()),
            mounts: vec![("file:/flink1/tree".to_owned(), volume.path().to_owned())],
            ..Options::default()
        },
    );
    operator.wait_within(LIMIT, PAUSE, LOOKS, |looks| looks >= 1.0);
    report(
        "first look, every job recorded",
        begun.elapsed(),
        &mut operator,
    );
    // Of what the first look has written the second one learns.
    operator.wait_within(LIMIT, PAUSE, LOOKS, |looks| looks >= 2.0);
    let (begun, cpu) = (Instant::now(), operator.value(CPU));
    let looks = operator.value(LOOKS);
    std::thread::sleep(idle);
    let (took, cpu) = (begun.elapsed(), operator.value(CPU) - cpu);
    report("idle", took, &mut operator);
    println!(
        "while nothing changes: {cpu:.1} s of processor time in {:.0?} ({:.1} % of one core), {} looks",
        took,
        100.0 * cpu / took.as_secs_f64(),
        operator.value(LOOKS) - looks,
    );
    println!("API objects: {}", jobs::inventories(&cluster));
}

fn report(what: &str, after: Duration, operator: &mut OperatorProcess) {
    let mib = |bytes: f64| bytes / f64::from(1024 * 1024);
    println!(
        "{what}: after {after:.0?}, {:.1} s of processor time, {:.0} MiB resident, {:.0} MiB at most",
        operator.value(CPU),
        mib(operator.value(RESIDENT)),
        mib(operator.peak_resident_bytes()),
    );
}
