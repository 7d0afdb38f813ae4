//! `flink-retention prune`, and what `verify` and `explain` say before and after.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use testbed::corpus::{Times, Tree, Truth, entry};

const MONTH: Duration = Duration::from_hours(30 * 24);

struct Capture {
    directory: tempfile::TempDir,
    truth: Truth,
}

impl Capture {
    fn of(version: &str, config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let entry = entry(version, config).unwrap();
        let truth = entry
            .materialize(Tree::Left, directory.path(), Times::OlderBy(MONTH))
            .unwrap();
        Self { directory, truth }
    }

    fn base(&self) -> PathBuf {
        self.directory.path().join("ckp")
    }

    fn run(&self, command: &str, arguments: &[&str]) -> Output {
        let mount = format!(
            "file:{}={}",
            self.truth.root,
            self.directory.path().display()
        );
        Command::new(env!("CARGO_BIN_EXE_flink-retention"))
            .args([command, "--mount", &mount])
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Commands that take the base.
    fn on_base(&self, command: &str, arguments: &[&str]) -> Output {
        let base = self.base();
        let mut all = arguments.to_vec();
        all.push(base.to_str().unwrap());
        self.run(command, &all)
    }

    fn json(&self, command: &str, arguments: &[&str]) -> Vec<Value> {
        let mut all = vec!["--output", "json"];
        all.extend(arguments);
        let output = self.on_base(command, &all);
        lines(&output)
    }

    /// Every file of Flink with its size.
    fn files(&self) -> BTreeMap<String, u64> {
        let mut files = BTreeMap::new();
        collect(self.directory.path(), self.directory.path(), &mut files);
        files
    }

    fn files_of_role(&self, roles: &[&str]) -> BTreeMap<String, u64> {
        let of_role = |role: &str| roles.contains(&role);
        let files = self
            .truth
            .tree_files
            .iter()
            .filter(|file| of_role(&file.role));
        files.map(|file| (file.path.clone(), file.size)).collect()
    }
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn collect(root: &Path, directory: &Path, files: &mut BTreeMap<String, u64>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            if entry.file_name() != ".flink-retention" {
                collect(root, &path, files);
            }
        } else {
            let relative = path.strip_prefix(root).unwrap().to_str().unwrap();
            files.insert(relative.to_owned(), entry.metadata().unwrap().len());
        }
    }
}

const NOW: [&str; 4] = ["--stopped", "all", "--grace-period", "0s"];

#[test]
fn a_dry_run_changes_nothing_and_says_what_would_go() {
    let capture = Capture::of("2.3.0", "rocksdb-incremental");
    let before = capture.files();
    let lines = capture.json("prune", &NOW);
    let (summary, files) = lines.split_last().unwrap();
    assert!(files.iter().all(|line| line["outcome"] == "would-delete"));
    assert_eq!(summary["dry_run"], true);
    assert_eq!(
        summary["would_delete"]["bytes"].as_u64(),
        Some(capture.truth.unreferenced_bytes)
    );
    assert_eq!(capture.files(), before);
    assert!(!capture.base().join(".flink-retention").exists());
}

#[test]
fn with_no_grace_one_command_marks_and_deletes_exactly_the_garbage() {
    let capture = Capture::of("2.3.0", "rocksdb-incremental");
    let mut arguments = NOW.to_vec();
    arguments.push("--yes");
    let lines = capture.json("prune", &arguments);
    let (summary, files) = lines.split_last().unwrap();
    assert!(
        files.iter().all(|line| line["outcome"] == "deleted"),
        "{files:?}"
    );
    assert_eq!(
        summary["deleted"]["files"].as_u64(),
        Some(capture.truth.unreferenced_files)
    );
    assert_eq!(
        capture.files(),
        capture.files_of_role(&["metadata", "referenced"])
    );

    let verified = capture.json("verify", &[]);
    assert_eq!(verified.len(), 1);
    assert_eq!(verified[0]["state"], "restorable");
    let newest = capture
        .truth
        .metadata
        .iter()
        .filter_map(|metadata| metadata.facts.as_ref());
    let newest = newest.max_by_key(|facts| facts.checkpoint_id).unwrap();
    assert_eq!(
        verified[0]["restore_from"].as_str(),
        Some(newest.pointer.as_str())
    );
}

#[test]
fn with_a_grace_period_the_first_command_only_marks() {
    let capture = Capture::of("2.3.0", "rocksdb-incremental");
    let before = capture.files();
    let lines = capture.json("prune", &["--stopped", "all", "--yes"]);
    assert_eq!(lines.last().unwrap()["deleted"]["files"], 0);
    assert_eq!(capture.files(), before);
    let planned = capture.json("plan", &["--stopped", "all"]);
    let orphans: Vec<_> = planned
        .iter()
        .filter(|line| line["decision"] == "orphan")
        .collect();
    assert!(orphans.iter().all(|line| line["since"].is_string()));
    assert!(
        orphans[0]["waiting"]
            .as_str()
            .unwrap()
            .contains("grace until"),
        "{}",
        orphans[0]
    );
}

