//! Directories of nobody go only if the administrator, the policy and a person say so.

use serde_json::{Value, json};

use crate::approval::{AWAITING, approve, ends_with_reason};
use crate::deleting::LEDGER;
use crate::support::cluster::condition;
use crate::support::operator::Options;
use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::{BASE, Volume, deleted_files, grace_is_over};

/// Nobody has ever seen this job. Its files were modified last an hour ago.
const STRAY: &str = "00000000000000000000000000057a1f";

struct Adopting {
    cluster: Cluster,
    volume: Volume,
    orphans: Vec<String>,
    _operator: OperatorProcess,
}

impl Adopting {
    fn begin(exclusive: bool) -> Self {
        let (cluster, volume) = (Cluster::start(), Volume::new());
        volume.checkpoint(LEDGER, 3);
        volume.checkpoint(STRAY, 3);
        volume.checkpoint(STRAY, 4);
        let orphans = volume.orphans(STRAY, 2);
        FlinkJob::finished("ledger", LEDGER, BASE).apply(&cluster);
        let mut options: Options = volume.options("operator");
        options.administrator["floors"]["adoptIdle"] = json!("30m");
        options.administrator["grants"][0]["bases"][0]["exclusive"] = json!(exclusive);
        let operator = OperatorProcess::start(&cluster, options);
        cluster.wait(
            "ckinv/ledger.flinkdeployment",
            "jsonpath={.status.ownerClass}=terminal",
        );
        let policy = json!({
            "mode": "Enforce",
            "approval": "Manual",
            "checkpoints": {"keepLast": 1},
            "adopt": [{"base": BASE, "idleFor": "30m"}],
        });
        cluster.apply_policy("payments", &policy);
        Self {
            cluster,
            volume,
            orphans,
            _operator: operator,
        }
    }

    /// Nothing is ripe yet, so there is nothing to agree to.
    fn mark(&self, run: &str) {
        let marking = self.cluster.run(run, "payments", "Enforce");
        assert_eq!(marking["status"]["phase"], "Succeeded", "{marking}");
        assert_eq!(deleted_files(&marking), 0, "{marking}");
        grace_is_over();
    }

    /// Asks, and changes nothing meanwhile; then a person agrees.
    fn ask_and_approve(&self, run: &str) -> Value {
        self.cluster.create_run(run, "payments", "Enforce");
        let before = self.volume.tree();
        let asks = self.cluster.wait(&format!("frr/{run}"), AWAITING);
        before.assert_is(&self.volume.tree());
        approve(&self.cluster, &asks);
        ends_with_reason(&self.cluster, run, "Succeeded", "Succeeded")
    }

    fn of(&self, job_id: &str) -> Vec<String> {
        let paths = self.volume.tree().0.into_keys();
        paths.filter(|path| path.contains(job_id)).collect()
    }

    fn left(&self) -> Vec<String> {
        self.of(STRAY)
    }
}

#[test]
fn an_idle_directory_of_nobody_goes_after_a_person_agreed_but_for_its_newest_checkpoint() {
    let adopting = Adopting::begin(true);
    adopting.cluster.wait("frp/payments", "condition=Ready");
    assert_eq!(adopting.left().len(), 8);
    adopting.mark("marks");
    // Two orphans, and the `_metadata` and the own file of the older checkpoint.
    let first = adopting.ask_and_approve("asks");
    assert_eq!(deleted_files(&first), 4, "{first}");
    assert_eq!(adopting.volume.gone(&adopting.orphans).len(), 2);
    // What it shared is nobody's only now.
    adopting.mark("marks-again");
    let second = adopting.ask_and_approve("asks-again");
    assert_eq!(deleted_files(&second), 1, "{second}");
    let left = adopting.left();
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(left.iter().any(|path| path.ends_with("chk-4/_metadata")));
    assert_eq!(
        adopting.of(LEDGER).len(),
        3,
        "the job that is known keeps its only checkpoint"
    );
}

#[test]
fn without_the_administrators_word_nothing_is_adopted() {
    let adopting = Adopting::begin(false);
    let refused = r#"jsonpath={.status.conditions[?(@.type=="Ready")].reason}=NotAdopted"#;
    let policy = adopting.cluster.wait("frp/payments", refused);
    let message = condition(&policy, "Ready")["message"].as_str().unwrap();
    assert!(message.contains("is not exclusive"), "{message}");
    adopting.mark("marks");
    adopting.mark("nothing-to-agree-to");
    assert_eq!(adopting.left().len(), 8);
    assert!(adopting.volume.gone(&adopting.orphans).is_empty());
}
