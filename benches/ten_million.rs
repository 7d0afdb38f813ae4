//! How long a dry run takes over ten million files, and its memory: a store that makes up its listings, so that the time is
//! that of scan, plan and summary; and a million on a disk. One process for each row, because a peak of memory cannot be
//! taken back. `docs/performance.md` has what came of it.
//!
//! `cargo bench --bench ten_million`; some rows only: `ROWS=0,3 cargo bench --bench ten_million`.
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a measurement that cannot be made has no result"
)]

#[path = "ten_million/disk.rs"]
mod disk;
#[path = "ten_million/steps.rs"]
mod steps;
#[path = "ten_million/store.rs"]
mod store;

use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use flink_retention::engine::{Consent, MetadataCache, Mode, Observer, Run, Stores, SystemClock};
use retention::evidence::Evidence;
use retention::location::{Location, Origin};
use retention::policy::Policy;
use steps::{MEBIBYTE, Steps, memory};
use store::{MadeUp, Shape};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Clone, Copy)]
enum Place {
    MadeUp,
    Disk,
}

const MILLION: Shape = Shape::new(20, 50_000, 90);
/// By jobs, files in each, and how many of a hundred the snapshots name: each row differs from the million in one way.
const ROWS: [(Place, Shape); 10] = [
    (Place::MadeUp, Shape::new(20, 5_000, 90)),
    (Place::MadeUp, MILLION),
    (Place::Disk, MILLION),
    (Place::MadeUp, Shape::new(200, 5_000, 90)),
    (Place::MadeUp, Shape::new(2_000, 500, 90)),
    (Place::MadeUp, MILLION.snapshots(3)),
    (Place::MadeUp, Shape::new(20, 50_000, 99)),
    (Place::MadeUp, Shape::new(20, 50_000, 50)),
    (Place::MadeUp, Shape::new(200, 50_000, 99)),
    (Place::MadeUp, Shape::new(200, 50_000, 90)),
];
const ONE: &str = "TEN_MILLION_ROW";

fn main() {
    match std::env::var(ONE) {
        Ok(position) => {
            let (place, shape) = ROWS[position.parse::<usize>().unwrap()];
            measure(place, shape);
        }
        Err(_) => each_in_its_own_process(),
    }
}

fn each_in_its_own_process() {
    let rows: Vec<usize> = std::env::var("ROWS").map_or_else(
        |_| (0..ROWS.len()).collect(),
        |rows| rows.split(',').map(|row| row.parse().unwrap()).collect(),
    );
    println!(
        "place   files      jobs  snapshots  named  unnamed    seconds  µs/file  MiB at most  B/file"
    );
    for position in rows {
        let ended = Command::new(std::env::current_exe().unwrap())
            .env(ONE, position.to_string())
            .status();
        assert!(ended.unwrap().success(), "row {position}");
    }
}

fn measure(place: Place, shape: Shape) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut stores = Stores::default();
    let scratch = tempfile::tempdir().unwrap();
    let root = match place {
        Place::MadeUp => store::BUCKET,
        Place::Disk => scratch.path().to_str().unwrap(),
    };
    let root = Location::parse(root, &Origin::default()).unwrap();
    match place {
        Place::MadeUp => stores.add(root.clone(), Arc::new(MadeUp::new(shape))),
        Place::Disk => {
            disk::lay_out(shape, scratch.path());
            let opened = runtime.block_on(storage::LocalStorage::open(scratch.path()));
            stores.add(root.clone(), Arc::new(opened.unwrap()));
        }
    }
    let (cache, policy, steps) = (
        MetadataCache::default(),
        Policy::default(),
        Steps::default(),
    );
    let run = Run {
        observer: &Nobody,
        stores: &stores,
        clock: &SystemClock,
        progress: &steps,
        cache: &cache,
        policy: &policy,
        bases: vec![root.join(store::BASE)],
        scope: None,
        mode: Mode::DryRun,
        consent: Consent::Given,
        owner: None,
        term: None,
        cancel: CancellationToken::new(),
    };
    let empty = memory().at_most;
    let begun = Instant::now();
    let report = runtime.block_on(run.execute()).unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    let unnamed = report.inventory.unreferenced.len();
    assert_eq!(unnamed, shape.unnamed(), "the run saw something else");
    let (files, peak) = (shape.files() as f64, memory().at_most);
    println!(
        "{:<7} {:<10} {:<5} {:<10} {:>3} %  {unnamed:<9} {seconds:8.1} {:8.2} {:12.0} {:7.0}",
        format!("{place:?}"),
        shape.files(),
        shape.jobs,
        shape.snapshots,
        shape.named_percent,
        seconds * 1e6 / files,
        peak / MEBIBYTE,
        (peak - empty) / files,
    );
    println!("        {steps}");
}

#[derive(Debug)]
struct Nobody;

#[async_trait]
impl Observer for Nobody {
    async fn observe(&self) -> Evidence {
        Evidence {
            taken_at: jiff::Timestamp::now(),
            jobs: Vec::new(),
            roots: Vec::new(),
            high_availability_ids: Vec::new(),
            gaps: Vec::new(),
        }
    }
}
