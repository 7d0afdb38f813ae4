//! What probes and Prometheus are told, and that it is what the status says.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::cluster::{NAMESPACE, condition};
use crate::support::operator::Options;
use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::{BASE, Volume, deleted_files, mark, until};

const LEDGER: &str = "000000000000000000000000000ced9e";
const ORDERS: &str = "0000000000000000000000000000000d";
const INVENTORY: &str = "ckinv/ledger.flinkdeployment";

/// The families that alerts, dashboards and people rely on, with their own labels.
const FAMILIES: [(&str, &[&str]); 26] = [
    ("flink_retention_leader", &[]),
    ("flink_retention_last_success_timestamp_seconds", &[]),
    ("flink_retention_administrator_file_valid", &[]),
    (
        "flink_retention_deleted_bytes_total",
        &["namespace", "policy"],
    ),
    (
        "flink_retention_deleted_files_total",
        &["namespace", "policy"],
    ),
    ("flink_retention_runs_total", &["result"]),
    ("flink_retention_run_duration_seconds_count", &["result"]),
    ("flink_retention_run_duration_seconds_sum", &["result"]),
    ("flink_retention_run_step_duration_seconds_count", &["step"]),
    (
        "flink_retention_storage_requests_total",
        &["operation", "result"],
    ),
    ("flink_retention_guard_hits_total", &["guard"]),
    ("flink_retention_observations_total", &["result"]),
    (
        "flink_retention_job_restorable",
        &["kind", "name", "namespace"],
    ),
    (
        "flink_retention_job_latest_restorable_timestamp_seconds",
        &["kind", "name", "namespace"],
    ),
    (
        "flink_retention_job_latest_restorable_bytes",
        &["kind", "name", "namespace"],
    ),
    (
        "flink_retention_job_missing_files",
        &["kind", "name", "namespace"],
    ),
    (
        "flink_retention_job_storage_bytes",
        &["class", "kind", "name", "namespace"],
    ),
    (
        "flink_retention_job_running",
        &["kind", "name", "namespace"],
    ),
    (
        "flink_retention_policy_ready",
        &["namespace", "policy", "reason"],
    ),
    (
        "flink_retention_policy_overlapping_jobs",
        &["namespace", "policy"],
    ),
    (
        "flink_retention_policy_last_run_timestamp_seconds",
        &["namespace", "policy", "result"],
    ),
    (
        "flink_retention_policy_last_success_timestamp_seconds",
        &["namespace", "policy"],
    ),
    (
        "flink_retention_policy_next_run_timestamp_seconds",
        &["namespace", "policy"],
    ),
    (
        "flink_retention_policy_protected_bytes",
        &["guard", "namespace", "policy"],
    ),
    ("flink_retention_crd_outdated", &["crd"]),
    ("process_resident_memory_bytes", &[]),
];

/// A line of the exposition.
#[derive(Debug)]
struct Series {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

fn series(text: &str) -> Vec<Series> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(parse).collect()
}

