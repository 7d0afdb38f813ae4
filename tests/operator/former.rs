//! Job ids that a resource has had before, and resources that are gone.

use serde_json::{Value, json};

use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::{BASE, Volume, deleted_files, mark};

const FIRST: &str = "000000000000000000000000000000a1";
const SECOND: &str = "000000000000000000000000000000a2";
const LEDGER: &str = "000000000000000000000000000ced9e";
const INVENTORY: &str = "ckinv/orders.flinkdeployment";

/// An index that does not exist yet would be an error; a filter waits.
fn recorded(id: &str) -> String {
    format!("jsonpath={{.spec.lineage[?(@.jobId==\"{id}\")].jobId}}={id}")
}

fn guard<'a>(run: &'a Value, name: &str) -> &'a str {
    let guards = run["status"]["protectedBy"].as_array().unwrap();
    let found = guards.iter().find(|guard| guard["guard"] == name);
    found.unwrap_or_else(|| panic!("not protected by {name}: {run}"))["message"]
        .as_str()
        .unwrap()
}

#[test]
fn a_former_id_is_pruned_only_when_its_successor_has_a_checkpoint_of_its_own() {
    let (cluster, volume) = (Cluster::start(), Volume::new());
    volume.checkpoint(FIRST, 3);
    let orphans = volume.orphans(FIRST, 3);
    let first = FlinkJob {
        state: "RUNNING".to_owned(),
        ..FlinkJob::finished("orders", FIRST, BASE)
    };
    first.apply(&cluster);
    let _operator = OperatorProcess::start(&cluster, volume.options("operator"));
    cluster.wait(INVENTORY, &recorded(FIRST));

    // An upgrade. The new job has completed nothing: it may still need all that it was restored from.
    let second = FlinkJob::finished("orders", SECOND, BASE);
    second.apply(&cluster);
    cluster.wait(INVENTORY, &recorded(SECOND));
    mark(&cluster, "payments");
    let run = cluster.run("no-successor", "payments", "Enforce");
    assert_eq!(deleted_files(&run), 0, "{run}");
    let why = guard(&run, "unknown-owner");
    assert!(
        why.contains(SECOND) && why.contains("no restorable checkpoint of its own yet"),
        "{why}"
    );

    // Half a checkpoint is none.
    volume.checkpoint(SECOND, 1);
    let own = volume.path(&format!("{SECOND}/shared"));
    let away = volume.path("away");
    std::fs::rename(&own, &away).unwrap();
    let run = cluster.run("half-a-successor", "payments", "Enforce");
    assert_eq!(deleted_files(&run), 0, "{run}");
    assert!(guard(&run, "unknown-owner").contains("of its own yet"));
    std::fs::rename(&away, &own).unwrap();

    // While it runs, storage alone does not say that the checkpoint is complete: Flink must say so as well.
    FlinkJob {
        state: "RUNNING".to_owned(),
        ..second.clone()
    }
    .apply(&cluster);
    cluster.wait(INVENTORY, "jsonpath={.status.ownerClass}=running");
    let run = cluster.run("storage-alone", "payments", "Enforce");
    assert_eq!(deleted_files(&run), 0, "{run}");

    // A whole one, of a job that is over: what the former id left behind is marked, then goes. Its newest checkpoint stays.
    let before = volume.tree();
    second.apply(&cluster);
    cluster.wait(INVENTORY, "jsonpath={.status.ownerClass}=terminal");
    let run = cluster.run("successor", "payments", "Enforce");
    assert_eq!(deleted_files(&run), 0, "it is marked first: {run}");
    assert_eq!(run["status"]["decisions"]["orphan"]["files"], 3, "{run}");
    crate::volume::grace_is_over();
    let run = cluster.run("ripe", "payments", "Enforce");
    assert_eq!(deleted_files(&run), 3, "{run}");
    volume
        .tree()
        .assert_is(&before.without(orphans.iter().map(String::as_str)));
}

#[test]
fn what_a_deleted_resource_left_stays() {
    let (cluster, volume) = (Cluster::start(), Volume::new());
    for job in [FIRST, LEDGER] {
        volume.checkpoint(job, 3);
    }
    let (kept, orphans) = (volume.orphans(FIRST, 2), volume.orphans(LEDGER, 2));
    let before = volume.tree();
    FlinkJob::finished("orders", FIRST, BASE).apply(&cluster);
    FlinkJob::finished("ledger", LEDGER, BASE).apply(&cluster);
    let _operator = OperatorProcess::start(&cluster, volume.options("operator"));
    for job in ["orders", "ledger"] {
        cluster.wait(
            &format!("ckinv/{job}.flinkdeployment"),
            "jsonpath={.status.ownerClass}=terminal",
        );
    }
    // The files of both are marked and ripe when one of them is deleted.
    mark(&cluster, "payments");
    cluster.delete("flinkdep/orders");
    let gone = cluster.wait(INVENTORY, "condition=ResourcePresent=False");
    cluster.wait(INVENTORY, "jsonpath={.spec.lineage[0].deletedTime}");
    assert_eq!(gone["spec"]["lineage"][0]["jobId"], FIRST);
    let run = cluster.run("after", "payments", "Enforce");
    assert_eq!(deleted_files(&run), 2, "{run}");
    assert!(
        guard(&run, "deleted-job").contains("its resource was deleted"),
        "{run}"
    );
    volume
        .tree()
        .assert_is(&before.without(orphans.iter().map(String::as_str)));
    assert!(volume.gone(&kept).is_empty());

    assert_eq!(
        cluster.get(INVENTORY)["status"]["ownerClass"],
        json!("unknown")
    );

    // Another one of its name is no successor, even with a checkpoint of its own.
    volume.checkpoint(SECOND, 1);
    let before = volume.tree();
    FlinkJob::finished("orders", SECOND, BASE).apply(&cluster);
    let anew = cluster.wait(INVENTORY, &recorded(SECOND));
    let lineage = anew["spec"]["lineage"].as_array().unwrap();
    assert_eq!(lineage[0]["jobId"], FIRST);
    assert_ne!(lineage[0]["uid"], lineage[1]["uid"]);
    cluster.wait(INVENTORY, "jsonpath={.status.ownerClass}=terminal");
    for case in ["anew", "anew-later"] {
        let run = cluster.run(case, "payments", "Enforce");
        assert_eq!(deleted_files(&run), 0, "{run}");
        let why = guard(&run, "deleted-job");
        assert!(why.contains("has no deletedJobs"), "{why}");
    }
    volume.tree().assert_is(&before);
}
