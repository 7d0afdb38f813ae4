//! Every alert fires on what the operator itself exports when it should, and not before; each has a runbook and limits.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use flink_retention::telemetry::{JobLabels, JobRow, LastRun, Metrics, NextRun, PolicyRow};
use serde_json::{Value, json};

use super::exported::{GIB, job, minute, policy, storage, vocabulary};
use super::helm::Chart;
use super::promtool::{self, Question, STEP, Timeline};
use super::words;

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

/// The groups as they are rendered for a release that the Prometheus Operator scrapes.
pub(crate) fn groups(values: &Value) -> Value {
    let mut all = json!({"prometheusRule": {"enabled": true}, "serviceMonitor": {"enabled": true}});
    for (key, value) in values.as_object().unwrap() {
        all[key] = value.clone();
    }
    let manifests = Chart::new().render(&all).unwrap();
    json!({"groups": manifests.one("PrometheusRule")["spec"]["groups"]})
}

pub(crate) fn rules(groups: &Value) -> Vec<Value> {
    let groups = groups["groups"].as_array().unwrap();
    let rules = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap());
    rules.cloned().collect()
}

fn names() -> BTreeSet<String> {
    let rules = rules(&groups(&json!({})));
    let names = rules
        .iter()
        .map(|rule| rule["alert"].as_str().unwrap().to_owned());
    names.collect()
}

/// How the operator is at some minute.
type Story = fn(&Metrics, i64);

