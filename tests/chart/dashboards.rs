//! Every panel shows something of what the operator exports, and what is rendered is what Grafana's sidecar looks for.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use flink_retention::telemetry::{JobLabels, Metrics};
use serde_json::{Value, json};

use super::exported::{everything_again, vocabulary};
use super::helm::Chart;
use super::promtool::{self, Question, STEP, Timeline};
use super::words;

/// Long enough for what a panel compares with a day ago.
const END: i64 = 25 * 60;

fn files() -> Vec<(String, Value)> {
    let directory = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/charts/flink-retention-operator/files/dashboards"
    );
    let paths = fs::read_dir(PathBuf::from(directory)).unwrap();
    let mut files: Vec<(String, Value)> = paths
        .map(|entry| {
            let entry = entry.unwrap();
            let text = fs::read_to_string(entry.path()).unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, serde_json::from_str(&text).unwrap())
        })
        .collect();
    files.sort_by(|one, other| one.0.cmp(&other.0));
    files
}

fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    let panels = dashboard["panels"].as_array().unwrap();
    panels.iter().filter(|panel| panel["type"] != "row")
}

/// Each panel's title and expressions, with a choice made for each variable.
fn expressions(dashboard: &Value) -> Vec<(String, String)> {
    let choices = [
        ("$__rate_interval", "20m"),
        ("$__range", "1h"),
        ("$namespace", "flink"),
        ("$kind", "FlinkDeployment"),
        ("$name", "ledger"),
    ];
    let mut expressions = Vec::new();
    for panel in panels(dashboard) {
        let title = panel["title"].as_str().unwrap();
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap().to_owned();
            let chosen = choices
                .iter()
                .fold(expression, |text, (name, value)| text.replace(name, value));
            assert!(
                !chosen.contains('$'),
                "{title}: an unknown variable: {chosen}"
            );
            expressions.push((title.to_owned(), chosen));
        }
    }
    expressions
}

#[test]
fn panels_speak_of_metrics_and_labels_that_the_operator_exports() {
    let vocabulary = vocabulary();
    for (file, dashboard) in files() {
        for (_, expression) in expressions(&dashboard) {
            words::assert_exported(&expression, &vocabulary);
        }
        for variable in dashboard["templating"]["list"].as_array().unwrap() {
            if variable["type"] != "query" {
                continue;
            }
            let query = variable["query"]["query"].as_str().unwrap();
            let query = query
                .strip_prefix("label_values(")
                .unwrap()
                .strip_suffix(')');
            let (selector, label) = query.unwrap().rsplit_once(", ").unwrap();
            words::assert_exported(selector, &vocabulary);
            let metric = selector.split('{').next().unwrap();
            assert!(
                vocabulary[metric].contains(label),
                "{file}: {selector} has no {label}"
            );
        }
    }
}

#[test]
fn every_panel_shows_something() {
    let (leader, standby) = (
        Metrics::new(JobLabels::Job).unwrap(),
        Metrics::new(JobLabels::Job).unwrap(),
    );
    leader.set_leader(true);
    let mut timeline = Timeline::default();
    for now in (0..=END).step_by(usize::try_from(STEP).unwrap()) {
        everything_again(&leader, now);
        timeline.scrape(&[("operator-0", &leader), ("operator-1", &standby)]);
    }
    for (file, dashboard) in files() {
        for (title, expression) in expressions(&dashboard) {
            let question = Question {
                expression: format!("count({expression}) > bool 0"),
                minute: END,
                samples: vec![("{}".to_owned(), 1.0)],
            };
            promtool::ask(&json!({"groups": []}), &timeline, &[question])
                .unwrap_or_else(|error| panic!("{file}, {title}: {error}"));
        }
    }
}

#[test]
fn dashboards_are_whole_and_use_the_data_source_that_is_chosen() {
    let mut uids = BTreeSet::new();
    for (file, dashboard) in files() {
        assert!(uids.insert(dashboard["uid"].to_string()), "{file}");
        let mut ids = BTreeSet::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            assert!(ids.insert(panel["id"].to_string()), "{file}: {panel}");
            assert!(!panel["title"].as_str().unwrap().is_empty(), "{file}");
        }
        for panel in panels(&dashboard) {
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{file}");
        }
    }
}

#[test]
fn each_dashboard_becomes_a_config_map_that_the_sidecar_finds() {
    let chart = Chart::new();
    let maps = |values: &Value| -> Vec<Value> {
        let manifests = chart.render(values).unwrap();
        let all = manifests.all("ConfigMap");
        let dashboards = all.filter(|map| {
            map["metadata"]["name"]
                .as_str()
                .unwrap()
                .contains("dashboard")
        });
        dashboards.cloned().collect()
    };
    assert_eq!(maps(&json!({})), [json!(null); 0]);
    let values =
        json!({"dashboards": {"enabled": true, "annotations": {"grafana_folder": "Flink"}}});
    let rendered = maps(&values);
    let files = files();
    assert_eq!(rendered.len(), files.len());
    for (map, (_, dashboard)) in rendered.iter().zip(&files) {
        assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");
        assert_eq!(map["metadata"]["annotations"]["grafana_folder"], "Flink");
        let texts: Vec<&Value> = map["data"].as_object().unwrap().values().collect();
        let [text] = texts[..] else { panic!("{map}") };
        let shown: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
        assert_eq!(&shown, dashboard);
    }
}
