//! What the operator exports, by the very code that exports it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use flink_retention::api::{Amount, StorageByClass};
use flink_retention::telemetry::{JobLabels, JobRow, LastRun, Metrics, NextRun, PolicyRow};
use jiff::{SignedDuration, Timestamp};

pub(crate) const GIB: i64 = 1 << 30;

pub(crate) fn minute(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * 60).unwrap()
}

/// A job that runs and is well, with a checkpoint that is always new.
pub(crate) fn job(name: &str, now: i64) -> JobRow {
    JobRow {
        namespace: "flink".to_owned(),
        kind: "FlinkDeployment".to_owned(),
        name: name.to_owned(),
        running: Some(true),
        restorable: Some(true),
        latest_completed: Some(minute(now)),
        latest_bytes: Some(GIB),
        missing_files: Some(0),
        storage: storage(GIB, 0),
    }
}

pub(crate) fn storage(live: i64, orphaned: i64) -> StorageByClass {
    let amount = |bytes| Some(Amount { bytes, files: 1 });
    StorageByClass {
        live: amount(live),
        retained: amount(0),
        orphaned: amount(orphaned),
        marked: amount(orphaned),
        protected: amount(0),
    }
}

/// A policy that has just run, as it does every six hours.
pub(crate) fn policy(now: i64) -> PolicyRow {
    let last = now - now % 360;
    PolicyRow {
        ready: true,
        ready_reason: "Reconciled".to_owned(),
        overlapping_jobs: 0,
        last_run: Some(LastRun {
            result: "Succeeded".to_owned(),
            completed: minute(last),
            ..LastRun::default()
        }),
        last_success: Some(minute(last)),
        next_run: Some(NextRun {
            at: minute(last + 360),
            period: SignedDuration::from_hours(6),
        }),
    }
}

/// A leader that has done everything once.
pub(crate) fn everything() -> Metrics {
    let metrics = Metrics::new(JobLabels::Job).unwrap();
    metrics.set_leader(true);
    everything_again(&metrics, 0);
    metrics
}

/// The same once more, at that minute.
pub(crate) fn everything_again(metrics: &Metrics, now: i64) {
    let ledger = JobRow {
        storage: storage(GIB, GIB),
        ..job("ledger", now)
    };
    let broken = JobRow {
        restorable: Some(false),
        ..job("broken", now)
    };
    metrics.jobs.replace(vec![ledger, broken], |_| false);
    let healthy = policy(now);
    let last_run = healthy.last_run.clone().map(|run| LastRun {
        result: "Blocked".to_owned(),
        blocked: ["ClockSkew".to_owned()].into(),
        protected: [("in-flight".to_owned(), GIB)].into(),
        ..run
    });
    let row = PolicyRow {
        last_run,
        ..healthy
    };
    metrics.policies.set("flink", "payments", row.clone());
    let not_ready = PolicyRow {
        ready: false,
        ready_reason: "BaseNotGranted".to_owned(),
        ..row
    };
    metrics.policies.set("flink", "orders", not_ready);
    for result in ["Succeeded", "Blocked", "Failed"] {
        metrics.run_finished(result, Duration::from_secs(2));
    }
    metrics.step_took("verify", Duration::from_secs(2));
    metrics.storage_request("delete", "success");
    metrics.storage_request("list", "no_answer");
    metrics.deleted("flink", "payments", 3, 4096);
    metrics.guard_hit("in-flight", 7);
    metrics.observed(true);
    metrics.observed(false);
    metrics.succeeded_at(now * 60);
    metrics.set_crd_outdated("retentionpolicies", false);
    metrics.set_administrator_file_valid(true);
}

/// The series of a scrape, `name{labels}`, with their values.
pub(crate) fn scrape(metrics: &Metrics) -> BTreeMap<String, f64> {
    let text = metrics.encode().unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        })
        .collect()
}

/// Names and labels of a series. None of our values holds a quote or a comma.
pub(crate) fn parse(series: &str) -> (&str, BTreeMap<&str, &str>) {
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let pairs = labels.trim_end_matches('}').split(',');
    let pairs = pairs.filter_map(|pair| pair.split_once('='));
    let labels = pairs.map(|(label, value)| (label, value.trim_matches('"')));
    (name, labels.collect())
}

/// The labels of each metric that there is.
pub(crate) fn vocabulary() -> BTreeMap<String, BTreeSet<String>> {
    let mut vocabulary: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for series in scrape(&everything()).keys() {
        let (name, labels) = parse(series);
        let known = vocabulary.entry(name.to_owned()).or_default();
        known.extend(labels.into_keys().map(str::to_owned));
    }
    vocabulary
}
