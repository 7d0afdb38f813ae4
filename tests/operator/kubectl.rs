//! `kubectl flink-retention`, by the real kubectl.

use std::os::unix::fs::symlink;
use std::process::{Command, Output};

use serde_json::{Value, json};
use testbed::tools;

use crate::approval::AWAITING;
use crate::deleting::LEDGER;
use crate::support::cluster::NAMESPACE;
use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::{BASE, Volume, grace_is_over, mark};

/// A PATH with kubectl and its plugin.
struct Shell<'c> {
    cluster: &'c Cluster,
    path: tempfile::TempDir,
}

impl<'c> Shell<'c> {
    fn new(cluster: &'c Cluster) -> Self {
        let path = tempfile::tempdir().unwrap();
        symlink(tools::kubectl().unwrap(), path.path().join("kubectl")).unwrap();
        let plugin = path.path().join("kubectl-flink_retention");
        symlink(env!("CARGO_BIN_EXE_flink-retention"), plugin).unwrap();
        Self { cluster, path }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(self.path.path().join("kubectl"))
            .arg("flink-retention")
            .args(arguments)
            .args(["-n", NAMESPACE])
            .env("PATH", self.path.path())
            .env(
                "KUBECONFIG",
                self.cluster.control_plane.kubeconfig_for_admin(),
            )
            .output()
            .unwrap()
    }

