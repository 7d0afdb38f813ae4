//! The operator as a process, with the arguments that the chart gives it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use testbed::process::Process;

use super::cluster::{Cluster, NAMESPACE, RELEASE_NAMESPACE};

/// Far more than anything takes, on the slowest machine.
const LIMIT: Duration = Duration::from_mins(5);
const POLL: Duration = Duration::from_millis(20);

/// What the operator is to be started with.
pub(crate) struct Options {
    /// The holder of the lease.
    pub(crate) name: String,
    /// Volumes of Flink's pods and where they are here.
    pub(crate) mounts: Vec<(String, PathBuf)>,
    /// The administrator's file.
    pub(crate) administrator: Value,
    /// Beside those of the chart.
    pub(crate) arguments: Vec<String>,
    /// How `JobManager`s are reached; without it as the chart says.
    pub(crate) rest_url: Option<String>,
}

impl Default for Options {
    /// Nothing granted, short intervals. The lease is as long as by default: a leader on a busy machine must not lose a
    /// shorter one because nobody let it renew in time.
    fn default() -> Self {
        Self {
            name: "operator-0".to_owned(),
            mounts: Vec::new(),
            administrator: json!({"version": 1}),
            arguments: vec!["--observe-interval=2s".to_owned()],
            rest_url: None,
        }
    }
}

impl Options {
    /// One volume of Flink's namespace, granted, with floors that a test can wait for.
    pub(crate) fn with_volume(remote: &str, local: &Path) -> Self {
        let location = format!("file:{remote}");
        Self {
            mounts: vec![(location.clone(), local.to_owned())],
            administrator: json!({
                "version": 1,
                "floors": {"minAge": "1s", "gracePeriod": "1s", "deletedJobs": "1s", "unrestorable": "1s", "settle": "1s", "clockSkew": "1s"},
                "grants": [{"namespace": NAMESPACE, "bases": [{"location": location}]}],
            }),
            ..Self::default()
        }
    }
}

/// A running operator; it is killed when it is dropped.
pub(crate) struct OperatorProcess {
    process: Process,
    address: String,
    directory: TempDir,
}

impl OperatorProcess {
    /// Starts it and waits until it is ready. It may still wait for the lease.
    pub(crate) fn start(cluster: &Cluster, options: Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let Options {
            name,
            mounts,
            administrator,
            arguments,
            rest_url,
        } = options;
        let file = directory.path().join("administrator.yaml");
        fs::write(&file, administrator.to_string()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_flink-retention"));
        command
            .args(arguments_of_chart(cluster, &mounts, rest_url))
            .arg("--metrics-address=127.0.0.1:0")
            .arg(format!("--administrator-config={}", file.display()))
            .args(arguments)
            .env("KUBECONFIG", cluster.operators_kubeconfig())
            .env("POD_NAME", name)
            .env("POD_NAMESPACE", RELEASE_NAMESPACE)
            .env("POD_IP", "127.0.0.1")
            .env("RUST_LOG", "info,flink_retention=debug");
        let mut process =
            Process::spawn("operator", &mut command, &directory.path().join("log")).unwrap();
        let address = wait_for(&mut process, (LIMIT, POLL), |process| {
            address(process.log())
        });
        let mut operator = Self {
            process,
            address,
            directory,
        };
        let ready = format!("http://{}/readyz", operator.address);
        wait_for(&mut operator.process, (LIMIT, POLL), |_| {
            ureq::get(&ready).call().ok()
        });
        operator
    }

    /// Replaces the administrator's file, as a changed `ConfigMap` does.
    pub(crate) fn set_administrator(&self, administrator: &Value) {
        let next = self.directory.path().join("next");
        fs::write(&next, administrator.to_string()).unwrap();
        fs::rename(next, self.directory.path().join("administrator.yaml")).unwrap();
    }

    /// Where it answers, `host:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What Prometheus would scrape.
    pub(crate) fn metrics(&self) -> String {
        let mut response = ureq::get(format!("http://{}/metrics", self.address))
            .call()
            .unwrap();
        response.body_mut().read_to_string().unwrap()
    }

    /// The value of a line of the metrics that is there.
    pub(crate) fn value(&mut self, series: &str) -> f64 {
        self.wait_for_metric(series, |_| true)
    }

    /// The most memory that it has ever had.
    pub(crate) fn peak_resident_bytes(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        let kib: f64 = line.trim_end_matches("kB").trim().parse().unwrap();
        kib * 1024.0
    }

    /// Waits until a line of the metrics begins so, and gives its value.
    pub(crate) fn wait_for_metric(&mut self, series: &str, accept: impl Fn(f64) -> bool) -> f64 {
        self.wait_within(LIMIT, POLL, series, accept)
    }

    /// The same with a limit of its own, and without asking all the time: a scrape costs something.
    pub(crate) fn wait_within(
        &mut self,
        limit: Duration,
        pause: Duration,
        series: &str,
        accept: impl Fn(f64) -> bool,
    ) -> f64 {
        let url = format!("http://{}/metrics", self.address);
        wait_for(&mut self.process, (limit, pause), |_| {
            let text = ureq::get(&url)
                .call()
                .ok()?
                .body_mut()
                .read_to_string()
                .ok()?;
            let line = text.lines().find_map(|line| {
                line.strip_prefix(series)?
                    .strip_prefix(' ')
                    .map(str::to_owned)
            })?;
            line.parse().ok().filter(|&value| accept(value))
        })
    }

    /// Waits until it has written this into its log.
    pub(crate) fn wait_for_log(&mut self, part: &str) {
        wait_for(&mut self.process, (LIMIT, POLL), |process| {
            let log = fs::read_to_string(process.log()).ok()?;
            log.contains(part).then_some(())
        });
    }

    /// Waits until this process holds the lease.
    pub(crate) fn wait_until_leading(&mut self) {
        self.wait_for_metric("flink_retention_leader", |leader| leader > 0.5);
    }

    /// Stops it as Kubernetes does, and gives how it ended.
    pub(crate) fn terminate(mut self) -> (ExitStatus, String) {
        self.process.terminate().unwrap();
        self.end()
    }

    /// Waits until it ends by itself.
    pub(crate) fn end(&mut self) -> (ExitStatus, String) {
        let status = self.process.wait(LIMIT).unwrap();
        (
            status.unwrap_or_else(|| panic!("the operator does not end:\n{}", self.log())),
            self.log(),
        )
    }

    /// Lets it hang: its connections stay, and it says nothing.
    pub(crate) fn hang(&mut self) {
        self.process.hang().unwrap();
    }

    /// Ends that.
    pub(crate) fn go_on(&mut self) {
        self.process.go_on().unwrap();
    }

    /// Kills it as a crash would.
    pub(crate) fn kill(self) {
        self.process.kill();
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.process.log()).unwrap_or_default()
    }
}