struct Case {
    alert: &'static str,
    story: Story,
    /// Minutes, and the labels of what fires then.
    expected: &'static [(i64, &'static [&'static str])],
}

/// A replica that does not lead looks on in each.
#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { alert: "FlinkJobNotRestorable", story: |metrics, now| {
        let restorable = Some(!(60..120).contains(&now));
        metrics.jobs.replace(vec![job("well", now), JobRow { restorable, ..job("broken", now) }], |_| false);
    }, expected: &[
        (70, &[]),
        (80, &[r#"kind="FlinkDeployment",name="broken",namespace="flink",severity="critical""#]),
        (130, &[]),
    ] },
    Case { alert: "FlinkJobNoNewRestorableCheckpoint", story: |metrics, now| {
        let old = |name: &str, running| JobRow { running: Some(running), latest_completed: Some(minute(0)), ..job(name, now) };
        metrics.jobs.replace(vec![job("well", now), old("stuck", true), old("suspended", false)], |_| false);
    }, expected: &[
        (70, &[]),
        (80, &[r#"kind="FlinkDeployment",name="stuck",namespace="flink",severity="warning""#]),
    ] },
    Case { alert: "FlinkOrphanedStorage", story: |metrics, now| {
        let of = |name: &str, live, orphaned| JobRow { storage: storage(live * GIB, orphaned * GIB), ..job(name, now) };
        metrics.jobs.replace(vec![of("huge", 1000, 101), of("large", 500, 99), of("half", 9, 11), of("small", 1, 9)], |_| false);
        // A restart in the middle of the day does not begin it anew.
        metrics.set_leader(now != 12 * HOUR);
    }, expected: &[
        (23 * HOUR, &[]),
        (25 * HOUR, &[
            r#"kind="FlinkDeployment",name="half",namespace="flink",severity="warning""#,
            r#"kind="FlinkDeployment",name="huge",namespace="flink",severity="warning""#,
        ]),
    ] },
    Case { alert: "FlinkOrphanedStorageGrows", story: |metrics, now| {
        let orphaned = if now < DAY { 10 } else { 61 };
        let row = JobRow { storage: storage(GIB, orphaned * GIB), ..job("leaks", now) };
        metrics.jobs.replace(vec![row, job("well", now)], |_| false);
    }, expected: &[
        // Only from the seventh day on there is anything to compare with.
        (7 * DAY + 5 * HOUR, &[]),
        (7 * DAY + 7 * HOUR, &[r#"kind="FlinkDeployment",name="leaks",namespace="flink",severity="warning""#]),
        (8 * DAY + HOUR, &[]),
    ] },
    Case { alert: "FlinkRetentionPolicyNotReady", story: |metrics, now| {
        metrics.policies.set("flink", "payments", policy(now));
        let reason = "BaseNotGranted".to_owned();
        metrics.policies.set("flink", "orders", PolicyRow { ready: now < 10, ready_reason: reason, ..policy(now) });
    }, expected: &[
        (35, &[]),
        (45, &[r#"namespace="flink",policy="orders",reason="BaseNotGranted",severity="warning""#]),
    ] },
    Case { alert: "FlinkRetentionPoliciesOverlap", story: |metrics, now| {
        metrics.policies.set("flink", "payments", policy(now));
        metrics.policies.set("flink", "orders", PolicyRow { overlapping_jobs: 2, ..policy(now) });
    }, expected: &[
        (10, &[]),
        (15, &[r#"namespace="flink",policy="orders",severity="warning""#]),
    ] },
    Case { alert: "FlinkRetentionRunBlocked", story: |metrics, now| {
        blocked(metrics, "clocks", now, "ClockSkew", true);
        blocked(metrics, "theirs", now, "BaseOwnedByAnother", true);
        // Of this one another alert tells.
        blocked(metrics, "not-ready", now, "BaseNotGranted", false);
    }, expected: &[
        (10, &[]),
        (15, &[r#"namespace="flink",policy="clocks",reason="ClockSkew",severity="warning""#]),
    ] },
    Case { alert: "FlinkRetentionBaseOwnedByAnother", story: |metrics, now| {
        blocked(metrics, "clocks", now, "ClockSkew", true);
        blocked(metrics, "theirs", now, "BaseOwnedByAnother", true);
    }, expected: &[
        (10, &[]),
        (15, &[r#"namespace="flink",policy="theirs",severity="warning""#]),
    ] },
    Case { alert: "FlinkRetentionProtectedByGuard", story: |metrics, now| {
        let protected = [("in-flight".to_owned(), GIB), ("unknown-owner".to_owned(), 101 * GIB)].into();
        let row = policy(now);
        let last_run = row.last_run.clone().map(|run| LastRun { protected, ..run });
        metrics.policies.set("flink", "payments", PolicyRow { last_run, ..row });
    }, expected: &[
        (3 * DAY - 5, &[]),
        (3 * DAY, &[r#"guard="unknown-owner",namespace="flink",policy="payments",severity="warning""#]),
    ] },
    Case { alert: "FlinkRetentionRunsFailing", story: |metrics, now| {
        let failed = |last_success| {
            let row = policy(now);
            let last_run = row.last_run.clone().map(|run| LastRun { result: "Failed".to_owned(), ..run });
            PolicyRow { last_run, last_success, ..row }
        };
        metrics.policies.set("flink", "well", policy(now));
        metrics.policies.set("flink", "once", failed(Some(minute(0))));
        metrics.policies.set("flink", "never-well", failed(None));
    }, expected: &[
        (10, &[]),
        (20, &[r#"namespace="flink",policy="never-well",severity="warning""#]),
        (DAY + 20, &[
            r#"namespace="flink",policy="never-well",severity="warning""#,
            r#"namespace="flink",policy="once",severity="warning""#,
        ]),
    ] },
    Case { alert: "FlinkRetentionRunsStale", story: |metrics, now| {
        metrics.policies.set("flink", "well", policy(now));
        let overdue = policy(now).next_run.map(|next| NextRun { at: minute(0), ..next });
        metrics.policies.set("flink", "overdue", PolicyRow { next_run: overdue, ..policy(now) });
        // The schedule goes on, but no run of it ends.
        let stuck = policy(0).last_run;
        metrics.policies.set("flink", "stuck", PolicyRow { last_run: stuck, ..policy(now) });
        // Suspended: there is no next run.
        metrics.policies.set("flink", "suspended", PolicyRow { next_run: None, ..policy(0) });
    }, expected: &[
        (75, &[]),
        (80, &[r#"namespace="flink",policy="overdue",severity="warning""#]),
        (13 * HOUR + 20, &[
            r#"namespace="flink",policy="overdue",severity="warning""#,
            r#"namespace="flink",policy="stuck",severity="warning""#,
        ]),
    ] },
    Case { alert: "FlinkRetentionNoLeader", story: |metrics, now| metrics.set_leader(now < 30), expected: &[
        (25, &[]),
        (40, &[r#"severity="critical""#]),
    ] },
    Case { alert: "FlinkRetentionNotObserving", story: |metrics, now| metrics.observed(now < 60), expected: &[
        (80, &[]),
        (100, &[r#"job="test-flink-retention-operator-metrics",severity="warning""#]),
    ] },
    Case { alert: "FlinkRetentionNotObserving", story: |metrics, _| metrics.observed(false), expected: &[
        (15, &[r#"job="test-flink-retention-operator-metrics",severity="warning""#]),
    ] },
    Case { alert: "FlinkRetentionCrdOutdated", story: |metrics, now| {
        metrics.set_crd_outdated("retentionruns", false);
        metrics.set_crd_outdated("retentionpolicies", now >= 10);
    }, expected: &[
        (20, &[]),
        (25, &[r#"crd="retentionpolicies",severity="warning""#]),
    ] },
    Case { alert: "FlinkRetentionAdministratorFileInvalid", story: |metrics, now| metrics.set_administrator_file_valid(now < 10), expected: &[
        (10, &[]),
        (15, &[r#"job="test-flink-retention-operator-metrics",severity="warning""#]),
    ] },
];

fn blocked(metrics: &Metrics, name: &str, now: i64, reason: &str, ready: bool) {
    let row = policy(now);
    let last_run = row.last_run.clone().map(|run| LastRun {
        result: "Blocked".to_owned(),
        blocked: [reason.to_owned()].into(),
        ..run
    });
    let row = PolicyRow {
        last_run,
        ready,
        ..row
    };
    metrics.policies.set("flink", name, row);
}

fn play(case: &Case, rules: &Value) -> Result<(), String> {
    let (leader, standby) = (
        Metrics::new(JobLabels::Job).unwrap(),
        Metrics::new(JobLabels::Job).unwrap(),
    );
    let end = case
        .expected
        .iter()
        .map(|(minute, _)| *minute)
        .max()
        .unwrap();
    let mut timeline = Timeline::default();
    for now in (0..=end).step_by(usize::try_from(STEP).unwrap()) {
        leader.set_leader(true);
        if case.alert != "FlinkRetentionNotObserving" {
            leader.observed(true);
        }
        (case.story)(&leader, now);
        timeline.scrape(&[("operator-0", &leader), ("operator-1", &standby)]);
    }
    let alert = case.alert;
    let questions: Vec<Question> = case
        .expected
        .iter()
        .map(|(minute, labels)| Question {
            expression: format!("ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"}}"),
            minute: *minute,
            samples: labels
                .iter()
                .map(|labels| {
                    let all =
                        format!("ALERTS{{alertname=\"{alert}\",alertstate=\"firing\",{labels}}}");
                    (all, 1.0)
                })
                .collect(),
        })
        .collect();
    promtool::ask(rules, &timeline, &questions)
}

#[test]
fn every_alert_fires_when_it_should_and_not_before() {
    let rules = groups(&json!({}));
    let told: BTreeSet<String> = CASES.iter().map(|case| case.alert.to_owned()).collect();
    assert_eq!(told, names(), "each alert has a case");
    for case in CASES {
        play(case, &rules).unwrap_or_else(|error| panic!("{}: {error}", case.alert));
    }
}

#[test]
fn nobody_to_scrape_is_no_leader() {
    let mut timeline = Timeline::default();
    timeline.scrape(&[("operator-0", &Metrics::new(JobLabels::Job).unwrap())]);
    (0..4).for_each(|_| timeline.scrape(&[]));
    let firing = r#"alertname="FlinkRetentionNoLeader",alertstate="firing""#;
    let question = Question {
        expression: format!("ALERTS{{{firing}}}"),
        minute: 15,
        samples: vec![(format!("ALERTS{{{firing},severity=\"critical\"}}"), 1.0)],
    };
    promtool::ask(&groups(&json!({})), &timeline, &[question]).unwrap();
}

#[test]
fn all_is_quiet_while_all_is_well() {
    let (leader, standby) = (
        Metrics::new(JobLabels::Job).unwrap(),
        Metrics::new(JobLabels::Job).unwrap(),
    );
    leader.set_leader(true);
    let mut timeline = Timeline::default();
    for now in (0..=8 * DAY).step_by(usize::try_from(STEP).unwrap()) {
        leader.observed(true);
        leader
            .jobs
            .replace(vec![job("ledger", now), job("orders", now)], |_| false);
        leader.policies.set("flink", "payments", policy(now));
        leader.set_crd_outdated("retentionpolicies", false);
        timeline.scrape(&[("operator-0", &leader), ("operator-1", &standby)]);
    }
    let quiet = [HOUR, DAY, 8 * DAY].map(|minute| Question {
        expression: "ALERTS".to_owned(),
        minute,
        samples: Vec::new(),
    });
    promtool::ask(&groups(&json!({})), &timeline, &quiet).unwrap();
}

#[test]
fn every_alert_says_what_is_wrong_where_and_links_to_a_runbook_that_is_there() {
    let groups = groups(&json!({}));
    promtool::check(&groups).unwrap();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbooks");
    for rule in rules(&groups) {
        let alert = rule["alert"].as_str().unwrap();
        assert!(rule["for"].is_string(), "{alert}");
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(["critical", "warning"].contains(&severity), "{alert}");
        let annotations = &rule["annotations"];
        let url = annotations["runbook_url"].as_str().unwrap();
        assert!(
            url.ends_with(&format!("/docs/runbooks/{alert}.md")),
            "{url}"
        );
        // Each label that a text names is one that the alert has.
        let has: BTreeSet<&str> = CASES
            .iter()
            .filter(|case| case.alert == alert)
            .flat_map(|case| case.expected)
            .flat_map(|(_, fired)| *fired)
            .flat_map(|labels| labels.split(','))
            .filter_map(|pair| pair.split('=').next())
            .collect();
        for text in ["summary", "description"] {
            let text = annotations[text].as_str().unwrap();
            assert!(!text.is_empty());
            let named = text.split("$labels.").skip(1);
            for label in named.map(|rest| rest.split([' ', '}']).next().unwrap()) {
                assert!(has.contains(label), "{alert} has no label {label}: {has:?}");
            }
        }
    }
    let written: BTreeSet<String> = fs::read_dir(&docs)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    let wanted = names().iter().map(|alert| format!("{alert}.md")).collect();
    assert_eq!(written, wanted, "one runbook for each alert");
    let index = fs::read_to_string(docs.join("README.md")).unwrap();
    for book in &written {
        assert!(
            index.contains(&format!("]({book})")),
            "docs/runbooks/README.md does not list {book}"
        );
        let text = fs::read_to_string(docs.join(book)).unwrap();
        for part in [
            "# Flink",
            "## How to see it",
            "## What to do",
            "## When to ignore it",
        ] {
            assert!(text.contains(part), "{book} has no {part:?}");
        }
    }
}

#[test]
fn alerts_speak_of_metrics_and_labels_that_the_operator_exports() {
    let vocabulary = vocabulary();
    for rule in rules(&groups(&json!({}))) {
        words::assert_exported(rule["expr"].as_str().unwrap(), &vocabulary);
    }
}

#[test]
fn the_reasons_that_alerts_tell_apart_are_words_of_the_program() {
    let program = include_str!("../../src/engine/report.rs");
    let phases = include_str!("../../src/api/retention_run/status.rs");
    for rule in rules(&groups(&json!({}))) {
        let expression = rule["expr"].as_str().unwrap();
        for (label, source) in [("reason", program), ("result", phases)] {
            for comparison in ["=\"", "!=\""] {
                let before = format!("{label}{comparison}");
                let parts = expression.split(&before).skip(1);
                for value in parts.map(|rest| rest.split('"').next().unwrap()) {
                    assert!(
                        value == "success" || source.contains(&format!("\"{value}\"")),
                        "{value}"
                    );
                }
            }
        }
    }
}

#[test]
fn alerts_can_be_tuned_and_switched_off() {
    let off = json!({"prometheusRule": {"enabled": true, "alerts": {"FlinkRetentionNoLeader": {"enabled": false}}}});
    let left = rules(&groups(&off));
    assert_eq!(left.len(), names().len() - 1);

    let tuned = json!({"prometheusRule": {"enabled": true, "alerts": {"FlinkOrphanedStorage": {
        "bytes": 9_007_199_254_740_991_i64, "share": 0.25, "for": "2d", "severity": "info",
    }}}});
    let rules = rules(&groups(&tuned));
    let rule = rules
        .iter()
        .find(|rule| rule["alert"] == "FlinkOrphanedStorage")
        .unwrap();
    let expression = rule["expr"].as_str().unwrap();
    assert!(
        expression.contains("> 9007199254740991") && expression.contains("> 0.25"),
        "{expression}"
    );
    assert!(
        expression.contains("> 10737418240"),
        "the default of what is not set: {expression}"
    );
    assert_eq!(
        (&rule["for"], &rule["labels"]["severity"]),
        (&json!("2d"), &json!("info"))
    );
    for rule in &rules {
        assert!(!rule.to_string().contains("$("), "{rule}");
    }
}

#[test]
fn two_releases_do_not_hide_each_other() {
    let expression = |values: Value| {
        let rules = rules(&groups(&values));
        let rule = rules
            .iter()
            .find(|rule| rule["alert"] == "FlinkRetentionNoLeader")
            .unwrap();
        rule["expr"].as_str().unwrap().to_owned()
    };
    let by_service = expression(json!({}));
    assert!(
        by_service
            .contains(r#"{job="test-flink-retention-operator-metrics", namespace="operators"}"#),
        "{by_service}"
    );
    let by_pod =
        expression(json!({"serviceMonitor": {"enabled": false}, "podMonitor": {"enabled": true}}));
    assert!(
        by_pod
            .contains(r#"{job="operators/test-flink-retention-operator", namespace="operators"}"#),
        "{by_pod}"
    );
    let told = json!({"prometheusRule": {"enabled": true, "target": "cluster=\"a\""}});
    assert!(expression(told).contains(r#"{cluster="a"}"#));
    let nothing = expression(json!({"serviceMonitor": {"enabled": false}}));
    assert_eq!(nothing, "absent(flink_retention_leader{} == 1)");
}
