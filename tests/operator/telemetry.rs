//! What probes and Prometheus are told, and that it is what the status says.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::cluster::condition;
use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::{BASE, Volume, deleted_files, mark, until};

const LEDGER: &str = "000000000000000000000000000ced9e";
const ORDERS: &str = "0000000000000000000000000000000d";
const INVENTORY: &str = "ckinv/ledger.flinkdeployment";

/// The families that alerts, dashboards and people rely on, with their own labels.
const FAMILIES: [(&str, &[&str]); 16] = [
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

fn ledger_of<'a>(series: &'a [Series], name: &str) -> impl Iterator<Item = &'a Series> {
    let name = name.to_owned();
    series
        .iter()
        .filter(move |one| one.name == name)
        .filter(|one| one.labels.get("name").is_some_and(|job| job == "ledger"))
}

#[test]
fn metrics_have_the_documented_names_and_say_what_the_status_says() {
    let (cluster, volume) = (Cluster::start(), Volume::new());
    for job in [LEDGER, ORDERS] {
        volume.checkpoint(job, 3);
        volume.orphans(job, 2);
    }
    FlinkJob::finished("ledger", LEDGER, BASE).apply(&cluster);
    let orders = FlinkJob {
        state: "RUNNING".to_owned(),
        ..FlinkJob::finished("orders", ORDERS, BASE)
    };
    FlinkJob::finished("orders", ORDERS, BASE).apply(&cluster);
    let mut operator = OperatorProcess::start(&cluster, volume.options("first"));
    operator.wait_until_leading();
    let standby = OperatorProcess::start(&cluster, volume.options("second"));
    for job in ["ledger", "orders"] {
        cluster.wait(
            &format!("ckinv/{job}.flinkdeployment"),
            "jsonpath={.status.ownerClass}=terminal",
        );
    }
    mark(&cluster, "payments");
    let run = cluster.run("deletes", "payments", "Enforce");
    assert_eq!(deleted_files(&run), 4, "{run}");
    // From now on a guard keeps something: the run of a job that does not answer.
    volume.orphans(ORDERS, 1);
    orders.apply(&cluster);
    cluster.wait(
        "ckinv/orders.flinkdeployment",
        "condition=JobManagerReachable=False",
    );
    let last = cluster.run("protects", "payments", "Enforce");
    assert_eq!(last["status"]["phase"], "Succeeded", "{last}");
    let inventory = until("the inventory to know of the last run", || {
        let found = cluster.get(INVENTORY);
        let scanned = found["status"]["lastScanTime"].as_str()?;
        (scanned >= last["status"]["startTime"].as_str()?).then_some(found)
    });

    // Names, labels, and nothing in a label that grows without bound.
    let text = operator.metrics();
    let found = series(&text);
    for (name, labels) in FAMILIES {
        let of_name: Vec<&Series> = found.iter().filter(|one| one.name == name).collect();
        assert!(!of_name.is_empty(), "there is no {name} in\n{text}");
        for one in of_name {
            assert!(
                one.labels.keys().eq(labels),
                "{name} has the labels {:?}",
                one.labels
            );
        }
    }
    for one in &found {
        for (label, value) in &one.labels {
            let is_id = value.len() >= 32 && value.chars().all(|c| c.is_ascii_hexdigit());
            assert!(!value.contains('/') && !is_id, "{label}={value} in {one:?}");
        }
    }

    // Values.
    let value = |name: &str, label: &str, wanted: &str| {
        let mut of_name = found.iter().filter(|one| one.name == name);
        of_name
            .find(|one| one.labels.get(label).is_some_and(|label| label == wanted))
            .map(|one| one.value)
    };
    let same = |metric: Option<f64>, status: &Value, what: &str| {
        let metric = metric.unwrap_or_else(|| panic!("no {what} in\n{text}"));
        assert!(
            (metric - status.as_f64().unwrap()).abs() < 0.5,
            "{what}: {metric} is not {status}"
        );
    };
    let ledger = |name: &str| ledger_of(&found, name).next().map(|one| one.value);
    same(
        value("flink_retention_runs_total", "result", "Succeeded"),
        &json!(3),
        "runs",
    );
    let bytes = &run["status"]["decisions"]["deleted"]["bytes"];
    same(
        value("flink_retention_deleted_bytes_total", "policy", "payments"),
        bytes,
        "deleted bytes",
    );
    same(
        value("flink_retention_deleted_files_total", "policy", "payments"),
        &json!(4),
        "deleted files",
    );
    let guard = &last["status"]["protectedBy"][0];
    let name = guard["guard"].as_str().unwrap();
    same(
        value("flink_retention_guard_hits_total", "guard", name),
        &guard["files"],
        name,
    );
    assert_eq!(condition(&inventory, "Restorable")["status"], "True");
    same(
        ledger("flink_retention_job_restorable"),
        &json!(1),
        "restorable",
    );
    same(
        ledger("flink_retention_job_missing_files"),
        &json!(0),
        "missing files",
    );
    let latest = &inventory["status"]["latestRestorable"];
    same(
        ledger("flink_retention_job_latest_restorable_bytes"),
        &latest["bytes"],
        "bytes of the latest",
    );
    let completed: jiff::Timestamp = latest["completionTime"].as_str().unwrap().parse().unwrap();
    same(
        ledger("flink_retention_job_latest_restorable_timestamp_seconds"),
        &json!(completed.as_second()),
        "time of the latest",
    );
    let classes = inventory["status"]["storage"].as_object().unwrap();
    assert_eq!(
        classes.keys().collect::<Vec<_>>(),
        ["live", "marked", "orphaned", "protected", "retained"]
    );
    for (class, amount) in classes {
        let metric = ledger_of(&found, "flink_retention_job_storage_bytes")
            .find(|one| one.labels["class"] == *class);
        same(metric.map(|one| one.value), &amount["bytes"], class);
    }

    // Probes, here and in the process that waits; facts about jobs come from the leader alone.
    for process in [&operator, &standby] {
        assert_eq!(ask(process, "/healthz"), (200, "ok\n".to_owned()));
        assert_eq!(ask(process, "/readyz"), (200, "ok\n".to_owned()));
        assert_eq!(ask(process, "/debug").0, 404);
    }
    let waiting = series(&standby.metrics());
    assert!(
        waiting
            .iter()
            .any(|one| one.name == "flink_retention_leader" && one.value < 0.5)
    );
    assert!(
        !waiting
            .iter()
            .any(|one| one.name.starts_with("flink_retention_job_")
                || one.name == "flink_retention_runs_total")
    );

    // Without its resource and its inventory a job has no series.
    cluster.delete("flinkdep/ledger");
    cluster.wait(INVENTORY, "condition=ResourcePresent=False");
    cluster.delete(INVENTORY);
    until("the series of the job to vanish", || {
        (!operator.metrics().contains(r#"name="ledger""#)).then_some(())
    });
}