/// The arguments of the chart's Deployment, but for those that name places in a pod.
fn arguments_of_chart(
    cluster: &Cluster,
    mounts: &[(String, PathBuf)],
    rest_url: Option<String>,
) -> Vec<String> {
    let mounts: Vec<Value> = mounts
        .iter()
        .map(|(location, path)| json!({"namespace": NAMESPACE, "location": location, "path": path}))
        .collect();
    let mut values = json!({"mounts": mounts});
    if let Some(url) = rest_url {
        values["flinkRestUrl"] = url.into();
    }
    let manifests = cluster.render(&values);
    let container =
        manifests.one("Deployment")["spec"]["template"]["spec"]["containers"][0].clone();
    let arguments = container["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|argument| argument.as_str().unwrap());
    let of_a_pod = ["--metrics-address=", "--administrator-config="];
    let (removed, kept): (Vec<&str>, Vec<&str>) =
        arguments.partition(|argument| of_a_pod.iter().any(|prefix| argument.starts_with(prefix)));
    assert_eq!(
        removed.len(),
        of_a_pod.len(),
        "the chart gives other arguments now"
    );
    kept.into_iter()
        .map(|argument| argument.replace("$(POD_NAMESPACE)", RELEASE_NAMESPACE))
        // Several operators run here at once.
        .map(|argument| argument.replace("-address=0.0.0.0:8443", "-address=127.0.0.1:0"))
        .collect()
}

/// The address that it says in its log that it listens on.
fn address(log: &Path) -> Option<String> {
    let log = fs::read_to_string(log).ok()?;
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| line["message"] == "metrics and probes answer")
        .find_map(|line| line["address"].as_str().map(str::to_owned))
}

/// Asks again and again until there is an answer, as long as the process lives.
fn wait_for<T>(
    process: &mut Process,
    (limit, pause): (Duration, Duration),
    ask: impl Fn(&Process) -> Option<T>,
) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = ask(process) {
            return answer;
        }
        let ended = process.wait(pause).unwrap();
        if ended.is_some() || Instant::now() > deadline {
            let log = fs::read_to_string(process.log()).unwrap_or_default();
            panic!("the operator did not do what was waited for ({ended:?}):\n{log}");
        }
    }
}
