//! The commands on containers of a real server that speaks as Azure Blob Storage does, with what real Flink left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/bucket.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod bucket;

use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use testbed::corpus::entry;
use testbed::object_store::{AzureServer, Keeps};

use bucket::Bucket;

static SERVER: LazyLock<AzureServer> =
    LazyLock::new(|| AzureServer::start(Keeps::InMemory).unwrap());

/// The program in the shell of somebody with these settings, and with no others of this machine.
fn in_shell_of(settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    let nowhere = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_flink-retention"))
        .args(arguments)
        .env_clear()
        .env("HOME", nowhere.path())
        .env("AZURE_STORAGE_SERVICE_ENDPOINT", SERVER.endpoint())
        .envs(settings.iter().copied())
        .output()
        .unwrap()
}

fn somebody() -> [(&'static str, &'static str); 2] {
    [
        ("AZURE_STORAGE_ACCOUNT_NAME", AzureServer::ACCOUNT),
        ("AZURE_STORAGE_ACCOUNT_KEY", SERVER.key()),
    ]
}

fn json(command: &str, arguments: &[&str]) -> Vec<Value> {
    let mut all = vec![command, "--output", "json"];
    all.extend(arguments);
    let output = in_shell_of(&somebody(), &all);
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
    assert!(!text.contains(SERVER.key()), "{text}");
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
    let refused = refusal(&in_shell_of(&somebody(), &others));
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

/// Hadoop spells one container in four ways, and the blobs that it makes for directories are no files.
#[test]
fn a_container_is_one_by_all_its_names() {
    let bucket = Bucket::of(
        &SERVER,
        "spelt",
        &entry("2.3.0", "rocksdb-incremental").unwrap(),
    );
    let prefix = bucket.url.rsplit('/').next().unwrap();
    let note = [
        ("x-ms-blob-type", "BlockBlob"),
        ("x-ms-meta-hdi_isfolder", "true"),
    ];
    for directory in ["", "/ckp", "/ckp/stray"] {
        let path = format!("spelt/{prefix}{directory}");
        SERVER.put(&path, "", &note).unwrap();
    }
    let account = AzureServer::ACCOUNT;
    let by = |scheme: &str, endpoint: &str| {
        let base = format!("{scheme}://spelt@{account}.{endpoint}.core.windows.net//{prefix}/ckp/");
        let lines = json("plan", &["--stopped", "all", &base]);
        let decided = lines.into_iter().filter_map(|line| {
            let name = line["path"].as_str()?.split("/ckp/").nth(1)?.to_owned();
            Some((name, line["decision"].as_str()?.to_owned()))
        });
        decided.collect::<BTreeMap<_, _>>()
    };
    let expected = by("abfss", "dfs");
    assert!(expected.values().any(|decision| decision == "orphan"));
    assert!(!expected.contains_key("stray"), "{expected:?}");
    for (scheme, endpoint) in [("abfs", "dfs"), ("wasbs", "blob"), ("wasb", "blob")] {
        assert_eq!(by(scheme, endpoint), expected, "{scheme}");
    }
}

#[test]
fn what_cannot_be_reached_is_said_on_one_line() {
    let bucket = Bucket::of(
        &SERVER,
        "errors",
        &entry("2.3.0", "rocksdb-incremental").unwrap(),
    );
    let base = bucket.base();
    let at = |container: &str| format!("abfss://{}", AzureServer::authority(container));
    let nowhere = format!("{}/ckp", at("no-such"));
    let missing = refusal(&in_shell_of(&somebody(), &["plan", &nowhere]));
    assert!(
        missing.contains(&nowhere) && missing.contains("no such bucket"),
        "{missing}"
    );
    let misspelt = format!("{}/misspelt", at("errors"));
    let nothing = refusal(&in_shell_of(&somebody(), &["plan", &misspelt]));
    assert!(
        nothing.contains(&format!("there is nothing in {misspelt}")),
        "{nothing}"
    );
    let nobody = in_shell_of(&[], &["plan", &base]);
    assert_eq!(nobody.status.code(), Some(2), "{nobody:?}");
    assert!(refusal(&nobody).contains("nobody is named"), "{nobody:?}");
    let [account, key] = somebody();
    let two = [account, key, ("AZURE_STORAGE_SAS_TOKEN", "sig=x")];
    let two = in_shell_of(&two, &["plan", &base]);
    assert_eq!(two.status.code(), Some(2), "{two:?}");
    assert!(refusal(&two).contains("remove the other"), "{two:?}");
    let wrong = [account, ("AZURE_STORAGE_ACCOUNT_KEY", "bmV2ZXI=")];
    let wrong = refusal(&in_shell_of(&wrong, &["plan", &base]));
    assert!(wrong.contains("does not accept the credentials"), "{wrong}");
    let foreign = "abfss://errors@other.dfs.core.windows.net/ckp";
    let foreign = refusal(&in_shell_of(&somebody(), &["plan", foreign]));
    assert!(foreign.contains("is not where the account"), "{foreign}");
    let both = refusal(&in_shell_of(&somebody(), &["plan", &base, &bucket.url]));
    assert!(both.contains("overlap"), "{both}");
}

/// For as long as a signature lasts, it is as good as a key for what it allows.
#[test]
fn a_connection_string_with_a_signature_names_somebody() {
    let bucket = Bucket::of(
        &SERVER,
        "signed",
        &entry("2.3.0", "rocksdb-incremental").unwrap(),
    );
    let until = Timestamp::now() + Duration::from_mins(10);
    let signature = SERVER.signature("rl", until).unwrap();
    let text = format!(
        "BlobEndpoint={}/{};AccountName={};SharedAccessSignature={signature}",
        SERVER.endpoint(),
        AzureServer::ACCOUNT,
        AzureServer::ACCOUNT,
    );
    let output = in_shell_of(
        &[("AZURE_STORAGE_CONNECTION_STRING", &text)],
        &["verify", &bucket.base()],
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let pruned = in_shell_of(
        &[("AZURE_STORAGE_CONNECTION_STRING", &text)],
        &["prune", "--stopped", "all", "--yes", &bucket.base()],
    );
    let text = refusal(&pruned);
    assert!(text.contains("permission denied"), "{text}");
    assert!(
        !text.contains(signature.split("sig=").nth(1).unwrap()),
        "{text}"
    );
}
