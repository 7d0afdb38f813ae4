//! The workflows of the repository give away nothing that they need not: actions are pinned by their contents, rights are
//! the least, and nothing that a stranger can write becomes a command.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn workflows() -> Vec<(String, String)> {
    let files = fs::read_dir(repository().join(".github/workflows")).unwrap();
    let workflows: Vec<(String, String)> = files
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    assert!(!workflows.is_empty());
    workflows
}

#[test]
fn every_action_is_pinned_by_its_commit_and_says_its_version() {
    for (file, text) in workflows() {
        for line in text.lines().filter(|line| line.contains("uses:")) {
            let (action, version) = line
                .split_once(" # v")
                .unwrap_or_else(|| panic!("{file}: no version beside {line}"));
            let (_, commit) = action.split_once('@').unwrap();
            let is_commit = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
            assert!(is_commit, "{file}: not pinned: {line}");
            assert!(version.split('.').count() == 3, "{file}: {line}");
        }
    }
}

#[test]
fn rights_are_the_least() {
    for (file, text) in workflows() {
        let workflow: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(
            workflow["permissions"],
            json!({"contents": "read"}),
            "{file}"
        );
        for (name, job) in workflow["jobs"].as_object().unwrap() {
            assert!(
                job["timeout-minutes"].is_u64(),
                "{file}: {name} may run for ever"
            );
            let rights = job["permissions"].as_object();
            for (right, level) in rights.into_iter().flatten() {
                let known = ["contents", "packages", "id-token", "attestations"];
                assert!(
                    known.contains(&right.as_str()),
                    "{file}: {name} has {right}: {level}"
                );
                let releases = file == "release.yaml";
                assert!(
                    releases || level == "read",
                    "{file}: {name} has {right}: {level}"
                );
            }
            for step in job["steps"].as_array().unwrap() {
                let uses = step["uses"].as_str().unwrap_or_default();
                if uses.starts_with("actions/checkout@") {
                    let kept = &step["with"]["persist-credentials"];
                    assert_eq!(kept, &json!(false), "{file}: {name} leaves a token behind");
                }
                // An expression is put into the script as it is, quotes and all; a variable is not.
                let script = step["run"].as_str().unwrap_or_default();
                assert!(!script.contains("${{"), "{file}: {name}: {script}");
            }
        }
    }
}

#[test]
fn only_a_version_that_everything_agrees_on_is_released() {
    let ask = |tag: &str| {
        let script = repository().join(".ci/release-version");
        let output = Command::new(script).arg(tag).output().unwrap();
        let told = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(told).unwrap())
    };
    let version = env!("CARGO_PKG_VERSION");
    for (tag, why) in [
        ("v999.0.0".to_owned(), "Cargo.toml has another version"),
        (version.to_owned(), "a tag begins with v"),
    ] {
        let (released, told) = ask(&tag);
        assert!(!released && told.contains(why), "{told}");
    }
    // What is here agrees on everything but what is only written when a version is released.
    let (released, told) = ask(&format!("v{version}"));
    assert!(
        released && told == format!("version={version}\n")
            || told.contains("CHANGELOG.md has no section"),
        "{told}"
    );
}