/// None of our label values holds a quote or a comma.
fn parse(line: &str) -> Series {
    let (what, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = what.split_once('{').unwrap_or((what, "}"));
    let pairs = labels.trim_end_matches('}').split(',');
    let labels = pairs.filter_map(|pair| pair.split_once('='));
    Series {
        name: name.to_owned(),
        labels: labels
            .map(|(label, value)| (label.to_owned(), value.trim_matches('"').to_owned()))
            .collect(),
        value: value.parse().unwrap(),
    }
}

fn ask(operator: &OperatorProcess, path: &str) -> (u16, String) {
    let log = operator.log();
    let mut lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let told = lines
        .find(|line| line["message"] == "metrics and probes answer")
        .unwrap();
    let url = format!("http://{}{path}", told["address"].as_str().unwrap());
    let mut response = ureq::get(url)
        .config()
        .http_status_as_error(false)
        .build()
        .call()
        .unwrap();
    let body = response.body_mut().read_to_string().unwrap();
    (response.status().as_u16(), body)
}

/// What a scrape showed, and the objects that it must agree with.
struct Scrape {
    text: String,
    series: Vec<Series>,
    deleting: Value,
    protecting: Value,
    inventory: Value,
    policy: Value,
}

impl Scrape {
    /// The value of the series of that name with that label.
    fn value(&self, name: &str, label: &str, wanted: &str) -> f64 {
        let mut of_name = self.series.iter().filter(|one| one.name == name);
        let found = of_name.find(|one| one.labels.get(label).is_some_and(|value| value == wanted));
        let found = found.unwrap_or_else(|| panic!("no {name} of {wanted} in\n{}", self.text));
        found.value
    }

    fn assert_names(&self) {
        for (name, labels) in FAMILIES {
            let of_name: Vec<&Series> = self.series.iter().filter(|one| one.name == name).collect();
            assert!(!of_name.is_empty(), "there is no {name} in\n{}", self.text);
            for one in of_name {
                assert!(one.labels.keys().eq(labels), "{one:?}");
            }
        }
        let documented = include_str!("../../docs/metrics.md");
        let ours = self.series.iter().map(|one| one.name.as_str());
        for name in ours.filter(|name| name.starts_with("flink_")) {
            let parts = ["_bucket", "_count", "_sum"];
            let family = parts.iter().find_map(|part| name.strip_suffix(part));
            let family = family.unwrap_or(name);
            assert!(
                documented.contains(&format!("| `{family}")),
                "docs/metrics.md does not explain {family}"
            );
        }
        // Nothing in a label that grows without bound.
        for one in &self.series {
            for value in one.labels.values() {
                let is_id = value.len() >= 32 && value.chars().all(|c| c.is_ascii_hexdigit());
                assert!(!value.contains('/') && !is_id, "{one:?}");
            }
        }
    }

    fn assert_runs(&self) {
        let of_runs = |name: &str, label: &str, wanted: &str, status: &Value| {
            let metric = self.value(&format!("flink_retention_{name}"), label, wanted);
            same(metric, status, name);
        };
        of_runs("runs_total", "result", "Succeeded", &json!(3));
        let deleted = &self.deleting["status"]["decisions"]["deleted"];
        of_runs(
            "deleted_bytes_total",
            "policy",
            "payments",
            &deleted["bytes"],
        );
        of_runs(
            "deleted_files_total",
            "policy",
            "payments",
            &deleted["files"],
        );
        let guard = &self.protecting["status"]["protectedBy"][0];
        of_runs(
            "guard_hits_total",
            "guard",
            guard["guard"].as_str().unwrap(),
            &guard["files"],
        );
    }

    fn assert_policy(&self) {
        let of_policy = |name: &str, label: &str, wanted: &str| {
            self.value(&format!("flink_retention_policy_{name}"), label, wanted)
        };
        let seconds = |time: &Value| {
            let time: jiff::Timestamp = time.as_str().unwrap().parse().unwrap();
            json!(time.as_second())
        };
        same(
            of_policy("ready", "reason", "Reconciled"),
            &json!(1),
            "ready",
        );
        let completed = seconds(&self.protecting["status"]["completionTime"]);
        let last = of_policy("last_run_timestamp_seconds", "result", "Succeeded");
        same(last, &completed, "the end of the last run");
        let success = of_policy("last_success_timestamp_seconds", "policy", "payments");
        same(success, &completed, "the last success");
        let guard = &self.protecting["status"]["protectedBy"][0];
        let kept = of_policy("protected_bytes", "guard", guard["guard"].as_str().unwrap());
        same(kept, &guard["bytes"], "what a guard kept");
        let next = of_policy("next_run_timestamp_seconds", "policy", "payments");
        same(
            next,
            &seconds(&self.policy["status"]["nextRunTime"]),
            "the next run",
        );
    }

    fn assert_job(&self) {
        let of_job = |name: &str, status: &Value| {
            let metric = self.value(&format!("flink_retention_job_{name}"), "name", "ledger");
            same(metric, status, name);
        };
        assert_eq!(condition(&self.inventory, "Restorable")["status"], "True");
        of_job("restorable", &json!(1));
        of_job("missing_files", &json!(0));
        let latest = &self.inventory["status"]["latestRestorable"];
        of_job("latest_restorable_bytes", &latest["bytes"]);
        let completed = latest["completionTime"].as_str().unwrap();
        let completed: jiff::Timestamp = completed.parse().unwrap();
        of_job(
            "latest_restorable_timestamp_seconds",
            &json!(completed.as_second()),
        );
        let classes = self.inventory["status"]["storage"].as_object().unwrap();
        assert_eq!(classes.len(), 5, "{classes:?}");
        for (class, amount) in classes {
            let of_class = self.series.iter().find(|one| {
                let is = |label: &str, wanted: &str| {
                    one.labels.get(label).is_some_and(|value| value == wanted)
                };
                one.name == "flink_retention_job_storage_bytes"
                    && is("class", class)
                    && is("name", "ledger")
            });
            same(of_class.unwrap().value, &amount["bytes"], class);
        }
    }
}

fn same(metric: f64, status: &Value, what: &str) {
    let told = status
        .as_f64()
        .unwrap_or_else(|| panic!("the status does not tell {what}"));
    assert!(
        (metric - told).abs() < 0.5,
        "{what}: the metric is {metric}, the status says {told}"
    );
}

/// Two runs: one that deletes, and one in which a guard keeps what a silent job left.
fn scrape(cluster: &Cluster, volume: &Volume, operator: &OperatorProcess) -> Scrape {
    let orders = FlinkJob::finished("orders", ORDERS, BASE);
    for (name, id) in [("ledger", LEDGER), ("orders", ORDERS)] {
        volume.checkpoint(id, 3);
        volume.orphans(id, 2);
        FlinkJob::finished(name, id, BASE).apply(cluster);
        cluster.wait(
            &format!("ckinv/{name}.flinkdeployment"),
            "jsonpath={.status.ownerClass}=terminal",
        );
    }
    mark(cluster, "payments");
    let deleting = cluster.run("deletes", "payments", "Enforce");
    assert_eq!(deleted_files(&deleting), 4, "{deleting}");
    volume.orphans(ORDERS, 1);
    FlinkJob {
        state: "RUNNING".to_owned(),
        ..orders
    }
    .apply(cluster);
    cluster.wait(
        "ckinv/orders.flinkdeployment",
        "condition=JobManagerReachable=False",
    );
    let protecting = cluster.run("protects", "payments", "Enforce");
    let inventory = until("the inventory to know of the last run", || {
        let found = cluster.get(INVENTORY);
        let scanned = found["status"]["lastScanTime"].as_str()?;
        (scanned >= protecting["status"]["startTime"].as_str()?).then_some(found)
    });
    let protected = protecting["status"]["completionTime"].as_str().unwrap();
    let protected: jiff::Timestamp = protected.parse().unwrap();
    let of_policy = format!(
        "flink_retention_policy_last_run_timestamp_seconds{{namespace=\"{NAMESPACE}\",policy=\"payments\",result=\"Succeeded\"}} {}",
        protected.as_second()
    );
    // A run is counted when its status is written, and its policy looks at it a moment later.
    let (text, series) = until("the last run to be counted", || {
        let text = operator.metrics();
        let series = series(&text);
        let runs: f64 = series
            .iter()
            .filter(|one| one.name == "flink_retention_runs_total")
            .map(|one| one.value)
            .sum();
        (runs > 2.5 && text.contains(&of_policy)).then_some((text, series))
    });
    Scrape {
        text,
        series,
        deleting,
        protecting,
        inventory,
        policy: cluster.get("frp/payments"),
    }
}

#[test]
fn metrics_have_their_names_and_say_what_the_status_says() {
    let (cluster, volume) = (Cluster::start(), Volume::new());
    let mut operator = OperatorProcess::start(&cluster, volume.options("first"));
    operator.wait_until_leading();
    let standby = OperatorProcess::start(&cluster, volume.options("second"));
    let scrape = scrape(&cluster, &volume, &operator);
    scrape.assert_names();
    scrape.assert_runs();
    scrape.assert_job();
    scrape.assert_policy();

    // Probes, here and in the process that waits; facts about jobs come from the leader alone.
    for process in [&operator, &standby] {
        assert_eq!(ask(process, "/healthz"), (200, "ok\n".to_owned()));
        assert_eq!(ask(process, "/readyz"), (200, "ok\n".to_owned()));
        assert_eq!(ask(process, "/debug").0, 404);
    }
    let waiting = standby.metrics();
    assert!(waiting.contains("flink_retention_leader 0"), "{waiting}");
    assert!(
        !waiting.contains("flink_retention_job_")
            && !waiting.contains("flink_retention_policy_")
            && !waiting.contains("flink_retention_runs_total"),
        "{waiting}"
    );

    // Without its resource a job has no series: the inventory stays, and wakes nobody up.
    cluster.delete("flinkdep/ledger");
    cluster.wait(INVENTORY, "condition=ResourcePresent=False");
    until("the series of the job to vanish", || {
        (!operator.metrics().contains(r#"name="ledger""#)).then_some(())
    });
    cluster.delete("frp/payments");
    until("the series of the policy to vanish", || {
        (!operator.metrics().contains("flink_retention_policy_")).then_some(())
    });
}

#[test]
fn the_log_changes_without_a_restart() {
    let cluster = Cluster::start();
    let operator = OperatorProcess::start(&cluster, Options::default());
    let logs = |what: &str| until(what, || operator.log().contains(what).then_some(()));
    assert!(!operator.log().contains("\"level\":\"TRACE\""));
    operator.set_administrator(&json!({"version": 1, "log": "trace"}));
    logs("the log filter changes");
    logs("\"level\":\"TRACE\"");
    operator.set_administrator(&json!({"version": 1, "log": "flink_retention=loud"}));
    logs("is no filter; the last one stays");
    operator.set_administrator(&json!({"version": 1}));
    logs("\"filter\":\"of the start\"");
}
