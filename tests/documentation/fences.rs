//! Every fenced block of every page is checked by its language. One that nobody knows how to check is an error.

use std::process::Command;

use testbed::tools;

use super::exported::vocabulary;
use super::manifests::Judge;
use super::pages::pages;
use super::shell::commands;
use super::words::assert_exported;

#[test]
fn every_block_is_one_that_works() {
    let judge = Judge::new();
    let vocabulary = vocabulary();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for fence in page.fences() {
            seen += 1;
            let trouble: Vec<String> = match fence.language.as_str() {
                "sh" | "console" => shell(&fence.text),
                "yaml" => judge.trouble(&fence.text).into_iter().collect(),
                "promql" => {
                    assert_exported(&fence.text, &vocabulary);
                    promql(&fence.text).into_iter().collect()
                }
                // Pictures made of letters, and what programs print.
                "text" => Vec::new(),
                other => vec![format!(
                    "nobody checks {other:?}: say sh, yaml, promql or text"
                )],
            };
            let at = |why: String| format!("{}:{}: {why}", page.path, fence.line);
            wrong.extend(trouble.into_iter().map(at));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 30, "{seen}");
}

pub(crate) fn shell(text: &str) -> Vec<String> {
    let commands = commands(text).into_iter();
    commands
        .filter_map(|command| super::commands::trouble(&command.words))
        .collect()
}

/// As the expression of a rule, which is what can be checked without a server.
fn promql(expression: &str) -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rules.yaml");
    let rules = serde_json::json!({"groups": [{"name": "a", "rules": [{"record": "a:b", "expr": expression}]}]});
    std::fs::write(&file, rules.to_string()).unwrap();
    let output = Command::new(tools::promtool().unwrap())
        .args(["check", "rules"])
        .arg(file)
        .output()
        .unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn what_is_no_promql_is_told() {
    assert_eq!(promql("sum(flink_retention_leader) < 1"), None);
    assert!(promql("sum(flink_retention_leader").is_some());
}
