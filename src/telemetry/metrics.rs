//! The operator's metrics. The library behind them is not visible outside this module.

use std::collections::BTreeSet;
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Gauge, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use super::job_metrics::{JobLabels, JobMetrics};
use super::policy_metrics::PolicyMetrics;

/// Seconds; runs take from a moment to hours.
const RUN_BUCKETS: [f64; 10] = [
    0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0,
];

/// Counters, gauges and histograms of this process, and the last known facts about jobs.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    job_labels: JobLabels,
    /// Produced anew at every scrape, so that a deleted job leaves no series behind.
    pub jobs: JobMetrics,
    /// The same for policies.
    pub policies: PolicyMetrics,
    deleted_bytes: IntCounterVec,
    deleted_files: IntCounterVec,
    runs: IntCounterVec,
    run_seconds: HistogramVec,
    step_seconds: HistogramVec,
    storage_requests: IntCounterVec,
    guard_hits: IntCounterVec,
    observations: IntCounterVec,
    leader: IntGauge,
    last_success: Gauge,
    administrator_file_valid: IntGauge,
    crd_outdated: IntGaugeVec,
}

impl Metrics {
    /// Registers everything.
    ///
    /// # Errors
    /// A name is invalid or taken: a defect of this program.
    pub fn new(job_labels: JobLabels) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            registry: Registry::new(),
            job_labels,
            jobs: JobMetrics::default(),
            policies: PolicyMetrics::default(),
            deleted_bytes: counters(
                "deleted_bytes_total",
                "Bytes deleted.",
                &["namespace", "policy"],
            )?,
            deleted_files: counters(
                "deleted_files_total",
                "Files deleted.",
                &["namespace", "policy"],
            )?,
            runs: counters(
                "runs_total",
                "Ends of runs, by phase: Succeeded, Failed, Blocked, Cancelled. A Blocked run that is approved ends twice.",
                &["result"],
            )?,
            run_seconds: HistogramVec::new(
                HistogramOpts::new("flink_retention_run_duration_seconds", "How long runs took, by the phase in which they ended; waiting for a person is not counted.")
                    .buckets(RUN_BUCKETS.to_vec()),
                &["result"],
            )?,
            step_seconds: HistogramVec::new(
                HistogramOpts::new(
                    "flink_retention_run_step_duration_seconds",
                    "How long each step of a run took, all its parts together: observe, read_snapshots, list_files, check_files, verify, delete.",
                )
                .buckets(RUN_BUCKETS.to_vec()),
                &["step"],
            )?,
            storage_requests: counters(
                "storage_requests_total",
                "Requests to storage: list (one for each thousand entries), stat, read, write, delete, remove_directory; the result is success or the kind of error, such as not_found, permission_denied or no_answer.",
                &["operation", "result"],
            )?,
            guard_hits: counters(
                "guard_hits_total",
                "Files kept by a guard, once for each run that met them.",
                &["guard"],
            )?,
            observations: counters(
                "observations_total",
                "Passes of the observe loop: success, failure.",
                &["result"],
            )?,
            leader: IntGauge::new(
                "flink_retention_leader",
                "1 in the process that holds the lease.",
            )?,
            last_success: Gauge::new(
                "flink_retention_last_success_timestamp_seconds",
                "When a run last succeeded that found a directory to look into, in seconds since 1970.",
            )?,
            administrator_file_valid: IntGauge::new(
                "flink_retention_administrator_file_valid",
                "0 while the administrator's file cannot be used; nothing is deleted then.",
            )?,
            crd_outdated: IntGaugeVec::new(
                Opts::new(
                    "flink_retention_crd_outdated",
                    "1 if the definition in the cluster lacks what this version of the operator needs.",
                ),
                &["crd"],
            )?,
        };
        metrics.administrator_file_valid.set(1);
        metrics.register()?;
        Ok(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        self.collectors()
            .into_iter()
            .try_for_each(|collector| self.registry.register(collector))
    }

    /// The names of all metrics of this process, also of those that have no series yet; those of jobs and policies are not
    /// among them.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        let collectors = self.collectors();
        let described = collectors.iter().flat_map(|collector| collector.desc());
        described
            .map(|described| described.fq_name.clone())
            .collect()
    }

    fn collectors(&self) -> Vec<Box<dyn Collector>> {
        // Taken apart without `..`: a metric that is not registered is never seen.
        let Self {
            registry: _,
            job_labels: _,
            jobs: _,
            policies: _,
            deleted_bytes,
            deleted_files,
            runs,
            run_seconds,
            step_seconds,
            storage_requests,
            guard_hits,
            observations,
            leader,
            last_success,
            administrator_file_valid,
            crd_outdated,
        } = self;
        vec![
            Box::new(deleted_bytes.clone()),
            Box::new(deleted_files.clone()),
            Box::new(runs.clone()),
            Box::new(run_seconds.clone()),
            Box::new(step_seconds.clone()),
            Box::new(storage_requests.clone()),
            Box::new(guard_hits.clone()),
            Box::new(observations.clone()),
            Box::new(leader.clone()),
            Box::new(last_success.clone()),
            Box::new(administrator_file_valid.clone()),
            Box::new(crd_outdated.clone()),
            Box::new(ProcessCollector::for_self()),
        ]
    }

    /// This process holds the lease, or no longer does. Only the leader shows facts about jobs.
    pub fn set_leader(&self, leader: bool) {
        self.leader.set(leader.into());
    }

    /// A run is over.
    pub fn run_finished(&self, result: &str, took: Duration) {
        self.runs.with_label_values(&[result]).inc();
        self.run_seconds
            .with_label_values(&[result])
            .observe(took.as_secs_f64());
    }

    /// A step of a run took so long.
    pub fn step_took(&self, step: &str, took: Duration) {
        self.step_seconds
            .with_label_values(&[step])
            .observe(took.as_secs_f64());
    }

    /// A request to a store was answered.
    pub fn storage_request(&self, operation: &str, result: &str) {
        self.storage_requests
            .with_label_values(&[operation, result])
            .inc();
    }

    /// A run succeeded at this time, in seconds since 1970.
    #[allow(
        clippy::cast_precision_loss,
        reason = "seconds fit a double for millions of years"
    )]
    pub fn succeeded_at(&self, seconds: i64) {
        self.last_success.set(seconds as f64);
    }

    /// A run of a policy deleted so much.
    pub fn deleted(&self, namespace: &str, policy: &str, files: u64, bytes: u64) {
        self.deleted_files
            .with_label_values(&[namespace, policy])
            .inc_by(files);
        self.deleted_bytes
            .with_label_values(&[namespace, policy])
            .inc_by(bytes);
    }

    /// A guard kept so many files in a run.
    pub fn guard_hit(&self, guard: &str, files: u64) {
        self.guard_hits.with_label_values(&[guard]).inc_by(files);
    }

    /// A pass of the observe loop is over.
    pub fn observed(&self, success: bool) {
        self.observations
            .with_label_values(&[if success { "success" } else { "failure" }])
            .inc();
    }

    /// Whether the administrator's file on disk is the one that applies.
    pub fn set_administrator_file_valid(&self, valid: bool) {
        self.administrator_file_valid.set(valid.into());
    }

    /// Whether the cluster's definition of a resource, by its plural name, lacks something.
    pub fn set_crd_outdated(&self, plural: &str, outdated: bool) {
        self.crd_outdated
            .with_label_values(&[plural])
            .set(outdated.into());
    }

    /// Everything in Prometheus' text format.
    ///
    /// # Errors
    /// A metric cannot be encoded: a defect of this program.
    pub fn encode(&self) -> Result<String, prometheus::Error> {
        let mut text = TextEncoder::new().encode_to_string(&self.registry.gather())?;
        if self.leader.get() == 1 {
            self.jobs.write(self.job_labels, &mut text);
            self.policies.write(&mut text);
        }
        Ok(text)
    }
}

