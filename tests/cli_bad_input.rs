//! Bad input: one clear error each, nothing deleted, and an exit code that is not zero.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const JOB: &str = "00000000000000000000000000000abc";
const ORPHAN: &str = "0a7e0a7e-1111-2222-3333-0123456789ab";

/// A base with one file that any working `prune` would delete.
struct Base {
    directory: tempfile::TempDir,
}

impl Base {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let snapshot = testbed::snapshot::SnapshotFile::default().to_bytes();
        let job = directory.path().join("ckp").join(JOB);
        fs::create_dir_all(job.join("chk-1")).unwrap();
        fs::create_dir_all(job.join("shared")).unwrap();
        fs::write(job.join("chk-1/_metadata"), snapshot).unwrap();
        fs::write(job.join("shared").join(ORPHAN), b"garbage").unwrap();
        Self { directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("ckp")
    }

    fn orphan(&self) -> PathBuf {
        self.path().join(JOB).join("shared").join(ORPHAN)
    }

    fn text(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }
}

fn flink_retention(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flink-retention"))
        .args(arguments)
        .output()
        .unwrap()
}

/// `prune` with everything that makes it delete, plus what is wrong.
fn prune(arguments: &[&str]) -> Output {
    let mut all = vec!["prune", "--yes", "--min-age", "0s", "--grace-period", "0s"];
    all.extend(arguments);
    flink_retention(&all)
}

fn assert_refused(output: &Output, code: i32, part: &str) {
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(error.starts_with("error: "), "{error}");
    let errors = error.lines().filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "one error: {error}");
    assert!(error.contains(part), "{part:?} is not in: {error}");
}

