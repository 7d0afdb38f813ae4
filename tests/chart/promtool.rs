//! Has `promtool` play rules and expressions on what pods of the operator export over time.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use flink_retention::telemetry::Metrics;
use serde_json::{Value, json};
use testbed::tools;

use super::exported::{parse, scrape};

/// Minutes between two scrapes.
pub(crate) const STEP: i64 = 5;

/// What was scraped so far.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    series: BTreeMap<String, Vec<Option<f64>>>,
    scrapes: usize,
}

impl Timeline {
    /// Scrapes these pods at the same moment.
    pub(crate) fn scrape(&mut self, pods: &[(&str, &Metrics)]) {
        for (pod, metrics) in pods {
            for (series, value) in scrape(metrics) {
                let values = self.series.entry(labelled(&series, pod)).or_default();
                values.resize(self.scrapes, None);
                values.push(Some(value));
            }
        }
        self.scrapes += 1;
    }

    /// As `promtool` reads it; a scrape without the series ends it, as in Prometheus.
    fn input(&self) -> Vec<Value> {
        let series = self.series.iter().map(|(series, values)| {
            let mut words: Vec<String> = Vec::new();
            let padded = values.iter().copied();
            for value in padded.chain(std::iter::repeat(None)).take(self.scrapes) {
                words.push(match value {
                    Some(value) => value.to_string(),
                    None if words
                        .last()
                        .is_some_and(|last| last != "stale" && last != "_") =>
                    {
                        "stale".to_owned()
                    }
                    None => "_".to_owned(),
                });
            }
            json!({"series": series, "values": words.join(" ")})
        });
        series.collect()
    }
}

/// The labels of the scraped target come beside those of the series, which win (`honorLabels`).
fn labelled(series: &str, pod: &str) -> String {
    let (name, mut labels) = parse(series);
    labels.insert("job", "test-flink-retention-operator-metrics");
    labels.insert("pod", pod);
    labels.insert("instance", pod);
    labels.entry("namespace").or_insert("operators");
    let labels = labels
        .iter()
        .map(|(label, value)| format!("{label}=\"{value}\""));
    format!("{name}{{{}}}", labels.collect::<Vec<_>>().join(","))
}

/// An expression, the minute at which it is asked, and what it then gives.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) expression: String,
    pub(crate) minute: i64,
    pub(crate) samples: Vec<(String, f64)>,
}

/// Asks everything of a timeline under these rules, and gives what `promtool` says if anything is otherwise.
pub(crate) fn ask(
    rules: &Value,
    timeline: &Timeline,
    questions: &[Question],
) -> Result<(), String> {
    let directory = tempfile::tempdir().unwrap();
    let rule_file = directory.path().join("rules.json");
    std::fs::write(&rule_file, rules.to_string()).unwrap();
    let questions = questions.iter().map(|question| {
        let samples = question
            .samples
            .iter()
            .map(|(labels, value)| json!({"labels": labels, "value": value}));
        json!({
            "expr": question.expression,
            "eval_time": format!("{}m", question.minute),
            "exp_samples": samples.collect::<Vec<_>>(),
        })
    });
    let test = json!({
        "rule_files": [rule_file],
        "evaluation_interval": format!("{STEP}m"),
        "tests": [{
            "interval": format!("{STEP}m"),
            "input_series": timeline.input(),
            "promql_expr_test": questions.collect::<Vec<_>>(),
        }],
    });
    let test_file = directory.path().join("test.json");
    std::fs::write(&test_file, test.to_string()).unwrap();
    promtool(&["test", "rules"], &test_file)
}

/// Whether rules are well-formed.
pub(crate) fn check(rules: &Value) -> Result<(), String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rules.json");
    std::fs::write(&file, rules.to_string()).unwrap();
    promtool(&["check", "rules", "--lint=all", "--lint-fatal"], &file)
}

fn promtool(arguments: &[&str], file: &Path) -> Result<(), String> {
    let output = Command::new(tools::promtool().unwrap())
        .args(arguments)
        .arg(file)
        .output()
        .unwrap();
    if output.status.success() {
        return Ok(());
    }
    let told = [output.stdout, output.stderr].concat();
    Err(String::from_utf8_lossy(&told).into_owned())
}
