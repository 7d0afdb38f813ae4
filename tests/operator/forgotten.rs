//! P1 across bases: a resource and its inventory vanish, as with a namespace or in an old backup of the cluster.

use testbed::snapshot::SnapshotFile;

use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::{BASE, Volume, deleted_files, mark};

const ORDERS: &str = "000000000000000000000000000000a1";
const CLICKS: &str = "000000000000000000000000000000a2";
const INVENTORY: &str = "ckinv/clicks.flinkdeployment";

#[test]
fn p1_what_a_forgotten_job_names_in_the_directory_of_another_stays() {
    let (cluster, volume) = (Cluster::start(), Volume::new());
    volume.checkpoint(ORDERS, 3);
    let orphans = volume.orphans(ORDERS, 2);
    let named = orphans[0].strip_prefix("ckp/").unwrap();
    let snapshot = SnapshotFile {
        checkpoint_id: 1,
        shared: vec![(format!("{BASE}/{named}"), 11)],
        exclusive: Vec::new(),
    };
    let path = format!("../other/{CLICKS}/chk-1/_metadata");
    volume.write(&path, &snapshot.to_bytes());
    FlinkJob::finished("orders", ORDERS, BASE).apply(&cluster);
    FlinkJob::finished("clicks", CLICKS, "file:/data/other").apply(&cluster);
    let _operator = OperatorProcess::start(&cluster, volume.options("operator"));
    for job in ["orders", "clicks"] {
        cluster.wait(
            &format!("ckinv/{job}.flinkdeployment"),
            "jsonpath={.status.ownerClass}=terminal",
        );
    }
    mark(&cluster, "payments");

    cluster.delete("flinkdep/clicks");
    // That it was deleted is the last that is written into it; after that nobody makes it anew.
    cluster.wait(INVENTORY, "jsonpath={.spec.lineage[0].deletedTime}");
    cluster.wait(INVENTORY, "condition=ResourcePresent=False");
    cluster.delete(INVENTORY);
    let run = cluster.run("forgotten", "payments", "Enforce");
    assert_eq!(deleted_files(&run), 1, "{run}");
    assert_eq!(volume.gone(&orphans), [orphans[1].as_str()]);
    crate::volume::grace_is_over();
    let run = cluster.run("still-forgotten", "payments", "Enforce");
    assert_eq!(deleted_files(&run), 0, "{run}");

    // Where it was cannot be seen any more: all that it could name stays.
    let later = volume.orphans(ORDERS, 2);
    std::fs::remove_dir_all(volume.path("../other")).unwrap();
    for case in ["not-mounted", "still-not-mounted"] {
        let run = cluster.run(case, "payments", "Enforce");
        assert_eq!(deleted_files(&run), 0, "{run}");
        let guards = run["status"]["protectedBy"].as_array().unwrap();
        let found = guards
            .iter()
            .find(|entry| entry["guard"] == "missing-evidence");
        let why = found.unwrap()["message"].as_str().unwrap();
        assert!(why.contains("named files here until"), "{why}");
        crate::volume::grace_is_over();
    }
    assert!(volume.gone(&later).is_empty());
}