#[test]
fn the_base_of_these_tests_has_something_to_delete() {
    let base = Base::new();
    let output = prune(&["--stopped", "all", &base.text()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(!base.orphan().exists());
}

#[test]
fn flags_that_make_no_sense_are_refused() {
    let base = Base::new();
    let other = "00000000000000000000000000000def";
    for (arguments, part) in [
        (vec!["--stopped", "abc"], "is no job id"),
        (vec!["--running", "all"], "is no job id"),
        (vec!["--stopped", JOB, "--stopped", JOB], "given twice"),
        (vec!["--running", JOB, "--running", JOB], "given twice"),
        (
            vec!["--running", JOB, "--stopped", JOB],
            "as --running and as --stopped",
        ),
        (
            vec!["--stopped", "all", "--stopped", JOB],
            "covers every job",
        ),
        (
            vec!["--stopped", other],
            "no directory here belongs to this job",
        ),
        (
            vec!["--stopped", "all", "--min-age", "soon"],
            "is not a duration",
        ),
        (
            vec!["--stopped", "all", "--grace-period=-1h"],
            "is not a duration",
        ),
        (vec!["--stopped", "all", "--keep-last=-1"], "keep-last"),
        (
            vec!["--stopped", "all", "--pin", "my-savepoint"],
            "names no snapshot",
        ),
        (
            vec!["--stopped", "all", "--max-bytes-per-run", "0"],
            "would never delete",
        ),
        (
            vec!["--stopped", "all", "--max-bytes-per-run", "lots"],
            "lots",
        ),
        (vec!["--stopped", "all", "--mount", "/a=/b"], "is no mount"),
        (vec!["--stopped", "all", "--output", "xml"], "xml"),
        (
            vec!["--stopped", "all", "--owner-id", ""],
            "say who acts here",
        ),
        (
            vec!["--stopped", "all", "--owner-id", " "],
            "say who acts here",
        ),
    ] {
        let text = base.text();
        let mut all = vec!["prune", "--yes"];
        all.extend(&arguments);
        all.push(&text);
        assert_refused(&flink_retention(&all), 2, part);
        assert!(base.orphan().exists(), "{arguments:?}");
    }
}

#[test]
fn nobody_acts_without_a_name() {
    let base = Base::new();
    for command in [vec!["takeover", "--yes", &base.text()], vec!["operator"]] {
        let output = flink_retention(&[&command[..], &["--owner-id", ""]].concat());
        assert_refused(&output, 2, "say who acts here");
    }
}

#[test]
fn a_part_of_a_base_is_refused_by_any_name() {
    let base = Base::new();
    let savepoint = base.path().join("savepoint-000000-0123456789ab");
    fs::create_dir_all(&savepoint).unwrap();
    let job = base.path().join(JOB);
    let parts = [savepoint, job.join("chk-1"), job.join("shared"), job];
    for (number, part) in parts.iter().enumerate() {
        let link = base.directory.path().join(format!("link-{number}"));
        symlink(part, &link).unwrap();
        for (place, name) in [
            (part.as_path(), "."),
            (Path::new("/"), link.to_str().unwrap()),
        ] {
            let output = Command::new(env!("CARGO_BIN_EXE_flink-retention"))
                .args(["prune", "--yes", "--stopped", "all", name])
                .current_dir(place)
                .output()
                .unwrap();
            assert_refused(&output, 2, "name the checkpoint directory above it");
            assert!(!part.join(".flink-retention").exists());
        }
    }
    assert!(base.orphan().exists());
}

#[test]
fn wrong_places_are_refused() {
    let base = Base::new();
    let nothing = base.directory.path().join("nothing");
    let file = base.orphan();
    let loop_ = base.directory.path().join("loop");
    symlink(&loop_, &loop_).unwrap();
    let job = base.path().join(JOB);
    for (path, code, part) in [
        (nothing.as_path(), 1, "does not exist"),
        (file.as_path(), 1, "not a directory"),
        (loop_.as_path(), 1, "loop"),
        (job.as_path(), 2, "the directory of one job"),
    ] {
        for command in ["plan", "prune", "verify"] {
            assert_refused(
                &flink_retention(&[command, path.to_str().unwrap()]),
                code,
                part,
            );
        }
    }
    assert_refused(
        &prune(&[
            "--stopped",
            "all",
            "--mount",
            "file:/x=/does/not/exist",
            &base.text(),
        ]),
        1,
        "/does/not/exist",
    );
    let twice = format!("file:/x={}", base.text());
    let mounts = ["--stopped", "all", "--mount", &twice, "--mount", &twice];
    assert_refused(
        &prune(&[&mounts[..], &[&base.text()]].concat()),
        2,
        "Name it once",
    );
    let (whole, inner) = (base.text(), base.path());
    let outer = base.directory.path().to_str().unwrap();
    assert_refused(&prune(&["--stopped", "all", &whole, &whole]), 2, "overlap");
    assert_refused(
        &prune(&["--stopped", "all", outer, inner.to_str().unwrap()]),
        2,
        "overlap",
    );
    assert_refused(
        &flink_retention(&["inspect", nothing.to_str().unwrap()]),
        1,
        "nothing",
    );
    assert_refused(
        &flink_retention(&["inspect", job.join("shared").to_str().unwrap()]),
        1,
        "there is no _metadata",
    );
    assert_refused(
        &flink_retention(&["inspect", file.to_str().unwrap()]),
        1,
        "not a Flink _metadata file",
    );
    assert_refused(
        &flink_retention(&["explain", nothing.to_str().unwrap()]),
        1,
        "no snapshot that was read names it",
    );
    assert_refused(
        &flink_retention(&["explain", job.to_str().unwrap()]),
        1,
        "is a directory",
    );
    assert!(base.orphan().exists());
}

#[test]
fn broken_manifests_are_refused() {
    let base = Base::new();
    let manifests = tempfile::tempdir().unwrap();
    let file = manifests.path().join("job.yaml");
    for (yaml, part) in [
        ("kind: [", "job.yaml:"),
        ("just text", "is no Kubernetes object"),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n",
            "holds no FlinkDeployment",
        ),
    ] {
        fs::write(&file, yaml).unwrap();
        let output = prune(&[
            "--stopped",
            "all",
            "--manifests",
            manifests.path().to_str().unwrap(),
            &base.text(),
        ]);
        assert_refused(&output, 1, part);
    }
    assert_refused(
        &prune(&["--manifests", "/does/not/exist", &base.text()]),
        1,
        "/does/not/exist",
    );
    assert!(base.orphan().exists());
}

#[test]
fn a_torn_snapshot_is_an_error_and_protects() {
    let base = Base::new();
    let metadata = base.path().join(JOB).join("chk-2/_metadata");
    fs::create_dir_all(metadata.parent().unwrap()).unwrap();
    fs::write(
        &metadata,
        &testbed::snapshot::SnapshotFile::default().to_bytes()[..30],
    )
    .unwrap();
    assert_refused(
        &prune(&["--stopped", "all", &base.text()]),
        3,
        "file ends early",
    );
    assert!(base.orphan().exists());
}

#[test]
fn a_link_in_the_base_is_an_error_and_protects() {
    let base = Base::new();
    symlink(base.path(), base.path().join("cycle")).unwrap();
    for command in ["plan", "prune"] {
        let output = flink_retention(&[command, "--stopped", "all", &base.text()]);
        assert_refused(&output, 3, "it is a link");
    }
    assert_refused(&prune(&["--stopped", "all", &base.text()]), 3, "cycle");
    assert!(base.orphan().exists());
}

/// Permissions mean nothing to root, so this runs as nobody: through `setpriv`, where the tests themselves run as root.
fn as_nobody(arguments: &[&str], readable: &Path) -> Output {
    let is_root = fs::metadata("/proc/self")
        .map(|own| std::os::unix::fs::MetadataExt::uid(&own))
        .unwrap()
        == 0;
    let binary = readable.join("flink-retention");
    // By a process of its own: a test that forks while this one holds the copy open for writing could not run it.
    let copied = Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_flink-retention"))
        .arg(&binary)
        .status();
    assert!(copied.unwrap().success());
    fs::set_permissions(readable, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = if is_root {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&binary);
        command
    } else {
        Command::new(&binary)
    };
    command
        .args(arguments)
        .output()
        .expect("setpriv is missing; install util-linux")
}

#[test]
fn a_directory_that_may_not_be_read_is_an_error_and_protects() {
    let base = Base::new();
    let top = base.directory.path();
    let hidden = base.path().join(JOB).join("shared");
    fs::set_permissions(&hidden, fs::Permissions::from_mode(0o000)).unwrap();
    let arguments = [
        "prune",
        "--stopped",
        "all",
        "--grace-period",
        "0s",
        "--min-age",
        "0s",
        "--yes",
    ];
    let text = base.text();
    let all: Vec<&str> = arguments.iter().copied().chain([text.as_str()]).collect();
    let output = as_nobody(&all, top);
    assert_refused(&output, 1, "permission denied");
    fs::set_permissions(base.path(), fs::Permissions::from_mode(0o000)).unwrap();
    let output = as_nobody(&all, top);
    assert_refused(&output, 1, "permission denied");
    for path in [base.path(), hidden] {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    assert!(base.orphan().exists());
}

#[test]
fn files_that_cannot_be_deleted_are_a_failure() {
    let base = Base::new();
    let shared = base.path().join(JOB).join("shared");
    fs::set_permissions(base.path(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o555)).unwrap();
    let text = base.text();
    let options = ["prune", "--yes", "--stopped", "all", "--min-age", "0s"];
    let all = [&options[..], &["--grace-period", "0s", &text]].concat();
    let output = as_nobody(&all, base.directory.path());
    assert_refused(&output, 1, "1 file could not be deleted");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("failed") && said.contains(ORPHAN), "{said}");
    assert!(base.orphan().exists());
}

/// Without anybody who reads what is printed.
fn unread(arguments: &[&str]) -> Output {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = Command::new(env!("CARGO_BIN_EXE_flink-retention"))
        .args(arguments)
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn();
    child.unwrap().wait_with_output().unwrap()
}

#[test]
fn a_reader_that_is_gone_makes_nothing_well() {
    let base = Base::new();
    let text = base.text();
    let prune = |owner| {
        [
            "prune",
            "--yes",
            "--stopped",
            "all",
            &text,
            "--owner-id",
            owner,
        ]
    };
    let marked = flink_retention(&prune("cluster-a"));
    assert_eq!(marked.status.code(), Some(0), "{marked:?}");
    assert_refused(&unread(&prune("cluster-b")), 1, "is owned by cluster-a");
    fs::write(base.path().join(JOB).join("chk-1/_metadata"), b"torn").unwrap();
    assert_refused(&unread(&["verify", &text]), 3, "cannot be started");
    assert_eq!(unread(&["crds"]).status.code(), Some(0));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let base = Base::new();
    for number in 0..5000 {
        let name = format!("00000000-0000-0000-0000-{number:012}");
        fs::write(base.path().join(JOB).join("shared").join(name), b"").unwrap();
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_flink-retention"))
        .args(["plan", "--output", "json", &base.text()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(first.starts_with('{'));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn help_tells_the_exit_codes() {
    for command in ["inspect", "plan", "prune", "verify", "explain"] {
        let help = String::from_utf8(flink_retention(&[command, "--help"]).stdout).unwrap();
        assert!(
            help.contains("Exit codes:") && help.contains("--mount"),
            "{help}"
        );
    }
}
