//! What is not said about jobs, or said wrongly, deletes nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use testbed::snapshot::SnapshotFile;

const OVER: &str = "00000000000000000000000000000abc";
const NEW: &str = "00000000000000000000000000000def";
const MONTH: Duration = Duration::from_hours(30 * 24);
const UUID: &str = "0a7e0a7e-1111-2222-3333-0123456789ab";

/// A job with two checkpoints, of which a rule expires the older one, and an orphan.
struct Base(tempfile::TempDir);

impl Base {
    fn new() -> Self {
        let base = Self(tempfile::tempdir().unwrap());
        for id in [4, 5] {
            base.checkpoint(OVER, id);
        }
        base.file(OVER, &format!("shared/{UUID}"), b"orphan");
        base
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("ckp")
    }

    fn file(&self, job: &str, path: &str, bytes: &[u8]) {
        let file = self.path().join(job).join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, bytes).unwrap();
        let file = fs::File::options().write(true).open(file).unwrap();
        file.set_modified(SystemTime::now() - MONTH).unwrap();
    }

    fn checkpoint(&self, job: &str, checkpoint_id: u64) {
        let snapshot = SnapshotFile {
            checkpoint_id,
            ..SnapshotFile::default()
        };
        let metadata = format!("chk-{checkpoint_id}/_metadata");
        self.file(job, &metadata, &snapshot.to_bytes());
    }

    /// As Flink makes it when a job starts.
    fn started(&self, job: &str) {
        for part in ["shared", "taskowned"] {
            fs::create_dir_all(self.path().join(job).join(part)).unwrap();
        }
    }

    fn older(&self) -> bool {
        self.path().join(OVER).join("chk-4/_metadata").exists()
    }

    fn orphan(&self) -> bool {
        let orphan = self.path().join(OVER).join("shared").join(UUID);
        orphan.exists()
    }

    fn run(&self, command: &str, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_flink-retention"))
            .arg(command)
            .arg(self.path())
            .args(["--grace-period", "0s", "--keep-last", "1"])
            .args(arguments)
            .output()
            .unwrap()
    }

    fn prune(&self, arguments: &[&str]) -> Output {
        let mut all = vec!["--yes"];
        all.extend(arguments);
        self.run("prune", &all)
    }
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn refused(output: &Output, part: &str) {
    let error = complaint(output);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains(part), "{part:?} is not in: {error}");
}

