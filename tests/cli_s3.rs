//! The commands on buckets of a real store that speaks S3, with what real Flink left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/bucket.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod bucket;

use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use testbed::corpus::entry;
use testbed::object_store::{ACCESS_KEY, REGION, S3Server, SECRET_KEY};

use bucket::Bucket;

static SERVER: LazyLock<S3Server> = LazyLock::new(|| S3Server::start().unwrap());

/// The program in the shell of somebody with these settings, and with no others of this machine.
fn in_shell_of(settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    let nowhere = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_flink-retention"))
        .args(arguments)
        .env_clear()
        .env("HOME", nowhere.path())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(settings.iter().copied())
        .output()
        .unwrap()
}

fn settings<'a>(
    endpoint: &'a str,
    access_key: &'a str,
    secret: &'a str,
) -> [(&'a str, &'a str); 4] {
    [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", access_key),
        ("AWS_SECRET_ACCESS_KEY", secret),
    ]
}

fn flink_retention(arguments: &[&str]) -> Output {
    let endpoint = SERVER.endpoint();
    in_shell_of(&settings(&endpoint, ACCESS_KEY, SECRET_KEY), arguments)
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(!text.is_empty(), "{output:?}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn json(command: &str, arguments: &[&str]) -> Vec<Value> {
    let mut all = vec![command, "--output", "json"];
    all.extend(arguments);
    lines(&flink_retention(&all))
}

fn decisions(lines: &[Value]) -> BTreeMap<&str, &str> {
    lines
        .iter()
        .map(|line| {
            let word = |field: &str| line[field].as_str().unwrap();
            (word("path"), word("decision"))
        })
        .collect()
}

/// The one line of a command that fails.
fn refusal(output: &Output) -> String {
    assert_ne!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
    text
}

const NOW: [&str; 4] = ["--stopped", "all", "--grace-period", "0s"];

#[test]
fn the_plan_of_a_bucket_finds_exactly_the_unreferenced_files() {
    for (version, config) in [
        ("2.3.0", "rocksdb-incremental"),
        ("1.20.5", "rocksdb-incremental"),
    ] {
        let name = format!("plan-{}", version.replace('.', "-"));
        let bucket = Bucket::of(&SERVER, &name, &entry(version, config).unwrap());
        let base = bucket.base();
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
        // Any spelling is this place.
        let other = base.replace("s3://", "s3a://") + "//";
        assert_eq!(
            decisions(&json("plan", &["--stopped", "all", &other])),
            decisions(&lines)
        );
        assert!(bucket.journal().is_empty());
    }
}

#[test]
fn prune_marks_in_the_bucket_and_then_deletes_exactly_the_garbage() {
    let bucket = Bucket::of(
        &SERVER,
        "prune",
        &entry("2.3.0", "rocksdb-incremental").unwrap(),
    );
    let (base, before) = (bucket.base(), bucket.files());

    // A dry run writes nothing.
    let mut arguments = NOW.to_vec();
    arguments.push(&base);
    let dry = json("prune", &arguments);
    let summary = dry.last().unwrap();
    assert_eq!(
        summary["would_delete"]["bytes"].as_u64(),
        Some(bucket.truth.unreferenced_bytes)
    );
    assert_eq!(bucket.files(), before);
    assert!(bucket.journal().is_empty());

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
    let mut others = NOW.to_vec();
    others.extend(["--yes", "--owner-id", "somebody-else", &base]);
    let output = flink_retention(&[&["prune"], others.as_slice()].concat());
    let refused = refusal(&output);
    assert!(refused.contains("is owned by command-line"), "{refused}");
    assert_eq!(bucket.files(), before);

    // Without one it deletes.
    arguments.insert(0, "--yes");
    let deleted = json("prune", &arguments);
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
    assert_eq!(verified.len(), 1);
    assert_eq!(verified[0]["state"], "restorable", "{verified:?}");
    let facts = bucket
        .truth
        .metadata
        .iter()
        .filter_map(|metadata| metadata.facts.as_ref());
    let newest = facts.max_by_key(|facts| facts.checkpoint_id).unwrap();
    assert_eq!(
        verified[0]["restore_from"].as_str(),
        Some(bucket.relocated(&newest.pointer).as_str())
    );
}

/// What is verified is what goes, by its etag: nobody looks at it in between.
#[test]
fn a_data_file_is_looked_at_once_and_deleted() {
    let server = S3Server::start().unwrap();
    let bucket = Bucket::of(
        &server,
        "requests",
        &entry("1.20.5", "rocksdb-incremental").unwrap(),
    );
    let (endpoint, base) = (server.endpoint(), bucket.base());
    let asked = |name: &str| server.requests().unwrap().get(name).copied().unwrap_or(0);
    let mut arguments = vec!["prune"];
    arguments.extend(NOW);
    arguments.extend(["--yes", "--output", "json", &base]);
    let output = in_shell_of(&settings(&endpoint, ACCESS_KEY, SECRET_KEY), &arguments);
    let summary = lines(&output).pop().unwrap();
    let deleted = summary["deleted"]["files"].as_u64();
    assert_eq!(deleted, Some(bucket.truth.unreferenced_files), "{summary}");
    println!("{:?} {deleted:?}", server.requests());
    let looks = asked("s3_HeadObject");
    assert!(looks < bucket.truth.unreferenced_files * 2, "{looks}");
}

#[test]
fn snapshots_beyond_the_rules_go_whole() {
    let bucket = Bucket::of(
        &SERVER,
        "rules",
        &entry("1.20.5", "rocksdb-incremental").unwrap(),
    );
    let base = bucket.base();
    let mut arguments = NOW.to_vec();
    arguments.extend(["--keep-last", "1", "--yes", &base]);
    let deleted = json("prune", &arguments);
    let (_, files) = deleted.split_last().unwrap();
    assert!(
        files.iter().all(|line| line["outcome"] == "deleted"),
        "{files:?}"
    );
    let metadata: Vec<String> = bucket
        .files()
        .into_keys()
        .filter(|path| path.ends_with("/_metadata"))
        .collect();
    assert_eq!(metadata.len(), 1, "{metadata:?}");
    assert_eq!(json("verify", &[&base])[0]["state"], "restorable");
}

#[test]
fn a_file_in_a_bucket_is_explained() {
    let bucket = Bucket::of(
        &SERVER,
        "explain",
        &entry("2.3.0", "rocksdb-incremental").unwrap(),
    );
    let facts = bucket
        .truth
        .metadata
        .iter()
        .filter_map(|metadata| metadata.facts.as_ref());
    let named = facts.flat_map(|facts| &facts.files).next().unwrap();
    let path = bucket.relocated(&named.path);
    let explained = json("explain", &[&path]);
    assert_eq!(explained[0]["decision"], "keep", "{explained:?}");
    assert_eq!(explained[0]["path"].as_str(), Some(path.as_str()));
    assert!(!explained[0]["needed_by"].as_array().unwrap().is_empty());
}

#[test]
fn snapshots_in_a_bucket_are_inspected() {
    let bucket = Bucket::of(&SERVER, "inspect", &entry("2.3.0", "finished").unwrap());
    let all = json("inspect", &[&bucket.base()]);
    assert_eq!(all.len(), bucket.truth.metadata.len());
    let one = format!("{}/{}", bucket.url, bucket.truth.metadata[0].metadata);
    let directory = one.strip_suffix("/_metadata").unwrap();
    for name in [one.as_str(), directory] {
        let output = flink_retention(&["inspect", "--directories", name]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.lines().all(|line| line.starts_with("s3://inspect/")),
            "{text}"
        );
        assert!(!text.is_empty());
    }
}

#[test]
fn what_cannot_be_reached_is_said_on_one_line() {
    let bucket = Bucket::of(&SERVER, "errors", &entry("2.3.0", "finished").unwrap());
    let (base, endpoint) = (bucket.base(), SERVER.endpoint());
    SERVER.make_user("stranger", "stranger-secret").unwrap();
    let ours = settings(&endpoint, ACCESS_KEY, SECRET_KEY);
    let missing = refusal(&in_shell_of(&ours, &["plan", "s3://no-such-bucket/ckp"]));
    assert!(
        missing.contains("s3://no-such-bucket/ckp") && missing.contains("no such bucket"),
        "{missing}"
    );
    let nothing = refusal(&in_shell_of(&ours, &["plan", "s3://errors/misspelt"]));
    assert!(
        nothing.contains("there is nothing in s3://errors/misspelt"),
        "{nothing}"
    );
    let foreign = settings(&endpoint, "stranger", "stranger-secret");
    let forbidden = refusal(&in_shell_of(&foreign, &["plan", &base]));
    assert!(
        forbidden.contains("permission denied") && forbidden.contains(&base),
        "{forbidden}"
    );
    let wrong = settings(&endpoint, ACCESS_KEY, "not-the-secret");
    let wrong = refusal(&in_shell_of(&wrong, &["plan", &base]));
    assert!(wrong.contains("does not accept the credentials"), "{wrong}");
    assert!(!wrong.contains("not-the-secret"), "{wrong}");
    let nobody = refusal(&in_shell_of(&ours[..2], &["plan", &base]));
    assert!(nobody.contains("none were found"), "{nobody}");
    let both = refusal(&in_shell_of(&ours, &["plan", &base, &bucket.url]));
    assert!(both.contains("overlap"), "{both}");
    let job = bucket.truth.tree_files[0].path.split('/').nth(1).unwrap();
    let part = refusal(&in_shell_of(&ours, &["plan", &format!("{base}/{job}")]));
    assert!(part.contains("the directory of one job"), "{part}");
    let other = refusal_of_usage(&in_shell_of(&ours, &["plan", "oss://bucket/ckp"]));
    assert!(other.contains("does not reach"), "{other}");
}

/// What clap says has a hint below it.
fn refusal_of_usage(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_wrong_endpoint_is_told_within_a_minute() {
    let mut gone = S3Server::start().unwrap();
    let endpoint = gone.endpoint();
    gone.kill();
    let begun = Instant::now();
    let output = in_shell_of(
        &settings(&endpoint, ACCESS_KEY, SECRET_KEY),
        &["plan", "s3://b/ckp"],
    );
    let text = refusal(&output);
    assert!(text.contains(&endpoint), "{text}");
    assert!(begun.elapsed() < Duration::from_mins(1));
}

/// Keys of a profile, as the AWS command line would take them.
#[test]
fn a_profile_is_used_where_the_environment_has_no_keys() {
    let bucket = Bucket::of(&SERVER, "profile", &entry("2.3.0", "finished").unwrap());
    let home = tempfile::tempdir().unwrap();
    let credentials = home.path().join("credentials");
    let text =
        format!("[ops]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n");
    std::fs::write(&credentials, text).unwrap();
    let endpoint = SERVER.endpoint();
    let settings = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().unwrap()),
        ("AWS_PROFILE", "ops"),
    ];
    let output = in_shell_of(&settings, &["plan", &bucket.base()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