#[test]
fn young_files_stay() {
    let directory = tempfile::tempdir().unwrap();
    let entry = entry("2.3.0", "rocksdb-incremental").unwrap();
    let truth = entry
        .materialize(
            Tree::Left,
            directory.path(),
            Times::NewestAt(std::time::SystemTime::now()),
        )
        .unwrap();
    let capture = Capture { directory, truth };
    let before = capture.files();
    let mut arguments = NOW.to_vec();
    arguments.push("--yes");
    capture.json("prune", &arguments);
    assert_eq!(capture.files(), before);
}

#[test]
fn snapshots_beyond_the_rules_go_whole_and_the_newest_stays() {
    let capture = Capture::of("1.20.5", "rocksdb-incremental");
    let mut arguments = NOW.to_vec();
    arguments.extend(["--keep-last", "1", "--yes"]);
    let lines = capture.json("prune", &arguments);
    assert!(
        lines
            .iter()
            .any(|line| line["reason"] == "beyond-keep-rules")
    );
    let facts: Vec<_> = capture
        .truth
        .metadata
        .iter()
        .filter_map(|metadata| metadata.facts.as_ref())
        .collect();
    let newest = facts
        .iter()
        .max_by_key(|facts| facts.checkpoint_id)
        .unwrap();
    let root = format!("file:{}/", capture.truth.root);
    let mut expected: Vec<String> = newest
        .files
        .iter()
        .map(|file| file.path.replace(&root, ""))
        .collect();
    expected.push(format!("{}/_metadata", newest.pointer.replace(&root, "")));
    expected.sort();
    assert_eq!(
        capture.files().into_keys().collect::<Vec<_>>(),
        expected,
        "also what only old snapshots shared"
    );
    assert_eq!(capture.json("verify", &[])[0]["state"], "restorable");
}

#[test]
fn a_running_job_keeps_everything_and_others_do_not_suffer() {
    let capture = Capture::of("2.3.0", "declined-leak");
    let planned = capture.json("plan", &[]);
    let job = planned
        .iter()
        .find(|line| line["decision"] == "protected")
        .and_then(|line| {
            line["path"]
                .as_str()?
                .split('/')
                .rev()
                .nth(2)
                .map(str::to_owned)
        })
        .unwrap();
    let planned = capture.json("plan", &["--running", &job, "--stopped", "all"]);
    let of_job = |line: &&Value| line["path"].as_str().unwrap().contains(&job);
    assert!(
        planned
            .iter()
            .filter(of_job)
            .all(|line| line["decision"] != "orphan"),
        "{job}"
    );
}

/// It may have a ForSt database, which reads files of others in place.
#[test]
fn shared_files_of_others_go_only_if_the_backend_of_what_runs_is_said() {
    let capture = Capture::of("2.3.0", "rocksdb-incremental");
    let planned = capture.json("plan", &[]);
    let paths = planned.iter().filter_map(|line| line["path"].as_str());
    let mut names = paths.flat_map(|path| path.split('/'));
    let running = names
        .find(|name| name.len() == 32 && name.bytes().all(|digit| digit.is_ascii_hexdigit()))
        .unwrap();
    let other = "0000000000000000000000000000000e";
    let shared = capture.base().join(other).join("shared");
    std::fs::create_dir_all(&shared).unwrap();
    std::fs::write(shared.join("6f1c0de2-a9b8-4b6f-9d3e-5a7c1b2d3e4f"), "x").unwrap();
    let jobs = ["--running", running, "--stopped", "all"];
    let decision = |arguments: &[&str]| {
        let all: Vec<&str> = jobs.iter().chain(arguments).copied().collect();
        let planned = capture.json("plan", &all);
        let of_other = |line: &&Value| line["path"].as_str().unwrap().contains(other);
        let line = planned.iter().find(of_other).unwrap().clone();
        (
            line["decision"].as_str().unwrap().to_owned(),
            line.to_string(),
        )
    };
    let (kept, line) = decision(&[]);
    assert_eq!(kept, "protected", "{line}");
    assert!(line.contains("live-descendant"), "{line}");
    let (goes, line) = decision(&["--running-backend", "rocksdb"]);
    assert_eq!(goes, "orphan", "{line}");
}

#[test]
fn another_owner_is_respected() {
    let capture = Capture::of("2.3.0", "rocksdb-incremental");
    let mut arguments = NOW.to_vec();
    arguments.extend(["--yes", "--owner-id", "cluster-a"]);
    assert!(
        capture
            .on_base(
                "prune",
                &["--stopped", "all", "--yes", "--owner-id", "cluster-b"]
            )
            .status
            .success()
    );
    let before = capture.files();
    let output = capture.on_base("prune", &arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("is owned by cluster-b"), "{error}");
    assert_eq!(capture.files(), before);
}

