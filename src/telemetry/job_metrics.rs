//! Gauges about jobs, made at the moment of a scrape from the last known facts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::exposition::{self, Labels};
use crate::api::StorageByClass;

const PREFIX: &str = "flink_retention_job_";

/// How fine the gauges about jobs are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum JobLabels {
    /// One series for each Flink resource.
    #[default]
    Job,
    /// Sums and worst values for each namespace, for clusters with very many jobs.
    Namespace,
}

/// What is known of one Flink resource. What is not known has no series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobRow {
    pub namespace: String,
    pub kind: String,
    pub name: String,
    pub running: Option<bool>,
    pub restorable: Option<bool>,
    pub latest_completed: Option<Timestamp>,
    pub latest_bytes: Option<i64>,
    pub missing_files: Option<u64>,
    pub storage: StorageByClass,
}

/// The rows that the next scrape shows; cheap to clone, all clones are one.
#[derive(Clone, Debug, Default)]
pub struct JobMetrics {
    rows: Arc<Mutex<Vec<JobRow>>>,
}

impl JobMetrics {
    /// Replaces all rows but those of namespaces of which nothing is known now: the last known values are better than
    /// none.
    pub fn replace(&self, mut rows: Vec<JobRow>, is_unread: impl Fn(&str) -> bool) {
        let mut known = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.extend(known.drain(..).filter(|row| is_unread(&row.namespace)));
        *known = rows;
    }

    /// Adds them in Prometheus' text format. As metrics of the library thousands of jobs would take tens of MiB for every
    /// scrape.
    pub(super) fn write(&self, labels: JobLabels, text: &mut String) {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        match labels {
            JobLabels::Job => families(&rows, text, |row| {
                vec![
                    ("kind", row.kind.as_str()),
                    ("name", row.name.as_str()),
                    ("namespace", row.namespace.as_str()),
                ]
            }),
            JobLabels::Namespace => families(&by_namespace(rows.clone()), text, |row| {
                vec![("namespace", row.namespace.as_str())]
            }),
        }
    }
}

/// A namespace is as restorable as its worst job and as fresh as the stalest one that runs; bytes and files add up.
fn by_namespace(rows: Vec<JobRow>) -> Vec<JobRow> {
    let mut namespaces: BTreeMap<String, JobRow> = BTreeMap::new();
    for row in rows {
        let Some(sum) = namespaces.get_mut(&row.namespace) else {
            let whole = JobRow {
                kind: String::new(),
                name: String::new(),
                ..row
            };
            namespaces.insert(whole.namespace.clone(), whole);
            continue;
        };
        sum.restorable = least(sum.restorable, row.restorable);
        // What a job that does not run has is as old as it should be.
        let (of_sum, of_row) = (sum.running.unwrap_or(false), row.running.unwrap_or(false));
        sum.latest_completed = match (of_sum, of_row) {
            (true, false) => sum.latest_completed,
            (false, true) => row.latest_completed,
            (true, true) | (false, false) => least(sum.latest_completed, row.latest_completed),
        };
        sum.running = added(sum.running, row.running, |a, b| a || b);
        sum.latest_bytes = added(sum.latest_bytes, row.latest_bytes, i64::saturating_add);
        sum.missing_files = added(sum.missing_files, row.missing_files, u64::saturating_add);
        for ((_, sum), (_, amount)) in classes_mut(&mut sum.storage)
            .into_iter()
            .zip(classes(&row.storage))
        {
            *sum = added(*sum, amount, |a, b| crate::api::Amount {
                bytes: a.bytes.saturating_add(b.bytes),
                files: a.files.saturating_add(b.files),
            });
        }
    }
    namespaces.into_values().collect()
}

fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn added<T>(a: Option<T>, b: Option<T>, add: impl FnOnce(T, T) -> T) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(add(a, b)),
        (a, b) => a.or(b),
    }
}