#[test]
fn the_base_of_these_tests_has_something_to_delete() {
    let base = Base::new();
    let output = base.prune(&["--stopped", OVER]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(!base.older() && !base.orphan(), "{}", said(&output));
}

#[test]
fn a_job_that_just_started_and_that_nobody_names_may_need_everything() {
    let base = Base::new();
    base.started(NEW);
    for command in ["plan", "prune"] {
        let told = said(&base.run(command, &["--stopped", OVER]));
        assert!(
            told.contains("without a checkpoint of their own") && told.contains(NEW),
            "{told}"
        );
    }
    let output = base.prune(&["--stopped", OVER]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(base.older() && base.orphan(), "{}", said(&output));
    base.prune(&["--stopped", OVER, "--running", NEW]);
    assert!(base.older() && base.orphan());
    base.prune(&["--stopped", "all"]);
    assert!(!base.older() && !base.orphan());
}

#[test]
fn a_job_with_a_checkpoint_of_its_own_needs_what_that_names() {
    let base = Base::new();
    base.started(NEW);
    base.checkpoint(NEW, 6);
    let output = base.prune(&["--stopped", OVER]);
    assert!(!base.older() && !base.orphan(), "{}", said(&output));
    // A checkpoint in the making is none.
    let base = Base::new();
    base.file(NEW, &format!("chk-6/{UUID}"), b"state");
    base.prune(&["--stopped", OVER]);
    assert!(base.older() && base.orphan());
}

#[test]
fn a_pin_that_pins_nothing_is_refused() {
    let base = Base::new();
    let pin = |path: &str| base.prune(&["--stopped", OVER, "--pin", path]);
    refused(
        &pin(&format!("{OVER}/chk-40")),
        "chk-40: no such snapshot here",
    );
    refused(
        &pin("savepoint-000000-0123456789ab"),
        "no such snapshot here",
    );
    refused(&pin("./chk-4"), "names no snapshot");
    assert!(base.older() && base.orphan());
    let output = pin(&format!("./{OVER}/./chk-4/./_metadata"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(base.older() && !base.orphan(), "{}", said(&output));
}

/// A manifest of the job with this status.
fn manifest(base: &Base, kind: &str, status: &str) -> PathBuf {
    let status = status.replace("ID", OVER);
    let manifest = format!(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: flink.apache.org/v1beta1\n  kind: {kind}\n  \
         metadata: {{name: orders, namespace: flink}}\n  spec:\n    deploymentName: session\n    flinkVersion: v2_0\n    \
         flinkConfiguration: {{execution.checkpointing.dir: \"file://{}\"}}\n    job: {{jarURI: local:///job.jar, state: \
         running}}\n  status: {{{status}}}\n",
        base.path().display()
    );
    let manifests = base.0.path().join("manifests");
    fs::create_dir_all(manifests.join("deep")).unwrap();
    fs::write(manifests.join("deep/orders.yaml"), manifest).unwrap();
    manifests
}

#[test]
fn a_job_that_runs_by_its_manifest_is_not_stopped() {
    let deployment = "FlinkDeployment";
    for (kind, status) in [
        (deployment, "jobStatus: {jobId: ID, state: RUNNING}"),
        (
            deployment,
            "jobManagerDeploymentStatus: READY, jobStatus: {jobId: ID, state: RECONCILING}",
        ),
        (
            deployment,
            "jobManagerDeploymentStatus: DEPLOYED_NOT_READY, jobStatus: {jobId: ID, state: RECONCILING}",
        ),
        (
            deployment,
            "jobManagerDeploymentStatus: DEPLOYING, jobStatus: {jobId: ID, state: FINISHED}",
        ),
        (
            deployment,
            "jobManagerDeploymentStatus: MISSING, jobStatus: {jobId: ID, state: RECONCILING}",
        ),
        (
            deployment,
            "jobManagerDeploymentStatus: ERROR, jobStatus: {jobId: ID}",
        ),
        ("FlinkSessionJob", "jobStatus: {jobId: ID, state: CREATED}"),
        (
            "FlinkSessionJob",
            "jobStatus: {jobId: ID, state: RESTARTING}",
        ),
        (
            "FlinkSessionJob",
            "jobStatus: {jobId: ID, state: RECONCILING}",
        ),
        ("FlinkSessionJob", "jobStatus: {jobId: ID, state: FAILING}"),
        ("FlinkSessionJob", "jobStatus: {jobId: ID, state: NEW_WORD}"),
    ] {
        let base = Base::new();
        let manifests = manifest(&base, kind, status);
        let manifests = manifests.to_str().unwrap();
        let prune = |stopped: &str| base.prune(&["--manifests", manifests, "--stopped", stopped]);
        refused(&prune(OVER), &format!("{kind} orders in "));
        let error = complaint(&prune("all"));
        assert!(
            error.contains("does not cover") && error.contains("orders.yaml"),
            "{status}: {error}"
        );
        assert!(base.older() && base.orphan(), "{status}");
    }
}

#[test]
fn a_job_that_is_over_by_its_manifest_may_be_called_stopped() {
    for status in [
        "jobStatus: {jobId: ID, state: FINISHED}",
        "jobStatus: {jobId: ID, state: CANCELED}",
        "jobManagerDeploymentStatus: ERROR, jobStatus: {jobId: ID, state: FAILED}",
        "jobManagerDeploymentStatus: MISSING, jobStatus: {jobId: ID, state: SUSPENDED}",
    ] {
        let base = Base::new();
        let manifests = manifest(&base, "FlinkDeployment", status);
        let manifests = manifests.to_str().unwrap();
        let output = base.prune(&["--manifests", manifests, "--stopped", "all"]);
        assert!(!complaint(&output).contains("does not cover"), "{output:?}");
        assert!(!base.orphan(), "{status}: {}", said(&output));
    }
}