fn counters(name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(Opts::new(format!("flink_retention_{name}"), help), labels)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::telemetry::JobRow;

    #[test]
    fn only_the_leader_shows_jobs_and_a_deleted_job_leaves_nothing() {
        let metrics = Metrics::new(JobLabels::Job).unwrap();
        let row = JobRow {
            namespace: "flink".into(),
            kind: "FlinkDeployment".into(),
            name: "orders".into(),
            restorable: Some(true),
            ..JobRow::default()
        };
        metrics.jobs.replace(vec![row], |_| false);
        assert!(!metrics.encode().unwrap().contains("orders"));
        metrics.set_leader(true);
        let text = metrics.encode().unwrap();
        assert!(
            text.contains(r#"flink_retention_job_restorable{kind="FlinkDeployment",name="orders",namespace="flink"} 1"#),
            "{text}"
        );
        metrics.jobs.replace(Vec::new(), |_| false);
        assert!(!metrics.encode().unwrap().contains("orders"));
    }

    #[test]
    fn counters_have_the_names_that_alerts_use() {
        let metrics = Metrics::new(JobLabels::Job).unwrap();
        metrics.deleted("flink", "payments", 3, 4096);
        metrics.run_finished("Succeeded", Duration::from_secs(2));
        metrics.guard_hit("unknown-owner", 7);
        metrics.succeeded_at(1_800_000_000);
        metrics.step_took("verify", Duration::from_secs(2));
        metrics.storage_request("delete", "success");
        let text = metrics.encode().unwrap();
        for line in [
            r#"flink_retention_deleted_bytes_total{namespace="flink",policy="payments"} 4096"#,
            r#"flink_retention_deleted_files_total{namespace="flink",policy="payments"} 3"#,
            r#"flink_retention_runs_total{result="Succeeded"} 1"#,
            r#"flink_retention_run_duration_seconds_count{result="Succeeded"} 1"#,
            r#"flink_retention_guard_hits_total{guard="unknown-owner"} 7"#,
            r#"flink_retention_run_step_duration_seconds_count{step="verify"} 1"#,
            r#"flink_retention_storage_requests_total{operation="delete",result="success"} 1"#,
            "flink_retention_last_success_timestamp_seconds 1800000000",
            "flink_retention_leader 0",
            "process_resident_memory_bytes",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
