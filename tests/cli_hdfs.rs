//! The commands on a real Hadoop file system, with what real Flink left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use hdfs_native::{Client, ClientBuilder, WriteOptions};
use serde_json::Value;
use storage::{Descend, EntryKind, HdfsAccess, HdfsCluster, HdfsStorage, Key, Storage, Walk};
use testbed::corpus::{Entry, Times, Tree, Truth, entry};
use testbed::hdfs::{HdfsServer, NAMESERVICE, USER};
use tokio::runtime::Runtime;

static SERVER: LazyLock<HdfsServer> = LazyLock::new(|| HdfsServer::start().unwrap());

const MONTH: Duration = Duration::from_hours(30 * 24);
const NOW: [&str; 4] = ["--stopped", "all", "--grace-period", "0s"];

/// The program in the shell of somebody with these settings, and with no others of this machine.
fn in_shell_of(settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flink-retention"))
        .args(arguments)
        .env_clear()
        .envs(settings.iter().copied())
        .output()
        .unwrap()
}

fn flink_retention(arguments: &[&str]) -> Output {
    in_shell_of(&[("HADOOP_USER_NAME", USER)], arguments)
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

/// The one line of a command that fails.
fn refusal(output: &Output) -> String {
    assert_ne!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
    text
}

/// A capture below a directory of HDFS, as if Flink had written it there.
struct Directory {
    runtime: Runtime,
    /// `hdfs://<name node>/<directory>`, which Flink knew as `truth.root`.
    url: String,
    truth: Truth,
    store: HdfsStorage,
}

impl Directory {
    fn of(server: &HdfsServer, authority: &str, name: &str, entry: &Entry) -> Self {
        let runtime = Runtime::new().unwrap();
        let local = tempfile::tempdir().unwrap();
        let truth = entry
            .materialize(Tree::Left, local.path(), Times::OlderBy(MONTH))
            .unwrap();
        let known_as = format!("file:{}", truth.root);
        let url = as_long_as(&known_as, &format!("hdfs://{authority}/flink/{name}"));
        let path = url.strip_prefix(&format!("hdfs://{authority}")).unwrap();
        let access = HdfsAccess::As {
            user: USER.to_owned(),
            configuration: None,
        };
        let (store, aside) = runtime.block_on(async {
            let cluster = HdfsCluster::new(&server.authority().parse().unwrap(), &access).unwrap();
            let key = path.trim_start_matches('/').parse().unwrap();
            (cluster.directory(key), client(server))
        });
        for file in &truth.tree_files {
            let source = local.path().join(&file.path);
            let mut bytes = fs::read(&source).unwrap();
            if file.role == "metadata" {
                relocate(&mut bytes, &known_as, &url);
            }
            let modified = fs::metadata(&source).unwrap().modified().unwrap();
            let modified = modified.duration_since(UNIX_EPOCH).unwrap().as_millis();
            let modified = u64::try_from(modified).unwrap();
            runtime.block_on(async {
                let key = file.path.parse().unwrap();
                store.replace(&key, bytes.into()).await.unwrap();
                let path = format!("{path}/{}", file.path);
                aside.set_times(&path, modified, modified).await.unwrap();
            });
        }
        Self {
            runtime,
            url,
            truth,
            store,
        }
    }

    /// Of a key of `store` in the file system.
    fn path(&self, key: &Key) -> String {
        let of = self.url.strip_prefix("hdfs://").unwrap();
        format!("{}/{key}", &of[of.find('/').unwrap()..])
    }

    fn base(&self) -> String {
        format!("{}/ckp", self.url)
    }

    /// Every file with its size, without the journal.
    fn files(&self) -> BTreeMap<String, u64> {
        self.below(&Key::root(), false)
    }

    fn journal(&self) -> BTreeMap<String, u64> {
        self.below(&Key::root(), true)
    }

    fn below(&self, directory: &Key, journal: bool) -> BTreeMap<String, u64> {
        let mut files = BTreeMap::new();
        let walk = Walk::new(&self.store, directory.clone()).run(|entry| {
            let path = entry.key.to_string();
            if entry.kind == EntryKind::File && path.contains(".flink-retention/") == journal {
                files.insert(path, entry.version.size);
            }
            Descend::Yes
        });
        self.runtime.block_on(walk).unwrap();
        files
    }

    fn files_of_role(&self, roles: &[&str]) -> BTreeMap<String, u64> {
        let files = self.truth.tree_files.iter();
        let files = files.filter(|file| roles.contains(&file.role.as_str()));
        files.map(|file| (file.path.clone(), file.size)).collect()
    }

    fn relocated(&self, text: &str) -> String {
        text.replace(&format!("file:{}", self.truth.root), &self.url)
    }
}

fn client(server: &HdfsServer) -> Client {
    let url = format!("hdfs://{}", server.authority());
    ClientBuilder::new()
        .with_url(url)
        .with_user(USER)
        .build()
        .unwrap()
}

/// A URL of the same length: the lengths that a `_metadata` gives of its strings stay true.
fn as_long_as(text: &str, url: &str) -> String {
    let missing = text.len().checked_sub(url.len()).unwrap();
    format!("{url}{}", "x".repeat(missing))
}

fn relocate(bytes: &mut [u8], from: &str, to: &str) {
    let (from, to) = (from.as_bytes(), to.as_bytes());
    for start in 0..bytes.len().saturating_sub(from.len()) {
        if &bytes[start..start + from.len()] == from {
            bytes[start..start + to.len()].copy_from_slice(to);
        }
    }
}

#[test]
fn the_plan_of_a_directory_finds_exactly_the_unreferenced_files() {
    let directory = Directory::of(
        &SERVER,
        &SERVER.authority(),
        "plan",
        &entry("2.3.0", "rocksdb-incremental").unwrap(),
    );
    let base = directory.base();
    let lines = json("plan", &["--stopped", "all", &base]);
    let by_path: BTreeMap<&str, &Value> = lines
        .iter()
        .map(|line| (line["path"].as_str().unwrap(), line))
        .collect();
    for file in &directory.truth.tree_files {
        let path = format!("{}/{}", directory.url, file.path);
        let line = by_path[path.as_str()];
        let expected = match file.role.as_str() {
            "unreferenced" => "orphan",
            _ => "keep",
        };
        assert_eq!(line["decision"], expected, "{line}");
        assert_eq!(line["bytes"].as_u64(), Some(file.size), "{line}");
    }
    assert!(directory.journal().is_empty());
}

#[test]
fn prune_marks_in_hdfs_and_then_deletes_exactly_the_garbage() {
    let directory = Directory::of(
        &SERVER,
        &SERVER.authority(),
        "prune",
        &entry("2.3.0", "rocksdb-incremental").unwrap(),
    );
    let (base, before) = (directory.base(), directory.files());
    let mut arguments = NOW.to_vec();
    arguments.push(&base);
    let dry = json("prune", &arguments);
    assert_eq!(
        dry.last().unwrap()["would_delete"]["bytes"].as_u64(),
        Some(directory.truth.unreferenced_bytes)
    );
    assert!(directory.journal().is_empty(), "a dry run writes nothing");

    let marked = json("prune", &["--stopped", "all", "--yes", &base]);
    assert_eq!(marked.last().unwrap()["deleted"]["files"], 0);
    assert_eq!(directory.files(), before);
    let journal = directory.journal();
    for part in ["owner/", "marks/", "baselines/", "format.json"] {
        let part = format!("ckp/.flink-retention/{part}");
        assert!(
            journal.keys().any(|name| name.starts_with(&part)),
            "{journal:?}"
        );
    }

    let mut others = vec!["prune"];
    others.extend(NOW);
    others.extend(["--yes", "--owner-id", "somebody-else", &base]);
    let refused = refusal(&flink_retention(&others));
    assert!(refused.contains("is owned by command-line"), "{refused}");
    assert_eq!(directory.files(), before);

    arguments.insert(0, "--yes");
    let deleted = json("prune", &arguments);
    let (summary, files) = deleted.split_last().unwrap();
    assert!(
        files.iter().all(|line| line["outcome"] == "deleted"),
        "{files:?}"
    );
    assert_eq!(
        summary["deleted"]["files"].as_u64(),
        Some(directory.truth.unreferenced_files)
    );
    assert_eq!(
        directory.files(),
        directory.files_of_role(&["metadata", "referenced"])
    );

    let verified = json("verify", &[&base]);
    assert_eq!(verified.len(), 1);
    assert_eq!(verified[0]["state"], "restorable", "{verified:?}");
    let facts = directory.truth.metadata.iter();
    let facts = facts.filter_map(|metadata| metadata.facts.as_ref());
    let newest = facts.max_by_key(|facts| facts.checkpoint_id).unwrap();
    assert_eq!(
        verified[0]["restore_from"].as_str(),
        Some(directory.relocated(&newest.pointer).as_str())
    );
    let named = directory.relocated(&newest.files[0].path);
    let explained = json("explain", &[&named]);
    assert_eq!(explained[0]["decision"], "keep", "{explained:?}");
    assert_eq!(
        json("inspect", &[&base]).len(),
        directory.truth.metadata.len()
    );
}

#[test]
fn what_goes_to_the_trash_is_said_to_take_space_still() {
    let directory = Directory::of(
        &SERVER,
        &SERVER.authority(),
        "trash",
        &entry("1.20.5", "rocksdb-incremental").unwrap(),
    );
    let base = directory.base();
    let mut arguments = vec!["prune"];
    arguments.extend(NOW);
    arguments.extend(["--yes", "--trash", &base]);
    let output = flink_retention(&arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("that is in the trash now"), "{text}");
    assert_eq!(
        directory.files(),
        directory.files_of_role(&["metadata", "referenced"])
    );
    let trash = directory.runtime.block_on(async {
        let path = directory
            .url
            .replace(&format!("hdfs://{}", SERVER.authority()), "");
        let trash = format!("/user/{USER}/.Trash/Current{path}");
        client(&SERVER).list_status(&trash, true).await.unwrap()
    });
    let files = trash.iter().filter(|status| !status.isdir);
    let bytes: u64 = files.clone().map(|status| status.length as u64).sum();
    assert_eq!(files.count() as u64, directory.truth.unreferenced_files);
    assert_eq!(bytes, directory.truth.unreferenced_bytes);
    let nowhere = flink_retention(&["prune", "--trash", "/tmp"]);
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(refusal(&nowhere).contains("is not in HDFS"));
}

#[test]
fn without_a_trash_nothing_is_moved_there() {
    let server = HdfsServer::start_without_trash().unwrap();
    let directory = Directory::of(
        &server,
        &server.authority(),
        "no-trash",
        &entry("2.3.0", "finished").unwrap(),
    );
    let before = directory.files();
    let mut arguments = vec!["prune"];
    let base = directory.base();
    arguments.extend(NOW);
    arguments.extend(["--yes", "--trash", &base]);
    let output = flink_retention(&arguments);
    assert_eq!(output.status.code(), Some(2));
    assert!(refusal(&output).contains("keeps no trash"));
    assert_eq!(directory.files(), before);
    assert!(directory.journal().is_empty());
}

/// A snapshot in a trash looks as it did before somebody deleted it. It would take the place of the newest one that is to
/// be kept, and be judged itself.
#[test]
fn a_directory_with_a_trash_is_refused_and_so_is_one_in_it() {
    let directory = Directory::of(
        &SERVER,
        &SERVER.authority(),
        "with-trash",
        &entry("2.3.0", "rocksdb-incremental").unwrap(),
    );
    let base = directory.base();
    let before = directory.files();
    let old = "ckp/.Trash/flink/Current/chk-9/_metadata".parse().unwrap();
    let aside = directory.runtime.block_on(async { client(&SERVER) });
    directory.runtime.block_on(async {
        let path = directory.path(&old);
        let above = path.rsplit_once('/').unwrap().0;
        aside.mkdirs(above, 0o755, true).await.unwrap();
        let options = WriteOptions::default();
        let mut file = Box::pin(aside.create(&path, options)).await.unwrap();
        Box::pin(file.write_bytes("x".into())).await.unwrap();
        Box::pin(file.close()).await.unwrap();
    });
    let mut arguments = vec!["prune"];
    arguments.extend(NOW);
    arguments.extend(["--yes", &base]);
    let output = flink_retention(&arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains(&format!("{base}/.Trash is of the store itself")),
        "{said}"
    );
    let contents = directory.runtime.block_on(async {
        let read = directory.store.read(&old, 9).await;
        aside
            .delete(&directory.path(&"ckp/.Trash".parse().unwrap()), true)
            .await
            .unwrap();
        read.unwrap().bytes
    });
    assert_eq!(contents, "x");
    assert_eq!(directory.files(), before);
    for part in [".Trash/flink/Current", ".snapshot/s", "x/.reserved"] {
        let output = flink_retention(&["plan", &format!("{base}/{part}")]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(refusal(&output).contains("is of HDFS itself"));
    }
}

/// What is mounted where in a view only its clients know. Looked for under the same name in a file system, its directory
/// would be absent, and so hold nothing.
#[test]
fn a_job_whose_directory_is_named_by_a_view_may_need_everything() {
    let directory = Directory::of(
        &SERVER,
        &SERVER.authority(),
        "view",
        &entry("2.3.0", "rocksdb-incremental").unwrap(),
    );
    let (base, before) = (directory.base(), directory.files());
    let manifests = tempfile::tempdir().unwrap();
    let deployment = format!(
        "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata: {{name: orders, namespace: flink}}\n\
         spec:\n  flinkVersion: v2_0\n  flinkConfiguration:\n    execution.checkpointing.dir: viewfs://{}/other\n  \
         job: {{jarURI: local:///job.jar, state: running}}\n",
        SERVER.authority()
    );
    fs::write(manifests.path().join("orders.yaml"), deployment).unwrap();
    let plan = |more: &[&str]| {
        let mut arguments = NOW.to_vec();
        arguments.extend(more);
        arguments.push(&base);
        let lines = json("plan", &arguments);
        let orphans = lines.iter().filter(|line| line["decision"] == "orphan");
        let unread = lines.iter().filter(|line| {
            let reason = line["reason"].as_str().unwrap_or_default();
            line["decision"] == "protected" && reason.contains("viewfs://")
        });
        (orphans.count() as u64, unread.count() as u64)
    };
    let garbage = directory.truth.unreferenced_files;
    assert_eq!(plan(&[]), (garbage, 0));
    let manifests = manifests.path().to_str().unwrap();
    assert_eq!(plan(&["--manifests", manifests]), (0, garbage));
    assert_eq!(directory.files(), before);
}

/// The name that Flink's configuration has, with the addresses of its `NameNodes` in `HADOOP_CONF_DIR`.
#[test]
fn a_nameservice_is_reached_whichever_name_node_is_active() {
    let server = HdfsServer::start_highly_available().unwrap();
    let directory = Directory::of(
        &server,
        NAMESERVICE,
        "ha",
        &entry("2.3.0", "rocksdb-incremental").unwrap(),
    );
    let configuration = server.configuration().unwrap();
    let settings = [
        ("HADOOP_USER_NAME", USER),
        ("HADOOP_CONF_DIR", configuration.to_str().unwrap()),
    ];
    let base = directory.base();
    server.ask("fail-over?to=1").unwrap();
    let mut arguments = vec!["prune", "--output", "json"];
    arguments.extend(NOW);
    arguments.extend(["--yes", &base]);
    let deleted = lines(&in_shell_of(&settings, &arguments));
    assert_eq!(
        deleted.last().unwrap()["deleted"]["files"].as_u64(),
        Some(directory.truth.unreferenced_files)
    );
    server.ask("fail-over?to=0").unwrap();
    let verified = lines(&in_shell_of(
        &settings,
        &["verify", "--output", "json", &base],
    ));
    assert_eq!(verified[0]["state"], "restorable", "{verified:?}");
    assert_eq!(
        directory.files(),
        directory.files_of_role(&["metadata", "referenced"])
    );
    // Two names of one place.
    let path = base.strip_prefix(&format!("hdfs://{NAMESERVICE}")).unwrap();
    let other = format!("hdfs://{}{path}", server.authority());
    let overlap = refusal(&in_shell_of(&settings, &["plan", &base, &other]));
    assert!(overlap.contains("overlap"), "{overlap}");
}

#[test]
fn what_cannot_be_reached_is_said_on_one_line() {
    let directory = Directory::of(
        &SERVER,
        &SERVER.authority(),
        "errors",
        &entry("2.3.0", "finished").unwrap(),
    );
    let base = directory.base();
    let missing = format!("{base}/misspelt");
    let said = refusal(&flink_retention(&["plan", &missing]));
    assert!(
        said.contains(&missing) && said.contains("does not exist"),
        "{said}"
    );
    let path = directory
        .url
        .replace(&format!("hdfs://{}", SERVER.authority()), "");
    SERVER
        .ask(&format!("permission?path={path}/ckp&octal=700"))
        .unwrap();
    let stranger = [("HADOOP_USER_NAME", "stranger")];
    let said = refusal(&in_shell_of(&stranger, &["plan", &base]));
    assert!(
        said.contains("permission denied") && said.contains(&base),
        "{said}"
    );
    let said = refusal(&flink_retention(&["plan", "hdfs://127.0.0.1:1/ckp"]));
    assert!(said.contains("hdfs://127.0.0.1:1/ckp"), "{said}");
    let usage = flink_retention(&["plan", "hdfs:///ckp"]);
    assert_eq!(usage.status.code(), Some(2));
    let text = String::from_utf8(usage.stderr).unwrap();
    assert!(text.contains("names no NameNode"), "{text}");
}
