//! Gauges about jobs, made at the moment of a scrape from the last known facts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, Opts};

use crate::api::StorageByClass;

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

    pub(super) fn gather(&self, labels: JobLabels) -> Result<Vec<MetricFamily>, prometheus::Error> {
        let rows = self
            .rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match labels {
            JobLabels::Job => families(&rows, &["namespace", "kind", "name"], |row| {
                vec![&row.namespace, &row.kind, &row.name]
            }),
            JobLabels::Namespace => families(&by_namespace(rows), &["namespace"], |row| {
                vec![&row.namespace]
            }),
        }
    }
}

/// A namespace is as restorable as its worst job and as fresh as its stalest; bytes and files add up.
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
        sum.latest_completed = least(sum.latest_completed, row.latest_completed);
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
fn families<'a>(
    rows: &'a [JobRow],
    labels: &[&str],
    values: impl Fn(&'a JobRow) -> Vec<&'a String>,
) -> Result<Vec<MetricFamily>, prometheus::Error> {
    let restorable = gauges(
        "restorable",
        "1 if the newest snapshot can be restored, 0 if not.",
        labels,
    )?;
    let completed = gauges(
        "latest_restorable_timestamp_seconds",
        "When the latest restorable snapshot was completed, in seconds since 1970.",
        labels,
    )?;
    let bytes = gauges(
        "latest_restorable_bytes",
        "Size of all that the latest restorable snapshot references.",
        labels,
    )?;
    let missing = gauges(
        "missing_files",
        "Files that the newest snapshot references and storage does not have.",
        labels,
    )?;
    let with_class: Vec<&str> = labels.iter().copied().chain(["class"]).collect();
    let storage = gauges(
        "storage_bytes",
        "Stored bytes: live, retained, orphaned (of which some are marked) and protected.",
        &with_class,
    )?;
    for row in rows {
        let values: Vec<&str> = values(row).into_iter().map(String::as_str).collect();
        let set = |gauges: &GaugeVec, value: Option<f64>| {
            if let Some(value) = value {
                gauges.with_label_values(&values).set(value);
            }
        };
        set(
            &restorable,
            row.restorable.map(|yes| if yes { 1.0 } else { 0.0 }),
        );
        set(
            &completed,
            row.latest_completed.map(|at| at.as_second() as f64),
        );
        set(&bytes, row.latest_bytes.map(|bytes| bytes as f64));
        set(&missing, row.missing_files.map(|files| files as f64));
        for (class, amount) in classes(&row.storage) {
            let Some(amount) = amount else { continue };
            let values: Vec<&str> = values.iter().copied().chain([class]).collect();
            storage.with_label_values(&values).set(amount.bytes as f64);
        }
    }
    let all = [restorable, completed, bytes, missing, storage];
    // A family without series would not be valid text.
    Ok(all
        .iter()
        .flat_map(Collector::collect)
        .filter(|family| !family.get_metric().is_empty())
        .collect())
}

fn gauges(name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec, prometheus::Error> {
    GaugeVec::new(
        Opts::new(format!("flink_retention_job_{name}"), help),
        labels,
    )
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
    fn what_is_not_known_has_no_series() {
        let jobs = JobMetrics::default();
        jobs.replace(
            vec![JobRow {
                namespace: "flink".into(),
                ..JobRow::default()
            }],
            |_| false,
        );
        assert!(jobs.gather(JobLabels::Job).unwrap().is_empty());
    }
}
