//! The commands on buckets of a real server that speaks as Google Cloud Storage does, with what real Flink left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/bucket.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod bucket;

use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;
use testbed::corpus::entry;
use testbed::object_store::{GcsServer, Keeps};

use bucket::Bucket;

static SERVER: LazyLock<GcsServer> = LazyLock::new(|| GcsServer::start(Keeps::OnDisk).unwrap());

/// The program in the shell of somebody with these settings, and with no others of this machine.
fn in_shell_of(settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    let nowhere = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_flink-retention"))
        .args(arguments)
        .env_clear()
        .env("HOME", nowhere.path())
        .env("STORAGE_EMULATOR_HOST", SERVER.endpoint())
        .envs(settings.iter().copied())
        .output()
        .unwrap()
}

const SOMEBODY: [(&str, &str); 1] = [("GOOGLE_OAUTH_ACCESS_TOKEN", "printed-never")];

fn json(command: &str, arguments: &[&str]) -> Vec<Value> {
    let mut all = vec![command, "--output", "json"];
    all.extend(arguments);
    let output = in_shell_of(&SOMEBODY, &all);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(!text.is_empty(), "{output:?}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The one line of a command that fails.
fn refusal(output: &Output) -> String {
    assert_ne!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
    assert!(!text.contains("printed-never"), "{text}");
    text
}

#[test]
fn prune_marks_in_the_bucket_and_then_deletes_exactly_the_garbage() {
    let bucket = Bucket::of(
        &SERVER,
        "prune",
        &entry("2.3.0", "rocksdb-incremental").unwrap(),
    );
    let (base, before) = (bucket.base(), bucket.files());
    let lines = json("plan", &["--stopped", "all", &base]);
    let by_path: BTreeMap<&str, &Value> = lines
        .iter()
        .map(|line| (line["path"].as_str().unwrap(), line))
        .collect();
    for file in &bucket.truth.tree_files {
        let path = format!("{}/{}", bucket.url, file.path);
        let line = by_path[path.as_str()];
        let expected = match file.role.as_str() {
            "unreferenced" => "orphan",
            _ => "keep",
        };
        assert_eq!(line["decision"], expected, "{line}");
        assert_eq!(line["bytes"].as_u64(), Some(file.size), "{line}");
    }

    // With a grace period it only marks.
    let marked = json("prune", &["--stopped", "all", "--yes", &base]);
    assert_eq!(marked.last().unwrap()["deleted"]["files"], 0);
    assert_eq!(bucket.files(), before);
    let journal = bucket.journal();
    for part in ["owner/", "marks/", "baselines/", "format.json"] {
        assert!(
            journal.iter().any(|name| name.starts_with(part)),
            "{journal:?}"
        );
    }
    assert!(
        !journal.iter().any(|name| name.starts_with("conditions")),
        "{journal:?}"
    );

    // Somebody else does not act there.
    let now = ["--stopped", "all", "--grace-period", "0s", "--yes"];
    let mut others = vec!["prune", "--owner-id", "somebody-else", &base];
    others.extend(now);
    let refused = refusal(&in_shell_of(&SOMEBODY, &others));
    assert!(refused.contains("is owned by command-line"), "{refused}");
    assert_eq!(bucket.files(), before);

    // Without one it deletes.
    let deleted = json("prune", &[&now, [base.as_str()].as_slice()].concat());
    let (summary, files) = deleted.split_last().unwrap();
    assert!(
        files.iter().all(|line| line["outcome"] == "deleted"),
        "{files:?}"
    );
    assert_eq!(
        summary["deleted"]["files"].as_u64(),
        Some(bucket.truth.unreferenced_files)
    );
    assert_eq!(
        bucket.files(),
        bucket.files_of_role(&["metadata", "referenced"])
    );
    let verified = json("verify", &[&base]);
    assert_eq!(verified[0]["state"], "restorable", "{verified:?}");
}

#[test]
fn snapshots_and_files_in_a_bucket_are_inspected_and_explained() {
    let entry = entry("2.3.0", "rocksdb-incremental").unwrap();
    let bucket = Bucket::of(&SERVER, "inspect", &entry);
    let all = json("inspect", &[&bucket.base()]);
    assert_eq!(all.len(), bucket.truth.metadata.len());
    let mut metadata = bucket.truth.metadata.iter();
    let facts = metadata.find_map(|metadata| metadata.facts.as_ref());
    let path = bucket.relocated(&facts.unwrap().files[0].path);
    let explained = json("explain", &[&path]);
    assert_eq!(explained[0]["decision"], "keep", "{explained:?}");
    assert_eq!(explained[0]["path"].as_str(), Some(path.as_str()));
}

#[test]
fn what_cannot_be_reached_is_said_on_one_line() {
    let bucket = Bucket::of(&SERVER, "errors", &entry("2.3.0", "finished").unwrap());
    let base = bucket.base();
    let missing = refusal(&in_shell_of(
        &SOMEBODY,
        &["plan", "gs://no-such-bucket/ckp"],
    ));
    assert!(
        missing.contains("gs://no-such-bucket/ckp") && missing.contains("no such bucket"),
        "{missing}"
    );
    let nothing = refusal(&in_shell_of(&SOMEBODY, &["plan", "gs://errors/misspelt"]));
    assert!(
        nothing.contains("there is nothing in gs://errors/misspelt"),
        "{nothing}"
    );
    let nobody = in_shell_of(&[], &["plan", &base]);
    assert_eq!(nobody.status.code(), Some(2), "{nobody:?}");
    assert!(refusal(&nobody).contains("nobody is named"), "{nobody:?}");
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("credentials.json");
    std::fs::write(
        &file,
        r#"{"type": "authorized_user", "refresh_token": "printed-never"}"#,
    )
    .unwrap();
    let user = [("GOOGLE_APPLICATION_CREDENTIALS", file.to_str().unwrap())];
    let user = refusal(&in_shell_of(&user, &["plan", &base]));
    assert!(user.contains("authorized_user"), "{user}");
    let both = refusal(&in_shell_of(&SOMEBODY, &["plan", &base, &bucket.url]));
    assert!(both.contains("overlap"), "{both}");
}
