//! What `examples/` and the README show does what they say. That an API server takes each manifest is looked at with those of
//! the documentation (`tests/documentation/manifests.rs`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use flink_retention::operator::administrator::Administrator;
use testbed::snapshot::SnapshotFile;
use testbed::tools;

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn example(name: &str) -> PathBuf {
    repository().join("examples").join(name)
}

/// As Flink's native Kubernetes integration labels JobManagers, and the chart our pods.
#[test]
fn the_network_policy_names_pods_as_they_are_labelled() {
    let text = fs::read_to_string(example("networkpolicy-jobmanager.yaml")).unwrap();
    let chart = repository().join("charts/flink-retention-operator/Chart.yaml");
    let chart = fs::read_to_string(chart).unwrap();
    assert!(text.contains("component: jobmanager"));
    let name = chart.lines().find_map(|line| line.strip_prefix("name: "));
    assert!(text.contains(&format!("[{},", name.unwrap())), "{text}");
}

#[test]
fn the_administrators_file_is_understood() {
    let text = fs::read_to_string(example("administrator.yaml")).unwrap();
    let administrator = Administrator::parse(&text).unwrap();
    let floors = administrator.floors;
    assert_eq!(
        (floors.min_age.as_hours(), floors.grace_period.as_hours()),
        (24, 24)
    );
    assert_eq!(administrator.grants.len(), 1);
}

#[test]
fn the_chart_takes_the_values() {
    let home = tempfile::tempdir().unwrap();
    let chart = repository().join("charts/flink-retention-operator");
    let output = Command::new(tools::helm().unwrap())
        .arg("template")
        .arg("flink-retention")
        .arg(chart)
        .args(["--namespace=flink", "--kube-version=1.33.0", "--values"])
        .arg(example("values.yaml"))
        .envs(
            ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"]
                .map(|name| (name, home.path())),
        )
        .output()
        .unwrap();
    let rendered = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        rendered.contains("--mount=flink/file:/opt/flink/volume=/mnt/flink"),
        "{rendered}"
    );
    assert!(rendered.contains("claimName: flink"), "{rendered}");
}

/// The job and the orphan that the README speaks of.
const JOB: &str = "4f1c0de2a9b84b6f9d3e5a7c1b2d3e4f";
const ORPHAN: &str = "0a7e5c1d-93b2-4f6e-8a40-5d2c7b9e1f63";

#[test]
fn the_commands_of_the_readme_work() {
    let directory = tempfile::tempdir().unwrap();
    one_job_with_an_orphan(directory.path());
    let commands = commands_of_the_readme();
    assert_eq!(commands.len(), 6, "{commands:#?}");
    for command in commands {
        let output = Command::new("sh")
            .args(["-c", &command])
            .current_dir(directory.path())
            .env("PATH", path_with_the_program())
            .output()
            .unwrap();
        let (told, failed) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{command}\n{told}\n{failed}");
        assert!(!told.is_empty(), "{command}");
    }
}

/// The lines of the first block after "Quick start".
fn commands_of_the_readme() -> Vec<String> {
    let text = fs::read_to_string(repository().join("README.md")).unwrap();
    let (_, rest) = text.split_once("## Quick start").unwrap();
    let (_, rest) = rest.split_once("```sh\n").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    block
        .lines()
        .filter(|line| line.starts_with("flink-retention "))
        .map(str::to_owned)
        .collect()
}

fn path_with_the_program() -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_flink-retention"));
    format!(
        "{}:{}",
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    )
}

fn one_job_with_an_orphan(directory: &Path) {
    // As Flink would name it.
    let job = directory
        .canonicalize()
        .unwrap()
        .join("checkpoints")
        .join(JOB);
    let shared = job.join("shared/5b1e0c7a-2f34-4d8b-9c61-7a0e3d5f8b92");
    let snapshot = SnapshotFile {
        checkpoint_id: 7,
        shared: vec![(shared.to_str().unwrap().to_owned(), 9)],
        exclusive: Vec::new(),
    };
    put(&shared, b"nine byte");
    put(&job.join("shared").join(ORPHAN), b"superfluous");
    put(&job.join("chk-7/_metadata"), &snapshot.to_bytes());
}

fn put(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_hours(48))
        .unwrap();
}