#[test]
fn a_limit_holds_for_the_whole_command() {
    let capture = Capture::of("2.3.0", "rocksdb-incremental");
    let mut arguments = NOW.to_vec();
    arguments.extend(["--yes", "--max-bytes-per-run", "50Ki"]);
    let summary = capture.json("prune", &arguments).pop().unwrap();
    let deleted = summary["deleted"]["bytes"].as_u64().unwrap();
    assert!(deleted > 0 && deleted <= 50 * 1024, "{summary}");
    assert!(
        summary["blocked"][0].as_str().unwrap().contains("limit"),
        "{summary}"
    );
}

#[test]
fn verify_names_what_is_missing_and_the_older_snapshot_to_start_from() {
    let capture = Capture::of("2.3.0", "rocksdb-incremental");
    let facts = capture
        .truth
        .metadata
        .iter()
        .filter_map(|metadata| metadata.facts.as_ref());
    let mut facts: Vec<_> = facts.collect();
    facts.sort_by_key(|facts| facts.checkpoint_id);
    let [.., older, newest] = facts.as_slice() else {
        panic!()
    };
    let lost = newest
        .files
        .iter()
        .find(|file| !older.files.iter().any(|other| other.path == file.path));
    let lost = &lost.unwrap().path;
    let local = lost.replace(
        &format!("file:{}", capture.truth.root),
        capture.directory.path().to_str().unwrap(),
    );
    std::fs::remove_file(&local).unwrap();

    let output = capture.on_base("verify", &["--output", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let verdict = &lines(&output)[0];
    assert_eq!(verdict["state"], "not-restorable");
    assert_eq!(verdict["missing"][0].as_str(), Some(lost.as_str()));
    assert_eq!(
        verdict["restore_from"].as_str(),
        Some(older.pointer.as_str())
    );

    let explained = capture.run("explain", &["--output", "json", &local]);
    assert_eq!(explained.status.code(), Some(3));
    let explained = &lines(&explained)[0];
    assert_eq!(explained["decision"], "missing");
    assert_eq!(
        explained["needed_by"][0]["snapshot"].as_str(),
        Some(newest.pointer.as_str())
    );
}

#[test]
fn verify_finds_an_unreadable_newest_snapshot() {
    let capture = Capture::of("1.13.6", "metadata-torn");
    let output = capture.on_base("verify", &["--output", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let verdict = &lines(&output)[0];
    assert_eq!(verdict["state"], "unreadable");
    assert!(verdict["why"].as_str().unwrap().contains("file ends early"));
    assert!(verdict["restore_from"].as_str().unwrap().contains("/chk-"));
}

#[test]
fn every_file_is_explained_as_it_is_planned() {
    let capture = Capture::of("1.20.5", "restore-legacy");
    for decision in ["keep", "orphan"] {
        let capture = if decision == "keep" {
            &capture
        } else {
            &Capture::of("2.3.0", "rocksdb-incremental")
        };
        let planned = capture.json("plan", &["--stopped", "all"]);
        for line in planned
            .iter()
            .filter(|line| line["decision"] == decision)
            .take(12)
        {
            let path = line["path"].as_str().unwrap();
            let local = path.replace(
                &format!("file:{}", capture.truth.root),
                capture.directory.path().to_str().unwrap(),
            );
            let output = capture.run("explain", &["--stopped", "all", "--output", "json", &local]);
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            let explained = &lines(&output)[0];
            assert_eq!(
                (&explained["decision"], &explained["reason"]),
                (&line["decision"], &line["reason"])
            );
            let named = explained["needed_by"].as_array().unwrap().len();
            assert_eq!(
                named > 0,
                line["reason"].as_str().unwrap().starts_with("named by"),
                "{explained}"
            );
        }
    }
}

/// A journal that cannot be written, by a real system call: no file of the process may grow beyond 512 bytes. (A full disk
/// of its own would need rights to mount one.)
#[test]
fn a_journal_that_cannot_grow_stops_everything_and_the_next_command_carries_on() {
    let capture = Capture::of("2.3.0", "rocksdb-incremental");
    let before = capture.files();
    let mount = format!(
        "file:{}={}",
        capture.truth.root,
        capture.directory.path().display()
    );
    let script = r#"trap '' XFSZ; ulimit -f 1; exec "$0" "$@""#;
    let output = Command::new("sh")
        .args([
            "-c",
            script,
            env!("CARGO_BIN_EXE_flink-retention"),
            "prune",
            "--yes",
        ])
        .args(["--mount", &mount])
        .args(NOW)
        .arg(capture.base())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("the journal of"), "{text}");
    assert!(text.contains("File too large"), "{text}");
    assert_eq!(capture.files(), before);
    let journal = capture.base().join(".flink-retention");
    assert_eq!(partial_writes(&journal), Vec::<PathBuf>::new());

    let lines = capture.json("prune", &[&NOW[..], &["--yes"]].concat());
    assert!(!lines.is_empty());
    assert_eq!(
        capture.files(),
        capture.files_of_role(&["metadata", "referenced"])
    );
}

/// What writes that failed have left behind.
fn partial_writes(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            found.extend(partial_writes(&path));
        } else if entry
            .file_name()
            .to_string_lossy()
            .starts_with(".partial-write-")
        {
            found.push(path);
        }
    }
    found
}
