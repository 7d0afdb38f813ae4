//! `deletedJobs`: what a deleted Flink resource left goes when its time is over, and not before.

use serde_json::{Value, json};

use crate::kinds::uninstall;
use crate::support::{Cluster, FlinkJob, OperatorProcess, Tree};
use crate::volume::{BASE, Volume, deleted_files, mark};

const FIRST: &str = "000000000000000000000000000000a1";
const SECOND: &str = "000000000000000000000000000000a2";
const LEDGER: &str = "000000000000000000000000000ced9e";
const INVENTORY: &str = "ckinv/orders.flinkdeployment";

/// The jobs `orders` and `ledger`, both over, with a checkpoint and two orphans each, which are marked and ripe.
struct Deleted {
    cluster: Cluster,
    volume: Volume,
    operator: OperatorProcess,
}

impl Deleted {
    fn new() -> Self {
        let (cluster, volume) = (Cluster::start(), Volume::new());
        for job in [FIRST, LEDGER] {
            volume.checkpoint(job, 3);
            volume.orphans(job, 2);
        }
        FlinkJob::finished("orders", FIRST, BASE).apply(&cluster);
        FlinkJob::finished("ledger", LEDGER, BASE).apply(&cluster);
        let operator = OperatorProcess::start(&cluster, volume.options("operator"));
        for job in ["orders", "ledger"] {
            cluster.wait(
                &format!("ckinv/{job}.flinkdeployment"),
                "jsonpath={.status.ownerClass}=terminal",
            );
        }
        mark(&cluster, "payments");
        Self {
            cluster,
            volume,
            operator,
        }
    }

    fn expire_after(&self, duration: &str) {
        let rule = json!({"spec": {"deletedJobs": {"expireAfter": duration}}});
        self.cluster.patch("frp/payments", &rule);
    }

    /// Deletes `orders` and waits until the deletion is recorded. Gives the time.
    fn delete(&self) -> String {
        self.cluster.delete("flinkdep/orders");
        self.deletion_is_recorded()
    }

    fn deletion_is_recorded(&self) -> String {
        let recorded = "jsonpath={.spec.lineage[0].deletedTime}";
        let inventory = self.cluster.wait(INVENTORY, recorded);
        text(&inventory["spec"]["lineage"][0]["deletedTime"])
    }

    fn run(&self, name: &str) -> Value {
        let run = self.cluster.run(name, "payments", "Enforce");
        assert_eq!(
            run["status"]["phase"],
            "Succeeded",
            "{run}\n{}",
            self.operator.log()
        );
        run
    }

    fn left_of_first(&self) -> usize {
        of_job(&self.volume.tree(), FIRST)
    }
}

fn of_job(tree: &Tree, job: &str) -> usize {
    tree.0.keys().filter(|path| path.contains(job)).count()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn says(run: &Value, guard: &str, part: &str) {
    let guards = run["status"]["protectedBy"].as_array().unwrap();
    let found = guards.iter().find(|entry| entry["guard"] == guard);
    let message = found.unwrap_or_else(|| panic!("no {guard}: {run}"))["message"].as_str();
    assert!(message.unwrap().contains(part), "{run}");
}

/// LC 50.
#[test]
fn it_goes_when_its_time_is_over_and_the_living_stay() {
    let mut deleted = Deleted::new();
    // The recorded labels speak for it: the policy selects by them.
    let selector = json!({"spec": {"selector": {"matchLabels": {"team": "payments"}}}});
    deleted.cluster.patch("frp/payments", &selector);
    let time = deleted.delete();

    let run = deleted.run("no-rule");
    assert_eq!(deleted_files(&run), 2, "the orphans of ledger: {run}");
    says(&run, "deleted-job", "the policy has no deletedJobs");
    deleted.expire_after("30d");
    let run = deleted.run("not-yet");
    assert_eq!(deleted_files(&run), 0, "{run}");
    says(&run, "deleted-job", "stays until");
    assert_eq!(deleted.left_of_first(), 5);

    // Another process knows it as well.
    deleted.operator.kill();
    deleted.operator = OperatorProcess::start(&deleted.cluster, deleted.volume.options("other"));
    assert_eq!(deleted.deletion_is_recorded(), time);
    deleted.expire_after("1s");
    let run = deleted.run("marks-the-checkpoint");
    assert_eq!(deleted_files(&run), 2, "its orphans were ripe: {run}");
    crate::volume::grace_is_over();
    let run = deleted.run("ripe");
    assert_eq!(deleted_files(&run), 2, "its checkpoint: {run}");
    crate::volume::grace_is_over();
    deleted.run("its-shared-file-is-marked");
    crate::volume::grace_is_over();
    deleted.run("all-of-it");
    assert_eq!(deleted.left_of_first(), 0);
    assert_eq!(of_job(&deleted.volume.tree(), LEDGER), 3, "P2");
}

/// LC 51: whoever comes back may want to start from it.
#[test]
fn made_anew_before_that_all_stays() {
    let deleted = Deleted::new();
    deleted.expire_after("1s");
    deleted.cluster.delete("flinkdep/orders");
    let anew = FlinkJob {
        state: "RUNNING".to_owned(),
        ..FlinkJob::finished("orders", SECOND, BASE)
    };
    anew.apply(&deleted.cluster);
    deleted.deletion_is_recorded();
    let recorded = format!("jsonpath={{.spec.lineage[?(@.jobId==\"{SECOND}\")].jobId}}={SECOND}");
    deleted.cluster.wait(INVENTORY, &recorded);
    for case in ["anew", "anew-later"] {
        let run = deleted.run(case);
        says(
            &run,
            "unknown-owner",
            "no restorable checkpoint of its own yet",
        );
        crate::volume::grace_is_over();
    }
    assert_eq!(deleted.left_of_first(), 5);
}

/// A lineage that forgets only protects more.
#[test]
fn a_backup_of_the_record_protects() {
    let mut deleted = Deleted::new();
    deleted.expire_after("1s");
    let before = deleted.cluster.get(INVENTORY)["spec"].clone();
    let first = deleted.delete();
    let (status, _) = deleted.operator.terminate();
    assert!(status.success());

    // From before the deletion: since when is not known any more, so it counts anew, from a later second on.
    crate::volume::grace_is_over();
    deleted.cluster.patch(INVENTORY, &json!({"spec": before}));
    deleted.operator = OperatorProcess::start(&deleted.cluster, deleted.volume.options("second"));
    let again = deleted.deletion_is_recorded();
    assert!(again > first, "{again} {first}");

    // From before the job: nobody knows whose it is.
    let (status, _) = deleted.operator.terminate();
    assert!(status.success());
    deleted
        .cluster
        .patch(INVENTORY, &json!({"spec": {"lineage": []}}));
    deleted.operator = OperatorProcess::start(&deleted.cluster, deleted.volume.options("third"));
    for case in ["forgotten", "forgotten-later"] {
        deleted.run(case);
        crate::volume::grace_is_over();
    }
    assert_eq!(deleted.left_of_first(), 5);
}

/// Whoever removes the definition removes every resource, and brings them back.
#[test]
fn without_its_kind_nothing_is_taken_for_deleted() {
    let deleted = Deleted::new();
    deleted.expire_after("1s");
    uninstall(&deleted.cluster, &["flinkdeployments"]);
    for case in ["no-kind", "no-kind-later"] {
        let run = deleted.run(case);
        says(
            &run,
            "unknown-owner",
            "the API server does not know the kind",
        );
        assert_eq!(deleted_files(&run), 0, "{run}");
        crate::volume::grace_is_over();
    }
    assert_eq!(deleted.left_of_first(), 5);
}
