//! The whole way with nothing made up but the Flink operator: real Flink under Kubernetes HA on a real API server leaks
//! shared state, the operator removes it while the job runs, and Flink restores from what is left.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod flink_deployment;
mod health;
mod ledger;
mod scene;
mod watch;

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use health::Health;
use ledger::Ledger;
use scene::Scene;
use testbed::flink::FlinkVersion;
use watch::Watch;

const KILLS: usize = 3;
/// A bound for loops that end at an event: runs take about a second, the grace period is twenty.
const MOST_RUNS: usize = 60;

#[test]
fn flink_1_20_loses_its_garbage_while_it_runs_and_restores_exactly() {
    tell(FlinkVersion::V1_20);
}

#[test]
fn flink_2_3_loses_its_garbage_while_it_runs_and_restores_exactly() {
    tell(FlinkVersion::V2_3);
}

fn tell(version: FlinkVersion) {
    // Four Java processes, two API servers and two stores at a time are too much for two cores.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);

    let mut scene = Scene::start(version);
    let mut ledger = Ledger::new();
    for _ in 0..KILLS {
        scene.kill_job_manager();
        ledger.note("after a kill", &scene);
    }
    let watch = Watch::start(&scene.flink.job_directory());

    ledger.find_garbage(&mut scene);
    prune_while_it_runs(&mut scene, &mut ledger);
    assert!(
        ledger.share_gone() >= 0.95,
        "less than 95 % of the garbage is gone\n{ledger}"
    );
    scene.wait_for_checkpoints(2);
    let health = Health::of(&scene.flink);
    health.assert_that_no_file_is_gone();

    scene.kill_job_manager();
    ledger.note("after one more kill", &scene);
    Health::of(&scene.flink).assert_that_no_file_is_gone();
    scene.cancel();
    ledger.note("after the cancellation", &scene);
    prune_what_has_ended(&mut scene, &mut ledger);

    let looks = watch.stop();
    assert!(
        looks.missing.is_empty(),
        "{:?} in {} looks",
        looks.missing,
        looks.count
    );
    let latest = scene.latest_restorable();
    scene.restore_and_compare(&latest.path, latest.checkpoint_id);

    tell_what_happened(&format!(
        "Flink {}: {ledger}\nFlink after these runs: {health}\n{} looks at the newest checkpoint, all of its files there each time\nrestored exactly from {}, as the inventory says:\n{}\n{}\n",
        version.release(),
        looks.count,
        latest.path,
        scene.inventory_row(),
        scene.metrics(),
    ));
}

/// Runs follow one another until one deletes: the first marks, a later one notes the witness, and grace must pass.
fn prune_while_it_runs(scene: &mut Scene, ledger: &mut Ledger) {
    for _ in 0..MOST_RUNS {
        let run = scene.run();
        let deleted = run.deleted_bytes();
        ledger.note_run(&run, scene);
        if deleted > 0 {
            assert!(run.number >= 3, "deleted without mark or witness\n{ledger}");
            return;
        }
        scene.wait_for_checkpoints(1);
    }
    panic!("{MOST_RUNS} runs have deleted nothing\n{ledger}");
}

/// Nothing of a job that has ended is in flight, so nothing unreferenced stays.
fn prune_what_has_ended(scene: &mut Scene, ledger: &mut Ledger) {
    for _ in 0..MOST_RUNS {
        if ledger.unreferenced() == 0 {
            return;
        }
        let run = scene.run();
        ledger.note_run(&run, scene);
    }
    panic!("after {MOST_RUNS} runs there is garbage left\n{ledger}");
}

/// To standard error itself: what a passing test prints is not shown.
fn tell_what_happened(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