    /// What it says, if it ends with this code.
    fn says(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it complains about, if it ends with this code.
    fn complains(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

/// The words of the row that begins with this one, in the order of the columns.
fn row<'t>(table: &'t str, first: &str) -> Vec<&'t str> {
    let row = table
        .lines()
        .find(|line| line.split_whitespace().next() == Some(first));
    row.unwrap_or_else(|| panic!("no {first} in {table}"))
        .split_whitespace()
        .collect()
}

#[test]
fn a_person_looks_runs_and_approves() {
    let (cluster, volume) = (Cluster::start(), Volume::new());
    let shell = Shell::new(&cluster);
    assert!(
        shell
            .says(0, &["status"])
            .starts_with("reclaimable: not known")
    );
    volume.checkpoint(LEDGER, 3);
    let orphans = volume.orphans(LEDGER, 3);
    FlinkJob::finished("ledger", LEDGER, BASE).apply(&cluster);
    let _operator = OperatorProcess::start(&cluster, volume.options("first"));
    cluster.wait(
        "ckinv/ledger.flinkdeployment",
        "jsonpath={.status.ownerClass}=terminal",
    );
    mark(&cluster, "payments");
    let before = volume.tree();

    // Only a dry run, which says what could go.
    let said = shell.says(0, &["run", "payments", "--wait"]);
    assert!(
        said.starts_with("retentionrun.flink-retention.dev/payments-"),
        "{said}"
    );
    assert!(said.contains("\nSucceeded\n"), "{said}");
    assert!(said.contains("orphan    33 B in 3 files"), "{said}");
    before.assert_is(&volume.tree());

    cluster.wait("frp/payments", "jsonpath={.status.display.reclaimable}=33B");
    let status = shell.says(0, &["status"]);
    assert!(
        status.starts_with("reclaimable: 33 B of 1 job; 1 policy is enforced\n"),
        "{status}"
    );
    assert_eq!(
        row(&status, "payments")[..6],
        ["payments", "Enforce", "True", "True", "1", "33B"]
    );
    let ledger = row(&status, "ledger");
    assert_eq!(ledger[..3], ["ledger", "terminal", "True"], "{status}");
    assert_eq!(ledger[5..], ["33B", "payments"], "{status}");
    assert!(
        status.lines().all(|line| line.chars().count() <= 120),
        "{status}"
    );
    let everywhere = shell.says(0, &["status", "-A", "-o", "wide"]);
    assert!(everywhere.contains("NAMESPACE   POLICY"), "{everywhere}");
    assert!(
        everywhere.contains(&format!("{BASE}/{LEDGER}/chk-3")),
        "{everywhere}"
    );

    // It asks, and what was shown goes.
    cluster.patch("frp/payments", &json!({"spec": {"approval": "Manual"}}));
    let said = shell.says(3, &["run", "payments", "--enforce", "--wait"]);
    let run = said.split([' ', '/']).nth(1).unwrap().to_owned();
    cluster.wait(&format!("frr/{run}"), AWAITING);
    let status = shell.says(0, &["status"]);
    assert!(status.contains(&format!("approve {run}")), "{status}");
    let asked = shell.says(3, &["approve", &run]);
    assert!(
        asked.contains("unreferenced-shared: ") && asked.contains("nothing was approved"),
        "{asked}"
    );
    before.assert_is(&volume.tree());
    let other = ["approve", &run, "--yes", "--plan", "sha256:0"];
    assert!(shell.complains(2, &other).contains("not for sha256:0"));
    before.assert_is(&volume.tree());
    let (_, command) = asked
        .split_once("kubectl flink-retention -n flink ")
        .unwrap();
    let mut words: Vec<&str> = command.split_whitespace().collect();
    words.push("--wait");
    let done = shell.says(0, &words);
    assert!(
        done.contains(" approved\n") && done.contains("deleted   33 B in 3 files"),
        "{done}"
    );
    assert_eq!(volume.gone(&orphans).len(), 3);
    let again = shell.complains(1, &["approve", &run, "--yes", "--plan", "sha256:0"]);
    assert!(again.contains("was approved before"), "{again}");
}

#[test]
fn it_says_why_and_answers_as_kubectl_does() {
    let (cluster, volume) = (Cluster::start(), Volume::new());
    let shell = Shell::new(&cluster);
    volume.checkpoint(LEDGER, 3);
    FlinkJob::finished("ledger", LEDGER, BASE).apply(&cluster);
    let _operator = OperatorProcess::start(&cluster, volume.options("first"));
    cluster.wait(
        "ckinv/ledger.flinkdeployment",
        "jsonpath={.status.ownerClass}=terminal",
    );
    volume.write(
        &format!("{LEDGER}/shared/who-knows"),
        b"a name that Flink does not write",
    );
    mark(&cluster, "ledger");
    grace_is_over();

    // One name, two meanings.
    let both = shell.says(0, &["explain", "ledger"]);
    assert!(both.contains("policy flink/ledger, Enforce\n"), "{both}");
    assert!(
        both.contains("\njob flink/ledger, a FlinkDeployment\n"),
        "{both}"
    );
    let guard = "  guard unknown-name keeps 32 B in 1 file: ";
    let job = shell.says(0, &["explain", "job/ledger"]);
    assert!(
        job.contains(guard) && !job.contains("policy flink/"),
        "{job}"
    );
    assert!(
        job.contains(&format!("would be started from {BASE}/{LEDGER}/chk-3")),
        "{job}"
    );
    let run = shell.says(0, &["explain", "ledger-marks"]);
    assert!(
        run.contains("run flink/ledger-marks of policy ledger, Enforce\n  Succeeded\n"),
        "{run}"
    );
    assert!(run.contains(guard), "{run}");

    let list: Value = serde_json::from_str(&shell.says(0, &["status", "-o", "json"])).unwrap();
    let kinds: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["kind"])
        .collect();
    assert_eq!(kinds, ["RetentionPolicy", "CheckpointInventory"], "{list}");
    let yaml = shell.says(0, &["explain", "run/ledger-marks", "-o", "yaml"]);
    assert!(yaml.contains("kind: RetentionRun\n"), "{yaml}");

    let missing = shell.complains(1, &["explain", "nothing"]);
    assert!(
        missing.contains("there is no policy, run or job nothing in namespace flink"),
        "{missing}"
    );
    let missing = shell.complains(1, &["run", "nothing"]);
    assert!(
        missing.contains("there is no RetentionPolicy nothing in namespace flink"),
        "{missing}"
    );
    let nothing = shell.complains(1, &["approve", "ledger-marks"]);
    assert!(
        nothing.contains("asks nothing: it is Succeeded"),
        "{nothing}"
    );
    let context = shell.complains(1, &["status", "--context", "nowhere"]);
    assert!(context.contains("nowhere"), "{context}");
    cluster
        .control_plane
        .kubectl(["delete", "crd", "retentionruns.flink-retention.dev"])
        .unwrap();
    let unknown = shell.complains(1, &["status"]);
    assert!(
        unknown.contains("the cluster does not know RetentionRun; install the definitions"),
        "{unknown}"
    );
}
