//! The metrics and labels that an expression names.

use std::collections::{BTreeMap, BTreeSet};

/// Given by Prometheus to whatever it scrapes.
const OF_THE_TARGET: [&str; 4] = ["job", "instance", "namespace", "pod"];
/// Of histograms.
const OF_BUCKETS: &str = "le";

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

pub(crate) fn metrics(expression: &str) -> BTreeSet<&str> {
    let words = expression.split(|c| !is_word(c));
    let ours = words.filter(|word| word.starts_with("flink_") || word.starts_with("process_"));
    ours.collect()
}

/// In selectors, and after `by`, `on`, `without` and their like.
fn labels(expression: &str) -> BTreeSet<&str> {
    let mut labels = BTreeSet::new();
    for (position, c) in expression.char_indices() {
        let (before, after) = expression.split_at(position);
        let rest = &after[1..];
        if c == '{' {
            let matchers = rest.split('}').next().unwrap().split(',');
            let names = matchers.filter_map(|matcher| matcher.split(['=', '!']).next());
            labels.extend(names.map(str::trim));
        } else if c == '(' {
            let word = before.trim_end().rsplit(|c| !is_word(c)).next().unwrap();
            if [
                "by",
                "on",
                "without",
                "ignoring",
                "group_left",
                "group_right",
            ]
            .contains(&word)
            {
                labels.extend(rest.split(')').next().unwrap().split(',').map(str::trim));
            }
        }
    }
    labels.remove("");
    labels
}

/// Panics if it names a metric that is not exported, or a label that none of its metrics has.
pub(crate) fn assert_exported(expression: &str, vocabulary: &BTreeMap<String, BTreeSet<String>>) {
    let metrics = metrics(expression);
    assert!(!metrics.is_empty(), "{expression:?} names no metric");
    let mut known: BTreeSet<&str> = OF_THE_TARGET.into();
    for metric in metrics {
        let of_metric = vocabulary.get(metric);
        let of_metric =
            of_metric.unwrap_or_else(|| panic!("the operator exports no {metric}: {expression}"));
        known.extend(of_metric.iter().map(String::as_str));
        if metric.ends_with("_bucket") {
            known.insert(OF_BUCKETS);
        }
    }
    for label in labels(expression) {
        assert!(
            known.contains(label),
            "no metric of {expression} has the label {label}"
        );
    }
}

#[test]
fn words_are_found() {
    let expression = r#"sum by (namespace, kind) (rate(flink_a_total{class!="x", job="y"}[5m])) > on (name) process_b"#;
    assert_eq!(
        metrics(expression),
        BTreeSet::from(["flink_a_total", "process_b"])
    );
    assert_eq!(
        labels(expression),
        BTreeSet::from(["class", "job", "kind", "name", "namespace"])
    );
}
