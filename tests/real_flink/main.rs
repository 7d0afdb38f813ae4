//! The operator beside real Flink: jobs leak as they do in life, the operator deletes what they leaked while they run
//! and after, and Flink restores from what is left, in every claim mode.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod claimed;
mod disk;
mod film;
mod flink_deployment;
mod health;
mod leak;
mod ledger;
mod plot;
mod scene;
mod stage;
mod table;
mod watch;

use std::io::Write;
use std::panic::catch_unwind;
use std::sync::{Mutex, PoisonError};
use std::{env, fs};

use leak::Leak;
use scene::{Place, Scene};
use table::Row;
use testbed::flink::{FlinkVersion, StateBackend};

#[test]
fn flink_1_18_claims_a_native_savepoint() {
    tell(
        FlinkVersion::V1_18,
        StateBackend::RocksDb,
        Leak::NativeSavepoint,
    );
}

#[test]
fn flink_1_20_loses_its_job_manager() {
    tell(
        FlinkVersion::V1_20,
        StateBackend::RocksDb,
        Leak::JobManagerKills,
    );
}

#[test]
fn flink_2_3_loses_its_job_manager() {
    tell(
        FlinkVersion::V2_3,
        StateBackend::RocksDb,
        Leak::JobManagerKills,
    );
}

#[test]
fn flink_2_3_on_forst_loses_its_job_manager() {
    tell(
        FlinkVersion::V2_3,
        StateBackend::ForSt,
        Leak::JobManagerKills,
    );
}

/// All scenes, or those whose name contains one of the words in `SCENES`, separated by semicolons.
#[test]
#[ignore = "takes an hour and a half: make real-flink"]
fn every_scene() {
    let wanted = env::var("SCENES").unwrap_or_default();
    let is_wanted = |scene: &Scene| {
        let name = scene.to_string();
        wanted.split(';').any(|words| name.contains(words.trim()))
    };
    let scenes: Vec<Scene> = Scene::all().into_iter().filter(is_wanted).collect();
    assert!(!scenes.is_empty(), "no scene has {wanted:?} in its name");
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for (index, scene) in scenes.iter().enumerate() {
        say(&format!(
            "==== {} of {}: {scene}\n",
            index + 1,
            scenes.len()
        ));
        match catch_unwind(|| plot::play(*scene)) {
            Ok(outcome) => {
                let row = Row(*scene, &outcome).to_string();
                say(&format!("{}\n{row}\n", outcome.story));
                rows.push(row);
            }
            Err(_) => failed.push(scene.to_string()),
        }
    }
    say(&format!("{}\n{}\n", table::HEAD, rows.join("\n")));
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Writes the table from which the picture in the README is drawn.
#[test]
#[ignore = "takes six minutes: make picture"]
fn the_headline() {
    let table = env::var("TABLE").expect("set TABLE to the file to write");
    fs::write(table, film::film()).unwrap();
}

fn tell(version: FlinkVersion, backend: StateBackend, leak: Leak) {
    // Four Java processes, two API servers and two stores at a time are too much for two cores.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);

    let scene = Scene {
        version,
        backend,
        place: Place::Volume,
        high_availability: true,
        leak,
    };
    let outcome = plot::play(scene);
    say(&format!(
        "{scene}: {}\n{}\n",
        outcome.story,
        Row(scene, &outcome)
    ));
}

/// To standard error itself: what a passing test prints is not shown.
fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
