//! `flink-retention inspect` against what Flink's own classes say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use testbed::corpus::{Facts, Tree, TruthFile, TruthProperties, entries, entry};

fn inspect(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flink-retention"))
        .arg("inspect")
        .args(arguments)
        .output()
        .unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Facts of the JSON in the shape of the truth.
#[derive(Debug, PartialEq)]
struct Same {
    version: i64,
    checkpoint_id: u64,
    pointer: String,
    inline: (u64, u64),
    files: Vec<TruthFile>,
    segments: Vec<(String, u64, u64, String)>,
    directories: Vec<String>,
    properties: Option<TruthProperties>,
}

fn said(json: &Value) -> Same {
    let number = |name: &str| json[name].as_u64().unwrap();
    let mut segments: Vec<_> = json["segments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|segment| {
            (
                segment["path"].as_str().unwrap().to_owned(),
                segment["offset"].as_u64().unwrap(),
                segment["size"].as_u64().unwrap(),
                segment["scope"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    segments.sort();
    let mut files: Vec<TruthFile> = serde_json::from_value(json["files"].clone()).unwrap();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Same {
        version: json["version"].as_i64().unwrap(),
        checkpoint_id: number("checkpoint_id"),
        pointer: json["pointer"].as_str().unwrap().to_owned(),
        inline: (number("inline_count"), number("inline_bytes")),
        files,
        segments,
        directories: serde_json::from_value(json["directories"].clone()).unwrap(),
        properties: serde_json::from_value(json["properties"].clone()).unwrap(),
    }
}

fn expected(facts: Facts) -> Same {
    let mut segments: Vec<_> = facts
        .segments
        .into_iter()
        .map(|segment| (segment.path, segment.offset, segment.size, segment.scope))
        .collect();
    segments.sort();
    let mut files = facts.files;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut directories = facts.directories;
    directories.sort();
    directories.dedup();
    Same {
        version: facts.version.into(),
        checkpoint_id: facts.checkpoint_id,
        pointer: facts.pointer,
        inline: (facts.inline_count, facts.inline_bytes),
        files,
        segments,
        directories,
        properties: facts.properties,
    }
}

#[test]
fn every_snapshot_of_the_corpora_is_told_as_flink_reads_it() {
    let mut compared = 0;
    for entry in entries().unwrap() {
        for tree in entry.trees() {
            let truth = entry.truth(tree).unwrap();
            let directory = entry.tree(tree);
            let mount = format!("file:{}={}", truth.root, text(&directory));
            let output = inspect(&["--output", "json", "--mount", &mount, text(&directory)]);
            let told: BTreeMap<String, Value> = String::from_utf8(output.stdout)
                .unwrap()
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap())
                .map(|json| (json["metadata"].as_str().unwrap().to_owned(), json))
                .collect();
            // A tree with one snapshot at its top is one document, the others one line each: every one is there.
            assert_eq!(told.len(), truth.metadata.len(), "{entry:?}");
            let torn = truth
                .metadata
                .iter()
                .any(|metadata| metadata.facts.is_none());
            assert_eq!(output.status.code(), Some(i32::from(torn)), "{entry:?}");
            for metadata in truth.metadata {
                let json = &told[&format!("file:{}/{}", truth.root, metadata.metadata)];
                match metadata.facts {
                    Some(facts) => assert_eq!(said(json), expected(facts), "{}", metadata.metadata),
                    None => assert!(
                        json["error"].as_str().unwrap().contains("at byte"),
                        "{json}"
                    ),
                }
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 713);
}

#[test]
fn every_directory_that_a_snapshot_depends_on_is_listed() {
    let entry = entry("1.20.5", "restore-legacy").unwrap();
    let directory = entry.tree(Tree::Left);
    let truth = entry.truth(Tree::Left).unwrap();
    let jobs: std::collections::BTreeSet<String> = truth
        .metadata
        .iter()
        .map(|metadata| {
            format!(
                "file:{}/{}",
                truth.root,
                metadata.metadata.rsplit_once("/chk-").unwrap().0
            )
        })
        .collect();
    assert_eq!(jobs.len(), 2);
    let mount = format!("file:{}={}", truth.root, text(&directory));
    // A snapshot of the restored job names files of the job that it was restored from.
    let crossing = truth.metadata.iter().find(|metadata| {
        let files = &metadata.facts.as_ref().unwrap().files;
        jobs.iter()
            .all(|job| files.iter().any(|file| file.path.starts_with(job)))
    });
    let snapshot = directory.join(&crossing.unwrap().metadata);
    let output = inspect(&["--directories", "--mount", &mount, text(&snapshot)]);
    let told: Vec<String> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(told, jobs.into_iter().collect::<Vec<_>>());
}

#[test]
fn one_snapshot_is_one_document_for_people_as_wide_as_a_terminal() {
    for entry in entries()
        .unwrap()
        .into_iter()
        .filter(|entry| entry.flink_version == "2.3.0")
    {
        let truth = entry.truth(Tree::Left).unwrap();
        let Some(metadata) = truth
            .metadata
            .iter()
            .find(|metadata| metadata.facts.is_some())
        else {
            continue;
        };
        let directory = entry.tree(Tree::Left).join(&metadata.metadata);
        let output = inspect(&[text(directory.parent().unwrap())]);
        assert!(output.status.success());
        let told = String::from_utf8(output.stdout).unwrap();
        // The path of the snapshot itself is as long as it is.
        for line in told.lines().skip(1) {
            assert!(line.chars().count() <= 120, "{line}");
        }
    }
}

#[test]
fn a_torn_snapshot_is_one_clear_error() {
    let entry = entry("1.13.6", "metadata-torn").unwrap();
    let truth = entry.truth(Tree::Left).unwrap();
    let torn = truth
        .metadata
        .iter()
        .find(|metadata| metadata.facts.is_none())
        .unwrap();
    let output = inspect(&[text(&entry.tree(Tree::Left).join(&torn.metadata))]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (
            output.status.code(),
            output.stdout.len(),
            error.lines().count()
        ),
        (Some(1), 0, 1)
    );
    assert!(
        error.starts_with("error: ")
            && error.contains("file ends early")
            && error.contains("at byte"),
        "{error}"
    );
}