fn classes(storage: &StorageByClass) -> [(&'static str, Option<crate::api::Amount>); 5] {
    let StorageByClass {
        live,
        retained,
        orphaned,
        marked,
        protected,
    } = storage;
    [
        ("live", *live),
        ("retained", *retained),
        ("orphaned", *orphaned),
        ("marked", *marked),
        ("protected", *protected),
    ]
}

fn classes_mut(
    storage: &mut StorageByClass,
) -> [(&'static str, &mut Option<crate::api::Amount>); 5] {
    let StorageByClass {
        live,
        retained,
        orphaned,
        marked,
        protected,
    } = storage;
    [
        ("live", live),
        ("retained", retained),
        ("orphaned", orphaned),
        ("marked", marked),
        ("protected", protected),
    ]
}

#[allow(clippy::cast_precision_loss, reason = "Prometheus knows only doubles")]
fn families(rows: &[JobRow], text: &mut String, labels: impl for<'a> Fn(&'a JobRow) -> Labels<'a>) {
    let mut family = |name: &str, help: &str, value: &dyn Fn(&JobRow) -> Option<f64>| {
        let series = rows
            .iter()
            .filter_map(|row| Some((labels(row), value(row)?)));
        exposition::family(text, &format!("{PREFIX}{name}"), help, series);
    };
    family(
        "running",
        "1 if the job runs, 0 if it is suspended, has ended or nobody can tell.",
        &|row| row.running.map(|yes| if yes { 1.0 } else { 0.0 }),
    );
    family(
        "restorable",
        "1 if the newest restorable snapshot is known and whole, 0 if there is none; absent while that cannot be told.",
        &|row| row.restorable.map(|yes| if yes { 1.0 } else { 0.0 }),
    );
    family(
        "latest_restorable_timestamp_seconds",
        "When the latest restorable snapshot was completed, in seconds since 1970.",
        &|row| row.latest_completed.map(|at| at.as_second() as f64),
    );
    family(
        "latest_restorable_bytes",
        "What it takes to restore the latest restorable snapshot: the size of all that it references.",
        &|row| row.latest_bytes.map(|bytes| bytes as f64),
    );
    family(
        "missing_files",
        "Files that the newest snapshot references and storage does not have.",
        &|row| row.missing_files.map(|files| files as f64),
    );
    let by_class = rows.iter().flat_map(|row| {
        classes(&row.storage)
            .into_iter()
            .filter_map(move |(class, amount)| Some((row, class, amount?.bytes as f64)))
    });
    let by_class = by_class.map(|(row, class, bytes)| {
        let mut all = vec![("class", class)];
        all.extend(labels(row));
        (all, bytes)
    });
    exposition::family(
        text,
        &format!("{PREFIX}storage_bytes"),
        "What the directories of the job hold, by class: live, retained, orphaned (of which some are marked), protected.",
        by_class,
    );
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::api::Amount;

    fn row(job: &str, restorable: bool, completed: &str, orphaned: i64) -> JobRow {
        JobRow {
            namespace: "flink".into(),
            kind: "FlinkDeployment".into(),
            name: job.into(),
            restorable: Some(restorable),
            latest_completed: Some(completed.parse().unwrap()),
            storage: StorageByClass {
                orphaned: Some(Amount {
                    bytes: orphaned,
                    files: 1,
                }),
                ..StorageByClass::default()
            },
            ..JobRow::default()
        }
    }

    #[test]
    fn a_namespace_is_as_good_as_its_worst_job() {
        let rows = vec![
            row("a", true, "2026-11-21T06:00:00Z", 5),
            row("b", false, "2026-11-20T06:00:00Z", 7),
        ];
        let sum = by_namespace(rows);
        assert_eq!(sum.len(), 1);
        assert_eq!(sum[0].restorable, Some(false));
        assert_eq!(
            sum[0].latest_completed,
            Some("2026-11-20T06:00:00Z".parse().unwrap())
        );
        assert_eq!(
            sum[0].storage.orphaned,
            Some(Amount {
                bytes: 12,
                files: 2
            })
        );
    }

    #[test]
    fn a_namespace_is_as_fresh_as_the_stalest_job_that_runs() {
        let running = |running, row: JobRow| JobRow {
            running: Some(running),
            ..row
        };
        let suspended = running(false, row("a", true, "2026-01-01T00:00:00Z", 0));
        let fresh = running(true, row("b", true, "2026-11-21T06:00:00Z", 0));
        let stale = running(true, row("c", true, "2026-11-20T06:00:00Z", 0));
        for rows in [
            vec![suspended.clone(), fresh.clone(), stale.clone()],
            vec![stale.clone(), suspended.clone(), fresh],
        ] {
            let sum = by_namespace(rows);
            assert_eq!(sum[0].running, Some(true));
            assert_eq!(sum[0].latest_completed, stale.latest_completed);
        }
        let sum = by_namespace(vec![suspended.clone(), suspended.clone()]);
        assert_eq!(sum[0].running, Some(false));
        assert_eq!(sum[0].latest_completed, suspended.latest_completed);
    }

    #[test]
    fn jobs_are_written_as_prometheus_reads_them() {
        let jobs = JobMetrics::default();
        let mut text = String::new();
        jobs.replace(vec![row("a", true, "2026-11-21T06:00:00Z", 5)], |_| false);
        jobs.write(JobLabels::Job, &mut text);
        let expected = "\
# HELP flink_retention_job_restorable 1 if the newest restorable snapshot is known and whole, 0 if there is none; absent while that cannot be told.
# TYPE flink_retention_job_restorable gauge
flink_retention_job_restorable{kind=\"FlinkDeployment\",name=\"a\",namespace=\"flink\"} 1
# HELP flink_retention_job_latest_restorable_timestamp_seconds When the latest restorable snapshot was completed, in seconds since 1970.
# TYPE flink_retention_job_latest_restorable_timestamp_seconds gauge
flink_retention_job_latest_restorable_timestamp_seconds{kind=\"FlinkDeployment\",name=\"a\",namespace=\"flink\"} 1795240800
# HELP flink_retention_job_storage_bytes What the directories of the job hold, by class: live, retained, orphaned (of which some are marked), protected.
# TYPE flink_retention_job_storage_bytes gauge
flink_retention_job_storage_bytes{class=\"orphaned\",kind=\"FlinkDeployment\",name=\"a\",namespace=\"flink\"} 5
";
        assert_eq!(text, expected);
    }

    #[test]
    fn rows_of_a_namespace_that_cannot_be_read_stay() {
        let jobs = JobMetrics::default();
        jobs.replace(vec![row("a", true, "2026-11-21T06:00:00Z", 5)], |_| false);
        jobs.replace(Vec::new(), |namespace| namespace == "flink");
        let mut text = String::new();
        jobs.write(JobLabels::Namespace, &mut text);
        assert!(text.contains("{namespace=\"flink\"} 1\n"), "{text}");
        jobs.replace(Vec::new(), |namespace| namespace == "other");
        text.clear();
        jobs.write(JobLabels::Job, &mut text);
        assert_eq!(text, "");
    }

    #[test]
    fn what_is_not_known_has_no_series() {
        let jobs = JobMetrics::default();
        jobs.replace(
            vec![JobRow {
                namespace: "flink".into(),
                ..JobRow::default()
            }],
            |_| false,
        );
        let mut text = String::new();
        jobs.write(JobLabels::Job, &mut text);
        assert_eq!(text, "");
    }
}
