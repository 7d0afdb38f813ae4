//! Gauges about policies, made at the moment of a scrape from the last known facts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::exposition::{self, Labels};

const PREFIX: &str = "flink_retention_policy_";

/// What is known of one policy. What is not known has no series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyRow {
    /// Whether it can do its work, and the condition's reason.
    pub ready: bool,
    pub ready_reason: String,
    /// Jobs that other policies select, too.
    pub overlapping_jobs: usize,
    pub last_run: Option<LastRun>,
    pub last_success: Option<Timestamp>,
    pub next_run: Option<NextRun>,
}

/// The run of a policy that finished last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LastRun {
    /// Its phase.
    pub result: String,
    pub completed: Timestamp,
    /// Words for why it was blocked; none if it was not.
    pub blocked: BTreeSet<String>,
    /// What each guard kept, in bytes.
    pub protected: BTreeMap<String, i64>,
}

/// When a policy runs by its schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextRun {
    pub at: Timestamp,
    /// Until the one after it.
    pub period: jiff::SignedDuration,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    namespace: String,
    policy: String,
}

/// The rows that the next scrape shows; cheap to clone, all clones are one.
#[derive(Clone, Debug, Default)]
pub struct PolicyMetrics {
    rows: Arc<Mutex<BTreeMap<Name, PolicyRow>>>,
}

impl PolicyMetrics {
    /// What is known of a policy from now on.
    pub fn set(&self, namespace: &str, policy: &str, row: PolicyRow) {
        let name = Name {
            namespace: namespace.to_owned(),
            policy: policy.to_owned(),
        };
        self.lock().insert(name, row);
    }

    /// Forgets all policies, by namespace and name, but those that are there.
    pub fn retain(&self, is_there: impl Fn(&str, &str) -> bool) {
        self.lock()
            .retain(|name, _| is_there(&name.namespace, &name.policy));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Name, PolicyRow>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds them in Prometheus' text format.
    #[allow(clippy::cast_precision_loss, reason = "Prometheus knows only doubles")]
    pub(super) fn write(&self, text: &mut String) {
        let rows = self.lock();
        let mut one_each = |name: &str, help: &str, value: &dyn Fn(&PolicyRow) -> Option<f64>| {
            let series = rows
                .iter()
                .filter_map(|(name, row)| Some((labels(name), value(row)?)));
            exposition::family(text, &format!("{PREFIX}{name}"), help, series);
        };
        one_each(
            "overlapping_jobs",
            "Jobs that another policy selects, too: none of these policies acts on them.",
            &|row| Some(row.overlapping_jobs as f64),
        );
        one_each(
            "last_success_timestamp_seconds",
            "When the newest of its runs succeeded that still exist, in seconds since 1970.",
            &|row| row.last_success.map(|at| at.as_second() as f64),
        );
        one_each(
            "next_run_timestamp_seconds",
            "When it runs next by its schedule, in seconds since 1970; absent while it does not.",
            &|row| row.next_run.map(|next| next.at.as_second() as f64),
        );
        one_each(
            "schedule_period_seconds",
            "Time between its next run by schedule and the one after it.",
            &|row| row.next_run.map(|next| next.period.as_secs() as f64),
        );
        exposition::family(
            text,
            &format!("{PREFIX}ready"),
            "1 if the policy can do its work, 0 if not; the reason is that of its condition Ready.",
            rows.iter().map(|(name, row)| {
                let ready = if row.ready { 1.0 } else { 0.0 };
                (with(name, "reason", &row.ready_reason), ready)
            }),
        );
        let last = rows
            .iter()
            .filter_map(|(name, row)| Some((name, row.last_run.as_ref()?)));
        exposition::family(
            text,
            &format!("{PREFIX}last_run_timestamp_seconds"),
            "When the run that finished last did so, in seconds since 1970; the result is its phase.",
            last.clone().map(|(name, run)| {
                (
                    with(name, "result", &run.result),
                    run.completed.as_second() as f64,
                )
            }),
        );
        exposition::family(
            text,
            &format!("{PREFIX}blocked"),
            "1 for each reason for which its last run was Blocked; absent if it was not.",
            last.clone().flat_map(|(name, run)| {
                let words = run.blocked.iter();
                words.map(move |word| (with(name, "reason", word), 1.0))
            }),
        );
        exposition::family(
            text,
            &format!("{PREFIX}protected_bytes"),
            "What each guard kept in its last run.",
            last.flat_map(|(name, run)| {
                let guards = run.protected.iter();
                guards.map(move |(guard, bytes)| (with(name, "guard", guard), *bytes as f64))
            }),
        );
    }
}

fn labels(name: &Name) -> Labels<'_> {
    vec![("namespace", &name.namespace), ("policy", &name.policy)]
}

fn with<'a>(name: &'a Name, label: &'static str, value: &'a str) -> Labels<'a> {
    let mut all = labels(name);
    all.push((label, value));
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn text(metrics: &PolicyMetrics) -> String {
        let mut text = String::new();
        metrics.write(&mut text);
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| line.replace(PREFIX, ""))
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn a_policy_says_how_it_is() {
        let metrics = PolicyMetrics::default();
        let row = PolicyRow {
            ready: true,
            ready_reason: "Reconciled".to_owned(),
            overlapping_jobs: 2,
            last_run: Some(LastRun {
                result: "Blocked".to_owned(),
                completed: at(200),
                blocked: ["ClockSkew".to_owned()].into(),
                protected: [("unknown-owner".to_owned(), 7)].into(),
            }),
            last_success: Some(at(100)),
            next_run: Some(NextRun {
                at: at(300),
                period: jiff::SignedDuration::from_secs(60),
            }),
        };
        metrics.set("flink", "payments", row);
        let expected = "\
overlapping_jobs{namespace=\"flink\",policy=\"payments\"} 2
last_success_timestamp_seconds{namespace=\"flink\",policy=\"payments\"} 100
next_run_timestamp_seconds{namespace=\"flink\",policy=\"payments\"} 300
schedule_period_seconds{namespace=\"flink\",policy=\"payments\"} 60
ready{namespace=\"flink\",policy=\"payments\",reason=\"Reconciled\"} 1
last_run_timestamp_seconds{namespace=\"flink\",policy=\"payments\",result=\"Blocked\"} 200
blocked{namespace=\"flink\",policy=\"payments\",reason=\"ClockSkew\"} 1
protected_bytes{namespace=\"flink\",policy=\"payments\",guard=\"unknown-owner\"} 7";
        assert_eq!(text(&metrics), expected);

        // The reason of the last look alone, and nothing of a policy that is gone.
        metrics.set("flink", "payments", PolicyRow::default());
        assert_eq!(
            text(&metrics),
            "overlapping_jobs{namespace=\"flink\",policy=\"payments\"} 0\n\
             ready{namespace=\"flink\",policy=\"payments\",reason=\"\"} 0"
        );
        metrics.retain(|namespace, policy| (namespace, policy) != ("flink", "payments"));
        assert_eq!(text(&metrics), "");
    }
}
