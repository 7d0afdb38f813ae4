//! Real Flink under Kubernetes HA: what a killed `JobManager` leaks, and that a restore brings back the exact state.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use testbed::control_plane::ControlPlane;
use testbed::flink::{
    ClaimMode, FlinkCluster, FlinkDistribution, FlinkVersion, SequenceJob, SharedState,
};

const LIMIT: Duration = Duration::from_mins(5);
const FIRST_JOB: &str = "00000000000000000000000000000abc";
const SECOND_JOB: &str = "00000000000000000000000000000abd";
const MORE_NUMBERS: u64 = 5000;

#[test]
fn flink_1_18_leaks_at_each_kill_and_restores_exactly() {
    leaks_at_each_kill_and_restores_exactly(FlinkVersion::V1_18);
}

#[test]
fn flink_1_20_leaks_at_each_kill_and_restores_exactly() {
    leaks_at_each_kill_and_restores_exactly(FlinkVersion::V1_20);
}

#[test]
fn flink_2_3_leaks_at_each_kill_and_restores_exactly() {
    leaks_at_each_kill_and_restores_exactly(FlinkVersion::V2_3);
}

fn leaks_at_each_kill_and_restores_exactly(version: FlinkVersion) {
    let control_plane = ControlPlane::start().unwrap();
    let flink = FlinkDistribution::prepare(version).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = control_plane.kubeconfig_for_admin();

    let mut cluster = FlinkCluster::builder(&flink, &kubeconfig, directory.path())
        .job_id(FIRST_JOB)
        .start()
        .unwrap();
    let mut newest = cluster.wait_for_checkpoint(5, LIMIT).unwrap().id;
    let first_map = high_availability_map(&control_plane).unwrap();
    let mut leaked = SharedState::measure(&cluster.job_directory())
        .unwrap()
        .unnamed_bytes();

    for kill in 1..=2 {
        cluster.restart_job_manager().unwrap();
        // Compaction replaces the files of the recovered checkpoints within some checkpoints.
        newest = cluster.wait_for_checkpoint(newest + 8, LIMIT).unwrap().id;
        let shared = SharedState::measure(&cluster.job_directory()).unwrap();
        println!(
            "Flink {}, after kill {kill}: {} kB named, {} kB unnamed",
            version.release(),
            shared.named_bytes() / 1000,
            shared.unnamed_bytes() / 1000
        );
        assert!(
            shared.unnamed_bytes() > leaked + 1_000_000,
            "kill {kill} leaked nothing: {shared:?}"
        );
        leaked = shared.unnamed_bytes();
    }
    // Flink adds the newest before it takes the oldest away.
    let retained = cluster.wait_for("a map with two checkpoints", LIMIT, |_| {
        let map = high_availability_map(&control_plane).unwrap();
        Ok((checkpoint_entries(&map).len() == 2).then_some(map))
    });
    let map = retained.unwrap();
    assert_eq!(map["metadata"]["uid"], first_map["metadata"]["uid"]);
    assert!(counter(&map) > newest, "{map}");

    cluster.cancel(LIMIT).unwrap();
    assert!(high_availability_map(&control_plane).is_none());
    let (checkpoint, path) = newest_retained(&cluster.job_directory());
    assert!(checkpoint >= newest);
    let position = cluster.progress().unwrap().positions[&checkpoint];

    let mut restored = FlinkCluster::builder(&flink, &kubeconfig, directory.path())
        .job_id(SECOND_JOB)
        .job(SequenceJob {
            numbers_per_second: None,
            numbers: Some(MORE_NUMBERS),
            ..cluster.job().clone()
        })
        .restore_from(&path, ClaimMode::NoClaim)
        // A state that cannot be restored must end the run, not be tried again and again.
        .configure("restart-strategy.type", "none")
        .start()
        .unwrap();
    restored.wait_until_finished(LIMIT).unwrap();
    let progress = restored.progress().unwrap();
    assert_eq!(progress.end, Some(position + MORE_NUMBERS));
    assert_eq!(
        progress.totals,
        restored.job().totals_at(position + MORE_NUMBERS)
    );
}

fn high_availability_map(control_plane: &ControlPlane) -> Option<Value> {
    let name = format!("orders-{FIRST_JOB}-config-map");
    let arguments = [
        "get",
        "configmap",
        &name,
        "--ignore-not-found",
        "--output=json",
    ];
    let json = control_plane.kubectl(arguments).unwrap();
    (!json.is_empty()).then(|| serde_json::from_str(&json).unwrap())
}

fn counter(map: &Value) -> u64 {
    map["data"]["counter"].as_str().unwrap().parse().unwrap()
}

fn checkpoint_entries(map: &Value) -> Vec<&String> {
    let data = map["data"].as_object().unwrap();
    data.keys()
        .filter(|key| key.starts_with("checkpointID-"))
        .collect()
}

fn newest_retained(job_directory: &Path) -> (u64, String) {
    let entries = std::fs::read_dir(job_directory).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("_metadata").is_file())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (
                name.strip_prefix("chk-").unwrap().parse().unwrap(),
                path.display().to_string(),
            )
        })
        .max()
        .unwrap()
}
