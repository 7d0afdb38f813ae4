//! The measurements behind the picture in the README: one job twice, with the operator and without, killed alike.

use std::fmt::Write;
use std::thread;
use std::time::{Duration, Instant};

use testbed::control_plane::ControlPlane;
use testbed::flink::{FlinkCluster, FlinkVersion, StateBackend};

use crate::disk::Disk;
use crate::leak::Leak;
use crate::scene::{Place, Scene};
use crate::stage::Stage;

const KILLS: u32 = 10;
const BETWEEN_KILLS: Duration = Duration::from_secs(30);
const BETWEEN_RUNS: Duration = Duration::from_secs(5);
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
const HEAD: &str = "second,killed,without_operator_bytes,with_operator_bytes,named_bytes\n";

/// A table with one row a second.
pub(crate) fn film() -> String {
    let mut stage = Stage::set(Scene {
        version: FlinkVersion::V2_3,
        backend: StateBackend::RocksDb,
        place: Place::Volume,
        high_availability: true,
        leak: Leak::JobManagerKills,
    });
    let elsewhere = ControlPlane::start().unwrap();
    let mut alone = stage.another_job(&elsewhere);

    let mut table = HEAD.to_owned();
    let started = Instant::now();
    let (mut next_run, mut kills, mut deleted) = (Duration::ZERO, 0, 0);
    while started.elapsed() < BETWEEN_KILLS * (KILLS + 1) {
        let killed = kills < KILLS && started.elapsed() >= BETWEEN_KILLS * (kills + 1);
        if killed {
            kills += 1;
            stage.flink.restart_job_manager().unwrap();
            alone.restart_job_manager().unwrap();
        }
        let with = stage.disk();
        let without = all_bytes(&alone);
        writeln!(
            table,
            "{:.1},{},{without},{},{}",
            started.elapsed().as_secs_f64(),
            u8::from(killed),
            with.referenced + with.unreferenced_bytes(),
            with.referenced
        )
        .unwrap();
        if started.elapsed() >= next_run {
            next_run = started.elapsed() + BETWEEN_RUNS;
            deleted += stage.run().deleted_bytes();
        }
        thread::sleep(BETWEEN_LOOKS);
    }
    assert!(deleted > 0, "no run has deleted anything: {table}");
    table
}

fn all_bytes(flink: &FlinkCluster) -> u64 {
    let disk = Disk::measure(&[flink.checkpoints_directory()]);
    disk.referenced + disk.unreferenced_bytes()
}
